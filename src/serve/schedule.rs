//! The rest of the daemon between two runs. Pure.

use crate::clock::Timestamp;
use crate::model::backoff::Backoff;
use std::time::Duration;

/// The outcome of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// Every due task was tried, or none was due, or inference is off.
    Idle,
    /// Another process has a model in memory.
    DeviceBusy,
    /// Tasks are due that nothing here can answer: any commit may change that, and so may time alone.
    Waiting,
    /// Tasks are due but none made progress, or the run failed: an immediate retry would achieve no more.
    NoProgress,
}

/// A rest: only a stop ends it before `at_least`, and it is over after `at_most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    pub at_least: Duration,
    pub at_most: Duration,
}

/// The interval for checking a missing resource (memory, a disk), whose return causes no commit.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The shortest rest, so that many commits in a row cause only one run.
const BRIEF: Duration = Duration::from_millis(200);

/// The schedule of runs. It counts the runs in a row that made no progress.
#[derive(Debug, Clone)]
pub struct PollSchedule {
    poll: Duration,
    fruitless: u32,
}

/// The first wait after a run without progress.
const FRUITLESS: Duration = Duration::from_secs(1);
/// The interval of tries while another process has a model in memory, since its commits carry no useful information.
const BUSY: Duration = Duration::from_secs(1);

impl PollSchedule {
    /// Creates a schedule. `poll` is the interval of runs without any event.
    pub fn new(poll: Duration) -> PollSchedule {
        PollSchedule { poll, fruitless: 0 }
    }

    /// Returns the rest after a run. `due` is the time when the next scheduled task is due.
    pub fn rest(&mut self, outcome: RunOutcome, due: Option<Timestamp>, now: Timestamp) -> Rest {
        self.fruitless = if outcome == RunOutcome::NoProgress { self.fruitless.saturating_add(1) } else { 0 };
        match outcome {
            RunOutcome::Idle => {
                let due = due.map(|due| Duration::from_millis(due.0.saturating_sub(now.0).max(0).unsigned_abs()));
                Rest { at_least: Duration::ZERO, at_most: due.map_or(self.poll, |due| due.min(self.poll)) }
            }
            RunOutcome::DeviceBusy => {
                let step = BUSY.min(self.poll);
                Rest { at_least: step, at_most: step }
            }
            RunOutcome::Waiting => {
                let due = due.map(|due| Duration::from_millis(due.0.saturating_sub(now.0).max(0).unsigned_abs()));
                let at_most = due.map_or(LOOK_AGAIN, |due| due.min(LOOK_AGAIN)).max(BRIEF);
                Rest { at_least: BRIEF, at_most }
            }
            RunOutcome::NoProgress => {
                let backoff = Backoff::doubling(FRUITLESS, self.poll);
                Rest { at_least: backoff.after(self.fruitless), at_most: self.poll }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Duration = Duration::from_secs(30);
    const NOW: Timestamp = Timestamp(1_000_000);

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_quiet_queue_is_looked_at_now_and_then_and_when_a_task_is_due() {
        let mut schedule = PollSchedule::new(POLL);
        let at_most = |schedule: &mut PollSchedule, due| schedule.rest(RunOutcome::Idle, due, NOW).at_most;
        assert_eq!(at_most(&mut schedule, None), POLL);
        assert_eq!(at_most(&mut schedule, Some(Timestamp(NOW.0 + 1_500))), Duration::from_millis(1_500));
        assert_eq!(at_most(&mut schedule, Some(Timestamp(NOW.0 + 3_600_000))), POLL);
        assert_eq!(at_most(&mut schedule, Some(Timestamp(i64::MIN))), Duration::ZERO, "overdue");
    }

    #[test]
    fn what_cannot_work_is_tried_less_and_less_and_never_less_than_the_poll() {
        let mut schedule = PollSchedule::new(POLL);
        let waits: Vec<u64> =
            (0..40).map(|_| schedule.rest(RunOutcome::NoProgress, None, NOW).at_least.as_secs()).collect();
        assert_eq!(waits[..7], [1, 2, 4, 8, 16, 30, 30]);
        assert!(waits[7..].iter().all(|wait| *wait == 30));
        assert_eq!(schedule.rest(RunOutcome::Idle, None, NOW).at_least, Duration::ZERO);
        assert_eq!(
            schedule.rest(RunOutcome::NoProgress, None, NOW).at_least,
            secs(1),
            "one success and it begins anew"
        );
    }

    #[test]
    fn what_a_place_lacks_is_looked_for_with_every_commit_and_often_enough_by_itself() {
        let mut schedule = PollSchedule::new(secs(86_400));
        let brief = Duration::from_millis(200);
        for _ in 0..40 {
            assert_eq!(schedule.rest(RunOutcome::Waiting, None, NOW), Rest { at_least: brief, at_most: secs(30) });
        }
        let soon = schedule.rest(RunOutcome::Waiting, Some(Timestamp(NOW.0 + 1_500)), NOW);
        assert_eq!(soon.at_most, Duration::from_millis(1_500), "a deadline passes");
    }

    #[test]
    fn the_commits_of_who_has_the_model_wake_nobody() {
        let mut schedule = PollSchedule::new(POLL);
        assert_eq!(schedule.rest(RunOutcome::DeviceBusy, Some(NOW), NOW), Rest { at_least: secs(1), at_most: secs(1) });
    }
}

//! How long the daemon rests between two runs. Pure.

use crate::clock::Timestamp;
use std::time::Duration;

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Everything that was due was tried, or nothing was, or inference is off.
    Through,
    /// Another process has a model in memory.
    Busy,
    /// Tasks are due and nothing became of any, or the run broke off: trying at once again would be as much use.
    Stuck,
}

/// A rest: nothing ends it before `at_least`, and it is over after `at_most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    pub at_least: Duration,
    pub at_most: Duration,
}

/// Remembers how often in a row nothing came of it.
#[derive(Debug, Clone)]
pub struct Pacer {
    poll: Duration,
    stuck: u32,
}

/// While another process has the model its commits tell nothing of use, and it is waited for in such steps.
const BUSY: Duration = Duration::from_secs(1);

impl Pacer {
    /// `poll`: how often tasks are looked for that nobody told of.
    pub fn new(poll: Duration) -> Pacer {
        Pacer { poll, stuck: 0 }
    }

    /// The rest after a run. `due`: when the next task that waits for its time is due.
    pub fn rest(&mut self, came: Came, due: Option<Timestamp>, now: Timestamp) -> Rest {
        self.stuck = if came == Came::Stuck { self.stuck.saturating_add(1) } else { 0 };
        match came {
            Came::Through => {
                let due = due.map(|due| Duration::from_millis(due.0.saturating_sub(now.0).max(0).unsigned_abs()));
                Rest { at_least: Duration::ZERO, at_most: due.map_or(self.poll, |due| due.min(self.poll)) }
            }
            Came::Busy => {
                let step = BUSY.min(self.poll);
                Rest { at_least: step, at_most: step }
            }
            Came::Stuck => {
                let longer = Duration::from_secs(1u64 << (self.stuck - 1).min(16));
                Rest { at_least: longer.min(self.poll), at_most: self.poll }
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
        let mut pacer = Pacer::new(POLL);
        let at_most = |pacer: &mut Pacer, due| pacer.rest(Came::Through, due, NOW).at_most;
        assert_eq!(at_most(&mut pacer, None), POLL);
        assert_eq!(at_most(&mut pacer, Some(Timestamp(NOW.0 + 1_500))), Duration::from_millis(1_500));
        assert_eq!(at_most(&mut pacer, Some(Timestamp(NOW.0 + 3_600_000))), POLL);
        assert_eq!(at_most(&mut pacer, Some(Timestamp(i64::MIN))), Duration::ZERO, "overdue");
    }

    #[test]
    fn what_cannot_work_is_tried_less_and_less_and_never_less_than_the_poll() {
        let mut pacer = Pacer::new(POLL);
        let waits: Vec<u64> = (0..40).map(|_| pacer.rest(Came::Stuck, None, NOW).at_least.as_secs()).collect();
        assert_eq!(waits[..7], [1, 2, 4, 8, 16, 30, 30]);
        assert!(waits[7..].iter().all(|wait| *wait == 30));
        assert_eq!(pacer.rest(Came::Through, None, NOW).at_least, Duration::ZERO);
        assert_eq!(pacer.rest(Came::Stuck, None, NOW).at_least, secs(1), "one success and it begins anew");
    }

    #[test]
    fn the_commits_of_who_has_the_model_wake_nobody() {
        let mut pacer = Pacer::new(POLL);
        assert_eq!(pacer.rest(Came::Busy, Some(NOW), NOW), Rest { at_least: secs(1), at_most: secs(1) });
    }
}

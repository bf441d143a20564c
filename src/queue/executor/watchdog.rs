//! The decision when a worker has to be killed, and which task is to blame, from its signs of life. Pure.
//!
//! A worker enforces the limits of its tasks itself, between two steps. A worker that hangs enforces none: in a driver,
//! on a dead disk, in a grammar without an end, stopped by a signal. So the executor, which cannot hang with it,
//! enforces them too, by killing the worker. Only the thread that decodes produces signs of life.

use crate::model::task::TaskId;
use crate::worker::{ACCEPT, LATE, SILENCE};
use std::time::{Duration, Instant};

/// A request that was sent and has no answer yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct PendingRequest {
    pub id: TaskId,
    pub at: Instant,
    /// The time limit, counted from `at`.
    pub limit: Option<Duration>,
    /// Whether the worker has read the request and built its prompt.
    pub is_accepted: bool,
    /// Whether the thread that decodes is stuck in work for this request alone.
    pub is_standing: bool,
}

/// The signs of life of the worker as a whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct WorkerSigns {
    /// The last sign of life, or the time when the worker got work after it had none.
    pub at: Instant,
    /// The longest time between two signs while it had work: its longest step.
    pub longest: Duration,
    /// The time of an aborted request that the worker may still be processing.
    pub called_back: Option<Instant>,
}

/// The decision about the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    Keep,
    Kill {
        /// The tasks that it hangs for.
        culprits: Vec<TaskId>,
        /// Whether one of the others may be the culprit.
        suspects: bool,
        why: String,
    },
}

/// Decides about the worker at `now`.
pub(super) fn decide(now: Instant, asked: &[PendingRequest], worker: WorkerSigns) -> Decision {
    let since = |at: Instant| now.saturating_duration_since(at);
    let silent = since(worker.at);
    // The tolerance is bounded, even if one step once took very long: other tasks wait.
    let step = LATE.saturating_add(worker.longest.min(SILENCE));
    let shown = |time: Duration| humantime::format_duration(Duration::from_secs(time.as_secs())).to_string();
    let standing: Vec<TaskId> = asked.iter().filter(|a| a.is_standing).map(|a| a.id).collect();
    let kill = |culprits: Vec<TaskId>, why: String| {
        let suspects = culprits.is_empty();
        Decision::Kill { culprits, suspects, why }
    };
    // The culprit of a silent worker is unknown, unless a request is marked as stuck or there is only one request.
    let to_blame = || match asked {
        [only] => vec![only.id],
        _ => standing.clone(),
    };
    let late: Vec<&PendingRequest> =
        asked.iter().filter(|a| a.limit.is_some_and(|limit| since(a.at) > limit.saturating_add(step))).collect();
    if let Some(limit) = late.first().and_then(|a| a.limit) {
        let why = format!("an answer did not end at its limit of {}", humantime::format_duration(limit));
        let culprits = if silent > step { to_blame() } else { late.iter().map(|a| a.id).collect() };
        return kill(culprits, why);
    }
    let is_any_accepted = asked.iter().any(|a| a.is_accepted);
    if let Some(called_back) = worker.called_back
        && is_any_accepted
        && silent > step
        && since(called_back) > step
    {
        let why = "it does not stop a canceled task".to_owned();
        // The aborted request is no longer among the tasks; those that run next to it are not to blame.
        return Decision::Kill { culprits: standing, suspects: false, why };
    }
    let patience = SILENCE.saturating_add(worker.longest.min(SILENCE).saturating_mul(2));
    let unread: Vec<TaskId> =
        asked.iter().filter(|a| !a.is_accepted && since(a.at) > ACCEPT.max(patience)).map(|a| a.id).collect();
    if let Some(first) = asked.iter().find(|a| unread.contains(&a.id)) {
        return kill(unread, format!("it has been reading a request for {}", shown(since(first.at))));
    }
    if is_any_accepted && silent > patience {
        return kill(to_blame(), format!("it did not respond for {}", shown(silent)));
    }
    Decision::Keep
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    /// Tests count seconds from here.
    fn start() -> Instant {
        clock::instant()
    }

    fn asked(id: u64, at: Instant, limit: Option<u64>) -> PendingRequest {
        let limit = limit.map(Duration::from_secs);
        PendingRequest { id: TaskId(id), at, limit, is_accepted: true, is_standing: false }
    }

    fn heard(at: Instant) -> WorkerSigns {
        WorkerSigns { at, longest: SECOND, called_back: None }
    }

    fn culprits(decision: Decision) -> (Vec<u64>, bool) {
        match decision {
            Decision::Kill { culprits, suspects, .. } => (culprits.iter().map(|id| id.0).collect(), suspects),
            Decision::Keep => panic!("kept"),
        }
    }

    #[test]
    fn a_limit_is_kept_within_the_longest_step() {
        let t = start();
        let at = |s: u32| t + SECOND * s;
        let task = [asked(1, t, Some(4))];
        // It decodes and has its own last word still to say.
        assert_eq!(decide(at(9), &task, heard(at(9))), Decision::Keep);
        assert_eq!(culprits(decide(at(11), &task, heard(at(11)))), (vec![1], false));
        // A step that took 20 s once is waited for.
        let slow = WorkerSigns { longest: SECOND * 20, ..heard(at(2)) };
        assert_eq!(decide(at(28), &task, slow), Decision::Keep);
        assert_eq!(culprits(decide(at(30), &task, slow)), (vec![1], false));
        // Without a limit nothing ends it as long as it decodes.
        assert_eq!(decide(at(86_400), &[asked(1, t, None)], heard(at(86_399))), Decision::Keep);
    }

    #[test]
    fn of_several_in_a_silent_worker_the_one_it_stands_still_for_is_to_blame_and_else_nobody_yet() {
        let t = start();
        let at = |s: u32| t + SECOND * s;
        let (with_limit, without) = (asked(1, t, Some(3)), asked(2, t, None));
        assert_eq!(culprits(decide(at(10), &[with_limit, without], heard(t))), (vec![], true));
        let standing = PendingRequest { is_standing: true, ..without };
        assert_eq!(culprits(decide(at(10), &[with_limit, standing], heard(t))), (vec![2], false));
        // The worker goes on for the other: the late one is the culprit.
        assert_eq!(culprits(decide(at(10), &[with_limit, without], heard(at(10)))), (vec![1], false));
    }

    #[test]
    fn a_worker_that_is_silent_for_long_hangs_also_where_nobody_set_a_limit() {
        let t = start();
        let at = |s: u32| t + SECOND * s;
        let all = [asked(1, t, None), asked(2, t, None)];
        assert_eq!(decide(at(61), &all, heard(t)), Decision::Keep);
        assert_eq!(culprits(decide(at(63), &all, heard(t))), (vec![], true));
        assert_eq!(culprits(decide(at(63), &all[..1], heard(t))), (vec![1], false));
        assert_eq!(decide(at(63), &[], heard(t)), Decision::Keep, "it has nothing to do");
    }

    #[test]
    fn what_was_cancelled_and_is_not_let_go_of_ends_the_worker_and_blames_none_of_the_others() {
        let t = start();
        let at = |s: u32| t + SECOND * s;
        let others = [asked(2, t, None), asked(3, t, None)];
        let worker = WorkerSigns { called_back: Some(at(10)), ..heard(at(10)) };
        assert_eq!(decide(at(15), &others, worker), Decision::Keep);
        assert_eq!(culprits(decide(at(17), &others, worker)), (vec![], false));
        assert_eq!(decide(at(17), &others, WorkerSigns { at: at(16), ..worker }), Decision::Keep, "it goes on");
        let unread = [PendingRequest { is_accepted: false, ..others[0] }];
        assert_eq!(decide(at(17), &unread, worker), Decision::Keep, "it has nothing to decode yet");
    }

    #[test]
    fn a_request_that_is_never_read_is_the_culprit_while_the_worker_goes_on_for_others() {
        let t = start();
        let at = |s: u32| t + SECOND * s;
        let unread = PendingRequest { is_accepted: false, ..asked(1, t, None) };
        let other = asked(2, t, None);
        assert_eq!(decide(at(100), &[unread, other], heard(at(99))), Decision::Keep, "a long prompt takes its time");
        assert_eq!(culprits(decide(at(125), &[unread, other], heard(at(124)))), (vec![1], false));
        let limited = PendingRequest { limit: Some(SECOND * 3), ..unread };
        assert_eq!(culprits(decide(at(10), &[limited, other], heard(at(9)))), (vec![1], false));
    }
}

//! What may follow on what in the life of a task: pure functions from a ticket, an event and a moment to the new
//! ticket, or to the reason why not. Every store calls these inside its own transaction and writes what they say; no
//! store decides anything itself.
//!
//! Two rules carry the promise "runs at least once, recorded once". A worker's write must show the token of its own
//! claim, and the ticket must be running: what comes late is refused, never merged. And what is counted is counted
//! before the risky step, so that a crash cannot forget it.
//!
//! Three kinds of death are told apart, since only one of them speaks against the task:
//! - Its *worker* dies, the process that holds the model, while nothing else ran in it: a crash. Few are forgiven
//!   ([`Policy::max_crashes`](super::Policy)), then the task has failed.
//! - Its *executor* dies (a kill -9, a reboot, a power cut) or falls silent until its lease is over: an interruption.
//!   The task is due at once, from the third on after a wait that grows, so that a task which takes the machine with it
//!   lets others pass. So many are forgiven ([`Policy::max_interruptions`](super::Policy)) that no healthy task meets
//!   the limit, and yet there is one.
//! - Its executor *leaves it behind* because it cannot write (a full disk), and says so: that costs nothing.

use super::{
    AttemptEnd, ErrorKind, Hold, Jitter, Lease, Moment, NewTask, OwnerId, Phase, TaskError, TaskId, TaskResult,
    TaskState, Ticket,
};
use crate::model::ModelId;

/// What a store has to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub ticket: Ticket,
    /// How the attempt that was going on ended, under the token the ticket had before.
    pub closes: Option<(AttemptEnd, Option<TaskError>)>,
    /// A new attempt begins, under the ticket's new token.
    pub opens: bool,
    pub answer: Answer,
}

/// What happens to the stored result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Leave,
    Put(TaskResult),
    Drop,
}

/// Why an event cannot happen to a ticket. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no task {0}")]
    Unknown(TaskId),
    /// The lease was lost: somebody else holds the task, or nobody does any more.
    #[error("the claim on task {id} is over: it is {state}")]
    Stale { id: TaskId, state: TaskState },
    #[error("task {id} is already {state}")]
    Finished { id: TaskId, state: TaskState },
    #[error("task {id} is {state}: there is nothing to try again")]
    NotFinished { id: TaskId, state: TaskState },
    #[error("task {0} has already been tried with a second model")]
    SwapUsed(TaskId),
    #[error("task {0} has killed its worker as often as is forgiven")]
    Crashed(TaskId),
}

/// How a worker's attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Done(TaskResult),
    /// Tried again after a wait while attempts are left.
    Failed {
        error: TaskError,
        jitter: Jitter,
    },
    /// Another attempt would fail the same way.
    FailedForGood(TaskError),
    /// The worker died, and this task alone was in it. Counted as a crash in place of an attempt, and tried again after
    /// a wait while crashes are forgiven.
    Crashed {
        error: TaskError,
        jitter: Jitter,
    },
    /// Not the task's fault: the worker shuts down. Costs no attempt, and the task keeps its place.
    GivenBack,
}

impl Change {
    fn to(ticket: Ticket) -> Change {
        Change { ticket, closes: None, opens: false, answer: Answer::Leave }
    }

    fn closing(self, end: AttemptEnd, error: Option<TaskError>) -> Change {
        Change { closes: Some((end, error)), ..self }
    }
}

/// A task that is handed in.
pub fn enqueue(id: TaskId, new: &NewTask, at: Moment) -> Ticket {
    let (phase, ready) = match new.not_before {
        Some(until) if until > at.now => (Phase::Scheduled { until }, until),
        _ => (Phase::Queued, at.now),
    };
    Ticket {
        id,
        batch: new.batch.clone(),
        key: new.key.clone(),
        priority: new.priority,
        wish: new.wish.clone(),
        created: at.now,
        not_before: new.not_before,
        deadline: new.deadline,
        timeout_ms: new.timeout_ms,
        max_attempts: new.max_attempts.max(1),
        phase,
        ready,
        token: 0,
        round: 0,
        attempts: 0,
        crashes: 0,
        interruptions: 0,
        swaps: 0,
        model: None,
        error: None,
    }
}

/// A worker takes a task that is due. What it gets is either running or, where the deadline has passed, failed.
pub fn claim(ticket: &Ticket, owner: &OwnerId, at: Moment) -> Result<Change, Refusal> {
    if ticket.phase != Phase::Queued {
        return Err(stale(ticket));
    }
    if is_expired(ticket, at) {
        return Ok(expired(ticket, at));
    }
    let lease = Lease { owner: owner.clone(), until: at.after(at.policy.lease_ms), since: at.now };
    let next = Ticket {
        phase: Phase::Running(lease),
        token: ticket.token.saturating_add(1),
        attempts: ticket.attempts.saturating_add(1),
        model: None,
        ..ticket.clone()
    };
    Ok(Change { opens: true, ..Change::to(next) })
}

/// The worker says which model it is about to use, before it loads it: if it dies, the journal says under what.
pub fn assign(ticket: &Ticket, hold: Hold, model: &ModelId) -> Result<Change, Refusal> {
    held(ticket, hold)?;
    Ok(Change::to(Ticket { model: Some(model.clone()), ..ticket.clone() }))
}

/// The worker is alive and gets on. Accepted after the lease ran out as well, as long as nobody noticed.
pub fn renew(ticket: &Ticket, hold: Hold, at: Moment) -> Result<Change, Refusal> {
    let lease = held(ticket, hold)?;
    let lease = Lease { until: at.after(at.policy.lease_ms), ..lease.clone() };
    Ok(Change::to(Ticket { phase: Phase::Running(lease), ..ticket.clone() }))
}

/// The model failed and another is to be tried, once per round. To be committed before that one is loaded. The new
/// token makes the first model's late answer stale. Where the model failed by a crash (`why` is of that kind), it is
/// counted in the same step.
pub fn swap(ticket: &Ticket, hold: Hold, to: &ModelId, why: &TaskError, at: Moment) -> Result<Change, Refusal> {
    let lease = held(ticket, hold)?;
    if ticket.swaps >= 1 {
        return Err(Refusal::SwapUsed(ticket.id));
    }
    let is_crash = why.kind == ErrorKind::KilledWorker;
    if is_crash && ticket.crashes >= at.policy.max_crashes {
        return Err(Refusal::Crashed(ticket.id));
    }
    let lease = Lease { until: at.after(at.policy.lease_ms), since: at.now, ..lease.clone() };
    let next = Ticket {
        phase: Phase::Running(lease),
        token: ticket.token.saturating_add(1),
        crashes: ticket.crashes.saturating_add(u32::from(is_crash)),
        swaps: ticket.swaps.saturating_add(1),
        model: Some(to.clone()),
        error: Some(why.clone()),
        ..ticket.clone()
    };
    let end = if is_crash { AttemptEnd::Crashed } else { AttemptEnd::Swapped };
    Ok(Change { opens: true, ..Change::to(next).closing(end, Some(why.clone())) })
}

/// The worker's attempt has ended.
pub fn finish(ticket: &Ticket, hold: Hold, end: End, at: Moment) -> Result<Change, Refusal> {
    held(ticket, hold)?;
    let change = match end {
        End::Done(result) => {
            let next = Ticket {
                phase: Phase::Done { at: at.now },
                model: Some(result.model.clone()),
                error: None,
                ..ticket.clone()
            };
            Change { answer: Answer::Put(result), ..Change::to(next).closing(AttemptEnd::Done, None) }
        }
        End::Failed { error, jitter } => {
            let until = at.after(at.policy.backoff(ticket.attempts, jitter));
            let in_time = ticket.deadline.is_none_or(|deadline| until < deadline);
            let next = if ticket.attempts < ticket.max_attempts && in_time {
                let phase = Phase::Scheduled { until };
                Ticket { phase, ready: until, error: Some(error.clone()), ..ticket.clone() }
            } else {
                failed(ticket, &error, at)
            };
            Change::to(next).closing(AttemptEnd::Failed, Some(error))
        }
        End::FailedForGood(error) => Change::to(failed(ticket, &error, at)).closing(AttemptEnd::Failed, Some(error)),
        End::Crashed { error, jitter } => crashed(ticket, error, jitter, at),
        End::GivenBack => given_back(ticket),
    };
    Ok(change)
}

/// A person wants it no more. A worker that is at it finds its next write refused.
pub fn cancel(ticket: &Ticket, at: Moment) -> Result<Change, Refusal> {
    let state = ticket.state();
    if state.is_finished() {
        return Err(Refusal::Finished { id: ticket.id, state });
    }
    let change = Change::to(Ticket { phase: Phase::Cancelled { at: at.now }, ..ticket.clone() });
    Ok(if state == TaskState::Running { change.closing(AttemptEnd::Cancelled, None) } else { change })
}

/// A person wants it tried again: one that has ended starts over with all its attempts, one that waits after an
/// error is due now. A deadline that has passed no longer counts.
pub fn retry(ticket: &Ticket, at: Moment) -> Result<Change, Refusal> {
    let state = ticket.state();
    if is_backing_off(ticket) {
        return Ok(Change::to(Ticket { phase: Phase::Queued, ready: at.now, ..ticket.clone() }));
    }
    if !state.is_finished() {
        return Err(Refusal::NotFinished { id: ticket.id, state });
    }
    let next = Ticket {
        phase: Phase::Queued,
        ready: at.now,
        round: ticket.round.saturating_add(1),
        attempts: 0,
        crashes: 0,
        interruptions: 0,
        swaps: 0,
        model: None,
        error: None,
        deadline: ticket.deadline.filter(|deadline| *deadline > at.now),
        ..ticket.clone()
    };
    Ok(Change { answer: Answer::Drop, ..Change::to(next) })
}

/// The key of a task that has ended is handed in again, to replace it.
pub fn replace(ticket: &Ticket, new: &NewTask, at: Moment) -> Result<Change, Refusal> {
    let state = ticket.state();
    if !state.is_finished() {
        return Err(Refusal::NotFinished { id: ticket.id, state });
    }
    let next = Ticket { token: ticket.token, round: ticket.round.saturating_add(1), ..enqueue(ticket.id, new, at) };
    Ok(Change { answer: Answer::Drop, ..Change::to(next) })
}

/// Whether the owner of a lease is known to be dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Dead,
    /// Gone as well, and has said before that it could not give back what it held.
    LeftBehind,
    /// Alive, or on no evidence either way: the lease decides.
    MayLive,
}

/// What time alone does to a ticket, and the death of an owner: crashes are noticed, what is due is queued, what is
/// too late fails. None when there is nothing to do.
///
/// A clock that was set back leaves times in the far future; none is ever further away than the policy could have
/// put it, so those are drawn in to what it would be now. A time that a person gave is left alone.
pub fn tidy(ticket: &Ticket, owner: Owner, at: Moment) -> Option<Change> {
    match &ticket.phase {
        Phase::Running(_) if owner == Owner::LeftBehind => Some(given_back(ticket)),
        Phase::Running(lease) if owner == Owner::Dead || lease.until <= at.now => Some(interrupted(ticket, at)),
        Phase::Running(lease) if lease.until > at.after(at.policy.lease_ms) => {
            let lease = Lease { until: at.after(at.policy.lease_ms), ..lease.clone() };
            Some(Change::to(Ticket { phase: Phase::Running(lease), ..ticket.clone() }))
        }
        Phase::Queued | Phase::Scheduled { .. } if is_expired(ticket, at) => Some(expired(ticket, at)),
        Phase::Scheduled { until } if *until <= at.now => {
            Some(Change::to(Ticket { phase: Phase::Queued, ready: *until, ..ticket.clone() }))
        }
        Phase::Scheduled { until } if is_backing_off(ticket) && *until > at.after(at.policy.longest_backoff()) => {
            let until = at.after(at.policy.longest_backoff());
            Some(Change::to(Ticket { phase: Phase::Scheduled { until }, ready: until, ..ticket.clone() }))
        }
        _ => None,
    }
}

/// The worker died under it. The attempt is counted as a crash instead.
fn crashed(ticket: &Ticket, error: TaskError, jitter: Jitter, at: Moment) -> Change {
    let crashes = ticket.crashes.saturating_add(1);
    let base = Ticket { crashes, attempts: ticket.attempts.saturating_sub(1), ..ticket.clone() };
    let until = at.after(at.policy.backoff(crashes, jitter));
    let in_time = ticket.deadline.is_none_or(|deadline| until < deadline);
    let (next, error) = if crashes > at.policy.max_crashes {
        let message = format!("killed its worker, {}: {}", times(crashes), error.message);
        let error = TaskError::new(ErrorKind::KilledWorker, message);
        (failed(&base, &error, at), error)
    } else if in_time {
        (Ticket { phase: Phase::Scheduled { until }, ready: until, error: Some(error.clone()), ..base }, error)
    } else {
        (failed(&base, &error, at), error)
    };
    Change::to(next).closing(AttemptEnd::Crashed, Some(error))
}

/// The executor died under it, or nothing was heard of it for the length of a lease. The attempt is counted as an
/// interruption instead.
fn interrupted(ticket: &Ticket, at: Moment) -> Change {
    let interruptions = ticket.interruptions.saturating_add(1);
    let base = Ticket { interruptions, attempts: ticket.attempts.saturating_sub(1), ..ticket.clone() };
    let (next, error) = if interruptions > at.policy.max_interruptions {
        let message = format!("its executor died under it or fell silent, {}", times(interruptions));
        let error = TaskError::new(ErrorKind::Interrupted, message);
        (failed(&base, &error, at), error)
    } else {
        let error = TaskError::new(ErrorKind::Interrupted, "its executor died or fell silent");
        let base = Ticket { error: Some(error.clone()), ..base };
        let next = match interruptions.checked_sub(AT_ONCE).filter(|later| *later > 0) {
            None => Ticket { phase: Phase::Queued, ..base },
            Some(later) => {
                let until = at.after(at.policy.backoff(later, Jitter::default()));
                Ticket { phase: Phase::Scheduled { until }, ready: until, ..base }
            }
        };
        (next, error)
    };
    Change::to(next).closing(AttemptEnd::Interrupted, Some(error))
}

/// After so many interruptions a task is due at once; after each further one it waits.
const AT_ONCE: u32 = 2;

fn times(number: u32) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

fn given_back(ticket: &Ticket) -> Change {
    let next = Ticket { phase: Phase::Queued, attempts: ticket.attempts.saturating_sub(1), ..ticket.clone() };
    Change::to(next).closing(AttemptEnd::GivenBack, None)
}

fn failed(ticket: &Ticket, error: &TaskError, at: Moment) -> Ticket {
    Ticket { phase: Phase::Failed { at: at.now }, error: Some(error.clone()), ..ticket.clone() }
}

fn is_expired(ticket: &Ticket, at: Moment) -> bool {
    ticket.deadline.is_some_and(|deadline| deadline <= at.now)
}

fn expired(ticket: &Ticket, at: Moment) -> Change {
    let error = TaskError::new(ErrorKind::Expired, "its deadline passed before it could run");
    Change::to(failed(ticket, &error, at))
}

/// Waiting after an error, not for a time that a person gave.
fn is_backing_off(ticket: &Ticket) -> bool {
    let has_run = ticket.attempts > 0 || ticket.crashes > 0 || ticket.interruptions > 0;
    matches!(ticket.phase, Phase::Scheduled { .. }) && has_run
}

fn held(ticket: &Ticket, hold: Hold) -> Result<&Lease, Refusal> {
    match &ticket.phase {
        Phase::Running(lease) if ticket.token == hold.token && ticket.id == hold.id => Ok(lease),
        _ => Err(stale(ticket)),
    }
}

fn stale(ticket: &Ticket) -> Refusal {
    Refusal::Stale { id: ticket.id, state: ticket.state() }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod machine_tests;

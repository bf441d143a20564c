//! The allowed transitions in the life of a task: pure functions from a ticket, an event and a moment to the new
//! ticket, or to a refusal. Every store calls these functions inside its own transaction and writes their result; no
//! store decides anything itself.
//!
//! Two rules ensure that a task "runs at least once, and is recorded once". A worker's write must show the token of its
//! own claim and the owner of that claim, and the ticket must be running: a late write is refused, never merged. And
//! counters are incremented before the risky step, so that a crash cannot lose the count.
//!
//! Three kinds of death are distinguished, since only the first counts against the task:
//! - Its *worker*, the process that holds the model, dies while nothing else ran in it: a crash. A few are forgiven
//!   ([`Policy::max_crashes`](super::Policy)), then the task has failed.
//! - Its *executor* dies (a kill -9, a reboot, a power cut) or stays silent until its lease is over: an interruption.
//!   The task is due again at once, and from the third interruption on after a wait that grows, so that a task which
//!   takes the whole machine down lets others run first. The limit ([`Policy::max_interruptions`](super::Policy)) is so
//!   high that no harmless task reaches it.
//! - Its executor *leaves it behind* because it cannot write (a full disk), and records that: this costs the task
//!   nothing.

use super::{
    AttemptEnd, ErrorKind, Hold, Jitter, Lease, Moment, NewTask, OwnerId, Phase, TaskError, TaskId, TaskResult,
    TaskState, Ticket,
};
use crate::model::ModelId;

/// The changes that a store has to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub ticket: Ticket,
    /// The end of the running attempt, under the token that the ticket had before.
    pub ends_attempt: Option<(AttemptEnd, Option<TaskError>)>,
    /// Whether a new attempt starts, under the ticket's new token.
    pub starts_attempt: bool,
    pub answer: Answer,
}

/// The change of the stored result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Leave,
    Put(TaskResult),
    Drop,
}

/// The reason why an event is not allowed for a ticket. The ticket is then unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no task {0}")]
    Unknown(TaskId),
    /// The lease was lost: another worker holds the task, or none does.
    #[error("the claim on task {id} is over: it is {state}")]
    Stale { id: TaskId, state: TaskState },
    #[error("task {id} is already {state}")]
    Finished { id: TaskId, state: TaskState },
    #[error("task {id} is {state}: nothing to retry")]
    NotFinished { id: TaskId, state: TaskState },
    #[error("task {0} has already been tried with a second model")]
    SwapUsed(TaskId),
    #[error("task {0} has killed its worker too often")]
    Crashed(TaskId),
}

/// The end of a worker's attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Done(TaskResult),
    /// The attempt failed. The task is tried again after a wait while attempts are left.
    Failed {
        error: TaskError,
        jitter: Jitter,
    },
    /// The attempt failed, and another attempt would fail the same way.
    FailedForGood(TaskError),
    /// The worker died while this task was the only one in it. Counted as a crash instead of an attempt, and the task
    /// is tried again after a wait while crashes are forgiven.
    Crashed {
        error: TaskError,
        jitter: Jitter,
    },
    /// The worker shuts down, for no fault of the task. This costs no attempt, and the task keeps its place.
    GivenBack,
}

impl Change {
    fn to(ticket: Ticket) -> Change {
        Change { ticket, ends_attempt: None, starts_attempt: false, answer: Answer::Leave }
    }

    fn ending_attempt(self, end: AttemptEnd, error: Option<TaskError>) -> Change {
        Change { ends_attempt: Some((end, error)), ..self }
    }
}

/// Creates the ticket of a task that is handed in.
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
        fallback: new.fallback,
    }
}

/// Claims a due task for a worker. The task is then running or, if its deadline has passed, failed.
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
    Ok(Change { starts_attempt: true, ..Change::to(next) })
}

/// Records the model that the worker is about to load. If the worker dies, the attempt shows the model.
pub fn assign(ticket: &Ticket, hold: Hold, model: &ModelId) -> Result<Change, Refusal> {
    held(ticket, hold)?;
    Ok(Change::to(Ticket { model: Some(model.clone()), ..ticket.clone() }))
}

/// Extends the lease of a worker that is alive and makes progress. Also accepted after the lease ran out, as long as no
/// other executor has noticed that.
pub fn renew(ticket: &Ticket, hold: Hold, at: Moment) -> Result<Change, Refusal> {
    let lease = held(ticket, hold)?;
    let lease = Lease { until: at.after(at.policy.lease_ms), ..lease.clone() };
    Ok(Change::to(Ticket { phase: Phase::Running(lease), ..ticket.clone() }))
}

/// Moves the task to another model because the first one failed, once per round. Must be committed before the other
/// model is loaded. The new token makes a late answer of the first model stale. If the model failed by a crash (`why`
/// is of that kind), the crash is counted in the same step.
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
    Ok(Change { starts_attempt: true, ..Change::to(next).ending_attempt(end, Some(why.clone())) })
}

/// Ends the worker's attempt.
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
            Change { answer: Answer::Put(result), ..Change::to(next).ending_attempt(AttemptEnd::Done, None) }
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
            Change::to(next).ending_attempt(AttemptEnd::Failed, Some(error))
        }
        End::FailedForGood(error) => {
            Change::to(failed(ticket, &error, at)).ending_attempt(AttemptEnd::Failed, Some(error))
        }
        End::Crashed { error, jitter } => crashed(ticket, error, jitter, at),
        End::GivenBack => given_back(ticket),
    };
    Ok(change)
}

/// Cancels the task for a person. A worker that is running it finds its next write refused.
pub fn cancel(ticket: &Ticket, at: Moment) -> Result<Change, Refusal> {
    let state = ticket.state();
    if state.is_finished() {
        return Err(Refusal::Finished { id: ticket.id, state });
    }
    let change = Change::to(Ticket { phase: Phase::Cancelled { at: at.now }, ..ticket.clone() });
    Ok(if state == TaskState::Running { change.ending_attempt(AttemptEnd::Cancelled, None) } else { change })
}

/// Retries the task for a person: a task that has ended starts over with all its attempts, one that waits after an
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

/// Replaces a task that has ended by a new one with the same key.
pub fn replace(ticket: &Ticket, new: &NewTask, at: Moment) -> Result<Change, Refusal> {
    let state = ticket.state();
    if !state.is_finished() {
        return Err(Refusal::NotFinished { id: ticket.id, state });
    }
    let next = Ticket { token: ticket.token, round: ticket.round.saturating_add(1), ..enqueue(ticket.id, new, at) };
    Ok(Change { answer: Answer::Drop, ..Change::to(next) })
}

/// The knowledge about the owner of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The owner died without giving back its tasks.
    Crashed,
    /// The owner is dead and recorded before that it could not give back its tasks.
    Unreleased,
    /// The owner is alive, or nothing is known: the lease decides.
    MayLive,
}

/// Applies the passing of time and the death of an owner to a ticket: crashes are noticed, scheduled tasks become due,
/// and tasks whose deadline passed fail. None when there is nothing to do.
///
/// A clock that was set back leaves times in the far future. A time further away than the policy allows is moved to the
/// time that the policy would give now. A time that a person gave is not changed.
pub fn on_time_passed(ticket: &Ticket, owner: Owner, at: Moment) -> Option<Change> {
    match &ticket.phase {
        Phase::Running(_) if owner == Owner::Unreleased => Some(given_back(ticket)),
        Phase::Running(lease) if owner == Owner::Crashed || lease.until <= at.now => Some(interrupted(ticket, at)),
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

/// Counts a crash in place of the attempt: the worker died during it.
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
    Change::to(next).ending_attempt(AttemptEnd::Crashed, Some(error))
}

/// Counts an interruption in place of the attempt: the executor died during it, or was silent for the length of a
/// lease.
fn interrupted(ticket: &Ticket, at: Moment) -> Change {
    let interruptions = ticket.interruptions.saturating_add(1);
    let base = Ticket { interruptions, attempts: ticket.attempts.saturating_sub(1), ..ticket.clone() };
    let (next, error) = if interruptions > at.policy.max_interruptions {
        let message = format!("its worker process died or stopped responding, {}", times(interruptions));
        let error = TaskError::new(ErrorKind::Interrupted, message);
        (failed(&base, &error, at), error)
    } else {
        let error = TaskError::new(ErrorKind::Interrupted, "its worker process died or stopped responding");
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
    Change::to(next).ending_attempt(AttemptEnd::Interrupted, Some(error))
}

/// The number of interruptions after which a task is still due at once; after each further one it waits.
const AT_ONCE: u32 = 2;

fn times(number: u32) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

fn given_back(ticket: &Ticket) -> Change {
    let next = Ticket { phase: Phase::Queued, attempts: ticket.attempts.saturating_sub(1), ..ticket.clone() };
    Change::to(next).ending_attempt(AttemptEnd::GivenBack, None)
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

/// Returns whether the task waits after an error, and not for a time that a person gave.
fn is_backing_off(ticket: &Ticket) -> bool {
    let has_run = ticket.attempts > 0 || ticket.crashes > 0 || ticket.interruptions > 0;
    matches!(ticket.phase, Phase::Scheduled { .. }) && has_run
}

fn held(ticket: &Ticket, hold: Hold) -> Result<&Lease, Refusal> {
    match &ticket.phase {
        Phase::Running(lease)
            if ticket.token == hold.token
                && ticket.id == hold.id
                && hold.nonce.is_some()
                && lease.owner.nonce() == hold.nonce =>
        {
            Ok(lease)
        }
        _ => Err(stale(ticket)),
    }
}

fn stale(ticket: &Ticket) -> Refusal {
    Refusal::Stale { id: ticket.id, state: ticket.state() }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod machine_tests;

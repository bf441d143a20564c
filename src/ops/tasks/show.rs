//! One task: its state, its attempts, its answer.

use super::{AttemptReport, Lens, TaskReport, TicketReport, named};
use crate::clock::Timestamp;
use crate::db::Access;
use crate::display::Document;
use crate::failure::Failure;
use crate::model::task::{Attempt, AttemptEnd, Phase, Standing, Task, TaskState, Ticket};
use crate::ops::Session;
use serde::Serialize;

/// A task as any executor would find it now.
pub struct Shown {
    /// The ticket as it is recorded.
    recorded: Ticket,
    pub task: Task,
    pub attempts: Vec<Attempt>,
    /// The place of a due task in the queue.
    pub standing: Option<Standing>,
    pub is_inference_on: bool,
    pub lens: Lens,
}

/// Finds a task by its number, its key, or BATCH/KEY.
///
/// # Errors
/// Cannot be met (3) where it does not exist.
pub fn show(session: &mut Session, name: &str) -> anyhow::Result<Shown> {
    let ids = named(session, &[name.to_owned()])?;
    let queue = session.queue(Access::ReadOnly)?;
    let task = match ids.first() {
        Some(id) => queue.task(*id)?,
        None => None,
    };
    let Some(mut task) = task else {
        return Err(Failure::cannot_meet("the task was deleted in the meantime").into());
    };
    let mut attempts = queue.attempts(task.ticket.id)?;
    let lens = Lens::new(session, std::slice::from_ref(&task.ticket))?;
    let found = lens.ticket(&task.ticket);
    let recorded = std::mem::replace(&mut task.ticket, found);
    if task.ticket.state() != TaskState::Running {
        // An attempt that is recorded as running, and whose owner is dead.
        attempts.iter_mut().filter(|a| a.end.is_none()).for_each(|a| a.end = Some(AttemptEnd::Interrupted));
    }
    let queue = session.queue(Access::ReadOnly)?;
    let standing = if task.ticket.state() == TaskState::Queued { Some(queue.standing(&task.ticket)?) } else { None };
    let is_inference_on = queue.inference()?.on;
    Ok(Shown { recorded, task, attempts, standing, is_inference_on, lens })
}

/// A task with its place in the queue and its attempts, for a client.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct ShownReport {
    #[serde(flatten)]
    task: TaskReport,
    /// Number of due tasks before a due task.
    ahead: Option<u64>,
    /// Estimated start, from the speed of recent tasks.
    estimated_start: Option<String>,
    history: Vec<AttemptReport>,
}

impl Document for ShownReport {
    const SCHEMA: &'static str = "modelctl.task-show/1";
}

impl Shown {
    /// Returns the report of this task.
    pub fn report(&self, now: Timestamp) -> ShownReport {
        let start = estimated_start(&self.task, self.standing.as_ref(), now).filter(|_| self.is_inference_on);
        let ticket = TicketReport::seen(&self.recorded, &self.lens);
        ShownReport {
            task: TaskReport { ticket, ..TaskReport::of(&self.task) },
            ahead: self.standing.as_ref().map(|s| s.ahead),
            estimated_start: start.map(Timestamp::rfc3339),
            history: self.attempts.iter().map(AttemptReport::of).collect(),
        }
    }
}

/// Estimates the start of a task from the speed of recent tasks.
pub fn estimated_start(task: &Task, standing: Option<&Standing>, now: Timestamp) -> Option<Timestamp> {
    match &task.ticket.phase {
        Phase::Scheduled { until } => Some(*until),
        Phase::Queued => {
            let wait = i64::try_from(standing?.wait_ms()?).unwrap_or(i64::MAX);
            Some(Timestamp(now.millis().saturating_add(wait)))
        }
        _ => None,
    }
}

//! Adds one task.

use super::TaskReport;
use crate::clock::Timestamp;
use crate::db::{Access, Db};
use crate::display::{Document, text, units};
use crate::model::task::{Accepted, Moment, NewTask, OnFinished, Task, TaskId, Wish};
use crate::ops::{OpEvent, Session, Sink};
use serde::Serialize;
use std::time::Duration;

/// A task to add.
#[derive(Debug, Clone)]
pub struct Request {
    pub task: NewTask,
    /// Whether to run the task of the same key again if it has ended.
    pub replace_finished: bool,
    /// Whether the earliest start was given relative to now, and so differs each time the command runs.
    pub is_start_relative: bool,
}

/// The task that was added, or the existing one with its key.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Added {
    pub how: Accepted,
    #[serde(skip)]
    pub id: TaskId,
    #[serde(flatten)]
    pub task: Option<TaskReport>,
}

impl Document for Added {
    const SCHEMA: &'static str = "modelctl.task-add/1";
}

/// Adds a task, unless one has its key. Reports how an existing one differs from the request.
///
/// # Errors
/// The queue cannot be written.
pub fn add(session: &mut Session, request: &Request, at: Moment, on: &mut Sink<'_>) -> anyhow::Result<Added> {
    let new = &request.task;
    let finished = if request.replace_finished { OnFinished::Replace } else { OnFinished::Keep };
    let queue = session.queue(Access::ReadWrite)?;
    let done = queue.enqueue(&mut std::iter::once(Ok(new.clone())), finished, at)?;
    let Some(done) = done.first().copied() else { anyhow::bail!("internal error: a task was added without a number") };
    let task = queue.task(done.id)?;
    let inference = queue.inference()?;
    if let (Accepted::Existing | Accepted::ExistingDiffers, Some(there)) = (done.how, &task) {
        let state = there.ticket.state();
        let said = format!("task {} has this key and is {}", done.id, state.name());
        let otherwise = otherwise(session.db(Access::ReadOnly)?, new, request.is_start_relative, there)?;
        if otherwise.is_empty() {
            on(OpEvent::note(said));
        } else {
            on(OpEvent::warning(format!("{said}, with {}", otherwise.join(", "))));
            on(OpEvent::hint(match state.is_finished() {
                true => "use --replace-finished to run it again with the new settings",
                false => "the task is unchanged; once it has finished, use --replace-finished to run it again",
            }));
        }
    }
    if !inference.on {
        on(OpEvent::hint("inference is off: tasks wait until `modelctl inference on`"));
    }
    Ok(Added { how: done.how, id: done.id, task: task.as_ref().map(TaskReport::of) })
}

/// Returns the differences between the existing task of the key and the new one.
fn otherwise(db: &Db, new: &NewTask, is_start_relative: bool, there: &Task) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    let ticket = &there.ticket;
    if new.request != there.request {
        all.push("another request".to_owned());
    }
    if new.wish != ticket.wish {
        let wanted = match &ticket.wish {
            Wish::Any => "any".to_owned(),
            Wish::Tier(tier) => format!("tier {tier}"),
            Wish::Model(id) => {
                let rows = db.rows()?;
                let name = rows.iter().find(|row| row.id.as_str() == id).map_or(id, |row| &row.name);
                text::clean(name).into_owned()
            }
        };
        all.push(format!("another model ({wanted})"));
    }
    if new.fallback != ticket.fallback {
        all.push(if ticket.fallback { "--fallback".to_owned() } else { "no --fallback".to_owned() });
    }
    if new.priority != ticket.priority {
        all.push(format!("another priority ({})", ticket.priority));
    }
    if new.timeout_ms != ticket.timeout_ms {
        let limit = ticket.timeout_ms.map_or_else(|| "none".to_owned(), |ms| units::took(Duration::from_millis(ms)));
        all.push(format!("another time limit ({limit})"));
    }
    // A time relative to now differs each time the command runs.
    let is_other = match is_start_relative {
        true => ticket.not_before.is_none(),
        false => new.not_before != ticket.not_before,
    };
    if is_other {
        let time = ticket.not_before.map_or_else(|| "none".to_owned(), Timestamp::rfc3339);
        all.push(format!("another time not to start before ({time})"));
    }
    Ok(all)
}

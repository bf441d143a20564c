use crate::db::Access;
use crate::display::{Document, text};
use crate::failure::Failure;
use crate::model::task::machine::Refusal;
use crate::model::task::{Moment, Queue, TaskFilter, TaskId, TaskState};
use crate::ops::Session;
use serde::Serialize;

/// Number of tasks of a selection that are changed in one commit.
const STEP: u32 = 500;

/// The result of a change of tasks.
#[derive(Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Changed {
    pub changed: Vec<TaskId>,
    /// Number of changed tasks that were running: their worker stops within a moment.
    pub were_running: u64,
    pub refused: Vec<Refused>,
}

impl Document for Changed {
    const SCHEMA: &'static str = "modelctl.task-change/1";
}

/// A task that was not changed.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Refused {
    pub id: TaskId,
    pub reason: String,
}

/// The change: cancels or retries tasks.
pub type Change = fn(&mut dyn Queue, &[TaskId], Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>>;

/// Changes the named tasks, or, when none are named, those of a selection.
///
/// # Errors
/// Cannot be met (3) for a task that does not exist.
pub fn change(
    session: &mut Session,
    (names, some): (&[String], &TaskFilter),
    change: Change,
) -> anyhow::Result<Changed> {
    let at = session.moment(Access::ReadWrite)?;
    let mut done = Changed::default();
    if names.is_empty() {
        // Page by page, so that no commit is long. A changed task no longer matches the filter, and `after` skips it
        // anyway.
        let mut after = TaskId(0);
        loop {
            let queue = session.queue(Access::ReadWrite)?;
            let ids: Vec<TaskId> = queue.tickets_after(some, after, STEP)?.into_iter().map(|t| t.id).collect();
            let Some(last) = ids.last() else { break };
            after = *last;
            done.add(&ids, change(queue, &ids, at)?);
        }
    } else {
        let ids = named(session, names)?;
        done.add(&ids, change(session.queue(Access::ReadWrite)?, &ids, at)?);
    }
    Ok(done)
}

impl Changed {
    fn add(&mut self, ids: &[TaskId], answers: Vec<Result<TaskState, Refusal>>) {
        for (id, answer) in ids.iter().zip(answers) {
            match answer {
                Ok(before) => {
                    self.changed.push(*id);
                    self.were_running += u64::from(before == TaskState::Running);
                }
                Err(refusal) => self.refused.push(Refused { id: *id, reason: refusal.to_string() }),
            }
        }
    }
}

/// Returns the named tasks, each once.
///
/// # Errors
/// Cannot be met (3) where one does not exist.
pub fn named(session: &mut Session, names: &[String]) -> anyhow::Result<Vec<TaskId>> {
    let queue = session.queue(Access::ReadOnly)?;
    let mut found = Vec::new();
    for name in names {
        let by_number = match name.parse().map(TaskId) {
            Ok(id) => queue.ticket(id)?.map(|ticket| ticket.id),
            Err(_) => None,
        };
        let by_key = match (by_number, name.split_once('/')) {
            (Some(id), _) => Some(id),
            (None, None) => queue.by_key("", name)?,
            (None, Some((batch, key))) => match queue.by_key("", name)? {
                Some(id) => Some(id),
                None => queue.by_key(batch, key)?,
            },
        };
        let id = by_key.ok_or_else(|| {
            Failure::not_found(format!("no task `{}`", text::clean(name)))
                .hint("`modelctl task list` shows all tasks; finished tasks are deleted some time after they end")
        })?;
        if !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}

use crate::display::{Document, text};
use crate::failure::Failure;
use crate::model::task::{TaskFilter, TaskId, TaskState};
use crate::queue::Queue;
use crate::queue::batch::{is_error, output_line};
use serde::Serialize;

/// Tasks read and written in one step of an export.
const PAGE: u32 = 200;

/// Figures of an export.
#[derive(Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Exported {
    pub answers: u64,
    pub errors: u64,
    /// Tasks that have not ended yet, and are in no file.
    pub pending: u64,
}

impl Document for Exported {
    const SCHEMA: &'static str = "modelctl.task-export/1";
}

/// Refuses a batch that has no tasks.
///
/// # Errors
/// Cannot be met (3).
pub fn check_exists(queue: &dyn Queue, batch: Option<&str>) -> anyhow::Result<()> {
    let counts = queue.counts(batch)?;
    match batch.filter(|_| counts.is_empty()) {
        Some(batch) => Err(Failure::cannot_meet(format!("batch `{}` has no tasks", text::clean(batch))).into()),
        None => Ok(()),
    }
}

/// Passes each answer of tasks that have ended to `write`, as a line of JSON, with a flag that is true for an error.
/// Reads page by page, so that no read of the database is long.
///
/// # Errors
/// Those of [`check_exists`] and of `write`.
pub fn export(
    queue: &dyn Queue,
    batch: Option<&str>,
    write: &mut dyn FnMut(&[u8], bool) -> anyhow::Result<()>,
) -> anyhow::Result<Exported> {
    check_exists(queue, batch)?;
    let filter = TaskFilter {
        states: vec![TaskState::Done, TaskState::Failed, TaskState::Cancelled],
        batch: batch.map(str::to_owned),
    };
    let counts = queue.counts(batch)?;
    let pending = counts.iter().filter(|(state, _)| !state.is_finished()).map(|(_, n)| n).sum();
    let mut exported = Exported { pending, ..Exported::default() };
    let mut after = TaskId(0);
    loop {
        let page = queue.tasks_after(&filter, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(exported) };
        after = last.ticket.id;
        for line in page.iter().filter_map(output_line) {
            let of_error = is_error(&line);
            *(if of_error { &mut exported.errors } else { &mut exported.answers }) += 1;
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            write(&text, of_error)?;
        }
    }
}

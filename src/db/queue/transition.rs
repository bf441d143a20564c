//! Changes of one ticket at a time: load, decide, write.

use super::row::{apply, ticket};
use crate::db::cells::Cells;
use crate::db::error::DbResult;
use crate::model::task::machine::{self, Change, End, Refusal};
use crate::model::task::{Hold, Moment, TaskId, TaskState, Ticket};
use rusqlite::Connection;

/// Ends attempts.
pub(super) fn finish(tx: &Connection, ends: Vec<(Hold, End)>, at: Moment) -> DbResult<Vec<Result<TaskState, Refusal>>> {
    let step = |(hold, end): (Hold, End)| {
        Ok(change(tx, hold.id, at, |t| machine::finish(t, hold, end, at))?.map(|t| t.state()))
    };
    ends.into_iter().map(step).collect()
}

/// Loads a ticket, lets the machine decide, and writes the result.
pub(super) fn change(
    tx: &Connection,
    id: TaskId,
    at: Moment,
    decide: impl FnOnce(&Ticket) -> Result<Change, Refusal>,
) -> DbResult<Result<Ticket, Refusal>> {
    let Some(before) = ticket(tx, id)? else { return Ok(Err(Refusal::Unknown(id))) };
    match decide(&before) {
        Ok(change) => {
            apply(tx, &before, &change, at)?;
            Ok(Ok(change.ticket))
        }
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// Makes a change that a person requested. Returns the state before it.
pub(super) fn requested(
    tx: &Connection,
    id: TaskId,
    at: Moment,
    decide: fn(&Ticket, Moment) -> Result<Change, Refusal>,
) -> DbResult<Result<TaskState, Refusal>> {
    let mut before = None;
    let done = change(tx, id, at, |ticket| {
        before = Some(ticket.state());
        decide(ticket, at)
    })?;
    Ok(done.map(|after| before.unwrap_or(after.state())))
}

/// Runs a query over `task` and returns the selected numbers, in its order.
pub(super) fn ids(tx: &Connection, sql: &str, params: impl rusqlite::Params) -> DbResult<Vec<TaskId>> {
    let mut find = tx.prepare_cached(sql)?;
    let mut rows = find.query(params)?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        ids.push(TaskId(Cells::new(row, "task").count()?));
    }
    Ok(ids)
}

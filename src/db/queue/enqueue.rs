//! Handing in of tasks: any number in one transaction.

use super::meta;
use super::row::{apply, insert, rewrite, ticket, whole};
use crate::db::Db;
use crate::db::cells::{Cells, count};
use crate::db::error::{DbError, DbResult};
use crate::failure::Failure;
use crate::model::task::{Accepted, Enqueued, Moment, NewTask, OnFinished, TaskId, machine};
use rusqlite::{Connection, params};

/// The name of the row in `meta` that has the next number of a task.
const COUNTER: &str = "next_task";

/// Hands in all tasks, or none: an error of the iterator rolls back the tasks before it. Returns the result for each,
/// in the order of the iterator.
///
/// # Errors
/// An error of the iterator is returned as it is; cannot be met (3) for what [`NewTask::refusal`] names; otherwise as
/// [`Db::open`].
pub(super) fn enqueue(
    db: &mut Db,
    tasks: &mut dyn Iterator<Item = anyhow::Result<NewTask>>,
    finished: OnFinished,
    at: Moment,
) -> anyhow::Result<Vec<Enqueued>> {
    // An error of the iterator is not one of the database: it bypasses `write`, which is only told to roll back.
    let mut theirs = None;
    let done = db.write(|tx| {
        let first = next_number(tx)?;
        let mut next = first;
        let mut all = Vec::with_capacity(tasks.size_hint().0.min(1 << 16));
        for task in &mut *tasks {
            let accepted = task.and_then(|task| match task.refusal() {
                None => Ok(task),
                Some(why) => Err(Failure::cannot_meet(why).into()),
            });
            let task = match accepted {
                Ok(task) => task,
                Err(error) => {
                    theirs = Some(error);
                    return Err(DbError::Contradiction("the tasks could not be read to their end".to_owned()));
                }
            };
            let done = one(tx, TaskId(next), &task, finished, at)?;
            if done.how == Accepted::New {
                next = next.saturating_add(1);
            }
            all.push(done);
        }
        if next != first {
            meta::set(tx, COUNTER, &next.to_string())?;
        }
        Ok(all)
    });
    match theirs {
        Some(error) => Err(error),
        None => done,
    }
}

fn next_number(tx: &Connection) -> DbResult<u64> {
    match meta::get(tx, COUNTER)? {
        None => Ok(1),
        Some(text) => text.parse().map_err(|_| meta::bad(COUNTER, &text)),
    }
}

fn one(tx: &Connection, id: TaskId, task: &NewTask, finished: OnFinished, at: Moment) -> DbResult<Enqueued> {
    if insert(tx, &machine::enqueue(id, task, at), &task.request)? {
        tx.prepare_cached("INSERT INTO task_request (task, url, body) VALUES (?1, ?2, ?3)")?.execute(params![
            count(id.0, "the number of a task")?,
            task.request.endpoint.url(),
            task.request.body
        ])?;
        return Ok(Enqueued { id, how: Accepted::New });
    }
    let id = by_key(tx, &task.batch, task.key.as_deref().unwrap_or(""))?
        .ok_or_else(|| DbError::Contradiction("a key is taken by no task".to_owned()))?;
    let before = ticket(tx, id)?.ok_or_else(|| DbError::Contradiction(format!("task {id} is gone")))?;
    if finished == OnFinished::Replace
        && let Ok(change) = machine::replace(&before, task, at)
    {
        apply(tx, &before, &change, at)?;
        rewrite(tx, &change.ticket, &task.request)?;
        return Ok(Enqueued { id, how: Accepted::Replaced });
    }
    let there = whole(tx, before)?;
    let same = task.is(&there.ticket, &there.request);
    Ok(Enqueued { id, how: if same { Accepted::Existing } else { Accepted::ExistingDiffers } })
}

pub(super) fn by_key(tx: &Connection, batch: &str, key: &str) -> DbResult<Option<TaskId>> {
    let mut find = tx.prepare_cached("SELECT id FROM task WHERE batch = ?1 AND key = ?2")?;
    let mut rows = find.query([batch, key])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(TaskId(Cells::new(row, "task").count()?)))
}

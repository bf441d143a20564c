//! The queue in SQLite. What may happen to a task is decided by [`machine`] alone: each method here loads tickets
//! under the write lock, hands them to it, and writes what it says. SQL chooses candidates, by an index.

mod claim;
mod enqueue;
mod keep;
mod look;
mod row;
mod toggle;

pub use keep::Removed;
pub use look::{Counts, ModelStats, Standing, Stats, TaskFilter};
pub use toggle::Inference;

use super::Db;
use super::error::DbResult;
use crate::model::ModelId;
use crate::model::task::machine::{self, Change, End, Refusal};
use crate::model::task::{Gone, Hold, Moment, OwnerId, TaskError, TaskId, TaskState, Ticket};
use row::{apply, ticket};
use rusqlite::Connection;

/// What recovery found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Taken back from an executor that is gone; due again, now or after a wait.
    pub requeued: Vec<TaskId>,
    /// Failed: their executors died too often, or their deadline passed.
    pub failed: Vec<TaskId>,
    /// There may be more to do: each call takes a bounded step.
    pub more: bool,
}

/// Waiting tasks looked at in one transaction; the tickets are small.
const STEP: u32 = 2_000;

impl Db {
    /// Extends the claims. In the order of `holds`; a refusal means that the claim is over and the work is in vain.
    pub fn renew_tasks(&mut self, holds: &[Hold], at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>> {
        self.write(|tx| {
            let step = |hold: &Hold| Ok(change(tx, hold.id, at, |t| machine::renew(t, *hold, at))?.map(|_| ()));
            holds.iter().map(step).collect()
        })
    }

    /// Notes the model that is about to be loaded for the tasks held.
    pub fn assign_model(
        &mut self,
        holds: &[Hold],
        model: &ModelId,
        at: Moment,
    ) -> anyhow::Result<Vec<Result<(), Refusal>>> {
        self.write(|tx| {
            let step = |hold: &Hold| Ok(change(tx, hold.id, at, |t| machine::assign(t, *hold, model))?.map(|_| ()));
            holds.iter().map(step).collect()
        })
    }

    /// Ends many attempts in one commit. In the order of `ends`, the state each task is in now.
    pub fn finish_tasks(
        &mut self,
        ends: Vec<(Hold, End)>,
        at: Moment,
    ) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        self.write(|tx| finish(tx, ends, at))
    }

    /// Moves a task to a second model, before that is loaded. The hold that is returned replaces the old one.
    pub fn swap_task(
        &mut self,
        hold: Hold,
        to: &ModelId,
        why: &TaskError,
        at: Moment,
    ) -> anyhow::Result<Result<Hold, Refusal>> {
        self.write(|tx| {
            Ok(change(tx, hold.id, at, |t| machine::swap(t, hold, to, why, at))?.map(|ticket| Hold::from(&ticket)))
        })
    }

    /// Cancels tasks, all in one commit; the state each was in before.
    pub fn cancel_tasks(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        self.write(|tx| ids.iter().map(|id| asked(tx, *id, at, machine::cancel)).collect())
    }

    /// Starts tasks over, all in one commit; the state each was in before.
    pub fn retry_tasks(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        self.write(|tx| ids.iter().map(|id| asked(tx, *id, at, machine::retry)).collect())
    }

    /// The owners of everything that runs, for the caller to find out which of them are dead.
    pub fn task_owners(&self) -> anyhow::Result<Vec<OwnerId>> {
        self.read(|tx| {
            let mut find = tx.prepare_cached("SELECT DISTINCT owner FROM task WHERE state = 'running'")?;
            let owners = find.query_map([], |row| row.get(0))?;
            Ok(owners.collect::<Result<Vec<String>, _>>()?.into_iter().map(OwnerId).collect())
        })
    }

    /// Takes back what dead executors held, by their death or by their lease, and fails what is too late. Call it again
    /// while there is more.
    pub fn recover_tasks(&mut self, gone: &Gone, at: Moment) -> anyhow::Result<Recovered> {
        self.write(|tx| {
            let mut found = Recovered::default();
            // All that runs is looked at: it is as many as there are workers, and the reasons differ.
            let running = ids(tx, "SELECT id FROM task WHERE state = 'running' ORDER BY id", [])?;
            let late = ids(
                tx,
                "SELECT id FROM task WHERE deadline IS NOT NULL AND state IN ('queued', 'scheduled') AND deadline <= ?1
                 LIMIT ?2",
                (at.now.millis(), STEP),
            )?;
            let too_far = ids(
                tx,
                "SELECT id FROM task WHERE state = 'scheduled' AND attempts + crashes + interruptions > 0 AND until > ?1
                 LIMIT ?2",
                (at.after(at.policy.longest_backoff()).millis(), STEP),
            )?;
            found.more = [late.len(), too_far.len()].contains(&(STEP as usize));
            for id in running.into_iter().chain(late).chain(too_far) {
                let Some(before) = ticket(tx, id)? else { continue };
                let owner = gone.owner(before.lease().map(|lease| &lease.owner));
                let Some(change) = machine::tidy(&before, owner, at) else { continue };
                match (before.state(), change.ticket.state()) {
                    (TaskState::Running, TaskState::Queued | TaskState::Scheduled) => found.requeued.push(id),
                    (_, TaskState::Failed) => found.failed.push(id),
                    _ => {}
                }
                apply(tx, &before, &change, at)?;
            }
            Ok(found)
        })
    }
}

fn finish(tx: &Connection, ends: Vec<(Hold, End)>, at: Moment) -> DbResult<Vec<Result<TaskState, Refusal>>> {
    let step = |(hold, end): (Hold, End)| {
        Ok(change(tx, hold.id, at, |t| machine::finish(t, hold, end, at))?.map(|t| t.state()))
    };
    ends.into_iter().map(step).collect()
}

/// Loads, decides, writes.
fn change(
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

/// What a person asks for; the state before it.
fn asked(
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

/// The numbers that a query over `task` gives, in its order.
fn ids(tx: &Connection, sql: &str, params: impl rusqlite::Params) -> DbResult<Vec<TaskId>> {
    let mut find = tx.prepare_cached(sql)?;
    let mut rows = find.query(params)?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        ids.push(TaskId(super::cells::Cells::new(row, "task").count()?));
    }
    Ok(ids)
}

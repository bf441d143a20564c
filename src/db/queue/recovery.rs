//! Recovery of tasks from dead executors.

use super::row::{apply, ticket};
use super::transition::ids;
use crate::db::error::DbResult;
use crate::model::task::{DeadOwners, Moment, Recovered, TaskState, machine};
use rusqlite::Connection;

/// The number of waiting tasks checked in one transaction; the tickets are small.
const STEP: u32 = 2_000;

/// Takes back the tasks of the owners in `gone` and tasks whose leases are over, and fails tasks whose deadline passed.
pub(super) fn recover(tx: &Connection, gone: &DeadOwners, at: Moment) -> DbResult<Recovered> {
    let mut found = Recovered::default();
    // All running tasks are checked: they are few, only as many as the workers run, and the reasons differ.
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
        let Some(change) = machine::on_time_passed(&before, owner, at) else { continue };
        match (before.state(), change.ticket.state()) {
            (TaskState::Running, TaskState::Queued | TaskState::Scheduled) => found.requeued.push(id),
            (_, TaskState::Failed) => found.failed.push(id),
            _ => {}
        }
        apply(tx, &before, &change, at)?;
    }
    Ok(found)
}

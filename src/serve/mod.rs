//! The daemon: when queued tasks are looked for, and how that is waited for without costing anything.
//!
//! A run itself is the executor's ([`crate::queue::executor`]), the same that `run-once` calls. In time this room also
//! keeps model servers.

mod rest;
mod sole;

pub use rest::{Came, Pacer, Rest};
pub use sole::sole;

use crate::db::{Db, Version};
use crate::queue::executor::lock_dir;
use crate::queue::owner;
use crate::supervise::Interrupt;
use std::time::Duration;

/// How long an executor can be dead before its tasks are taken up: nobody tells that a process was killed.
const LOOK: Duration = Duration::from_secs(1);

/// Returns when there may be something to do: somebody has committed since `seen`, a scheduled task is due, another executor has
/// died with tasks in its hands, the database was replaced, or the rest is over. At once when `stop` is thrown.
///
/// # Errors
/// When the database cannot be read.
pub fn wait(db: &Db, seen: Version, rest: Rest, stop: &Interrupt) -> anyhow::Result<()> {
    let over = || stop.thrown().is_some();
    db.pass(rest.at_least, &over);
    let mut left = rest.at_most.saturating_sub(rest.at_least);
    while !left.is_zero() && !over() {
        let slice = left.min(LOOK);
        if db.wait_for_change_or(seen, slice, &over)? || db.is_replaced() || has_heirs(db)? {
            return Ok(());
        }
        left = left.saturating_sub(slice);
    }
    Ok(())
}

/// Whether tasks are running for a process that is dead for certain.
fn has_heirs(db: &Db) -> anyhow::Result<bool> {
    let owners = db.task_owners()?;
    Ok(!owners.is_empty() && !owner::gone(&lock_dir(db.path()), &owners)?.is_empty())
}

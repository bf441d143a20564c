//! The daemon: model servers behind one gateway, and queued tasks.
//!
//! A run of tasks is done by the executor ([`crate::queue::executor`]), which `run-once` also calls.

mod announce;
pub mod api;
mod capacity;
pub mod catalog;
pub mod control;
mod daemon;
mod external;
pub mod gateway;
mod hints;
mod history;
mod instance_lock;
pub mod listen;
pub mod ollama;
mod page;
mod phase;
pub mod ports;
mod queue_loop;
mod read_headers;
pub mod router_shapes;
mod schedule;
mod task_servers;
mod use_journal;
mod watch;

pub use daemon::{Options, serve};
pub use instance_lock::instance_lock;
pub use phase::Phase;
pub use schedule::{PollSchedule, Rest, RunOutcome};

use crate::model::task::{ChangeMark, Queue};
use crate::queue::executor_lock;
use crate::supervise::StopSignal;
use std::path::Path;
use std::time::Duration;

/// The longest time until the tasks of a dead executor are recovered: there is no event for a killed process.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until there may be something to do: another process has committed since `seen`, a scheduled task is due,
/// another executor has died while it held tasks, the database was replaced, or the rest is over. Returns at once when
/// a stop is requested.
///
/// # Errors
/// When the queue cannot be read.
pub fn wait(
    queue: &dyn Queue,
    (seen, locks): (ChangeMark, &Path),
    rest: Rest,
    stop: &StopSignal,
) -> anyhow::Result<()> {
    stop.wait_timeout(rest.at_least);
    let mut left = rest.at_most.saturating_sub(rest.at_least);
    while !left.is_zero() && stop.reason().is_none() {
        let slice = left.min(LOOK);
        if queue.wait_for_change(seen, slice, stop.descriptor())?
            || queue.is_replaced()
            || has_orphaned_tasks(queue, locks)?
        {
            return Ok(());
        }
        left = left.saturating_sub(slice);
    }
    Ok(())
}

/// Returns whether tasks are running for a process that is known to be dead.
fn has_orphaned_tasks(queue: &dyn Queue, locks: &Path) -> anyhow::Result<bool> {
    let owners = queue.owners()?;
    Ok(!owners.is_empty() && !executor_lock::dead_owners(locks, &owners)?.is_empty())
}

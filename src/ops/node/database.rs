//! Our own database, as far as it concerns the health of a node.

use crate::clock::Timestamp;
use crate::db::Access;
use crate::host::daemon;
use crate::model::task::{OwnerId, TaskFilter, TaskState};
use crate::node::{Fact, Outcome, reach};
use crate::ops::Session;
use crate::queue::executor_lock;
use crate::triage::facts::DatabaseFacts;
use std::time::Duration;

/// Failed tasks that are looked at for the last error.
const NEWEST: u32 = 100;

/// Reads the queue: what failed since `since`, what is due, and whose executor is gone. `limit` is for a file system that
/// may hang.
pub fn read(session: &mut Session, since: Timestamp, limit: Duration) -> Fact<DatabaseFacts> {
    let path = session.config.database.clone();
    let source = path.display().to_string();
    let now = session.now;
    if let Err(why) = reach::answers(&path, limit) {
        return Fact::new(source, now, Outcome::TimedOut { why });
    }
    if !path.exists() {
        return Fact::absent(source, now, "there is no database yet");
    }
    match facts(session, since) {
        Ok(facts) => Fact::ok(source, now, facts),
        Err(error) => {
            let why = format!("{error:#}");
            let denied = error.chain().any(|cause| {
                cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied)
            });
            let right = "the owner of the database".to_owned();
            let outcome = if denied { Outcome::Denied { why, right, command: None } } else { Outcome::Failed { why } };
            Fact::new(source, now, outcome)
        }
    }
}

fn facts(session: &mut Session, since: Timestamp) -> anyhow::Result<DatabaseFacts> {
    let path = session.config.database.clone();
    let locks = session.config.lock_dir.clone();
    let now = session.now;
    let queue = session.queue(Access::Observe)?;
    let due: u64 = queue.due_wishes(now)?.iter().map(|(_, number)| number).sum();
    let failed =
        queue.newest(&TaskFilter { states: vec![TaskState::Failed], ..TaskFilter::default() }, None, NEWEST)?;
    let recent: Vec<_> = failed.iter().filter(|ticket| ticket.phase.finished().is_some_and(|at| at >= since)).collect();
    let running = queue.running()?;
    let mut owners: Vec<_> = running.iter().filter_map(|ticket| Some(ticket.lease()?.owner.clone())).collect();
    owners.sort();
    owners.dedup();
    // A folder of locks that cannot be read proves no owner dead.
    let gone = executor_lock::dead_owners(&locks, &owners).unwrap_or_default();
    let is_gone = |owner: &OwnerId| gone.crashed.contains(owner) || gone.unreleased.contains(owner);
    let is_orphan = |ticket: &&crate::model::task::Ticket| {
        ticket.lease().is_some_and(|lease| is_gone(&lease.owner) || lease.until < now)
    };
    let orphaned = running.iter().filter(is_orphan).count();
    let alive = owners.iter().filter(|owner| !is_gone(owner)).count();
    let executor = daemon::find(&locks).is_some_and(|daemon| daemon.runs_tasks);
    Ok(DatabaseFacts {
        path,
        failed_tasks: recent.len() as u64,
        due_tasks: due,
        orphaned_tasks: orphaned as u64,
        executors_alive: (alive as u64).max(u64::from(executor)),
        last_error: recent.first().and_then(|ticket| ticket.error.as_ref().map(|error| error.message.clone())),
        damage: None,
    })
}

//! Runs queued tasks: the common part of `run-once`, `batch` and the daemon.

use super::{OpEvent, Session, Sink, keep_hints};
use crate::db::Access;
use crate::display::text;
use crate::engine;
use crate::failure::Failure;
use crate::host::self_child;
use crate::model::task::{Policy, Retention};
use crate::queue::Queue;
use crate::queue::executor::{self, Bounds, ExecutorEvent, LoadFailures, Setup, SharedServers, Summary};
use crate::supervise::StopSignal;
use std::sync::Arc;
use std::time::Duration;

/// Time that running tasks may take after SIGTERM: well below the 90 s that systemd grants a unit before it kills it.
const GRACE: Duration = Duration::from_secs(60);

/// Stop signals of work that is finished before the command ends.
#[derive(Debug, Clone, Default)]
pub struct Stops {
    /// Request to finish what is running.
    pub graceful: StopSignal,
    /// Request to stop quickly.
    pub forced: StopSignal,
}

/// Runs due tasks within `bounds`. `command`: the name shown to processes that wait for this one. `shared`: the servers
/// that answer them, `None` for a worker of their own. `failures`: models
/// that could not be loaded before; a daemon keeps them from run to run.
///
/// # Errors
/// When the database can no longer be used. Tasks that were claimed then return to the queue when their leases end.
pub fn run_tasks(
    session: &mut Session,
    queue: &mut dyn Queue,
    (command, bounds, shared): (&str, &Bounds, Option<Arc<dyn SharedServers>>),
    stops: &Stops,
    failures: &mut LoadFailures,
    on: &mut Sink<'_>,
) -> anyhow::Result<Summary> {
    let hints = keep_hints::hints(session)?.into_iter().map(|(_, hint)| hint).collect();
    let setup = Setup {
        queue: session.queues(),
        lock_dir: session.config.lock_dir.clone(),
        program: self_child::OURSELVES.into(),
        runtime_dir: session.config.runtime_dir.clone(),
        worker: session.config.worker.clone(),
        shared,
        memory: session.config.memory,
        hints,
        limits: session.config.tiers,
        policy: Policy::default(),
        retention: Retention::default(),
        who: session.who(command),
        fallback: session.config.offload.fallback,
        grace: GRACE,
    };
    let inventory = session.db(Access::ReadWrite)?;
    let stops = (&stops.graceful, &stops.forced);
    executor::run((queue, inventory), &setup, bounds, stops, failures, &mut |event| on(OpEvent::Task(event)))
}

/// Returns, for example, `3 done, 1 failed`; None when no task changed.
pub fn in_words(summary: &Summary) -> Option<String> {
    let parts = [
        (summary.done, "done"),
        (summary.failed, "failed"),
        (summary.retried, "to be retried"),
        (summary.given_back, "returned"),
        (summary.lost, "canceled or taken over"),
    ];
    let words: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Returns the failure of a run that could not do its work: busy (4), stopped (130, 143), or all due tasks wait for
/// something that is missing here (3, 5).
pub fn failure(summary: &Summary) -> Option<Failure> {
    if let Some(who) = &summary.busy {
        let failure = Failure::busy(format!("the model is in use by {}", text::clean(who)));
        return Some(failure.hint("it runs the same tasks; wait for it"));
    }
    if let Some(stop) = summary.stopped {
        return Some(Failure::new(stop.kind(), "stopped; running tasks were finished or returned to the queue"));
    }
    let why = summary.waits_for.as_ref().filter(|_| in_words(summary).is_none())?;
    let tasks = match summary.waiting {
        1 => "1 task waits".to_owned(),
        number => format!("{number} tasks wait"),
    };
    let message = format!("{tasks}: {}", text::clean(why));
    Some(match engine::available() {
        Err(_) => Failure::engine(message),
        Ok(()) => {
            Failure::cannot_meet(message).hint("they will run when it is available; `modelctl scan` finds models")
        }
    })
}

/// Returns whether the event says what tasks wait for, which some callers print once at the end.
pub fn is_about_waiting(event: &OpEvent) -> bool {
    matches!(event, OpEvent::Task(ExecutorEvent::Waits { .. }))
}

//! Runs due tasks on a model in a worker process: claims them in groups that one model can serve, renews their leases,
//! swaps a model that fails for another one, and records the result of each task exactly once.
//!
//! One thread decides ([`run`]), one sends the requests ([`request_pool`]), one renews the leases ([`lease_renewer`]).
//! The pure parts keep the claimed tasks ([`claims`]), classify an answer ([`classify`]) and decide when a worker is
//! killed ([`watchdog`]); the transitions of a task are decided by the task machine alone.

mod acquisition;
mod claims;
mod classify;
mod device;
mod event;
mod failures;
mod lease;
mod lease_renewer;
mod load;
mod outcome;
mod quarantine;
mod request_pool;
mod run;
mod shared;
mod start;
mod waits;
mod watchdog;

use crate::clock::{self, Timestamp};
use crate::config::WorkerConfig;
use crate::db::Db;
use crate::model::ledger::BudgetLimits;
use crate::model::task::{OpenQueue, Policy, Queue, Retention};
use crate::model::{KeepHint, TierLimits};
use crate::queue::executor_lock::ExecutorLock;
use crate::supervise::StopSignal;
use acquisition::{DeviceAcquisition, acquire_device, recover};
use claims::Claims;
pub use device::{Device, Taken};
pub use event::{ExecutorEvent, Summary};
pub use failures::LoadFailures;
use lease_renewer::LeaseRenewer;
use request_pool::{Progress, RequestPool};
use run::{Run, Supply, WorkerLink};
pub use shared::{NoSlot, ServerEnd, SharedServers, Slot, Suspicion};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use waits::waits;
pub use waits::{Here, Waits, waits_of};

/// The setup of a run, which does not change while it lasts.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The queue, for the thread that renews leases.
    pub queue: Arc<dyn OpenQueue>,
    /// The folder of the locks of this machine's executors and of its device. All executors must be given the same
    /// folder.
    pub lock_dir: PathBuf,
    /// The program to start workers with: this one, or the one under test.
    pub program: PathBuf,
    /// The folder of the workers' sockets.
    pub runtime_dir: PathBuf,
    pub worker: WorkerConfig,
    /// The servers that answer the tasks; `None`: a worker of this run's own, one model at a time.
    pub shared: Option<Arc<dyn SharedServers>>,
    /// What models may take of the memory of each device.
    pub memory: BudgetLimits,
    /// The keep hints in order of preference.
    pub hints: Vec<KeepHint>,
    pub limits: TierLimits,
    pub policy: Policy,
    pub retention: Retention,
    /// Whether a model that a task names may be replaced by another one, regardless of the task.
    pub fallback: bool,
    /// The text for others that wait for the device: the command, for people.
    pub who: String,
    /// The time that running tasks may continue after the first request to stop.
    pub grace: Duration,
}

/// The bounds that end a run, in addition to having no due task.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// The maximum number of tasks.
    pub tasks: Option<u64>,
    /// The batch to finish: the run continues until all its tasks have ended, and also waits for those that will be
    /// tried again.
    pub batch: Option<String>,
}

/// Runs due tasks until none is left that this machine can answer, or `bounds` are reached, or a stop is requested.
/// `failures` are the models that could not be loaded before; a daemon keeps them from run to run.
///
/// # Errors
/// When the queue or the inventory cannot be used any more. The claimed tasks then become due again when their leases
/// end.
pub fn run(
    (queue, inventory): (&mut dyn Queue, &mut Db),
    setup: &Setup,
    bounds: &Bounds,
    (stop, hurry): (&StopSignal, &StopSignal),
    failures: &mut LoadFailures,
    emit: &mut dyn FnMut(ExecutorEvent),
) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    let mut told_waits = None;
    loop {
        recover(queue, setup, emit)?;
        let seen = queue.changes()?;
        let open = match &bounds.batch {
            Some(batch) => Some(open_of(queue, batch)?),
            None => None,
        };
        if open == Some(0) || stop.reason().is_some() {
            summary.stopped = stop.reason();
            return Ok(summary);
        }
        let now = queue.now()?;
        let is_due = queue.any_due(None, now)?;
        summary.off = !queue.inference()?.on;
        let found = if is_due && !summary.off {
            waits((&*queue, &*inventory), setup, failures, None)?
        } else {
            Waits::default()
        };
        (summary.waiting, summary.waits_for) = (found.tasks(), found.why());
        if told_waits != summary.waits_for {
            told_waits.clone_from(&summary.waits_for);
            emit(ExecutorEvent::Waits { why: summary.waits_for.clone() });
        }
        // The device is only for a run that can use it.
        if is_due && !summary.off && found.is_any_served {
            match acquire_device(queue, setup, (bounds, stop), emit)? {
                DeviceAcquisition::Ours(device) => {
                    // If the device was taken from a stopped executor, its tasks must be recovered.
                    recover(queue, setup, emit)?;
                    go(
                        (&mut *queue, &mut *inventory),
                        (setup, bounds, open),
                        (stop, hurry),
                        (failures, found, emit),
                        (device, &mut summary),
                    )?;
                    told_waits.clone_from(&summary.waits_for);
                    if open.is_some() && summary.stopped.is_none() {
                        // The remaining tasks are not due, or they have ended: they are checked again without the
                        // device.
                        if queue.any_due(None, queue.now()?)? && queue.inference()?.on {
                            stop.wait_timeout(AGAIN);
                        }
                        continue;
                    }
                }
                DeviceAcquisition::ByDaemon { done, failed } => {
                    (summary.done, summary.failed) = (done, failed);
                    summary.stopped = stop.reason();
                }
                DeviceAcquisition::Others(busy) => {
                    summary.busy = busy;
                    summary.stopped = stop.reason();
                }
            }
            return Ok(summary);
        }
        if open.is_none() {
            return Ok(summary);
        }
        let due = queue.next_due()?.filter(|_| !summary.off);
        let longest = if found.is_empty() { POLL } else { LOOK_AGAIN };
        let limit = due.map_or(longest, |due| due_in(due, now).min(longest));
        queue.wait_for_change(seen, limit, stop.descriptor())?;
    }
}

/// Returns the number of tasks of the batch that have not ended.
fn open_of(queue: &dyn Queue, batch: &str) -> anyhow::Result<u64> {
    Ok(queue.counts(Some(batch))?.iter().filter(|(state, _)| !state.is_finished()).map(|(_, n)| n).sum())
}

/// Runs due tasks, with the device held, until none is left or the bounds are reached.
fn go(
    (queue, inventory): (&mut dyn Queue, &mut Db),
    (setup, bounds, batch_open): (&Setup, &Bounds, Option<u64>),
    (stop, hurry): (&StopSignal, &StopSignal),
    (failures, waits, emit): (&mut LoadFailures, Waits, &mut dyn FnMut(ExecutorEvent)),
    (device, summary): (Device, &mut Summary),
) -> anyhow::Result<()> {
    failures.begin();
    let lock = ExecutorLock::acquire(&setup.lock_dir)?;
    let progress = Progress::default();
    let (sender, events) = request_pool::events();
    let renewer = LeaseRenewer::start(setup.queue.open()?, setup.policy, progress.clone(), sender.clone())?;
    let requests = RequestPool::start(sender, progress.clone(), stop, hurry)?;
    let worker = WorkerLink {
        device: device.held(),
        requests,
        progress,
        events,
        backlog: Vec::new(),
        loaded: None,
        called_back: None,
        is_refused: false,
    };
    let [looked, listed, counted] = [clock::instant(); 3];
    let mut run = Run {
        queue,
        inventory,
        setup,
        stop,
        emit,
        lock,
        worker,
        supply: Supply { waits, looked, listed, counted, failures },
        claims: Claims::new(bounds, batch_open),
        uses: Vec::new(),
        stopping: None,
        is_stop_reported: false,
        summary: std::mem::take(summary),
    };
    let outcome = run.work();
    if outcome.is_err() {
        run.lock.mark_unreleased();
    }
    run.put_down();
    *summary = std::mem::take(&mut run.summary);
    (summary.waiting, summary.waits_for) = (run.supply.waits.tasks(), run.supply.waits.why());
    drop(run);
    drop(renewer);
    drop(device);
    outcome
}

/// The pause before the device is taken again for tasks that are due but were not claimed: they cannot run now.
const AGAIN: Duration = Duration::from_millis(500);
/// The longest wait for a due task before everything is checked again.
const POLL: Duration = Duration::from_secs(1);
/// The number of second tries for which a model is loaded once.
const SECOND_TRIES: usize = 16;
/// The interval in which the reasons for waiting tasks are checked again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// The interval in which limits are checked while a worker is busy.
const TICK: Duration = Duration::from_secs(1);
/// The extra time between two checks that shows that this process itself was stopped.
const STOPPED: Duration = Duration::from_secs(5);

fn due_in(due: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(due.millis().saturating_sub(now.millis()).max(1).unsigned_abs())
}

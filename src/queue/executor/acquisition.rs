//! Recovery of tasks from dead executors, and acquisition of the device, before a run.

use super::device::{Device, TRY_EVERY, Taken};
use super::{Bounds, ExecutorEvent, POLL, Setup};
use crate::clock;
use crate::host::daemon;
use crate::model::task::{Counts, Moment, Queue, TaskState};
use crate::queue::executor_lock;
use crate::supervise::StopSignal;
use std::time::Duration;

/// The time that the worker of a killed executor may take to end, which is the time to free its memory, before other
/// runs give up.
const ORPHANED: Duration = Duration::from_secs(10);

/// The time that the daemon has to begin with due tasks before another run takes them.
const HEAD_START: Duration = Duration::from_secs(10);

pub(super) enum DeviceAcquisition {
    Ours(Device),
    /// The device was not acquired. Contains its holder; None if it is no longer needed.
    Others(Option<String>),
    /// A daemon has run the tasks: so many are done, and so many have failed for good.
    ByDaemon {
        done: u64,
        failed: u64,
    },
}

/// Takes the device if it is free. A run that must finish a batch waits for the device, or until others have finished
/// the batch: the holder of the device takes the same tasks. Where a daemon runs the tasks of this database, they are
/// left to it, and any run waits for it; a daemon that does not begin with them is not waited for.
pub(super) fn acquire_device(
    queue: &mut dyn Queue,
    setup: &Setup,
    (bounds, stop): (&Bounds, &StopSignal),
    emit: &mut dyn FnMut(ExecutorEvent),
) -> anyhow::Result<DeviceAcquisition> {
    let mut waited_for = None;
    let began = clock::instant();
    let before = queue.counts(None)?;
    let due = queue.due_wishes(queue.now()?)?.iter().map(|(_, tasks)| *tasks).fold(0, u64::saturating_add);
    let wanted = due.min(bounds.tasks.unwrap_or(due));
    let mut at_work = began;
    loop {
        let seen = queue.changes()?;
        if !queue.owners()?.is_empty() {
            at_work = clock::instant();
        }
        let daemon = daemon::find(&setup.lock_dir).filter(|daemon| daemon.runs_tasks);
        if let Some(daemon) = daemon.filter(|_| at_work.elapsed() < HEAD_START) {
            if waited_for.as_ref() != Some(&daemon.who) {
                emit(ExecutorEvent::Waiting { who: daemon.who.clone() });
                waited_for = Some(daemon.who);
            }
            let now = queue.counts(bounds.batch.as_deref())?;
            let is_over = if bounds.batch.is_some() {
                emit(ExecutorEvent::ByOthers { ended: ended(&now) });
                ended(&now) == now.values().sum::<u64>()
            } else {
                let is_idle = queue.owners()?.is_empty() && !queue.any_due(None, queue.now()?)?;
                is_idle || ended(&now).saturating_sub(ended(&before)) >= wanted
            };
            if is_over || stop.reason().is_some() {
                let more = |state| of(&now, state).saturating_sub(of(&before, state));
                return Ok(match bounds.batch {
                    Some(_) => DeviceAcquisition::Others(None),
                    None => {
                        DeviceAcquisition::ByDaemon { done: more(TaskState::Done), failed: more(TaskState::Failed) }
                    }
                });
            }
            queue.wait_for_change(seen, POLL, stop.descriptor())?;
            recover(queue, setup, emit)?;
            continue;
        }
        let who = match Device::take(&setup.lock_dir, &setup.who)? {
            Taken::Ours(device) => return Ok(DeviceAcquisition::Ours(device)),
            Taken::Orphaned(who) if began.elapsed() < ORPHANED && stop.reason().is_none() => {
                if waited_for.as_ref() != Some(&who) {
                    emit(ExecutorEvent::Warning { message: format!("waiting for {who} to end") });
                    waited_for = Some(who);
                }
                stop.wait_timeout(TRY_EVERY);
                continue;
            }
            Taken::Busy(who) | Taken::Orphaned(who) => who,
        };
        let Some(batch) = &bounds.batch else { return Ok(DeviceAcquisition::Others(Some(who))) };
        let counts = queue.counts(Some(batch))?;
        let ended = ended(&counts);
        let is_over = counts.values().sum::<u64>() == ended;
        if waited_for.as_ref() != Some(&who) {
            emit(ExecutorEvent::Waiting { who: who.clone() });
            waited_for = Some(who);
        }
        emit(ExecutorEvent::ByOthers { ended });
        if is_over || stop.reason().is_some() {
            return Ok(DeviceAcquisition::Others(None));
        }
        queue.wait_for_change(seen, POLL, stop.descriptor())?;
        recover(queue, setup, emit)?;
    }
}

/// Returns the number of tasks that have ended.
fn ended(counts: &Counts) -> u64 {
    counts.iter().filter(|(state, _)| state.is_finished()).map(|(_, n)| n).sum()
}

fn of(counts: &Counts, state: TaskState) -> u64 {
    counts.get(&state).copied().unwrap_or(0)
}

/// Recovers tasks of dead executors, and removes tasks that are too old.
pub(super) fn recover(queue: &mut dyn Queue, setup: &Setup, emit: &mut dyn FnMut(ExecutorEvent)) -> anyhow::Result<()> {
    let moment = |queue: &dyn Queue| anyhow::Ok(Moment { now: queue.now()?, policy: setup.policy });
    let gone = executor_lock::dead_owners(&setup.lock_dir, &queue.owners()?)?;
    let (mut requeued, mut failed) = (0, 0);
    loop {
        let at = moment(queue)?;
        let step = queue.recover(&gone, at)?;
        requeued += step.requeued.len() as u64;
        failed += step.failed.len() as u64;
        if !step.more {
            break;
        }
    }
    executor_lock::sweep(&setup.lock_dir, &queue.owners()?)?;
    if requeued + failed > 0 {
        emit(ExecutorEvent::Recovered { requeued, failed });
    }
    let mut keep = setup.retention;
    let now = queue.now()?;
    if !queue.trust_clock(now)? {
        keep.max_age_ms = i64::MAX;
    }
    loop {
        let at = moment(queue)?;
        if !queue.retain(&keep, at)?.more {
            return Ok(());
        }
    }
}

//! Recovery of tasks from dead executors, and acquisition of the device, before a run.

use super::device::{Device, TRY_EVERY, Taken};
use super::{Bounds, ExecutorEvent, POLL, Setup};
use crate::clock;
use crate::model::task::{Counts, Moment, Queue};
use crate::queue::executor_lock;
use crate::supervise::StopSignal;
use std::time::Duration;

/// The time that the worker of a killed executor may take to end, which is the time to free its memory, before other
/// runs give up.
const ORPHANED: Duration = Duration::from_secs(10);

pub(super) enum DeviceAcquisition {
    Ours(Device),
    /// The device was not acquired. Contains its holder; None if it is no longer needed.
    Others(Option<String>),
}

/// Takes the device if it is free. A run that must finish a batch waits for the device, or until others have finished
/// the batch: the holder of the device takes the same tasks.
pub(super) fn acquire_device(
    queue: &mut dyn Queue,
    setup: &Setup,
    (bounds, stop): (&Bounds, &StopSignal),
    emit: &mut dyn FnMut(ExecutorEvent),
) -> anyhow::Result<DeviceAcquisition> {
    let mut waited_for = None;
    let began = clock::instant();
    loop {
        let seen = queue.changes()?;
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

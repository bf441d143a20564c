//! Before anything is run: what dead executors left is taken up, and the device is waited for.

use super::device::{Device, TRY_EVERY, Taken};
use super::load::pause;
use super::*;
use crate::queue::owner;
use std::path::Path;

/// The folder of the locks of all executors on one database.
pub fn lock_dir(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push("-run");
    database.with_file_name(name)
}

/// How long the worker of an executor that was killed may take to end, a matter of freeing memory, before others are
/// told to come back later.
const ORPHANED: Duration = Duration::from_secs(10);

pub(super) enum Turn {
    Ours(Device),
    /// Not now, and who has it; or not needed any more.
    Others(Option<String>),
}

/// Takes the device if it is free. Who has a batch to finish waits for it, or until others have finished the batch:
/// whoever has the device takes the same tasks.
pub(super) fn turn(
    db: &mut Db,
    setup: &Setup,
    (bounds, stop): (&Bounds, &Interrupt),
    tell: &mut dyn FnMut(Told),
) -> anyhow::Result<Turn> {
    let dir = lock_dir(&setup.database);
    let mut waited_for = None;
    let began = clock::instant();
    loop {
        let seen = db.version()?;
        let who = match Device::take(&dir, &setup.who)? {
            Taken::Ours(device) => return Ok(Turn::Ours(device)),
            Taken::Orphaned(who) if began.elapsed() < ORPHANED && stop.thrown().is_none() => {
                if waited_for.as_ref() != Some(&who) {
                    tell(Told::Warning(format!("waiting for {who} to end")));
                    waited_for = Some(who);
                }
                pause(TRY_EVERY, stop)?;
                continue;
            }
            Taken::Busy(who) | Taken::Orphaned(who) => who,
        };
        let Some(batch) = &bounds.batch else { return Ok(Turn::Others(Some(who))) };
        let counts = db.count_tasks(Some(batch))?;
        let ended = counts.iter().filter(|(state, _)| state.is_finished()).map(|(_, n)| n).sum();
        let is_over = counts.values().sum::<u64>() == ended;
        if waited_for.as_ref() != Some(&who) {
            tell(Told::Waiting { who: who.clone() });
            waited_for = Some(who);
        }
        tell(Told::ByOthers { ended });
        if is_over || stop.thrown().is_some() {
            return Ok(Turn::Others(None));
        }
        db.wait_for_change(seen, POLL)?;
        recover(db, setup, &dir, tell)?;
    }
}

/// Takes up what dead executors left, and lets go of what is too old.
pub(super) fn recover(db: &mut Db, setup: &Setup, dir: &Path, tell: &mut dyn FnMut(Told)) -> anyhow::Result<()> {
    let moment = || Moment { now: clock::now(), policy: setup.policy };
    let gone = owner::gone(dir, &db.task_owners()?)?;
    let (mut requeued, mut failed) = (0, 0);
    loop {
        let step = db.recover_tasks(&gone, moment())?;
        requeued += step.requeued.len() as u64;
        failed += step.failed.len() as u64;
        if !step.more {
            break;
        }
    }
    owner::sweep(dir, &db.task_owners()?)?;
    if requeued + failed > 0 {
        tell(Told::Recovered { requeued, failed });
    }
    let mut keep = setup.retention;
    if !db.trust_clock(clock::now())? {
        keep.max_age_ms = i64::MAX;
    }
    while db.retain_tasks(&keep, moment())?.more {}
    Ok(())
}

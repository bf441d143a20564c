//! The prune after a run of offloaded tasks.

use super::act::{Manner, act, too_large};
use super::gather::{gather, uses};
use super::summary::{deleted, exceptions, moved};
use super::trash_room::expire;
use crate::display::{text, units};
use crate::model::Age;
use crate::ops::trash::recover_interrupted;
use crate::ops::{OpEvent, Session, Sink, clock_check};
use crate::prune::plan::plan;
use crate::prune::policy::Policy;
use crate::prune::target::Space;
use crate::supervise::StopSignal;

/// Moves models that were not used for `AUTO_PRUNE_DAYS` days to the trash, and deletes expired items of the trash;
/// without `AUTO_PRUNE_CONFIRM`, only reports the models. The stop signal is the caller's: a handler of our own would
/// take its second signal from it.
pub fn auto(session: &mut Session, stop: &StopSignal, on: &mut Sink<'_>) -> anyhow::Result<()> {
    let auto = session.config.auto_prune;
    if auto.days == 0 {
        return Ok(());
    }
    let wall = session.now;
    let leap = clock_check::check(session, false, on)?;
    let done = prune(session, stop, on);
    // Everything else that this command records has the time of the wall clock.
    session.now = wall;
    if leap.is_none() && auto.confirm {
        clock_check::note(session)?;
    }
    done
}

fn prune(session: &mut Session, stop: &StopSignal, on: &mut Sink<'_>) -> anyhow::Result<()> {
    let auto = session.config.auto_prune;
    if auto.confirm {
        recover_interrupted(session, on)?;
        if let Some(limit) = session.config.trash.expire {
            let line = expire(session, limit, on)?.line(&format!("older than {}", limit.text()));
            line.iter().for_each(|line| on(OpEvent::note(line)));
        }
    }
    let found = gather(session, &[])?;
    let days = u32::try_from(auto.days).unwrap_or(u32::MAX);
    let policy =
        Policy { unused_for: Some(Age::days(days).until(session.now)), min_keep: auto.min_keep, ..Policy::default() };
    let servers = session.config.prune.clone();
    let room = Space::default();
    let plan = plan(&policy, &[], &found, &room, session.now, &mut |asked| uses(&servers, asked, &mut Vec::new()));
    let names: Vec<_> = plan.going().map(|row| text::clean(&row.name).into_owned()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let (models, days) = (units::plural(names.len() as u64, "model"), units::plural(auto.days, "day"));
    let unused = format!("{models} unused for {days} ({})", names.join(", "));
    if !auto.confirm {
        on(OpEvent::note(format!("prune would move {unused} to the trash")));
        on(OpEvent::hint("set AUTO_PRUNE_CONFIRM=1 to do it; `modelctl prune` shows the reasons"));
        return Ok(());
    }
    if let Some(large) = plan.large.first() {
        on(OpEvent::warning(too_large(large).message));
        return Ok(());
    }
    let done = act(session, Manner { purge: false, allow_large: false }, (&plan, &found), stop, on)?;
    exceptions(&done).into_iter().for_each(&mut *on);
    moved(&done).into_iter().chain(deleted(&done)).for_each(|line| on(OpEvent::note(line)));
    Ok(())
}

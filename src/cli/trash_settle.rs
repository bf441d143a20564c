//! What a command does before it acts on a trash: what an earlier run left half done is put in order, and told.

use super::prune::{record, rescan};
use super::tell_history::{self, Item};
use super::{Access, Ctx};
use crate::clock::{self, Timestamp};
use crate::model::{Action, Event};
use crate::prune::trash::{self, Ending, Order, Recovered, State, Trashed};
use crate::ui::text;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Puts in order what a run left behind that did not come to its end.
pub(super) fn settle(ctx: &mut Ctx) -> anyhow::Result<()> {
    super::trash::places(ctx, &[])?.1.iter().for_each(|fault| ctx.ui.warn(fault));
    settle_but(ctx, &[], &|_, _| false)
}

/// The same, but does not go on deleting what is `spared`, by its id and what was moved.
pub(super) fn settle_but(ctx: &mut Ctx, dirs: &[PathBuf], spared: &dyn Fn(&str, &Order) -> bool) -> anyhow::Result<()> {
    let mut touched = BTreeSet::new();
    for place in super::trash::places(ctx, dirs)?.0 {
        let path = place.path().to_owned();
        let held = place.hold(clock::now()).map_err(trash::Fault::into_error)?;
        for recovered in trash::recover_but(&held, spared, &mut trash::go_on)? {
            ctx.ui.warn(&told(&path, &recovered));
            record_ending(ctx, &recovered);
            touched.extend(recovered.order.map(|order| (order.store, order.root)));
        }
        let items = trash::list([held.place()])?;
        for order in tell(ctx, &items) {
            touched.insert((order.store, order.root.clone()));
        }
    }
    if !touched.is_empty() {
        rescan(ctx, touched)?;
    }
    Ok(())
}

/// Tells the history of items that it does not know of: the run that moved them was ended before it could, or the
/// database was not to be had. Only to look at a trash must always be possible: what cannot be done now waits.
pub(super) fn tell_untold(ctx: &mut Ctx, dirs: &[PathBuf], items: &[Trashed]) {
    if untold(ctx, items).is_ok_and(|untold| untold.is_empty()) {
        return;
    }
    let Ok((places, _)) = super::trash::places(ctx, dirs) else { return };
    for place in places {
        // Whoever has it may be about to tell.
        let Ok(held) = place.hold(clock::now()) else { continue };
        if let Ok(items) = trash::list([held.place()]) {
            tell(ctx, &items);
        }
    }
}

/// Tells the history of those of these items, of a trash that is locked, that it does not know of.
fn tell<'i>(ctx: &mut Ctx, items: &'i [Trashed]) -> Vec<&'i Order> {
    let untold = match untold(ctx, items) {
        Ok(untold) => untold,
        Err(error) => {
            ctx.ui.warn(&format!("it cannot be told what the history knows of the trash: {error:#}"));
            return Vec::new();
        }
    };
    for (id, order) in &untold {
        record(ctx, tell_history::taken(id, order, rustix::process::geteuid().as_raw()), &[]);
    }
    untold.into_iter().map(|(_, order)| order).collect()
}

/// The settled ones of which no line of the history has the id.
fn untold<'i>(ctx: &mut Ctx, items: &'i [Trashed]) -> anyhow::Result<Vec<(&'i str, &'i Order)>> {
    let settled = |t: &&Trashed| matches!(t.state, State::Complete | State::Partly | State::Purging);
    let items: Vec<(&str, &Order)> =
        items.iter().filter(settled).filter_map(|t| Some((t.id.as_str(), t.order.as_ref()?))).collect();
    let Some(since) = items.iter().map(|(_, order)| order.at).min() else { return Ok(Vec::new()) };
    let told = ctx.db(Access::ReadOnly)?.trash_told(before(since))?;
    let ids: HashSet<&str> = told.lines.iter().map(|(_, id)| id.as_str()).collect();
    let is_retired = |order: &Order| told.reaches_back_to.is_some_and(|first| order.at < first);
    Ok(items.into_iter().filter(|(id, order)| !ids.contains(id) && !is_retired(order)).collect())
}

/// The line may be of before the item, when a clock was set back in between.
fn before(at: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400_000;
    Timestamp(at.millis().saturating_sub(DAY))
}

/// What this run did to an item that an earlier one had left half done.
fn record_ending(ctx: &mut Ctx, recovered: &Recovered) {
    let Some(order) = &recovered.order else { return };
    let (action, freed) = match &recovered.ending {
        Ending::Restored | Ending::Undone => (Action::Restore, 0),
        Ending::Deleted(emptied) => (Action::Empty, emptied.freed_bytes),
        // What is in the trash now is told as such; the rest is where it was.
        Ending::Kept | Ending::NotRestored(_) | Ending::Failed(_) => return,
    };
    let id = recovered.id.as_str();
    let known = match ctx.db(Access::ReadOnly).and_then(|db| db.trash_told(before(order.at))) {
        Ok(known) => known,
        Err(error) => {
            ctx.ui.warn(&format!("the history does not know of it: {error:#}"));
            return;
        }
    };
    let is_told = |action| known.lines.contains(&(action, id.to_owned()));
    if action == Action::Empty && !is_told(Action::Prune) && !is_told(Action::Purge) {
        record(ctx, tell_history::taken(id, order, rustix::process::geteuid().as_raw()), &[]);
    }
    if action == Action::Restore && is_told(action) {
        return;
    }
    let event = ctx.event(action);
    let item = Item { id, order: Some(order), bytes: order.allocated_bytes };
    let told = tell_history::of_trash(&event, &item, freed);
    let how = match recovered.ending {
        Ending::Undone => "a run that took it away was ended, and it was put back",
        _ => "gone on with for a run that was ended",
    };
    let reason = told.reason.as_deref().map_or_else(|| how.to_owned(), |reason| format!("{how}; {reason}"));
    record(ctx, Event { reason: Some(reason), ..told }, &[]);
}

/// A sentence about what an earlier run left behind.
fn told(place: &Path, recovered: &Recovered) -> String {
    let name = recovered.order.as_ref().map_or(recovered.id.as_str(), |order| order.name.as_str());
    let (name, place) = (text::clean(name), text::path(place));
    match &recovered.ending {
        Ending::Undone => format!("an earlier run was ended while it took `{name}` away: it is back where it was"),
        Ending::Kept => format!(
            "an earlier run was ended while it took `{name}` away, and something else is in its place: what was taken is in `{place}`"
        ),
        Ending::Restored => format!("an earlier run was ended while it restored `{name}`: it is restored now"),
        Ending::NotRestored(why) => {
            format!("an earlier run was ended while it restored `{name}`, and it cannot go on: {why}")
        }
        Ending::Deleted(_) => format!("an earlier run was ended while it deleted `{name}`: it is deleted now"),
        Ending::Failed(why) => {
            format!("an earlier run left `{name}` half done, and that cannot be put in order: {why}")
        }
    }
}

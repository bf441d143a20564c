//! Recovers a trash from an interrupted run, and records the result. To be called before a trash is changed.

use super::places::{named, places};
use crate::clock::{self, Timestamp};
use crate::db::Access;
use crate::display::text;
use crate::model::{Action, Event};
use crate::ops::history_events::{self, Item, record};
use crate::ops::known_roots::rescan;
use crate::ops::{OpEvent, Session, Sink};
use crate::prune::trash::{self, Ending, Order, Recovered, Scope, State, Trashed};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Recovers every known trash from interrupted runs.
pub fn recover_interrupted(session: &mut Session, on: &mut Sink<'_>) -> anyhow::Result<()> {
    places(session, &[])?.1.iter().for_each(|fault| on(OpEvent::warning(fault)));
    recover_interrupted_except(session, &[], &|_, _| false, on)
}

/// Like [`recover_interrupted`], for the known trashes and those of `dirs`. Items for which `is_asked` is true, by id
/// and order, are not deleted, and are restored to any root that their trash confirms. Other items are restored only to
/// a root that is known or that one of `dirs` names.
pub fn recover_interrupted_except(
    session: &mut Session,
    dirs: &[PathBuf],
    is_asked: &dyn Fn(&str, &Order) -> bool,
    on: &mut Sink<'_>,
) -> anyhow::Result<()> {
    let named = named(session, dirs)?;
    let mut touched = BTreeSet::new();
    for place in places(session, dirs)?.0 {
        let path = place.path().to_owned();
        let held = place.hold(clock::now()).map_err(trash::Fault::into_error)?;
        let may_restore = |root: &Path, id: &str, order: &Order| {
            // A person who names the trash itself means the items in it.
            named.contains(root) || named.contains(&path) || is_asked(id, order)
        };
        let scope = Scope { is_spared: is_asked, may_restore: &may_restore };
        let recovered = match trash::recover_within(&held, &scope, &mut trash::go_on) {
            Ok(recovered) => recovered,
            // A place that cannot be read does not stop the others.
            Err(error) => {
                on(OpEvent::warning(format!("{error:#}")));
                continue;
            }
        };
        for recovered in recovered {
            on(OpEvent::warning(sentence(&path, &recovered)));
            record_ending(session, &recovered, on);
            let has_changed = !matches!(recovered.ending, Ending::Failed(_));
            touched.extend(recovered.root.filter(|_| has_changed));
        }
        let items = match trash::list([held.place()]) {
            Ok(items) => items,
            Err(error) => {
                on(OpEvent::warning(format!("{error:#}")));
                continue;
            }
        };
        touched.extend(record_unrecorded(session, &items, on).into_iter().map(Path::to_owned));
    }
    rescan(session, &touched, on)
}

/// Writes the history events that an interrupted run could not write. Best effort: listing the trash must work without
/// the database.
pub fn record_missing_events(session: &mut Session, dirs: &[PathBuf], items: &[Trashed], on: &mut Sink<'_>) {
    if unrecorded(session, items).is_ok_and(|unrecorded| unrecorded.is_empty()) {
        return;
    }
    let Ok((places, _)) = places(session, dirs) else { return };
    for place in places {
        // The process that holds the place may be about to record its items.
        let Ok(held) = place.hold(clock::now()) else { continue };
        if let Ok(items) = trash::list([held.place()]) {
            record_unrecorded(session, &items, on);
        }
    }
}

/// Records the items of a locked trash that the history does not have. Returns their roots.
fn record_unrecorded<'i>(session: &mut Session, items: &'i [Trashed], on: &mut Sink<'_>) -> Vec<&'i Path> {
    let unrecorded = match unrecorded(session, items) {
        Ok(unrecorded) => unrecorded,
        Err(error) => {
            on(OpEvent::warning(format!("cannot compare the history with the trash: {error:#}")));
            return Vec::new();
        }
    };
    for Unrecorded { id, order, root } in &unrecorded {
        record(session, &[history_events::taken(id, order, root, rustix::process::geteuid().as_raw())], &[], on);
    }
    unrecorded.into_iter().map(|item| item.root).collect()
}

/// An item that the history does not have.
struct Unrecorded<'i> {
    id: &'i str,
    order: &'i Order,
    root: &'i Path,
}

/// Returns the items that are complete, partly deleted or being deleted, and whose id is in no event of the history. An
/// item whose root its trash does not confirm was not moved from here: its own data is not recorded.
fn unrecorded<'i>(session: &mut Session, items: &'i [Trashed]) -> anyhow::Result<Vec<Unrecorded<'i>>> {
    let settled = |t: &&Trashed| matches!(t.state, State::Complete | State::Partly | State::Purging);
    let items: Vec<Unrecorded<'i>> = items
        .iter()
        .filter(settled)
        .filter_map(|t| Some(Unrecorded { id: &t.id, order: t.order.as_ref()?, root: t.root.as_deref()? }))
        .collect();
    let Some(since) = items.iter().map(|item| item.order.at).min() else { return Ok(Vec::new()) };
    let recorded = session.db(Access::ReadOnly)?.trash_told(before(since))?;
    let ids: HashSet<&str> = recorded.lines.iter().map(|(_, id)| id.as_str()).collect();
    let is_retired = |order: &Order| recorded.reaches_back_to.is_some_and(|first| order.at < first);
    Ok(items.into_iter().filter(|item| !ids.contains(item.id) && !is_retired(item.order)).collect())
}

/// Returns a time one day earlier: the event may have an earlier time than the item, when a clock was set back in
/// between.
fn before(at: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400_000;
    Timestamp(at.millis().saturating_sub(DAY))
}

/// Records how this run ended an item that an earlier run left unfinished.
fn record_ending(session: &mut Session, recovered: &Recovered, on: &mut Sink<'_>) {
    // Nothing is recorded of an item that was not moved from here.
    let (Some(order), Some(root)) = (&recovered.order, &recovered.root) else { return };
    let (action, freed) = match &recovered.ending {
        Ending::Restored | Ending::Undone => (Action::Restore, 0),
        Ending::Deleted(emptied) => (Action::Empty, emptied.freed_bytes),
        // Items that are in the trash now are recorded separately; the others are where they were.
        Ending::Kept | Ending::NotRestored(_) | Ending::Failed(_) => return,
    };
    let id = recovered.id.as_str();
    let known = match session.db(Access::ReadOnly).and_then(|db| db.trash_told(before(order.at))) {
        Ok(known) => known,
        Err(error) => {
            on(OpEvent::warning(format!("could not record this in the history: {error:#}")));
            return;
        }
    };
    let is_recorded = |action| known.lines.contains(&(action, id.to_owned()));
    if action == Action::Empty && !is_recorded(Action::Prune) && !is_recorded(Action::Purge) {
        record(session, &[history_events::taken(id, order, root, rustix::process::geteuid().as_raw())], &[], on);
    }
    if action == Action::Restore && is_recorded(action) {
        return;
    }
    let event = session.event(action);
    let item = Item { id, order: Some(order), root: Some(root), bytes: order.allocated_bytes };
    let event = history_events::trash_item(&event, &item, freed);
    let how = match recovered.ending {
        Ending::Undone => "a run that moved it to the trash was interrupted; it was put back",
        _ => "completed for a run that was interrupted",
    };
    let reason = event.reason.as_deref().map_or_else(|| how.to_owned(), |reason| format!("{how}; {reason}"));
    record(session, &[Event { reason: Some(reason), ..event }], &[], on);
}

/// Returns a sentence about an item that an earlier run left unfinished.
fn sentence(place: &Path, recovered: &Recovered) -> String {
    let name = recovered.order.as_ref().map_or(recovered.id.as_str(), |order| order.name.as_str());
    let (name, place) = (text::clean(name), text::path(place));
    match &recovered.ending {
        Ending::Undone => format!("an earlier run was interrupted while moving `{name}` to the trash: it was put back"),
        Ending::Kept => format!(
            "an earlier run was interrupted while moving `{name}` to the trash, and something else is in its place now: the files are in `{place}`"
        ),
        Ending::Restored => format!("an earlier run was interrupted while restoring `{name}`: it is restored now"),
        Ending::NotRestored(why) => {
            format!("an earlier run was interrupted while restoring `{name}`, and it cannot continue: {why}")
        }
        Ending::Deleted(_) => format!("an earlier run was interrupted while deleting `{name}`: it is deleted now"),
        Ending::Failed(why) => {
            format!("an earlier run left `{name}` incomplete, and it cannot be repaired: {why}")
        }
    }
}

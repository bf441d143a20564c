//! Restores items to where they were.

use super::Point;
use super::confined_dir::ConfinedDir;
use super::discard;
use super::empty;
use super::entry::Kind;
use super::fault::Fault;
use super::item::{Hook, Item, Mark, at};
use super::lock::Held;
use super::order::Step;
use super::put_back::{self, Manner};
use super::times::Times;
use std::path::PathBuf;

/// Restores an item, or nothing of it: content, links, modes, and times of everything, the folders above it too where
/// nobody else changed them meanwhile. Replaces nothing that is there. Returns the root, which may have been moved.
///
/// # Errors
/// [`Fault`]s with their failure. [`Fault::Occupied`] names the entry that is in the way, [`Fault::BeingDeleted`] the
/// entries that are deleted already; the item is still in the trash then.
pub fn restore(held: &Held, id: &str, hook: Hook<'_>) -> anyhow::Result<PathBuf> {
    put(held, id, hook).map_err(Fault::into_error)
}

fn put(held: &Held, id: &str, hook: Hook<'_>) -> Result<PathBuf, Fault> {
    spare(held, id)?;
    let item = recovered_item(held, id)?;
    let root = held.place.root_of(&item.journal.order)?;
    has_room(&item, &root)?;
    let mut times = Times::open(&item.folder, &item.journal.dirs)?;
    times.begin_back(&root, &mut |dir, from| held.next(&item, dir, from))?;
    at(hook, Point::Times)?;
    item.turn(Mark::Complete, Mark::Restoring)?;
    at(hook, Point::Marked)?;
    finish(held, &item, (&root, &mut times), hook)?;
    Ok(root.path)
}

/// Removes the mark of deletion from an item that is still whole.
fn spare(held: &Held, id: &str) -> Result<(), Fault> {
    let Some(item) = Item::open(&held.place, id)? else { return Ok(()) };
    if !item.is(Mark::Purging)? {
        return Ok(());
    }
    let gone = empty::gone(&item)?;
    if gone.is_empty() && !item.is(Mark::Partly)? {
        return item.turn(Mark::Purging, Mark::Complete);
    }
    Err(Fault::BeingDeleted { id: id.to_owned(), gone })
}

/// Continues a restore; when that fails, everything is moved back into the trash.
pub(super) fn finish(held: &Held, item: &Item, at: (&ConfinedDir, &mut Times), hook: Hook<'_>) -> Result<(), Fault> {
    let (root, times) = at;
    let done = put_back::steps(item, root, times, Manner::Whole, hook)
        .and_then(|_| put_back::finish(held, item, root, times, hook));
    match done {
        Ok(()) => item.remove(&held.place, hook),
        Err(Fault::Stopped(e)) => Err(Fault::Stopped(e)),
        Err(why) => {
            discard::again(item, root, times, hook)?;
            Err(why)
        }
    }
}

/// Opens an item that is complete, and that no unfinished operation has marked.
pub(super) fn recovered_item(held: &Held, id: &str) -> Result<Item, Fault> {
    let none = || Fault::NoItem { id: id.to_owned() };
    let item = Item::open(&held.place, id)?.ok_or_else(none)?;
    let unsettled = |state| Fault::Unsettled { id: id.to_owned(), state };
    if item.is(Mark::Purging)? {
        return Err(unsettled("it was about to be deleted"));
    }
    if item.is(Mark::Restoring)? {
        return Err(unsettled("it was about to be restored"));
    }
    if !item.is(Mark::Complete)? {
        return Err(unsettled("it was about to be moved to the trash"));
    }
    Ok(item)
}

/// Checks that the whole payload is in the trash, and that the original paths are free.
fn has_room(item: &Item, root: &ConfinedDir) -> Result<(), Fault> {
    let is_part = item.is(Mark::Partly)?;
    for (n, step) in item.journal.order.steps.iter().enumerate() {
        let path = step.path();
        if matches!(step, Step::RemoveDir { .. }) {
            continue;
        }
        match (item.payload(n)?, root.look(path)?) {
            (Some(_), Some(_)) => return Err(Fault::Occupied { path: root.path.join(path) }),
            (None, _) if !is_part => return Err(Fault::Missing { path: root.path.join(path) }),
            _ => {}
        }
        for above in path.ancestors().skip(1) {
            if root.look(above)?.is_some_and(|l| l.seen.kind != Kind::Folder) {
                return Err(Fault::Occupied { path: root.path.join(above) });
            }
        }
    }
    Ok(())
}

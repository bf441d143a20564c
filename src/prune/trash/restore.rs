//! Back to where it was.

use super::Point;
use super::beneath::Base;
use super::discard;
use super::empty;
use super::fault::Fault;
use super::item::{Hook, Item, Mark, at};
use super::lock::Held;
use super::order::{Kind, Step};
use super::put_back::{self, Manner};
use super::times::Times;
use std::path::PathBuf;

/// Puts an item back, or nothing of it: content, links, modes, and times of everything, its folders too where nobody else
/// changed those meanwhile. Nothing that is there is replaced. Gives the root, which may have been moved.
///
/// # Errors
/// [`Fault`]s with their failure. [`Fault::Occupied`] names what is in the way, [`Fault::BeingDeleted`] what has gone
/// already; the item is still in the trash then.
pub fn restore(held: &Held, id: &str, hook: Hook<'_>) -> anyhow::Result<PathBuf> {
    put(held, id, hook).map_err(Fault::into_error)
}

fn put(held: &Held, id: &str, hook: Hook<'_>) -> Result<PathBuf, Fault> {
    spare(held, id)?;
    let item = settled(held, id)?;
    let root = held.place.root_of(&item.journal.order)?;
    has_room(&item, &root)?;
    let mut times = Times::open(&item.folder, &item.journal.dirs)?;
    times.begin_back(&root, &mut || put_back::others(&held.place, &item))?;
    at(hook, Point::Times)?;
    item.turn(Mark::Complete, Mark::Restoring)?;
    at(hook, Point::Marked)?;
    finish(held, &item, (&root, &mut times), hook)?;
    Ok(root.path)
}

/// An item that was about to be deleted, and of which all is there, is one like any other again.
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

/// Goes on with a restore; when that cannot be done, everything goes back into the trash.
pub(super) fn finish(held: &Held, item: &Item, at: (&Base, &mut Times), hook: Hook<'_>) -> Result<(), Fault> {
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

/// Opens an item that is complete and that nothing else is being done with.
pub(super) fn settled(held: &Held, id: &str) -> Result<Item, Fault> {
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

/// Whether everything is in the trash that should be, and nothing is where it belongs.
fn has_room(item: &Item, root: &Base) -> Result<(), Fault> {
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

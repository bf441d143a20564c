//! Recovery after an interrupted run: its unfinished work is undone or completed.

use super::Point;
use super::empty::{self, Emptied};
use super::fault::Fault;
use super::item::{self, Hook, Item, Mark, at};
use super::lock::Held;
use super::order::Order;
use super::put_back;
use super::restore;
use super::times::Times;
use std::path::{Path, PathBuf};

/// An item that had to be recovered.
#[derive(Debug)]
pub struct Recovered {
    pub id: String,
    /// None when the journal cannot be read.
    pub order: Option<Order>,
    /// The root of the item, when the place that contains it confirms it.
    pub root: Option<PathBuf>,
    pub ending: Ending,
}

/// Limits of a recovery. An item itself says where it belongs, and that may have been written by the person who
/// prepared the disk: the caller knows which roots a person named.
pub struct Scope<'a> {
    /// Returns whether an item that was about to be deleted, given by its id and order, stays as it is.
    pub is_spared: &'a dyn Fn(&str, &Order) -> bool,
    /// Returns whether anything may be put back into that root for the item of that id and order.
    pub may_restore: &'a dyn Fn(&Path, &str, &Order) -> bool,
}

#[derive(Debug)]
pub enum Ending {
    /// The item had not been moved whole: everything is back where it was.
    Undone,
    /// The item had not been moved whole, and something else is now at an original path: the entries that cannot be put
    /// back are an item of the trash.
    Kept,
    Restored,
    /// The item was being restored, which failed: it is in the trash as before.
    NotRestored(Fault),
    Deleted(Emptied),
    /// The recovery failed; the next run tries again.
    Failed(Fault),
}

/// Recovers every item of the place. Does nothing where none needs it. To be called before any other use of a trash.
///
/// # Errors
/// Only when the place itself cannot be read, or the hook returns an error. A fault of one item is reported with that
/// item.
pub fn recover(held: &Held, hook: Hook<'_>) -> anyhow::Result<Vec<Recovered>> {
    recover_within(held, &Scope { is_spared: &|_, _| false, may_restore: &|_, _, _| true }, hook)
}

/// Recovers the items of the place, as far as `scope` allows.
///
/// # Errors
/// As [`recover`].
pub fn recover_within(held: &Held, scope: &Scope<'_>, hook: Hook<'_>) -> anyhow::Result<Vec<Recovered>> {
    let mut all = Vec::new();
    // The newest first: a link was moved before the file that it leads to, and is put back after it.
    for id in item::ids(&held.place).map_err(Fault::into_error)?.into_iter().rev() {
        let (order, ending) = match Item::open(&held.place, &id) {
            // The folder was created for a move that did not start, or left by a move that was undone.
            Ok(None) => match item::remove_folder(&held.place, &id) {
                // False: listed as damaged, and never touched.
                Ok(true | false) => continue,
                Err(e) => (None, Err(e)),
            },
            Ok(Some(item))
                if (scope.is_spared)(&id, &item.journal.order) && item.is(Mark::Purging).is_ok_and(|is| is) =>
            {
                continue;
            }
            Ok(Some(item)) => match settle(held, &item, scope, hook) {
                Ok(None) => continue,
                Ok(Some(ending)) => (Some(item.journal.order), Ok(ending)),
                Err(e) => (Some(item.journal.order), Err(e)),
            },
            // Listed as damaged, and never touched.
            Err(Fault::Damaged { .. }) => continue,
            Err(e) => (None, Err(e)),
        };
        let ending = match ending {
            Err(Fault::Stopped(e)) => return Err(e),
            Err(e) => Ending::Failed(e),
            Ok(ending) => ending,
        };
        let root = order.as_ref().and_then(|order| held.place.confirmed(order));
        all.push(Recovered { id, order, root, ending });
    }
    Ok(all)
}

pub(super) fn strange(id: &str) -> Fault {
    Fault::Damaged { id: id.to_owned(), why: "it has no journal and is not empty".to_owned() }
}

fn settle(held: &Held, item: &Item, scope: &Scope<'_>, hook: Hook<'_>) -> Result<Option<Ending>, Fault> {
    if item.is(Mark::Purging)? {
        return empty::purge(held, item, hook).map(|e| Some(Ending::Deleted(e)));
    }
    let is_restoring = item.is(Mark::Restoring)?;
    if !is_restoring && item.is(Mark::Complete)? {
        return Ok(None);
    }
    let root = held.place.root_of(&item.journal.order)?;
    if !(scope.may_restore)(&root.path, &item.id, &item.journal.order) {
        return Err(Fault::UnknownRoot { path: root.path });
    }
    let mut times = Times::open(&item.folder, &item.journal.dirs)?;
    times.settle(&root)?;
    at(hook, Point::Folder)?;
    if !is_restoring {
        let stays = put_back::undo(held, item, &root, &mut times, hook)?;
        return Ok(Some(if stays { Ending::Kept } else { Ending::Undone }));
    }
    match restore::finish(held, item, (&root, &mut times), hook) {
        Ok(()) => Ok(Some(Ending::Restored)),
        Err(Fault::Stopped(e)) => Err(Fault::Stopped(e)),
        // The item is back in the trash, or that failed as well and the next run tries again.
        Err(why) if item.is(Mark::Restoring)? => Err(why),
        Err(why) => Ok(Some(Ending::NotRestored(why))),
    }
}

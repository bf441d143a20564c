//! After a run that did not come to its end: what it left half done is undone or completed.

use super::Point;
use super::empty::{self, Emptied};
use super::fault::Fault;
use super::item::{self, Hook, Item, Mark, at};
use super::lock::Held;
use super::order::Order;
use super::put_back;
use super::restore;
use super::times::Times;

/// An item that was not settled.
#[derive(Debug)]
pub struct Recovered {
    pub id: String,
    /// None when there is nothing to read.
    pub order: Option<Order>,
    pub ending: Ending,
}

#[derive(Debug)]
pub enum Ending {
    /// It had not been moved whole: everything is where it was.
    Undone,
    /// It had not been moved whole, and something else is where it was: what cannot go back is an item of the trash.
    Kept,
    Restored,
    /// It was being restored, which cannot be done: it is in the trash as before.
    NotRestored(Fault),
    Deleted(Emptied),
    /// The next run tries again.
    Failed(Fault),
}

/// Settles every item of the place. Does nothing where all are. To be called before anything else is done with a trash.
///
/// # Errors
/// Only when the place itself cannot be read, or the hook gives one; what is wrong with an item is told with it.
pub fn recover(held: &Held, hook: Hook<'_>) -> anyhow::Result<Vec<Recovered>> {
    recover_but(held, &|_, _| false, hook)
}

/// The same, but what was about to be deleted and is `spared` (by its id and what it was moved for) stays as it is.
///
/// # Errors
/// As [`recover`].
pub fn recover_but(
    held: &Held,
    spared: &dyn Fn(&str, &Order) -> bool,
    hook: Hook<'_>,
) -> anyhow::Result<Vec<Recovered>> {
    let mut all = Vec::new();
    for id in item::ids(&held.place).map_err(Fault::into_error)? {
        let (order, ending) = match Item::open(&held.place, &id) {
            // Made for a move that did not begin, or left behind by one that was undone.
            Ok(None) => match item::remove_folder(&held.place, &id) {
                // False: listed as damaged, and never touched.
                Ok(true | false) => continue,
                Err(e) => (None, Err(e)),
            },
            Ok(Some(item)) if spared(&id, &item.journal.order) && item.is(Mark::Purging).is_ok_and(|is| is) => continue,
            Ok(Some(item)) => match settle(held, &item, hook) {
                Ok(None) => continue,
                Ok(Some(ending)) => (Some(item.journal.order), Ok(ending)),
                Err(e) => (Some(item.journal.order), Err(e)),
            },
            // Listed as such, and never touched.
            Err(Fault::Damaged { .. }) => continue,
            Err(e) => (None, Err(e)),
        };
        let ending = match ending {
            Err(Fault::Stopped(e)) => return Err(e),
            Err(e) => Ending::Failed(e),
            Ok(ending) => ending,
        };
        all.push(Recovered { id, order, ending });
    }
    Ok(all)
}

pub(super) fn strange(id: &str) -> Fault {
    Fault::Damaged { id: id.to_owned(), why: "it has no journal and is not empty".to_owned() }
}

fn settle(held: &Held, item: &Item, hook: Hook<'_>) -> Result<Option<Ending>, Fault> {
    if item.is(Mark::Purging)? {
        return empty::purge(held, item, hook).map(|e| Some(Ending::Deleted(e)));
    }
    let is_restoring = item.is(Mark::Restoring)?;
    if !is_restoring && item.is(Mark::Complete)? {
        return Ok(None);
    }
    let root = held.place.root_of(&item.journal.order)?;
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
        // It went back, or that failed as well and the next run tries again.
        Err(why) if item.is(Mark::Restoring)? => Err(why),
        Err(why) => Ok(Some(Ending::NotRestored(why))),
    }
}

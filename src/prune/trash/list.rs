//! Lists the items of a trash.

use super::confined_dir::ConfinedDir;
use super::discard::DEEPEST;
use super::entry::Kind;
use super::fault::Fault;
use super::id;
use super::item::{self, Item, Mark};
use super::order::Order;
use super::place::Place;
use super::recover::strange;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// An item of a trash.
#[derive(Debug)]
pub struct Trashed {
    /// A person can shorten it to any unambiguous beginning; four characters are nearly always enough.
    pub id: String,
    /// Folder of the item in the trash.
    pub folder: PathBuf,
    pub state: State,
    /// None when the journal cannot be read.
    pub order: Option<Order>,
    /// The root of the item, when the place that contains it confirms it: the text of an order can be written by
    /// anybody.
    pub root: Option<PathBuf>,
    /// Bytes of disk of the item now, each file counted once.
    pub bytes: u64,
}

impl Trashed {
    /// Compares two items by the time when they were moved here; those of one run in the order of their moves.
    pub fn by_age(&self, other: &Trashed) -> Ordering {
        id::by_age(&self.id, &other.id).then_with(|| self.folder.cmp(&other.folder))
    }
}

#[derive(Debug)]
pub enum State {
    Complete,
    /// A part of the item was put back or deleted; the rest is here.
    Partly,
    /// A run was interrupted: the next one undoes or completes its work.
    Moving,
    Restoring,
    Purging,
    /// The item cannot be understood, and is never touched.
    Damaged(Fault),
}

/// Returns everything in these places, oldest first.
///
/// # Errors
/// When a place itself cannot be read.
pub fn list<'p>(places: impl IntoIterator<Item = &'p Place>) -> anyhow::Result<Vec<Trashed>> {
    let mut all = Vec::new();
    for place in places {
        for id in item::ids(place).map_err(Fault::into_error)? {
            all.extend(trashed(place, id));
        }
    }
    all.sort_by(Trashed::by_age);
    Ok(all)
}

/// Reads an item. None when it was removed meanwhile, or is a folder that nothing was moved to.
fn trashed(place: &Place, id: String) -> Option<Trashed> {
    let folder = place.path().join(&id);
    match Item::open(place, &id) {
        Ok(Some(item)) => {
            let state = state(&item).unwrap_or_else(State::Damaged);
            let bytes = bytes(&item.files);
            let root = place.confirmed(&item.journal.order);
            Some(Trashed { id, folder, state, order: Some(item.journal.order), root, bytes })
        }
        Ok(None) => {
            let files = place.base.inner(&Path::new(&id).join("files")).ok()?;
            let is_empty = files.names().is_ok_and(|names| names.is_empty());
            let state = State::Damaged(strange(&id));
            (!is_empty).then(|| Trashed { id, folder, state, order: None, root: None, bytes: bytes(&files) })
        }
        Err(Fault::NoItem { .. }) => None,
        Err(e) => {
            let bytes = place.base.inner(&Path::new(&id).join("files")).map_or(0, |files| bytes(&files));
            Some(Trashed { id, folder, state: State::Damaged(e), order: None, root: None, bytes })
        }
    }
}

fn state(item: &Item) -> Result<State, Fault> {
    Ok(if item.is(Mark::Purging)? {
        State::Purging
    } else if item.is(Mark::Restoring)? {
        State::Restoring
    } else if !item.is(Mark::Complete)? {
        State::Moving
    } else if item.is(Mark::Partly)? {
        State::Partly
    } else {
        State::Complete
    })
}

/// Sums up the bytes of disk. An entry that cannot be read counts as zero: another process may be deleting it.
fn bytes(top: &ConfinedDir) -> u64 {
    let (mut sum, mut counted) = (0u64, HashSet::new());
    let mut open: Vec<PathBuf> = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let Ok(folder) = top.inner(&below) else { continue };
        for name in folder.names().unwrap_or_default() {
            let Ok(Some(look)) = folder.look_in(&name) else { continue };
            if counted.insert(look.seen.ino) {
                sum = sum.saturating_add(look.allocated);
            }
            if look.seen.kind == Kind::Folder && below.components().count() < DEEPEST {
                open.push(below.join(&name));
            }
        }
    }
    sum
}

//! What is in the trash.

use super::beneath::Base;
use super::discard::DEEPEST;
use super::fault::Fault;
use super::item::{self, Item, Mark};
use super::order::{Kind, Order};
use super::place::Place;
use super::recover::strange;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// An item of a trash.
#[derive(Debug)]
pub struct Trashed {
    /// Sorts by time; any unambiguous beginning of it will do for a person.
    pub id: String,
    /// Its folder.
    pub folder: PathBuf,
    pub state: State,
    /// None when it cannot be read.
    pub order: Option<Order>,
    /// Bytes of disk that are in it now, each file once.
    pub bytes: u64,
}

#[derive(Debug)]
pub enum State {
    Complete,
    /// Something of it was put back or deleted, the rest is here.
    Partly,
    /// A run did not come to its end: the next one undoes or completes what it began.
    Moving,
    Restoring,
    Purging,
    /// Not understood, and never touched.
    Damaged(Fault),
}

/// Everything in these places, the oldest first.
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
    all.sort_by(|a, b| (&a.id, &a.folder).cmp(&(&b.id, &b.folder)));
    Ok(all)
}

/// None when it has gone meanwhile, or is a folder that nothing was moved to.
fn trashed(place: &Place, id: String) -> Option<Trashed> {
    let folder = place.path().join(&id);
    match Item::open(place, &id) {
        Ok(Some(item)) => {
            let state = state(&item).unwrap_or_else(State::Damaged);
            let bytes = bytes(&item.files);
            Some(Trashed { id, folder, state, order: Some(item.journal.order), bytes })
        }
        Ok(None) => {
            let files = place.base.inner(&Path::new(&id).join("files")).ok()?;
            let is_empty = files.names().is_ok_and(|names| names.is_empty());
            let state = State::Damaged(strange(&id));
            (!is_empty).then(|| Trashed { id, folder, state, order: None, bytes: bytes(&files) })
        }
        Err(Fault::NoItem { .. }) => None,
        Err(e) => {
            let bytes = place.base.inner(&Path::new(&id).join("files")).map_or(0, |files| bytes(&files));
            Some(Trashed { id, folder, state: State::Damaged(e), order: None, bytes })
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

/// What cannot be read counts nothing: it may be on its way out.
fn bytes(top: &Base) -> u64 {
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

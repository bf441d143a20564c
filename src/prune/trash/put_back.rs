//! Moves entries out of the trash: the steps of an item in reverse, so the payload is there before anything refers to
//! it.

use super::Point;
use super::confined_dir::{ConfinedDir, absent};
use super::entry::Kind;
use super::entry::Mtime;
use super::fault::Fault;
use super::item::{self, Hook, Item, MADE, Mark, at, slot, sync};
use super::lock::{Held, Links};
use super::order::Step;
use super::place::Place;
use super::times::{Others, Times};
use std::ffi::OsStr;
use std::path::Path;

/// Behavior when something else is at an original path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// All or nothing: it is an error.
    Whole,
    /// Entries that cannot be put back stay in the trash.
    Part,
}

/// Puts back the entries that an interrupted run moved. True when some had to stay in the trash, as a complete item of
/// their own.
pub(super) fn undo(
    held: &Held,
    item: &Item,
    root: &ConfinedDir,
    times: &mut Times,
    hook: Hook<'_>,
) -> Result<bool, Fault> {
    times.begin_back(root, &mut |dir, from| held.next(item, dir, from))?;
    let stays = steps(item, root, times, Manner::Part, hook)?;
    finish(held, item, root, times, hook)?;
    if stays {
        item.mark(Mark::Partly)?;
        at(hook, Point::Marked)?;
        item.mark(Mark::Complete)?;
        at(hook, Point::Marked)?;
        times.stay();
    } else {
        item.remove(&held.place, hook)?;
    }
    Ok(stays)
}

/// Restores the times of the folders, and syncs everything.
pub(super) fn finish(
    held: &Held,
    item: &Item,
    root: &ConfinedDir,
    times: &mut Times,
    hook: Hook<'_>,
) -> Result<(), Fault> {
    times.finish_back(root, &mut || {
        // The logs are about to be rewritten.
        held.links.replace(None);
        others(&held.place, item)
    })?;
    at(hook, Point::Times)?;
    sync(item, root)?;
    at(hook, Point::Synced)
}

/// Puts back the steps that still have a payload in the trash. True when one could not be put back.
pub(super) fn steps(
    item: &Item,
    root: &ConfinedDir,
    times: &mut Times,
    manner: Manner,
    hook: Hook<'_>,
) -> Result<bool, Fault> {
    let mut stays = false;
    for (n, step) in item.journal.order.steps.iter().enumerate().rev() {
        at(hook, Point::Before(n))?;
        let path = step.path();
        let back = match step {
            Step::Move { .. } | Step::Tree { .. } => move_out(item, root, times, (n, path), hook),
            Step::RemoveDir { .. } => make_folders(item, root, times, path, hook),
        };
        match back {
            Err(Fault::Stopped(e)) => return Err(Fault::Stopped(e)),
            Err(Fault::Occupied { .. } | Fault::Leaves { .. }) if manner == Manner::Part => stays = true,
            Err(Fault::Io { source, .. }) if manner == Manner::Part && absent(&source) => stays = true,
            back => back?,
        }
        at(hook, Point::After(n))?;
    }
    Ok(stays)
}

fn move_out(
    item: &Item,
    root: &ConfinedDir,
    times: &mut Times,
    (n, path): (usize, &Path),
    hook: Hook<'_>,
) -> Result<(), Fault> {
    let Some(payload) = item.payload(n)? else { return Ok(()) };
    let above = path.parent().unwrap_or(Path::new(""));
    make_folders(item, root, times, above, hook)?;
    if let Some(there) = root.look(path)? {
        // A rename by way of a second name was interrupted between the two calls.
        let is_same =
            there.seen.kind != Kind::Folder && (there.seen.dev, there.seen.ino) == (payload.seen.dev, payload.seen.ino);
        return match is_same {
            true => item.files.unlink(&slot(n)),
            false => Err(Fault::Occupied { path: root.path.join(path) }),
        };
    }
    times.before(root, &[above])?;
    item.files.rename(&slot(n), root, path)?;
    at(hook, Point::Moved(n))?;
    times.after(root, &[above], None)
}

/// Creates `dir` and the missing folders above it, each as it was. A folder gets its name when it is complete.
fn make_folders(item: &Item, root: &ConfinedDir, times: &mut Times, dir: &Path, hook: Hook<'_>) -> Result<(), Fault> {
    let mut missing = Vec::new();
    for dir in dir.ancestors() {
        match root.look(dir)? {
            None => missing.push(dir),
            Some(there) if there.seen.kind == Kind::Folder => break,
            Some(_) => return Err(Fault::Occupied { path: root.path.join(dir) }),
        }
    }
    for dir in missing.into_iter().rev() {
        // Everything that was in it is in the journal.
        let Some(was) = item.journal.dirs.iter().find(|d| d.path == dir) else { continue };
        let (made, above) = (Path::new(MADE), dir.parent().unwrap_or(Path::new("")));
        item.folder.remove_dir(made)?;
        item.folder.make_dir(made)?;
        let new = item.folder.inner(made)?;
        new.set_owner(was.mode, was.uid, was.gid)?;
        if let Some(ns) = was.mtime_ns {
            new.set_mtime(ns)?;
        }
        at(hook, Point::Made)?;
        times.before(root, &[above, dir])?;
        item.folder.rename(made, root, dir)?;
        at(hook, Point::Made)?;
        times.after(root, &[above, dir], Some(dir))?;
    }
    Ok(())
}

impl Links {
    /// Reads all logs of a place. A log that cannot be read costs only the time of a folder.
    fn read(place: &Place) -> Links {
        let mut all = Links::default();
        for id in item::ids(place).unwrap_or_default() {
            let Ok(Some(item)) = Item::open(place, &id) else { continue };
            let Ok(times) = Times::open(&item.folder, &item.journal.dirs) else { continue };
            for (dir, before, after) in times.links() {
                let of_root = all.0.entry(item.journal.order.root.clone()).or_default();
                of_root.insert((dir.to_owned(), before), (id.clone(), after));
            }
        }
        all
    }
}

impl Held {
    /// Returns the time that another item of the same root left of a folder that it had found with the time `from`.
    pub(super) fn next(&self, item: &Item, dir: &Path, from: Mtime) -> Option<Mtime> {
        let mut links = self.links.borrow_mut();
        // Read only once, whatever the number of items that are put back.
        let links = links.get_or_insert_with(|| Links::read(&self.place));
        let (id, after) = links.0.get(&item.journal.order.root)?.get(&(dir.to_owned(), from))?;
        // An item that was put back meanwhile left nothing.
        let is_there = *id != item.id && self.place.base.look_in(OsStr::new(id)).is_ok_and(|look| look.is_some());
        is_there.then_some(*after)
    }
}

/// Returns the logs of the other items of the same root.
fn others(place: &Place, item: &Item) -> Vec<Others> {
    // A log that cannot be read costs only the time of a folder.
    let ids = item::ids(place).unwrap_or_default();
    let same_root = |other: &Item| other.journal.order.root == item.journal.order.root;
    ids.iter()
        .filter(|id| **id != item.id)
        .filter_map(|id| Item::open(place, id).ok().flatten())
        .filter(same_root)
        .filter_map(|other| Times::open(&other.folder, &other.journal.dirs).ok())
        .map(|times| Others { times })
        .collect()
}

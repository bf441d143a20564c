//! Out of the trash: the steps of an item in reverse, so that the payload is there before anything refers to it.

use super::Point;
use super::beneath::{Base, absent};
use super::discard::sync;
use super::fault::Fault;
use super::item::{self, Hook, Item, MADE, Mark, at, slot};
use super::lock::Held;
use super::order::{Kind, Step};
use super::place::Place;
use super::times::{Others, Times};
use std::path::Path;

/// What to do when something else is where a thing belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// All or nothing: that is an error.
    Whole,
    /// What cannot go back stays in the trash.
    Part,
}

/// Puts back what is in the trash of a run that did not complete. True when some of it had to stay there: as a complete
/// item of its own.
pub(super) fn undo(held: &Held, item: &Item, root: &Base, times: &mut Times, hook: Hook<'_>) -> Result<bool, Fault> {
    times.begin_back(root, &mut || others(&held.place, item))?;
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

/// Gives the folders their times, and makes everything last.
pub(super) fn finish(held: &Held, item: &Item, root: &Base, times: &mut Times, hook: Hook<'_>) -> Result<(), Fault> {
    times.finish_back(root, &mut || others(&held.place, item))?;
    at(hook, Point::Times)?;
    sync(item, root)?;
    at(hook, Point::Synced)
}

/// The steps that still have something in the trash. True when something could not go back.
pub(super) fn steps(
    item: &Item,
    root: &Base,
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
    root: &Base,
    times: &mut Times,
    (n, path): (usize, &Path),
    hook: Hook<'_>,
) -> Result<(), Fault> {
    let Some(payload) = item.payload(n)? else { return Ok(()) };
    let above = path.parent().unwrap_or(Path::new(""));
    make_folders(item, root, times, above, hook)?;
    if let Some(there) = root.look(path)? {
        // A move by way of a second name was broken off between the two.
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

/// Makes `dir` and the folders above it that are not there any more, each as it was. It gets its name when it is
/// finished.
fn make_folders(item: &Item, root: &Base, times: &mut Times, dir: &Path, hook: Hook<'_>) -> Result<(), Fault> {
    let mut missing = Vec::new();
    for dir in dir.ancestors() {
        match root.look(dir)? {
            None => missing.push(dir),
            Some(there) if there.seen.kind == Kind::Folder => break,
            Some(_) => return Err(Fault::Occupied { path: root.path.join(dir) }),
        }
    }
    for dir in missing.into_iter().rev() {
        // Nothing was in it that is not in the journal.
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

/// The logs of the other items that came from the same root.
pub(super) fn others(place: &Place, item: &Item) -> Vec<Others> {
    // What cannot be read costs the time of a folder, no more.
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

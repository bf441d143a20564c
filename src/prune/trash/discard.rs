//! Moves the entries of an order into the trash.

use super::Point;
use super::confined_dir::{ConfinedDir, joined};
use super::entry::{Kind, Seen};
use super::fault::Fault;
use super::item::{Ancestor, Hook, Item, Mark, at, slot, sync};
use super::order::{Listed, Order, Step};
use super::times::Times;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The deepest nesting of folders that a tree may have; each folder is open while those below it are checked.
pub(super) const DEEPEST: usize = 200;

/// Outcome of an order.
#[derive(Debug)]
pub enum Outcome {
    Trashed {
        id: String,
    },
    /// Something had changed since the order was made, and everything is as it was before.
    Skipped {
        why: Fault,
    },
    /// Something had changed, and the entries moved until then could not be put back: they are kept as an item.
    Kept {
        id: String,
        why: Fault,
    },
}

/// A check that the other copy, which is to stay, is still there. Its error is a path where it is not.
pub type Holds<'a> = &'a dyn Fn() -> Result<(), PathBuf>;

/// Compares the disk with the recorded state before anything is written. Returns the folders above the entries.
pub(super) fn compare_with_seen(root: &ConfinedDir, order: &Order) -> Result<Vec<Ancestor>, Fault> {
    let mut dirs = BTreeSet::new();
    for step in &order.steps {
        if let Step::Move { path, seen } | Step::Tree { path, seen, .. } = step {
            let now = root.look(path)?.map(|l| l.seen);
            compare(path, seen, now.as_ref(), Some(root.dev))?;
            if now.is_some_and(|now| seen.is_touched(&now)) {
                return Err(Fault::changed(path, "was touched"));
            }
        }
        let own = matches!(step, Step::RemoveDir { .. }).then_some(step.path());
        dirs.extend(own.into_iter().chain(step.path().ancestors().skip(1)));
    }
    let mut ancestors = Vec::with_capacity(dirs.len());
    for dir in dirs {
        let Some(look) = root.look(dir)? else { continue };
        if look.seen.kind != Kind::Folder {
            return Err(Fault::changed(dir, "is not a folder"));
        }
        let (mode, uid, gid, mtime_ns) = (look.mode, look.uid, look.gid, Some(look.seen.mtime_ns));
        ancestors.push(Ancestor { path: dir.to_owned(), mode, uid, gid, mtime_ns });
    }
    Ok(ancestors)
}

/// Compares an entry with its recorded state. `dev`: the device that the order must have recorded, where that is known.
pub(super) fn compare(path: &Path, seen: &Seen, now: Option<&Seen>, dev: Option<u64>) -> Result<(), Fault> {
    let why = match now {
        None => Some("no longer exists"),
        Some(now) if dev.is_some_and(|dev| now.dev != dev || seen.dev != dev) => Some("is on another file system"),
        Some(now) => seen.differs(now),
    };
    why.map_or(Ok(()), |why| Err(Fault::changed(path, why)))
}

/// Carries out the steps that are not done yet.
pub(super) fn forward(item: &Item, root: &ConfinedDir, times: &mut Times, hook: Hook<'_>) -> Result<(), Fault> {
    for (n, step) in item.journal.order.steps.iter().enumerate() {
        at(hook, Point::Before(n))?;
        let path = step.path();
        let above = path.parent().unwrap_or(Path::new(""));
        match step {
            _ if item.payload(n)?.is_some() => {}
            Step::Move { seen, .. } => move_in(item, root, times, &Entry { n, path, above, seen }, hook)?,
            Step::Tree { seen, listing, .. } => {
                check_listing(root, path, listing)?;
                move_in(item, root, times, &Entry { n, path, above, seen }, hook)?;
            }
            Step::RemoveDir { .. } => {
                times.before(root, &[above, path])?;
                root.remove_dir(path).or_else(|e| match e {
                    Fault::Io { source, .. } if super::confined_dir::absent(&source) => Ok(false),
                    e => Err(e),
                })?;
                at(hook, Point::Moved(n))?;
                times.after(root, &[above, path], None)?;
            }
        }
        at(hook, Point::After(n))?;
    }
    Ok(())
}

struct Entry<'e> {
    n: usize,
    path: &'e Path,
    above: &'e Path,
    seen: &'e Seen,
}

fn move_in(item: &Item, root: &ConfinedDir, times: &mut Times, entry: &Entry<'_>, hook: Hook<'_>) -> Result<(), Fault> {
    let &Entry { n, path, above, seen } = entry;
    compare(path, seen, root.look(path)?.map(|l| l.seen).as_ref(), None)?;
    times.before(root, &[above])?;
    root.rename(path, &item.files, &slot(n))?;
    at(hook, Point::Moved(n))?;
    times.after(root, &[above], None)?;
    // Another entry could have taken its name between the check and the move.
    let swapped = compare(path, seen, item.payload(n)?.map(|l| l.seen).as_ref(), None);
    if swapped.is_err() {
        times.before(root, &[above])?;
        item.files.rename(&slot(n), root, path)?;
        times.after(root, &[above], None)?;
    }
    swapped
}

/// Checks that a folder contains exactly the entries of `listing`.
pub(super) fn check_listing(root: &ConfinedDir, top: &Path, listing: &[Listed]) -> Result<(), Fault> {
    let mut missing: HashMap<&Path, &Seen> = listing.iter().map(|l| (l.path.as_path(), &l.seen)).collect();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let folder = root.inner(&joined(top, &below))?;
        for name in folder.names()? {
            let (path, inner) = (joined(top, &below).join(&name), below.join(&name));
            let seen = missing.remove(inner.as_path()).ok_or_else(|| Fault::changed(&path, "is new"))?;
            let now = folder.look_in(&name)?.map(|l| l.seen);
            compare(&path, seen, now.as_ref(), Some(root.dev))?;
            if seen.kind == Kind::Folder {
                if inner.components().count() > DEEPEST {
                    return Err(Fault::changed(&path, "is nested too deeply"));
                }
                open.push(inner);
            }
        }
    }
    match missing.keys().next() {
        Some(gone) => Err(Fault::changed(&top.join(gone), "no longer exists")),
        None => Ok(()),
    }
}

/// Moves an item that was put back into the trash again, as far as it is still there.
pub(super) fn again(item: &Item, root: &ConfinedDir, times: &mut Times, hook: Hook<'_>) -> Result<(), Fault> {
    match forward(item, root, times, hook) {
        Err(e) if e.is_change() || matches!(e, Fault::Io { .. }) => {
            // The entries outside of the trash stay there, and still belong to the store.
            item.mark(Mark::Partly)?;
        }
        done => done?,
    }
    // Putting back and moving again is no change of the folders.
    times.calm(root)?;
    times.stay();
    sync(item, root)?;
    item.turn(Mark::Restoring, Mark::Complete)?;
    at(hook, Point::Marked)
}

//! Into the trash.

use super::Point;
use super::beneath::{Base, joined};
use super::fault::Fault;
use super::item::{Ancestor, Hook, Item, Mark, at, slot};
use super::lock::Held;
use super::order::{Kind, Listed, Order, Seen, Step};
use super::put_back;
use super::times::Times;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Folders within folders that a tree may have; each is open while those below it are looked at.
pub(super) const DEEPEST: usize = 200;

/// What became of an order.
#[derive(Debug)]
pub enum Outcome {
    Trashed {
        id: String,
    },
    /// Something had changed since the order was made, and everything is as it was before.
    Skipped {
        why: Fault,
    },
    /// Something had changed, and what had been moved until then could not go back: it is kept as an item.
    Kept {
        id: String,
        why: Fault,
    },
}

/// Moves everything that is in `order` to the trash, or nothing.
///
/// # Errors
/// [`Fault`]s with their failure. Everything is as it was then, too, but for what the message says.
pub fn discard(held: &Held, order: Order, hook: Hook<'_>) -> anyhow::Result<Outcome> {
    take(held, order, hook).map_err(Fault::into_error)
}

fn take(held: &Held, order: Order, hook: Hook<'_>) -> Result<Outcome, Fault> {
    order.check()?;
    let ready = held.place.root(&order.root).and_then(|root| {
        match (root.dev, root.ino) == (order.root_is.dev, order.root_is.ino) {
            true => look_again(&root, &order).map(|dirs| (root, dirs)),
            false => Err(Fault::RootChanged { path: order.root.clone() }),
        }
    });
    let (root, dirs) = match ready {
        Err(why) if why.is_change() => return Ok(Outcome::Skipped { why }),
        ready => ready?,
    };
    let item = Item::create(held, order, dirs, hook)?;
    let mut times = match Times::open(&item.folder, &item.journal.dirs) {
        Ok(times) => times,
        Err(why) => {
            item.remove(&held.place, hook)?;
            return Err(why);
        }
    };
    let all = forward(&item, &root, &mut times, hook).and_then(|()| {
        times.calm(&root)?;
        at(hook, Point::Times)?;
        sync(&item, &root)?;
        at(hook, Point::Synced)?;
        item.mark(Mark::Complete)?;
        at(hook, Point::Marked)
    });
    let why = match all {
        Ok(()) => return Ok(Outcome::Trashed { id: item.id }),
        Err(Fault::Stopped(e)) => return Err(Fault::Stopped(e)),
        Err(why) => why,
    };
    let kept = match put_back::undo(held, &item, &root, &mut times, hook) {
        Ok(kept) => kept,
        Err(Fault::Stopped(e)) => return Err(Fault::Stopped(e)),
        Err(undo) => return Err(Fault::HalfDone { id: item.id, why: Box::new(why), source: Box::new(undo) }),
    };
    match kept {
        true => Ok(Outcome::Kept { id: item.id, why }),
        false if why.is_change() => Ok(Outcome::Skipped { why }),
        false => Err(why),
    }
}

/// Compares what is there with what was seen, before anything is written, and notes the folders above it.
pub(super) fn look_again(root: &Base, order: &Order) -> Result<Vec<Ancestor>, Fault> {
    let mut dirs = BTreeSet::new();
    for step in &order.steps {
        if let Step::Move { path, seen } | Step::Tree { path, seen, .. } = step {
            compare(path, seen, root.look(path)?.map(|l| l.seen).as_ref(), Some(root.dev))?;
        }
        let own = matches!(step, Step::RemoveDir { .. }).then_some(step.path());
        dirs.extend(own.into_iter().chain(step.path().ancestors().skip(1)));
    }
    let mut ancestors = Vec::with_capacity(dirs.len());
    for dir in dirs {
        let Some(look) = root.look(dir)? else { continue };
        if look.seen.kind != Kind::Folder {
            return Err(Fault::changed(dir, "is no folder"));
        }
        let (mode, uid, gid, mtime_ns) = (look.mode, look.uid, look.gid, Some(look.seen.mtime_ns));
        ancestors.push(Ancestor { path: dir.to_owned(), mode, uid, gid, mtime_ns });
    }
    Ok(ancestors)
}

/// `dev`: what the order must have seen, where that is known.
pub(super) fn compare(path: &Path, seen: &Seen, now: Option<&Seen>, dev: Option<u64>) -> Result<(), Fault> {
    let why = match now {
        None => Some("has gone"),
        Some(now) if dev.is_some_and(|dev| now.dev != dev || seen.dev != dev) => Some("is on another file system"),
        Some(now) => seen.differs(now),
    };
    why.map_or(Ok(()), |why| Err(Fault::changed(path, why)))
}

/// Does what is still to be done of the steps.
pub(super) fn forward(item: &Item, root: &Base, times: &mut Times, hook: Hook<'_>) -> Result<(), Fault> {
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
                    Fault::Io { source, .. } if super::beneath::absent(&source) => Ok(false),
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

fn move_in(item: &Item, root: &Base, times: &mut Times, entry: &Entry<'_>, hook: Hook<'_>) -> Result<(), Fault> {
    let &Entry { n, path, above, seen } = entry;
    compare(path, seen, root.look(path)?.map(|l| l.seen).as_ref(), None)?;
    times.before(root, &[above])?;
    root.rename(path, &item.files, &slot(n))?;
    at(hook, Point::Moved(n))?;
    times.after(root, &[above], None)?;
    // Another could have taken its name between the look and the move.
    let swapped = compare(path, seen, item.payload(n)?.map(|l| l.seen).as_ref(), None);
    if swapped.is_err() {
        times.before(root, &[above])?;
        item.files.rename(&slot(n), root, path)?;
        times.after(root, &[above], None)?;
    }
    swapped
}

/// Whether a folder has in it exactly what is in `listing`.
pub(super) fn check_listing(root: &Base, top: &Path, listing: &[Listed]) -> Result<(), Fault> {
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
                    return Err(Fault::changed(&path, "lies too deep"));
                }
                open.push(inner);
            }
        }
    }
    match missing.keys().next() {
        Some(gone) => Err(Fault::changed(&top.join(gone), "has gone")),
        None => Ok(()),
    }
}

/// Makes everything that was moved last.
pub(super) fn sync(item: &Item, root: &Base) -> Result<(), Fault> {
    for dir in &item.journal.dirs {
        match root.inner(&dir.path) {
            Ok(folder) => folder.sync()?,
            // Somebody led it elsewhere.
            Err(Fault::Leaves { .. }) => {}
            Err(Fault::Io { source, .. }) if super::beneath::absent(&source) => {}
            Err(e) => return Err(e),
        }
    }
    item.files.sync()
}

/// Moves what was put back into the trash again, as far as it is still there.
pub(super) fn again(item: &Item, root: &Base, times: &mut Times, hook: Hook<'_>) -> Result<(), Fault> {
    match forward(item, root, times, hook) {
        Err(e) if e.is_change() || matches!(e, Fault::Io { .. }) => {
            // What is outside stays there, and goes on being the store's.
            item.mark(Mark::Partly)?;
        }
        done => done?,
    }
    times.stay();
    sync(item, root)?;
    item.turn(Mark::Restoring, Mark::Complete)?;
    at(hook, Point::Marked)
}

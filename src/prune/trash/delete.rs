//! Deletes for good without the trash: for a disk that lacks room even for the journal of an item, which is
//! when room is needed most.
//!
//! Nothing is recorded, so the next run does not continue a run that is killed here. The order of the steps makes up
//! for that: references first, each synced before the next step, payload last. A kill leaves the same state as if the
//! owner had been killed while deleting: bytes that nothing leads to, or a split model with parts missing, which the
//! next scan lists as such and the next prune can remove. No reference leads to bytes that are missing.

use super::Point;
use super::confined_dir::ConfinedDir;
use super::discard::{check_listing, compare, compare_with_seen};
use super::empty::{Emptied, Purge};
use super::fault::Fault;
use super::item::{Hook, at};
use super::order::{Order, Step};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Outcome of an order.
#[derive(Debug)]
pub enum Deleted {
    Whole(Emptied),
    /// Something had changed since the order was made, and nothing was deleted.
    Skipped {
        why: Fault,
    },
    /// A step failed in the middle: `gone` is deleted.
    Partly {
        gone: Vec<PathBuf>,
        freed_bytes: u64,
        why: Fault,
    },
}

/// Deletes everything in `order`, in the order of its steps, without the trash.
///
/// Between the last check of a file and its deletion another file could take its place, and would then be deleted; with
/// the trash that cannot happen.
///
/// # Errors
/// [`Fault`]s with their failure; nothing is deleted then.
pub fn delete(order: &Order, hook: Hook<'_>) -> anyhow::Result<Deleted> {
    let root = match ready(order) {
        Ok(root) => root,
        Err(why) if why.is_change() => return Ok(Deleted::Skipped { why }),
        Err(why) => return Err(why.into_error()),
    };
    let (mut done, mut gone) = (Emptied::default(), Vec::new());
    for (n, step) in order.steps.iter().enumerate() {
        let before = done.deleted;
        let result = at(hook, Point::Before(n)).and_then(|()| one(&root, step, &mut done, hook));
        if done.deleted > before {
            gone.push(root.path.join(step.path()));
        }
        match result {
            Ok(()) => {}
            Err(Fault::Stopped(error)) => return Err(error),
            Err(why) if !gone.is_empty() => {
                return Ok(Deleted::Partly { gone, freed_bytes: done.freed_bytes, why });
            }
            Err(why) if why.is_change() => return Ok(Deleted::Skipped { why }),
            Err(why) => return Err(why.into_error()),
        }
    }
    Ok(Deleted::Whole(done))
}

/// Opens the root, when everything is as the order has it.
fn ready(order: &Order) -> Result<ConfinedDir, Fault> {
    order.check()?;
    let root = ConfinedDir::absolute(&order.root)?;
    if (root.dev, root.ino) != (order.root_is.dev, order.root_is.ino) {
        return Err(Fault::RootChanged { path: order.root.clone() });
    }
    compare_with_seen(&root, order)?;
    for step in &order.steps {
        if let Step::Tree { path, listing, .. } = step {
            check_listing(&root, path, listing)?;
        }
    }
    Ok(root)
}

fn one(root: &ConfinedDir, step: &Step, done: &mut Emptied, hook: Hook<'_>) -> Result<(), Fault> {
    let path = step.path();
    let Some(name) = path.file_name().map(Path::new) else { return Ok(()) };
    let above = match root.inner(path.parent().unwrap_or(Path::new(""))) {
        // An empty folder was to be removed, and the folder that contained it was removed before.
        Err(Fault::Io { source, .. })
            if super::confined_dir::absent(&source) && matches!(step, Step::RemoveDir { .. }) =>
        {
            return Ok(());
        }
        above => above?,
    };
    let before = above.look(Path::new(""))?;
    match step {
        Step::Move { seen, .. } => {
            let look = root.look(path)?;
            compare(path, seen, look.as_ref().map(|l| &l.seen), Some(root.dev))?;
            if let Some(look) = look {
                let mut purge = Purge { dev: root.dev, listing: HashMap::new(), done };
                purge.entry(&above, name, (&look, Some(seen)), hook)?;
            }
        }
        Step::Tree { seen, listing, .. } => {
            compare(path, seen, root.look(path)?.map(|l| l.seen).as_ref(), Some(root.dev))?;
            check_listing(root, path, listing)?;
            let listing = listing.iter().map(|l| (l.path.as_path(), &l.seen)).collect();
            let mut purge = Purge { dev: root.dev, listing, done };
            purge.folder(&root.inner(path)?, &PathBuf::new(), hook)?;
            above.remove_dir(name)?;
        }
        Step::RemoveDir { .. } => {
            above.remove_dir(name)?;
        }
    }
    // An entry appeared at this very moment.
    if let Some(left) = done.left.first() {
        return Err(Fault::changed(left, "is new"));
    }
    // The age of a folder matters to its owner; nobody else changed it.
    if let Some(before) = before {
        above.set_mtime(before.seen.mtime_ns)?;
    }
    above.sync()
}

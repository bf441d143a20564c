//! Away for good without the trash: for a disk on which not even the journal of an item finds room, which is when room is
//! needed most.
//!
//! Nothing is noted, so a run that is killed here is not gone on with by the next one. Its order makes up for that:
//! references first, each made to last before the next step, payload last. What a kill leaves is as if the owner had
//! been killed while deleting: bytes that nothing leads to, or a split model with parts missing, which the next scan
//! lists as such and the next prune can take. Nothing leads to bytes that are gone.

use super::Point;
use super::beneath::Base;
use super::discard::{check_listing, compare, look_again};
use super::empty::{Emptied, Purge};
use super::fault::Fault;
use super::item::{Hook, at};
use super::order::{Order, Step};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What became of an order.
#[derive(Debug)]
pub enum Deleted {
    Whole(Emptied),
    /// Something had changed since the order was made, and nothing was deleted.
    Skipped {
        why: Fault,
    },
    /// It went wrong in the middle: `gone` is deleted.
    Partly {
        gone: Vec<PathBuf>,
        freed_bytes: u64,
        why: Fault,
    },
}

/// Deletes everything that is in `order`, in its order, without the trash.
///
/// Between the last look at a file and its end somebody could put another one in its place, which would go then; with
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

/// The root, when everything is as the order has it.
fn ready(order: &Order) -> Result<Base, Fault> {
    order.check()?;
    let root = Base::absolute(&order.root)?;
    if (root.dev, root.ino) != (order.root_is.dev, order.root_is.ino) {
        return Err(Fault::RootChanged { path: order.root.clone() });
    }
    look_again(&root, order)?;
    for step in &order.steps {
        if let Step::Tree { path, listing, .. } = step {
            check_listing(&root, path, listing)?;
        }
    }
    Ok(root)
}

fn one(root: &Base, step: &Step, done: &mut Emptied, hook: Hook<'_>) -> Result<(), Fault> {
    let path = step.path();
    let Some(name) = path.file_name().map(Path::new) else { return Ok(()) };
    let above = match root.inner(path.parent().unwrap_or(Path::new(""))) {
        // A folder that was to be removed if it is empty, in one that was.
        Err(Fault::Io { source, .. }) if super::beneath::absent(&source) && matches!(step, Step::RemoveDir { .. }) => {
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
    // What came in at this very moment.
    if let Some(left) = done.left.first() {
        return Err(Fault::changed(left, "is new"));
    }
    // The age of a folder tells its owner things; nobody else changed it.
    if let Some(before) = before {
        above.set_mtime(before.seen.mtime_ns)?;
    }
    above.sync()
}

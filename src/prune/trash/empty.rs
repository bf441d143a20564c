//! Deletes items of the trash for good.

use super::Point;
use super::confined_dir::{ConfinedDir, Look};
use super::discard::DEEPEST;
use super::entry::{Kind, Seen};
use super::fault::Fault;
use super::item::{Hook, Item, Mark, at, slot};
use super::lock::Held;
use super::order::Step;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Outcome of emptying.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Emptied {
    /// Bytes of disk of the files whose last name was deleted. Files that are still open count too; the file system
    /// frees their bytes when they are closed.
    pub freed_bytes: u64,
    /// The number of deleted entries, without folders.
    pub deleted: u64,
    /// Entries that are not as they were moved, or appeared since: they stay where they are, with the item.
    pub left: Vec<PathBuf>,
}

/// Deletes the rest of an item.
pub(super) fn purge(held: &Held, item: &Item, hook: Hook<'_>) -> Result<Emptied, Fault> {
    let mut done = Emptied::default();
    match steps(item, &mut done, hook) {
        Ok(()) => {}
        Err(Fault::Stopped(e)) => return Err(Fault::Stopped(e)),
        Err(why) => {
            let gone = gone(item)?;
            // In an item of which parts were missing already, those may have been missing before.
            if done.deleted > 0 || !(gone.is_empty() || item.is(Mark::Partly)?) {
                let id = item.id.clone();
                return Err(Fault::HalfDeleted { id, gone, freed_bytes: done.freed_bytes, source: Box::new(why) });
            }
            // A deletion that has not started must not be continued by a run that was asked for something else.
            item.turn(Mark::Purging, Mark::Complete)?;
            at(hook, Point::Marked)?;
            return Err(why);
        }
    }
    if item.files.names()?.is_empty() {
        item.remove(&held.place, hook)?;
    } else {
        if !gone(item)?.is_empty() {
            item.mark(Mark::Partly)?;
        }
        item.turn(Mark::Purging, Mark::Complete)?;
        at(hook, Point::Marked)?;
    }
    Ok(done)
}

fn steps(item: &Item, done: &mut Emptied, hook: Hook<'_>) -> Result<(), Fault> {
    let mut purge = Purge { dev: item.files.dev, listing: HashMap::new(), done };
    for (n, step) in item.journal.order.steps.iter().enumerate() {
        let Some(look) = item.payload(n)? else { continue };
        match step {
            Step::Move { seen, .. } => purge.entry(&item.files, &slot(n), (&look, Some(seen)), hook)?,
            Step::Tree { seen, listing, .. } => {
                purge.listing = listing.iter().map(|l| (l.path.as_path(), &l.seen)).collect();
                if look.seen.kind == Kind::Folder && seen.differs(&look.seen).is_none() {
                    purge.folder(&item.files.inner(&slot(n))?, &PathBuf::new(), hook)?;
                    item.files.remove_dir(&slot(n))?;
                } else {
                    purge.done.left.push(item.files.path.join(slot(n)));
                }
            }
            Step::RemoveDir { .. } => purge.done.left.push(item.files.path.join(slot(n))),
        }
    }
    Ok(())
}

/// Returns the original paths of the entries of an item that are not in the trash.
pub(super) fn gone(item: &Item) -> Result<Vec<PathBuf>, Fault> {
    let order = &item.journal.order;
    let mut gone = Vec::new();
    for (n, step) in order.steps.iter().enumerate() {
        let was = order.root.join(step.path());
        match step {
            Step::RemoveDir { .. } => {}
            _ if item.payload(n)?.is_none() => gone.push(was),
            Step::Move { .. } => {}
            Step::Tree { listing, .. } => {
                // A missing folder stands for everything that was in it.
                let mut missing: HashSet<&Path> = HashSet::new();
                for listed in listing {
                    let path = listed.path.as_path();
                    if path.ancestors().skip(1).any(|above| missing.contains(above)) {
                        continue;
                    }
                    if item.files.look(&slot(n).join(path))?.is_none() {
                        missing.insert(path);
                        gone.push(was.join(path));
                    }
                }
            }
        }
    }
    Ok(gone)
}

pub(super) struct Purge<'p> {
    /// The device that is not left.
    pub dev: u64,
    /// The listing of the tree that is being deleted.
    pub listing: HashMap<&'p Path, &'p Seen>,
    pub done: &'p mut Emptied,
}

impl Purge<'_> {
    /// Deletes the entries of `folder`, which is `below` the top of its tree.
    pub fn folder(&mut self, folder: &ConfinedDir, below: &Path, hook: Hook<'_>) -> Result<(), Fault> {
        let own = folder.look(Path::new(""))?.filter(|l| l.mode & 0o700 != 0o700);
        if let Some(own) = own.filter(|l| l.uid == rustix::process::geteuid().as_raw()) {
            // Its owner had restricted it, which does not matter now that it is deleted.
            folder.set_owner(own.mode | 0o700, own.uid, own.gid)?;
        }
        for name in folder.names()? {
            let Some(look) = folder.look_in(&name)? else { continue };
            let (name, inner) = (Path::new(&name), below.join(&name));
            let seen = self.listing.get(inner.as_path()).copied();
            let is_known = seen.is_some_and(|s| s.differs(&look.seen).is_none());
            if look.seen.kind != Kind::Folder {
                self.entry(folder, name, (&look, seen), hook)?;
            } else if is_known && inner.components().count() <= DEEPEST && look.seen.dev == self.dev {
                self.folder(&folder.inner(name)?, &inner, hook)?;
                // A folder that is not empty contains an entry that is reported in `left`.
                folder.remove_dir(name)?;
                at(hook, Point::Deleted)?;
            } else {
                self.done.left.push(folder.path.join(name));
            }
        }
        Ok(())
    }

    /// Deletes an entry that is not a folder, if it is the one that was moved.
    pub fn entry(
        &mut self,
        folder: &ConfinedDir,
        name: &Path,
        (look, seen): (&Look, Option<&Seen>),
        hook: Hook<'_>,
    ) -> Result<(), Fault> {
        let is_known = seen.is_some_and(|s| s.kind != Kind::Folder && s.differs(&look.seen).is_none());
        if !is_known {
            self.done.left.push(folder.path.join(name));
            return Ok(());
        }
        folder.unlink(name)?;
        self.done.deleted += 1;
        if look.links <= 1 {
            self.done.freed_bytes = self.done.freed_bytes.saturating_add(look.allocated);
        }
        at(hook, Point::Deleted)
    }
}

//! One item of a trash on the disk: a folder with the journal (`item.json`), marks of its progress (`complete`,
//! `restoring`, `purging`, `partly`), the times of the folders it came from (`log`) and the payload (`files/N` for step
//! N).
//!
//! The journal exists from before the first move until everything is back, so a folder without a journal is empty.

use super::Point;
use super::confined_dir::{ConfinedDir, absent};
use super::entry::Kind;
use super::fault::Fault;
use super::id;
use super::lock::Held;
use super::lossless;
use super::order::{Order, clean};
use super::place::Place;
use crate::failure::json_fault;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

pub(super) const LOG: &str = "log";
const JOURNAL: &str = "item.json";
const JOURNAL_NEW: &str = "item.json.new";
pub(super) const FILES: &str = "files";
/// Temporary name of a folder that is about to be put back.
pub(super) const MADE: &str = "made";
/// The only format version that exists.
const FORMAT: u32 = 1;
/// The largest size of a journal, bytes; a tree of half a million entries fits.
const MOST: u64 = 128 << 20;
pub(super) type Hook<'h> = &'h mut dyn FnMut(Point) -> anyhow::Result<()>;

/// Calls the hook with the point that was reached.
pub(super) fn at(hook: Hook<'_>, point: Point) -> Result<(), Fault> {
    hook(point).map_err(Fault::Stopped)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    pub format: u32,
    pub id: String,
    pub order: Order,
    /// The folders above everything that the steps move, the root first, with their state before.
    pub dirs: Vec<Ancestor>,
}

/// A folder above something that moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ancestor {
    /// Relative to the root; empty for the root.
    #[serde(with = "lossless")]
    pub path: PathBuf,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// None when the folder did not exist.
    pub mtime_ns: Option<i64>,
}

/// Progress of an item: at most one of these, and none until everything is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Purging,
    Restoring,
    /// Set in addition to one of the others: a part of the item was put back or deleted.
    Partly,
    Complete,
}

impl Mark {
    const ALL: [Mark; 4] = [Mark::Purging, Mark::Restoring, Mark::Partly, Mark::Complete];

    fn name(self) -> &'static str {
        match self {
            Mark::Purging => "purging",
            Mark::Restoring => "restoring",
            Mark::Partly => "partly",
            Mark::Complete => "complete",
        }
    }
}

pub(super) struct Item {
    pub id: String,
    pub folder: ConfinedDir,
    pub files: ConfinedDir,
    pub journal: Journal,
}

impl Item {
    /// Writes the journal of a new item and syncs it. A fault leaves nothing behind. `lasts`: false when the caller
    /// syncs the journals of several items together.
    pub fn create(held: &Held, order: Order, dirs: Vec<Ancestor>, lasts: bool, hook: Hook<'_>) -> Result<Item, Fault> {
        let place = &held.place;
        held.links.replace(None);
        let millis = order.at.millis().max(held.last_id.get().saturating_add(1));
        held.last_id.set(millis);
        let random = RandomState::new();
        // Where nearly every start is taken, items share one.
        let is_free = |(n, id): &(u64, String)| *n >= 32 || held.has_no_start(id::start(id));
        let id = (0..64).map(|n| (n, id::new(millis, random.hash_one(n)))).filter(is_free).find_map(|(_, id)| {
            match place.base.make_dir(Path::new(&id)) {
                Ok(true) => Some(Ok(id)),
                Ok(false) => None,
                Err(e) => Some(Err(e)),
            }
        });
        let no_name = || Fault::io("make a folder in", place.path(), rustix::io::Errno::EXIST);
        let id = id.ok_or_else(no_name)??;
        held.note_start(id::start(&id));
        let journal = Journal { format: FORMAT, id: id.clone(), order, dirs };
        match Item::write(place, journal, lasts, hook) {
            Err(Fault::Stopped(e)) => Err(Fault::Stopped(e)),
            Err(fault) => {
                abandon(place, &id);
                Err(fault)
            }
            item => item,
        }
    }

    /// Removes an item of which nothing was moved.
    pub fn abandon(&self, place: &Place) {
        abandon(place, &self.id);
    }

    fn write(place: &Place, journal: Journal, lasts: bool, hook: Hook<'_>) -> Result<Item, Fault> {
        at(hook, Point::Folder)?;
        let id = journal.id.clone();
        let folder = place.base.inner(Path::new(&id))?;
        folder.make_dir(Path::new(FILES))?;
        let files = folder.inner(Path::new(FILES))?;
        at(hook, Point::Folder)?;
        let cannot = |e: std::io::Error| Fault::io("write", folder.path.join(JOURNAL), e);
        let text = serde_json::to_vec(&journal).map_err(|e| cannot(e.into()))?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > MOST {
            return Err(cannot(std::io::ErrorKind::FileTooLarge.into()));
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let mut file = folder.open_file(JOURNAL_NEW, flags).map_err(|e| cannot(e.into()))?;
        file.write_all(&text).map_err(cannot)?;
        at(hook, Point::Journal)?;
        if lasts {
            file.sync_all().map_err(cannot)?;
        }
        folder.rename(Path::new(JOURNAL_NEW), &folder, Path::new(JOURNAL))?;
        at(hook, Point::Journal)?;
        if lasts {
            folder.sync()?;
            place.base.sync()?;
        }
        at(hook, Point::Journal)?;
        Ok(Item { id, folder, files, journal })
    }

    /// Reads an item; None when it has no journal, because nothing was moved or everything is back.
    pub fn open(place: &Place, id: &str) -> Result<Option<Item>, Fault> {
        let damaged = |why: String| Fault::Damaged { id: id.to_owned(), why };
        if !id::is_id(id.as_ref()) {
            return Err(Fault::NoItem { id: id.to_owned() });
        }
        let folder = match place.base.inner(Path::new(id)) {
            Err(Fault::Io { source, .. }) if absent(&source) => {
                return Err(Fault::NoItem { id: id.to_owned() });
            }
            folder => folder?,
        };
        let own = folder
            .look(Path::new(""))?
            .is_some_and(|l| l.uid == rustix::process::geteuid().as_raw() && l.mode & 0o022 == 0);
        if !own {
            return Err(damaged("it is writable by others".to_owned()));
        }
        let Some(text) = folder.look_in(OsStr::new(JOURNAL))? else { return Ok(None) };
        if text.seen.kind != Kind::File || text.seen.size > MOST {
            return Err(damaged("its journal is not a file, or is too long".to_owned()));
        }
        let cannot = |e: std::io::Error| Fault::io("read", folder.path.join(JOURNAL), e);
        let file = folder.open_file(JOURNAL, OFlags::RDONLY).map_err(|e| cannot(e.into()))?;
        let mut text = Vec::new();
        file.take(MOST).read_to_end(&mut text).map_err(cannot)?;
        let journal: Journal = serde_json::from_slice(&text).map_err(|e| damaged(json_fault(&e)))?;
        drop(text);
        if journal.format != FORMAT {
            return Err(damaged(format!("its format is {}", journal.format)));
        }
        if journal.id != id {
            return Err(damaged("its journal belongs to another item".to_owned()));
        }
        let dirs = journal.dirs.iter().filter(|d| !d.path.as_os_str().is_empty());
        let checked = journal.order.check().and_then(|()| dirs.map(|d| &d.path).try_for_each(|p| clean(p)));
        checked.map_err(|e| damaged(e.to_string()))?;
        let files = folder.inner(Path::new(FILES)).map_err(|e| damaged(e.to_string()))?;
        Ok(Some(Item { id: id.to_owned(), folder, files, journal }))
    }

    /// Returns whether the item has this mark.
    pub fn is(&self, mark: Mark) -> Result<bool, Fault> {
        Ok(self.folder.look_in(OsStr::new(mark.name()))?.is_some())
    }

    /// Sets a mark and syncs it.
    pub fn mark(&self, mark: Mark) -> Result<(), Fault> {
        self.mark_for_now(mark)?;
        self.folder.sync()
    }

    /// Sets a mark; the caller syncs it.
    pub fn mark_for_now(&self, mark: Mark) -> Result<(), Fault> {
        let cannot = |e: rustix::io::Errno| Fault::io("write", self.folder.path.join(mark.name()), e);
        self.folder.open_file(mark.name(), OFlags::WRONLY | OFlags::CREATE).map_err(cannot)?;
        Ok(())
    }

    /// Replaces one mark by another and syncs that. Takes no disk space: emptying must work on a full disk.
    pub fn turn(&self, from: Mark, to: Mark) -> Result<(), Fault> {
        self.turn_for_now(from, to)?;
        self.folder.sync()
    }

    /// Replaces one mark by another; the caller syncs that.
    pub fn turn_for_now(&self, from: Mark, to: Mark) -> Result<(), Fault> {
        self.folder.rename(Path::new(from.name()), &self.folder, Path::new(to.name()))
    }

    /// Returns the state of the payload of a step, None when it has none in the trash.
    pub fn payload(&self, step: usize) -> Result<Option<super::confined_dir::Look>, Fault> {
        self.files.look_in(slot(step).as_os_str())
    }

    /// Removes the item when its payload is gone. The journal is removed first: a kill then leaves a folder without
    /// one.
    pub fn remove(&self, place: &Place, hook: Hook<'_>) -> Result<(), Fault> {
        if let Some(name) = self.files.names()?.first() {
            return Err(Fault::Damaged { id: self.id.clone(), why: format!("`{}` is in it", name.display()) });
        }
        self.folder.unlink(Path::new(JOURNAL))?;
        at(hook, Point::Forget)?;
        remove_folder(place, &self.id)?;
        Ok(())
    }
}

/// Removes the folder of an item of which nothing was moved. The journal is removed first: the rest then has none and
/// is empty, and the next recovery removes it. While the journal exists the folder stays whole, and the next recovery
/// finds nothing to undo.
fn abandon(place: &Place, id: &str) {
    let folder = place.base.inner(Path::new(id));
    if folder.is_ok_and(|folder| folder.unlink(Path::new(JOURNAL)).is_ok()) {
        let _ = remove_folder(place, id); // see above
    }
}

/// Returns the path of the payload of a step within the files of an item.
pub(super) fn slot(step: usize) -> PathBuf {
    PathBuf::from(step.to_string())
}

/// Removes the folder of an item that has no journal and nothing in its files. False when anything else is in it.
pub(super) fn remove_folder(place: &Place, id: &str) -> Result<bool, Fault> {
    let folder = place.base.inner(Path::new(id))?;
    if !folder.remove_dir(Path::new(FILES))? {
        return Ok(false);
    }
    folder.remove_dir(Path::new(MADE))?;
    for name in [JOURNAL_NEW, LOG].into_iter().chain(Mark::ALL.map(Mark::name)) {
        folder.unlink(Path::new(name))?;
    }
    place.base.remove_dir(Path::new(id))
}

/// Returns the ids of all items of a place, oldest first.
pub(super) fn ids(place: &Place) -> Result<Vec<String>, Fault> {
    let names = place.base.names()?;
    let mut ids: Vec<String> =
        names.into_iter().filter(|n| id::is_id(n)).filter_map(|n| n.into_string().ok()).collect(); // all ASCII
    ids.sort_by(|a, b| id::by_age(a, b));
    Ok(ids)
}

/// Syncs everything that was moved.
pub(super) fn sync(item: &Item, root: &ConfinedDir) -> Result<(), Fault> {
    for dir in &item.journal.dirs {
        match root.inner(&dir.path) {
            Ok(folder) => folder.sync()?,
            // The path now leads through a link or into another mount.
            Err(Fault::Leaves { .. }) => {}
            Err(Fault::Io { source, .. }) if absent(&source) => {}
            Err(e) => return Err(e),
        }
    }
    item.files.sync()
}

//! The lock of a place: only its holder moves anything, one process at a time.

use super::confined_dir::ConfinedDir;
use super::entry::Mtime;
use super::fault::{Fault, Holder};
use super::id;
use super::place::Place;
use crate::clock::Timestamp;
use crate::host::file_lock::{FileLock, Share};
use crate::host::file_system;
use rustix::fs::OFlags;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub(super) const LOCK: &str = "lock";

/// A locked place: nobody else moves anything into or out of it. Dropping it releases the lock, and removes the place
/// when it is empty.
pub struct Held {
    pub(super) place: Place,
    _lock: FileLock,
    /// Milliseconds in the latest id: the ids of one run increase, whatever the clock does.
    pub(super) last_id: Cell<i64>,
    /// The starts of the ids of the items, read when the first item of this run gets its id.
    starts: RefCell<Option<HashSet<String>>>,
    /// Links of the items, read when something is put back into a folder that has changed since.
    pub(super) links: RefCell<Option<Links>>,
}

impl Place {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`Fault::Busy`] when another process has it.
    pub fn hold(self, now: Timestamp) -> Result<Held, Fault> {
        let cannot = |e: std::io::Error| Fault::io("lock a file in", self.path(), e);
        let file = self.base.open_file(LOCK, OFlags::RDWR | OFlags::CREATE).map_err(|e| cannot(e.into()))?;
        let busy = |file: File| Fault::Busy { place: self.path().to_owned(), holder: told(file) };
        let lock = match FileLock::try_lock(file, Share::Nobody) {
            Ok(lock) => lock,
            Err((file, TryLockError::WouldBlock)) => return Err(busy(file)),
            Err((_, TryLockError::Error(e))) => return Err(cannot(e)),
        };
        let mut file = lock.file();
        // The last holder may have removed the place with this file meanwhile.
        let named = self.base.look_in(OsStr::new(LOCK))?.map(|l| l.seen.ino);
        if named != Some(file.metadata().map_err(cannot)?.ino()) {
            return Err(Fault::Busy { place: self.path().to_owned(), holder: Holder::default() });
        }
        // The lock itself is what counts: a full disk must not keep anyone from emptying the trash.
        let told = file.set_len(0).and_then(|()| file.rewind());
        told.and_then(|()| writeln!(file, "{} {}", std::process::id(), now.millis())).unwrap_or(());
        Ok(Held {
            place: self,
            _lock: lock,
            last_id: Cell::new(i64::MIN),
            starts: RefCell::default(),
            links: RefCell::new(None),
        })
    }
}

impl Held {
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns whether no item has an id with this start.
    pub(super) fn has_no_start(&self, start: &str) -> bool {
        let mut starts = self.starts.borrow_mut();
        // In a place that cannot be listed, an item may share its start with another one.
        let read = || {
            let names = self.place.base.names().unwrap_or_default().into_iter();
            let ids = names.filter(|name| id::is_id(name)).filter_map(|name| name.into_string().ok()); // all ASCII
            ids.map(|id| id::start(&id).to_owned()).collect()
        };
        !starts.get_or_insert_with(read).contains(start)
    }

    /// Records the start of an id that was given.
    pub(super) fn note_start(&self, start: &str) {
        if let Some(starts) = self.starts.borrow_mut().as_mut() {
            starts.insert(start.to_owned());
        }
    }

    /// Returns whether [`Held::sync_all`] reaches the disk: a file system that is layered over another one need not
    /// pass a sync on.
    pub(super) fn can_sync_all(&self) -> bool {
        !file_system::is_layered(self.place.path())
    }

    /// Syncs everything that was written to this file system.
    pub(super) fn sync_all(&self) -> std::io::Result<()> {
        Ok(self.place.base.sync_file_system()?)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // On failure an empty trash stays, which does no harm.
        let _ = remove_if_empty(&self.place);
    }
}

fn remove_if_empty(place: &Place) -> Result<(), Fault> {
    let names = place.base.names()?;
    // The folder at that path may be another one by now, which is not ours to remove.
    let is_there =
        ConfinedDir::absolute(place.path()).is_ok_and(|b| (b.dev, b.ino) == (place.base.dev, place.base.ino));
    let Some(name) = place.path().file_name().map(Path::new).filter(|_| is_there && names.iter().all(|n| n == LOCK))
    else {
        return Ok(());
    };
    let before = place.around.look(Path::new(""))?;
    place.base.unlink(Path::new(LOCK))?;
    let removed = place.around.remove_dir(name)?;
    if let Some(before) = before.filter(|_| removed) {
        place.around.set_mtime(before.seen.mtime_ns)?;
    }
    Ok(())
}

fn told(file: File) -> Holder {
    let mut text = String::new();
    // The holder may be writing at this moment; only its existence matters.
    file.take(64).read_to_string(&mut text).unwrap_or(0);
    let mut words = text.split_ascii_whitespace();
    Holder {
        pid: words.next().and_then(|w| w.parse().ok()),
        since: words.next().and_then(|w| w.parse().ok()).map(Timestamp),
    }
}

/// The links of one root: from a folder and the time that an item found there, to the item and the time that it left.
pub(super) type Left = HashMap<(PathBuf, Mtime), (String, Mtime)>;

/// The times that items of a place left of folders that they had found with another time: by root, folder and the time
/// that was found, the item and the time that it left.
#[derive(Default)]
pub(super) struct Links(pub(super) HashMap<PathBuf, Left>);

//! One at a time: whoever moves something holds the lock of the place.

use super::beneath::Base;
use super::fault::Fault;
use super::place::Place;
use crate::clock::Timestamp;
use rustix::fs::OFlags;
use std::cell::Cell;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(super) const LOCK: &str = "lock";

/// Who has the lock, as far as it told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    pub pid: Option<u32>,
    pub since: Option<Timestamp>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, self.since) {
            (Some(pid), Some(since)) => write!(f, "process {pid} since {}", since.rfc3339()),
            (Some(pid), None) => write!(f, "process {pid}"),
            _ => f.write_str("another process"),
        }
    }
}

/// A place that nobody else moves anything in or out of. Dropping it lets go, and removes the place when it is empty.
pub struct Held {
    pub(super) place: Place,
    /// The lock lives as long as this is open.
    _lock: File,
    /// Items of one run are in the order of their names, whatever the clock does.
    pub(super) last_id: Cell<i64>,
}

impl Place {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`Fault::Busy`] when somebody has it.
    pub fn hold(self, now: Timestamp) -> Result<Held, Fault> {
        let cannot = |e: std::io::Error| Fault::io("lock a file in", self.path(), e);
        let mut file = self.base.open_file(LOCK, OFlags::RDWR | OFlags::CREATE).map_err(|e| cannot(e.into()))?;
        let busy = |file: File| Fault::Busy { place: self.path().to_owned(), holder: told(file) };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy(file)),
            Err(TryLockError::Error(e)) => return Err(cannot(e)),
        }
        // Whoever had it last may have removed the place with the file meanwhile.
        let named = self.base.look_in(OsStr::new(LOCK))?.map(|l| l.seen.ino);
        if named != Some(file.metadata().map_err(cannot)?.ino()) {
            return Err(Fault::Busy { place: self.path().to_owned(), holder: Holder::default() });
        }
        // That somebody holds it is what counts: a full disk must not keep anyone from emptying.
        let told = file.set_len(0).and_then(|()| file.rewind());
        told.and_then(|()| writeln!(file, "{} {}", std::process::id(), now.millis())).unwrap_or(());
        Ok(Held { place: self, _lock: file, last_id: Cell::new(i64::MIN) })
    }
}

impl Held {
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What stays is an empty trash.
        let _ = remove_if_empty(&self.place);
    }
}

fn remove_if_empty(place: &Place) -> Result<(), Fault> {
    let names = place.base.names()?;
    // Not ours to remove: whatever is at that path now.
    let is_there = Base::absolute(place.path()).is_ok_and(|b| (b.dev, b.ino) == (place.base.dev, place.base.ino));
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
    // The holder may be writing just now; that there is one is all that matters.
    file.take(64).read_to_string(&mut text).unwrap_or(0);
    let mut words = text.split_ascii_whitespace();
    Holder {
        pid: words.next().and_then(|w| w.parse().ok()),
        since: words.next().and_then(|w| w.parse().ok()).map(Timestamp),
    }
}

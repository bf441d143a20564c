//! What a store hands over: files that are taken in, entries that are not, folders that could not be read.

use crate::failure::{Failure, Kind};
use crate::inventory::scan::ScanEvent;
use crate::model::{FileIdentity, StoreKind};
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One file that a store presents as a GGUF, before its header is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub store: StoreKind,
    /// The root of the store: the Hugging Face cache, or the folder that was scanned.
    pub root: Arc<Path>,
    pub repo: Option<Arc<Repo>>,
    /// The entry a person would name.
    pub path: PathBuf,
    /// Where the bytes are, when that is another path.
    pub target: Option<PathBuf>,
    /// Further entries that lead to the same bytes.
    pub also: Vec<PathBuf>,
    /// Of the bytes; of the link itself when there are none behind it.
    pub identity: FileIdentity,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// Lower-case hex, when the store knows it.
    pub expected_sha256: Option<String>,
    /// Why there is nothing to open. Such a file is listed as damaged.
    pub fault: Option<String>,
}

/// A repository inside a store. The folder is the key: the name cannot always be recovered from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repo {
    pub folder: PathBuf,
    /// `org/name`, for people.
    pub name: String,
    /// The snapshot that is the repository's present one; None when all its files are in one snapshot.
    pub current: Option<OsString>,
}

/// A directory entry that looks like a model, or may lead to some, and was not taken in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    pub path: PathBuf,
    pub reason: String,
}

/// Collects what one region holds.
pub(crate) struct Intake<'a> {
    pub found: Vec<Found>,
    /// Regular files by their directory entry that are still to be looked at; the walk does so in batches.
    pub pending: Vec<PathBuf>,
    pub skipped: Vec<Skipped>,
    /// Folders or entries that could not be read: nothing under them may be called gone.
    pub unread: Vec<Skipped>,
    /// Paths the database has; those need no second look at what they are.
    pub is_known: &'a dyn Fn(&Path) -> bool,
    pub pulse: &'a Pulse<'a>,
}

impl Intake<'_> {
    pub fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        self.skipped.push(Skipped { path: path.to_owned(), reason: reason.into() });
    }

    /// An entry that exists and could not be read. Reported, and protected from being called gone.
    pub fn cannot_read(&mut self, path: &Path, error: &std::io::Error) {
        let reason = format!("cannot be read: {error}");
        self.unread.push(Skipped { path: path.to_owned(), reason: reason.clone() });
        self.skip(path, reason);
    }

    /// What walkdir could not do: a folder that vanished is no news, everything else is.
    pub fn walk_error(&mut self, error: &walkdir::Error) {
        let (Some(path), Some(io)) = (error.path(), error.io_error()) else {
            return;
        };
        if !vanished(io) {
            self.cannot_read(path, io);
        }
    }
}

/// The entry is not there any more: stores change while they are read.
pub(crate) fn vanished(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// The scan's heartbeat: counts entries for the progress bar and notices the wish to stop.
pub(crate) struct Pulse<'a> {
    pub progress: &'a (dyn Fn(ScanEvent) + Sync),
    pub cancel: &'a AtomicBool,
    pub entries: std::cell::Cell<u64>,
}

impl Pulse<'_> {
    /// Called once for each directory entry.
    pub fn entry(&self) -> anyhow::Result<()> {
        let n = self.entries.get() + 1;
        self.entries.set(n);
        if n.is_multiple_of(512) {
            (self.progress)(ScanEvent::Entries { seen: n });
        }
        stop_if(self.cancel)
    }
}

/// An interrupted scan fails as a whole: nothing of it is recorded.
pub(crate) fn stop_if(cancel: &AtomicBool) -> anyhow::Result<()> {
    if cancel.load(Ordering::Relaxed) {
        return Err(Failure::new(Kind::Interrupted, "interrupted: nothing of this scan was recorded").into());
    }
    Ok(())
}

/// The identity of what `meta` describes.
pub(crate) fn identity_of(meta: &Metadata) -> FileIdentity {
    let ns = |secs: i64, nanos: i64| secs.saturating_mul(1_000_000_000).saturating_add(nanos);
    FileIdentity {
        dev: meta.dev(),
        ino: meta.ino(),
        size: meta.size(),
        mtime_ns: ns(meta.mtime(), meta.mtime_nsec()),
        ctime_ns: ns(meta.ctime(), meta.ctime_nsec()),
    }
}

/// Bytes of disk in use: stat counts in units of 512 whatever the file system's block is.
pub(crate) fn allocated_of(meta: &Metadata) -> u64 {
    meta.blocks().saturating_mul(512)
}

/// What an entry is when it is not a regular file, as a reason for not opening it.
pub(crate) fn odd_type(kind: std::fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO, not a file"
    } else if kind.is_socket() {
        "a socket, not a file"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device, not a file"
    } else {
        "not a regular file"
    }
}

/// The name without `.gguf` in any case; None when it does not end so or nothing is left.
pub(crate) fn gguf_stem(name: &OsStr) -> Option<&[u8]> {
    let bytes = name.as_bytes();
    let (stem, extension) = bytes.split_at_checked(bytes.len().checked_sub(5)?)?;
    (!stem.is_empty() && extension.eq_ignore_ascii_case(b".gguf")).then_some(stem)
}

/// The name of a download that was not finished, as the usual tools leave it.
pub(crate) fn is_partial(name: &OsStr) -> bool {
    const SUFFIXES: [&[u8]; 6] =
        [b".incomplete", b".downloadInProgress", b".part", b".partial", b".crdownload", b".aria2"];
    SUFFIXES.iter().any(|s| name.as_bytes().ends_with(s))
}

//! State of a directory entry, as far as it decides whether the entry is still the same.

use super::lossless;
use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Inode {
    #[serde(with = "lossless::number")]
    pub dev: u64,
    #[serde(with = "lossless::number")]
    pub ino: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    File,
    Link,
    Folder,
    /// A socket, a pipe, a device.
    Other,
}

/// The recorded state of an entry, by which it is recognized later.
///
/// Two of them are equal when they describe the same file with the same content. The ctime is compared separately
/// ([`Seen::is_touched`]): moving a file or giving it another name sets that too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seen {
    pub kind: Kind,
    #[serde(with = "lossless::number")]
    pub dev: u64,
    #[serde(with = "lossless::number")]
    pub ino: u64,
    /// Apparent size, bytes.
    #[serde(with = "lossless::number")]
    pub size: u64,
    /// Nanoseconds since the epoch.
    #[serde(with = "lossless::number")]
    pub mtime_ns: i64,
    /// Nanoseconds since the epoch. A program that writes to a file can set its mtime back, but not its ctime. None in
    /// older plans and items.
    #[serde(with = "lossless::optional_number", default, skip_serializing_if = "Option::is_none")]
    pub ctime_ns: Option<i64>,
    /// The target of a link.
    #[serde(with = "lossless::option", default, skip_serializing_if = "Option::is_none")]
    pub target: Option<PathBuf>,
}

impl PartialEq for Seen {
    fn eq(&self, other: &Seen) -> bool {
        self.dev == other.dev && self.mtime_ns == other.mtime_ns && self.size == other.size && self.is_alike(other)
    }
}

impl Eq for Seen {}

impl Seen {
    /// Reads the state of `path` itself without following links, for callers that make orders.
    pub fn at(path: &Path) -> io::Result<Seen> {
        let stat = rustix::fs::lstat(path)?;
        let mut seen = Seen::of(&stat);
        if seen.kind == Kind::Link {
            seen.target = Some(std::fs::read_link(path)?);
        }
        Ok(seen)
    }

    /// Converts a `stat`, which lacks the target of a link.
    pub(super) fn of(stat: &Stat) -> Seen {
        Seen {
            kind: match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Kind::File,
                FileType::Symlink => Kind::Link,
                FileType::Directory => Kind::Folder,
                _ => Kind::Other,
            },
            dev: stat.st_dev,
            ino: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime_ns: mtime_ns(stat),
            ctime_ns: Some(nanos(stat.st_ctime, stat.st_ctime_nsec)),
            target: None,
        }
    }

    fn is_alike(&self, other: &Seen) -> bool {
        (self.kind, self.ino, &self.target) == (other.kind, other.ino, &other.target)
    }

    /// Returns whether anything at all was done to a file between two readings, renames and new names included. False
    /// where one of them lacks the ctime, and for a folder, whose ctime changes with its content.
    pub fn is_touched(&self, now: &Seen) -> bool {
        let times = self.ctime_ns.zip(now.ctime_ns);
        self.kind != Kind::Folder && times.is_some_and(|(before, after)| before != after)
    }

    /// Returns how `now` differs from the recorded state, or None when it is the same. A folder is identified by its
    /// inode alone: its times and size change with its content, which is compared separately. The device number is not
    /// compared: it can change with the next mount.
    pub(super) fn differs(&self, now: &Seen) -> Option<&'static str> {
        if self.kind != now.kind {
            Some("is something else now")
        } else if self.ino != now.ino {
            Some("was replaced")
        } else if self.kind == Kind::Folder {
            None
        } else if self.size != now.size || self.mtime_ns != now.mtime_ns {
            Some("was written to")
        } else {
            (self.target != now.target).then_some("points elsewhere now")
        }
    }
}

pub(super) fn mtime_ns(stat: &Stat) -> i64 {
    nanos(stat.st_mtime, stat.st_mtime_nsec)
}

/// Converts to nanoseconds since the epoch. The type of the second part differs between machines.
fn nanos(seconds: i64, nanos: impl TryInto<i64>) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos.try_into().unwrap_or(0))
}

/// The mtime of a folder, nanoseconds since the epoch; None when there is no such folder.
pub(super) type Mtime = Option<i64>;

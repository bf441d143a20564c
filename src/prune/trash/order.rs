//! What the trash is told to take: one item, as steps that each are one call of the kernel.

use super::fault::Fault;
use super::lossless;
use crate::clock::Timestamp;
use crate::model::{Actor, ModelId, StoreKind, is_trash};
use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One item for the trash: a model, or what else goes as one. The order of the steps is kept: references first, payload
/// last, so that whatever is left half done has no reference to bytes that are gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The root of the store: absolute and without links.
    #[serde(with = "lossless")]
    pub root: PathBuf,
    /// Which folder that was when the order was made.
    pub root_is: Inode,
    pub store: StoreKind,
    /// What a person would call it.
    pub name: String,
    pub models: Vec<ModelId>,
    /// Sentences.
    pub why: Vec<String>,
    pub at: Timestamp,
    /// The user.
    pub who: String,
    /// As it was typed.
    pub command: String,
    /// All that is known of who it was, for a history that was not told. None in older items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// What emptying gives, bytes.
    pub freed_bytes: u64,
    /// Bytes of disk in use.
    pub allocated_bytes: u64,
    pub apparent_bytes: u64,
    pub steps: Vec<Step>,
    /// What else it is made of, which stays because others need it too: relative to the root. They may go later, and
    /// without them it is not whole. Empty in older items.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "lossless::list")]
    pub shared: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Inode {
    #[serde(with = "lossless::number")]
    pub dev: u64,
    #[serde(with = "lossless::number")]
    pub ino: u64,
}

/// Paths are relative to the root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// One entry that is no folder.
    Move {
        #[serde(with = "lossless")]
        path: PathBuf,
        seen: Seen,
    },
    /// A whole folder at once. Everything below it, folders too, must be in the listing and as it is there; what earlier
    /// steps take out of it must not be.
    Tree {
        #[serde(with = "lossless")]
        path: PathBuf,
        seen: Seen,
        listing: Vec<Listed>,
    },
    /// A folder, if it is empty by then.
    RemoveDir {
        #[serde(with = "lossless")]
        path: PathBuf,
    },
}

/// One entry of a folder that goes as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// Relative to that folder.
    #[serde(with = "lossless")]
    pub path: PathBuf,
    pub seen: Seen,
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

/// An entry as it was looked at, by which it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The text of a link.
    #[serde(with = "lossless::option", default, skip_serializing_if = "Option::is_none")]
    pub target: Option<PathBuf>,
}

impl Seen {
    /// What is at `path` itself, links not followed: for those who make orders.
    pub fn at(path: &Path) -> io::Result<Seen> {
        let stat = rustix::fs::lstat(path)?;
        let mut seen = Seen::of(&stat);
        if seen.kind == Kind::Link {
            seen.target = Some(std::fs::read_link(path)?);
        }
        Ok(seen)
    }

    /// Without the text of a link.
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
            target: None,
        }
    }

    /// What tells `now` from what was seen, or None when it is the same. A folder is known by its inode alone: its times
    /// and size change with what is in it, which is compared by itself. The number of the device is not compared: it
    /// can be another one after the next mount.
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
            (self.target != now.target).then_some("leads elsewhere now")
        }
    }
}

pub(super) fn mtime_ns(stat: &Stat) -> i64 {
    stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(i64::try_from(stat.st_mtime_nsec).unwrap_or(0))
}

impl Step {
    pub fn path(&self) -> &Path {
        match self {
            Step::Move { path, .. } | Step::Tree { path, .. } | Step::RemoveDir { path } => path,
        }
    }
}

impl Order {
    /// Whether it takes what is at this path, relative to the root.
    pub fn takes(&self, path: &Path) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Move { path: moved, .. } => moved == path,
            Step::Tree { path: top, .. } => path.starts_with(top),
            Step::RemoveDir { .. } => false,
        })
    }

    /// Refuses what can never be right, whatever lies on the disk.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let root = self.root.as_os_str().as_bytes().strip_prefix(b"/");
        if root.is_none_or(|rest| !rest.is_empty() && wrong(Path::new(std::ffi::OsStr::from_bytes(rest))).is_some()) {
            return Err(Fault::Path { path: self.root.clone(), why: "the root is not absolute and plain" });
        }
        let mut trees: HashSet<&Path> = HashSet::new();
        for step in &self.steps {
            clean(step.path())?;
            if step.path().ancestors().any(|p| trees.contains(p)) {
                return Err(Fault::Path { path: step.path().to_owned(), why: "an earlier step takes it along" });
            }
            if let Step::Tree { path, .. } = step {
                trees.insert(path);
            }
            let folder = |seen: &Seen| seen.kind == Kind::Folder;
            match step {
                Step::Move { path, seen } if folder(seen) => {
                    return Err(Fault::Path { path: path.clone(), why: "a folder goes as a tree" });
                }
                Step::Tree { path, seen, .. } if !folder(seen) => {
                    return Err(Fault::Path { path: path.clone(), why: "only a folder is a tree" });
                }
                Step::Tree { listing, .. } => listing.iter().try_for_each(|l| clean(&l.path))?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Refuses a path that is not plainly below something.
pub(super) fn clean(path: &Path) -> Result<(), Fault> {
    match wrong(path) {
        Some(why) => Err(Fault::Path { path: path.to_owned(), why }),
        None => Ok(()),
    }
}

fn wrong(path: &Path) -> Option<&'static str> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() {
        return Some("it is empty");
    }
    if bytes.starts_with(b"/") {
        return Some("it is absolute");
    }
    bytes.split(|b| *b == b'/').find_map(|name| match name {
        b".." | b"." => Some("it has `..` or `.` in it"),
        [] => Some("it has an empty name in it"),
        _ if name.contains(&0) => Some("it has a NUL in it"),
        _ if is_trash(std::ffi::OsStr::from_bytes(name)) => Some("it leads into a trash"),
        _ => None,
    })
}

//! Order for the trash: one item, as steps that are one system call each.

use super::entry::{Inode, Kind, Seen};
use super::fault::Fault;
use super::id::run_id;
use super::lossless;
use crate::clock::Timestamp;
use crate::model::{Actor, ModelId, StoreKind, is_trash};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One item for the trash: a model, or anything else that is removed as one. The order of the steps is kept: references
/// first, payload last, so an interrupted run leaves no reference to bytes that are missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The root of the store: absolute and without links.
    #[serde(with = "lossless")]
    pub root: PathBuf,
    /// Device and inode of that folder when the order was made.
    pub root_is: Inode,
    pub store: StoreKind,
    /// Name of the item for people.
    pub name: String,
    pub models: Vec<ModelId>,
    /// The reasons, as sentences.
    pub why: Vec<String>,
    pub at: Timestamp,
    /// Name of the user.
    pub who: String,
    /// The command line as it was typed.
    pub command: String,
    /// All that is known of the actor, for a history that was not written. None in older items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// Bytes that emptying frees.
    pub freed_bytes: u64,
    /// Bytes of disk in use.
    pub allocated_bytes: u64,
    pub apparent_bytes: u64,
    pub steps: Vec<Step>,
    /// Further files of the model, which stay because others need them too, relative to the root. They may be removed
    /// later, and without them the item is not whole. Empty in older items.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "lossless::list")]
    pub shared: Vec<PathBuf>,
}

/// One step of an order. Paths are relative to the root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Moves one entry that is not a folder.
    Move {
        #[serde(with = "lossless")]
        path: PathBuf,
        seen: Seen,
    },
    /// Moves a whole folder at once. Everything below it, folders too, must be in the listing and match it, except for
    /// entries that earlier steps move out of it, which must not be in the listing.
    Tree {
        #[serde(with = "lossless")]
        path: PathBuf,
        seen: Seen,
        listing: Vec<Listed>,
    },
    /// Removes a folder, if it is empty by then.
    RemoveDir {
        #[serde(with = "lossless")]
        path: PathBuf,
    },
}

/// One entry of a folder that is moved as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// Relative to that folder.
    #[serde(with = "lossless")]
    pub path: PathBuf,
    pub seen: Seen,
}

impl Step {
    pub fn path(&self) -> &Path {
        match self {
            Step::Move { path, .. } | Step::Tree { path, .. } | Step::RemoveDir { path } => path,
        }
    }
}

impl Order {
    /// Returns the id of the run that moved the item.
    pub fn run(&self) -> String {
        run_id(self.at, self.actor.as_ref().map_or(0, |actor| actor.pid))
    }

    /// Returns whether the order takes the entry at this path, relative to the root.
    pub fn takes(&self, path: &Path) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Move { path: moved, .. } => moved == path,
            Step::Tree { path: top, .. } => path.starts_with(top),
            Step::RemoveDir { .. } => false,
        })
    }

    /// Returns the paths of `shared` that are plainly inside the root.
    pub fn needs(&self) -> impl Iterator<Item = &Path> {
        self.shared.iter().map(PathBuf::as_path).filter(|path| clean(path).is_ok())
    }

    /// Refuses an order that can never be right, whatever is on the disk.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let root = self.root.as_os_str().as_bytes().strip_prefix(b"/");
        if root.is_none_or(|rest| !rest.is_empty() && wrong(Path::new(std::ffi::OsStr::from_bytes(rest))).is_some()) {
            return Err(Fault::Path { path: self.root.clone(), why: "the root is not absolute and plain" });
        }
        let mut trees: HashSet<&Path> = HashSet::new();
        for step in &self.steps {
            clean(step.path())?;
            if step.path().ancestors().any(|p| trees.contains(p)) {
                return Err(Fault::Path { path: step.path().to_owned(), why: "an earlier step already moves it" });
            }
            if let Step::Tree { path, .. } = step {
                trees.insert(path);
            }
            let folder = |seen: &Seen| seen.kind == Kind::Folder;
            match step {
                Step::Move { path, seen } if folder(seen) => {
                    return Err(Fault::Path { path: path.clone(), why: "a folder must be moved as a tree" });
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

/// Refuses a path that is not plainly below a folder.
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
        _ if is_trash(std::ffi::OsStr::from_bytes(name)) => Some("it is inside a trash"),
        _ => None,
    })
}

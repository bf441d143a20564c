use super::{FileIdentity, FolderStamp, StoreKind};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The class of a file to its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Something that the store's owner uses refers to it: a reference, a manifest, the folder itself.
    Referenced,
    /// Only an older revision refers to it.
    Superseded,
    /// Nothing refers to it any more.
    Orphan,
    /// An unfinished download.
    Partial,
    /// The owner's own metadata or a cache next to the models: created again when it is needed.
    SideCache,
    /// Present, but damaged.
    Damaged,
    /// A reference promises it, but it does not exist.
    Missing,
    /// Thrown away into another program's trash: no model, no copy of one, and never pruned.
    Trash,
    /// Part of a snapshot or a backup: no model, no copy to rely on, and never pruned.
    Snapshot,
}

impl Class {
    pub const ALL: &'static [Class] = &[
        Class::Referenced,
        Class::Superseded,
        Class::Orphan,
        Class::Partial,
        Class::SideCache,
        Class::Damaged,
        Class::Missing,
        Class::Trash,
        Class::Snapshot,
    ];

    /// Returns the name used on the command line, in JSON and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Class::Referenced => "referenced",
            Class::Superseded => "superseded",
            Class::Orphan => "orphan",
            Class::Partial => "partial",
            Class::SideCache => "side-cache",
            Class::Damaged => "damaged",
            Class::Missing => "missing",
            Class::Trash => "trash",
            Class::Snapshot => "snapshot",
        }
    }

    /// Returns whether such bytes are shown only on request and are never a reason for anything.
    pub fn is_aside(self) -> bool {
        matches!(self, Class::Trash | Class::Snapshot)
    }

    pub fn from_name(name: &str) -> Option<Class> {
        Self::ALL.iter().copied().find(|c| c.name() == name)
    }
}

/// Bytes that a store holds, or a reference to missing bytes: one file, or the sum of several files of one owner that
/// are not worth listing one by one.
///
/// A store counts each inode once, so that the holdings of a root add up to the disk space that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    pub store: StoreKind,
    pub root: PathBuf,
    /// The repository or model that it belongs to, as the store names it. Not escaped for terminals.
    pub owner: Option<String>,
    /// The path of the bytes; of the reference when they are missing; of the folder that holds them for a sum.
    pub path: PathBuf,
    /// The number of files; 0 for a missing one.
    pub files: u64,
    /// The identity of the file; None for a sum and for a missing file.
    pub identity: Option<FileIdentity>,
    /// Apparent bytes.
    pub size: u64,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// The number of directory entries of the inode (`st_nlink`); 1 for a sum.
    pub links: u64,
    pub class: Class,
    /// The reason for the class: a sentence without a full stop. Not escaped for terminals.
    pub why: String,
    /// The sha256 that the store promises, lower-case hex, when the store knows it.
    pub expected_sha256: Option<String>,
}

/// The holdings found when a folder was read; they replace what the database recorded for that folder.
///
/// A repository has a survey of its own, which changes only with the repository; the survey of a folder around it does
/// not cover it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surveyed {
    /// The folder that was read. The survey lists everything under it, except what `unread` and `apart` name.
    pub folder: PathBuf,
    /// Folders and entries under it that could not be read: their recorded holdings stay.
    pub unread: Vec<PathBuf>,
    pub holdings: Vec<Holding>,
    /// Folders in it with surveys of their own, in the order of their bytes. If this scan has no survey of such a
    /// folder, the folder has not changed since the scan before and its recorded holdings stay.
    pub apart: Vec<PathBuf>,
    /// Whether this is such a folder itself: every survey of a folder around it leaves it out.
    pub is_apart: bool,
    /// The stamp that shows whether the folder has changed. None when it must be read again in any case.
    pub stamp: Option<FolderStamp>,
}

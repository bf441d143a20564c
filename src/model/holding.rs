use super::{FileIdentity, FolderStamp, StoreKind};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Why a store keeps some bytes, or why it need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Something that the store's owner goes by leads to it: a reference, a manifest, the folder itself.
    Referenced,
    /// Only an older revision leads to it.
    Superseded,
    /// Nothing leads to it any more.
    Orphan,
    /// A download that was not finished.
    Partial,
    /// The owner's own bookkeeping or a cache beside the models: made again when it is needed.
    SideCache,
    /// There, and not what it should be.
    Damaged,
    /// Promised by a reference, and not there.
    Missing,
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
    ];

    /// The name used on the command line, in JSON and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Class::Referenced => "referenced",
            Class::Superseded => "superseded",
            Class::Orphan => "orphan",
            Class::Partial => "partial",
            Class::SideCache => "side-cache",
            Class::Damaged => "damaged",
            Class::Missing => "missing",
        }
    }

    pub fn from_name(name: &str) -> Option<Class> {
        Self::ALL.iter().copied().find(|c| c.name() == name)
    }
}

/// Bytes that a store holds, or a reference to bytes that are not there: one file, or the sum of several of one owner
/// that nobody would look at one by one.
///
/// A store counts each inode once, so that the holdings of a root add up to what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    pub store: StoreKind,
    pub root: PathBuf,
    /// The repository or model that it belongs to, in the words of the store. Not disarmed for terminals.
    pub owner: Option<String>,
    /// Where the bytes are; the reference when they are missing; the folder that holds them for a sum.
    pub path: PathBuf,
    /// How many files these are; 0 for a missing one.
    pub files: u64,
    /// None for a sum and for what is missing.
    pub identity: Option<FileIdentity>,
    /// Apparent bytes.
    pub size: u64,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// Directory entries of the inode (`st_nlink`); 1 for a sum.
    pub links: u64,
    pub class: Class,
    /// A sentence without a full stop. Not disarmed for terminals.
    pub why: String,
    /// Lower-case hex, when the store knows it.
    pub expected_sha256: Option<String>,
}

/// The holdings that one look at a folder found, for the database to replace what it knew of that folder.
///
/// A repository has a survey of its own, which changes with it alone; the survey of a folder around it does not speak
/// for what lies in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surveyed {
    /// The folder that was read: nothing else lies under it.
    pub folder: PathBuf,
    /// Folders and entries under it that could not be read: what was known of those stays.
    pub unread: Vec<PathBuf>,
    pub holdings: Vec<Holding>,
    /// Folders in it with surveys of their own, in the order of their bytes. One whose survey is not of this scan either was not changed
    /// since the one before, and what is recorded of it stays.
    pub apart: Vec<PathBuf>,
    /// It is one of those itself: every survey of a folder around it leaves it out.
    pub is_apart: bool,
    /// By what to tell that the folder has not changed. None when it must be read again in any case.
    pub stamp: Option<FolderStamp>,
}

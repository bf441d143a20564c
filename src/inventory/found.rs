//! The files that a store presents as models, and the entries that it does not.

use crate::model::{FileIdentity, StoreKind};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One file that a store presents as a GGUF, before its header is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub store: StoreKind,
    /// The root of the store: the Hugging Face cache, or the folder that was scanned.
    pub root: Arc<Path>,
    pub repo: Option<Arc<Repo>>,
    /// The name in the store, if its path does not give it.
    pub name: Option<String>,
    /// The number of a set of files in one place that the store declares to belong together: projectors are paired only
    /// within a set, and shards need no names of shards.
    pub set: Option<u32>,
    /// The entry that a user would name.
    pub path: PathBuf,
    /// The path of the bytes, if that is another one.
    pub target: Option<PathBuf>,
    /// Further entries that lead to the same bytes.
    pub also: Vec<PathBuf>,
    /// The identity of the bytes; of the link itself if there are none behind it.
    pub identity: FileIdentity,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// The sha256 in lower-case hex, if the store knows it.
    pub expected_sha256: Option<String>,
    /// Reason why there is no file to open. Such a file is listed as damaged.
    pub fault: Option<String>,
}

/// A repository inside a store. The folder is the key, because the name cannot always be recovered from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repo {
    pub folder: PathBuf,
    /// The name to display: `org/name`.
    pub name: String,
    /// The current snapshot of the repository. None when all its files are in one snapshot.
    pub current: Option<OsString>,
}

/// A directory entry that looks like a model, or may lead to one, but was not taken as one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    pub path: PathBuf,
    pub reason: String,
}

/// The content that a loose file had when its owner wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Promise {
    /// The sha256 in lower-case hex.
    pub sha256: String,
    /// A file with a later mtime (nanoseconds since the epoch) is another one.
    pub written_by_ns: i64,
}

use super::{FileIdentity, Model, ModelId, RootState, StoreKind, Surveyed};
use std::path::PathBuf;

/// What the database knows of one file, as much as a rescan needs to leave it closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    pub root: PathBuf,
    pub path: PathBuf,
    pub target: Option<PathBuf>,
    pub identity: FileIdentity,
    pub model: ModelId,
    /// False when the model stands as gone or unavailable: seeing the file again is then news.
    pub present: bool,
    /// The name of the model whose main file this is, where names are in the store and not in the path: it can change
    /// without the file.
    pub name_in_store: Option<String>,
}

/// Everything one scan changes, written in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanOutcome {
    pub roots: Vec<(PathBuf, StoreKind, RootState)>,
    /// Models to write whole: added, changed, moved, or back again. Replaces what is stored under the same id.
    pub write: Vec<Model>,
    /// Were in a root that was read, and are not in it any more.
    pub gone: Vec<ModelId>,
    /// Are in a root that is unavailable.
    pub unavailable: Vec<ModelId>,
    /// What the folders that were read hold beside models.
    pub surveys: Vec<Surveyed>,
    pub counts: ScanCounts,
}

/// The figures of a scan, in models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ScanCounts {
    pub added: u64,
    pub changed: u64,
    pub moved: u64,
    pub gone: u64,
    pub unchanged: u64,
    pub unavailable: u64,
    /// Directory entries that look like models and were not taken in, each with its reason in the report.
    pub skipped: u64,
}

use super::{FileIdentity, Model, ModelId, RootState, StoreKind, Surveyed};
use std::collections::HashSet;
use std::path::PathBuf;

/// A file as the database knows it: the fields that a rescan needs to avoid opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    pub root: PathBuf,
    pub path: PathBuf,
    pub target: Option<PathBuf>,
    pub identity: FileIdentity,
    pub model: ModelId,
    /// Whether its model is recorded as present; if not (gone or unavailable), seeing the file again is a change.
    pub present: bool,
    /// Whether its header must be read again although the file has not changed: it could not be read, or an older
    /// version of this program classified it.
    pub again: bool,
    /// The name of the model whose main file this is, for stores that keep names outside the path: such a name can
    /// change without the file.
    pub name_in_store: Option<String>,
}

/// All changes of one scan, written in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanOutcome {
    pub roots: Vec<(PathBuf, StoreKind, RootState)>,
    /// The roots that a person or a known place named. The others were found inside of them.
    pub named: HashSet<PathBuf>,
    /// The roots that were named on the command line, which later scans look in again.
    pub remembered: HashSet<PathBuf>,
    /// Models to write completely: added, changed, moved, or present again. Each replaces the stored model with the
    /// same id.
    pub write: Vec<Model>,
    /// Models that were in a root that was read and are no longer in it.
    pub gone: Vec<ModelId>,
    /// Models in a root that is unavailable.
    pub unavailable: Vec<ModelId>,
    /// The surveys of the folders that were read.
    pub surveys: Vec<Surveyed>,
    pub counts: ScanCounts,
}

/// The counts of a scan, in models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ScanCounts {
    pub added: u64,
    pub changed: u64,
    pub moved: u64,
    pub gone: u64,
    pub unchanged: u64,
    pub unavailable: u64,
    /// The number of directory entries that look like models but were skipped; the report has the reason for each.
    pub skipped: u64,
}

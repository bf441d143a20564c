//! The changes of a scan, one for each model that changed.

use crate::model::ModelId;
use std::path::PathBuf;

/// A model that changed since the last scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    pub id: ModelId,
    pub name: String,
    pub path: PathBuf,
    pub detail: Option<String>,
    /// Whether a person should know: the model is missing, faulty, or has another content under its name.
    pub is_problem: bool,
}

/// The kind of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Changed,
    Moved { from: PathBuf },
    Gone,
    Unavailable,
}

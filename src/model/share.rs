use crate::clock::Timestamp;
use std::path::PathBuf;

/// The way in which two equal files share their space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShareHow {
    /// The files share their blocks, and each can change without the other.
    Reflink,
    /// Both names lead to one file.
    HardLink,
}

impl ShareHow {
    /// Returns the name used in the database and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ShareHow::Reflink => "reflink",
            ShareHow::HardLink => "hard-link",
        }
    }

    pub fn from_name(name: &str) -> Option<ShareHow> {
        [ShareHow::Reflink, ShareHow::HardLink].into_iter().find(|how| how.name() == name)
    }
}

/// A file that was made to share its space with an equal one, as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Number of the record; 0 until it is recorded.
    pub number: i64,
    /// Id of the run.
    pub run: String,
    pub at: Timestamp,
    pub how: ShareHow,
    /// The name of the model.
    pub name: String,
    /// The file whose space is used.
    pub kept: PathBuf,
    /// The file that was changed.
    pub path: PathBuf,
    /// Apparent bytes.
    pub size: u64,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime_ns: i64,
}

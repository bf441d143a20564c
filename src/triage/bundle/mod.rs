//! A bundle: the facts of one look at a node, redacted, with the answer, as one archive. Read again it gives the same
//! answer without the node.
//!
//! Format: tar, or tar compressed with zstd. `manifest.json` comes first and has the size and sha256 of every other
//! file. A file of a bundle is never used before its hash is checked; a bundle is foreign data.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::indexing_slicing)
)]

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{Bundle, ReadError, read};
pub use write::{Contents, Form, Target, WriteError};

use super::facts::CollectorReport;
use super::judge::JudgeOptions;
use super::report::Unknown;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of the archive; one with a higher number is refused.
pub const BUNDLE_SCHEMA: u32 = 1;

/// Most bytes of an archive, compressed or not.
pub const MOST_BYTES: u64 = 64 << 20;

const MANIFEST: &str = "manifest.json";
const FACTS: &str = "facts.json";
const REPORT: &str = "report.json";
const TEXT: &str = "report.txt";
const LOGS: &str = "logs/";

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub schema: u32,
    pub modelctl: String,
    pub time: Timestamp,
    /// How long the collection took.
    pub took_ms: u64,
    /// Number of secrets and private texts that were replaced.
    pub redacted: u64,
    /// What was asked for; the answer can be had again with it.
    pub options: JudgeOptions,
    pub collectors: Vec<CollectorReport>,
    /// What could not be had.
    pub missing: Vec<Missing>,
    pub files: Vec<FileEntry>,
    /// Files that were left out because the archive would have been too large.
    pub left_out: Vec<String>,
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    pub name: String,
    /// In bytes.
    pub size: u64,
    pub sha256: String,
    /// Where a log was on the node.
    #[serde(default)]
    pub of: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    pub what: String,
    pub why: String,
}

impl From<&Unknown> for Missing {
    fn from(unknown: &Unknown) -> Missing {
        Missing { what: unknown.what.clone(), why: unknown.why.clone() }
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

//! What a verification found, as plain data and as sentences.

use crate::clock::Timestamp;
use crate::model::{Artifact, ModelId};

/// How a file was found to be as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Header, length and rest; no byte of the data was read.
    Structure,
    /// Its sha256 is the one that the store promises.
    Hash { sha256: String },
    /// It was read before and nobody has touched it since; `promised` when that hash is the one the store promises.
    Before { sha256: String, at: Timestamp, promised: bool },
    /// No store promises a hash; it is still the one that was recorded before.
    Again { sha256: String, at: Timestamp },
    /// No store promises a hash; it was computed and is on record from now on.
    Recorded { sha256: String },
}

/// What is known of one file now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Ok(Proof),
    /// The bytes are not those that were promised. `read` is set when that was found by an earlier run.
    Mismatch {
        expected: String,
        found: String,
        read: Option<Timestamp>,
    },
    /// Cut off, full of holes, or no GGUF.
    Damaged(String),
    Missing(String),
    Unreadable(String),
    /// Nothing wrong was found, and nothing proves that it is right.
    Unverifiable(String),
    /// It is not the file that the scan saw, or something is writing to it.
    Changed(String),
}

impl Outcome {
    /// The word for tables and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Ok(_) => "ok",
            Outcome::Mismatch { .. } => "mismatch",
            Outcome::Damaged(_) => "damaged",
            Outcome::Missing(_) => "missing",
            Outcome::Unreadable(_) => "unreadable",
            Outcome::Unverifiable(_) => "unverifiable",
            Outcome::Changed(_) => "changed",
        }
    }

    /// Something is wrong with the file, as opposed to not known. A file that is not the one of the scan counts: nothing
    /// of it was verified, it may be anything, and whoever asks only for the exit code must not take it for sound.
    pub fn is_finding(&self) -> bool {
        match self {
            Outcome::Mismatch { .. }
            | Outcome::Damaged(_)
            | Outcome::Missing(_)
            | Outcome::Unreadable(_)
            | Outcome::Changed(_) => true,
            Outcome::Ok(_) | Outcome::Unverifiable(_) => false,
        }
    }

    /// The sha256 of the content, where it is known.
    pub fn sha256(&self) -> Option<&str> {
        match self {
            Outcome::Ok(
                Proof::Hash { sha256 }
                | Proof::Before { sha256, .. }
                | Proof::Again { sha256, .. }
                | Proof::Recorded { sha256 },
            ) => Some(sha256),
            Outcome::Mismatch { found, .. } => Some(found),
            _ => None,
        }
    }

    /// When the content was read, where that was an earlier run.
    pub fn read_before(&self) -> Option<Timestamp> {
        match self {
            Outcome::Ok(Proof::Before { at, .. }) => Some(*at),
            Outcome::Mismatch { read, .. } => *read,
            _ => None,
        }
    }

    /// A sentence about the file, without its name.
    pub fn sentence(&self) -> String {
        match self {
            Outcome::Ok(Proof::Structure) => "header, length and size are sound; the data was not read".into(),
            Outcome::Ok(Proof::Hash { .. }) => "its sha256 is the one the store promises".into(),
            Outcome::Ok(Proof::Before { at, promised: true, .. }) => {
                format!("verified before, at {}, and not touched since", at.rfc3339())
            }
            Outcome::Ok(Proof::Before { at, promised: false, .. }) => {
                format!("its sha256 was recorded at {}, and it was not touched since", at.rfc3339())
            }
            Outcome::Ok(Proof::Again { at, .. }) => format!("its sha256 is the one recorded at {}", at.rfc3339()),
            Outcome::Ok(Proof::Recorded { .. }) => "no expected hash known: its sha256 is on record from now on".into(),
            Outcome::Mismatch { expected, found, read } => {
                let when = read.map(|at| format!(" (read at {})", at.rfc3339())).unwrap_or_default();
                format!("its sha256 is {found}, not {expected}{when}")
            }
            Outcome::Damaged(why)
            | Outcome::Missing(why)
            | Outcome::Unreadable(why)
            | Outcome::Unverifiable(why)
            | Outcome::Changed(why) => why.clone(),
        }
    }
}

/// One file with what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FileReport {
    pub artifact: Artifact,
    pub outcome: Outcome,
}

/// One model with what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelReport {
    pub id: ModelId,
    pub name: String,
    /// What is wrong with its split set as such: sentences.
    pub faults: Vec<String>,
    pub files: Vec<FileReport>,
}

impl ModelReport {
    /// Something is wrong with a file or with the set.
    pub fn is_finding(&self) -> bool {
        !self.faults.is_empty() || self.files.iter().any(|file| file.outcome.is_finding())
    }
}

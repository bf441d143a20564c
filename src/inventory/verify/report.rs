//! The results of a verification, as plain data and as sentences.

use crate::clock::Timestamp;
use crate::model::{Artifact, ModelId};

/// The evidence that a file is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Header and length are sound, and nothing was writing; no byte of the data was read.
    Structure,
    /// The sha256 is the one that the store promises.
    Hash { sha256: String },
    /// The file was read before and has not changed since; `promised` if that hash is the one the store promises.
    Before { sha256: String, at: Timestamp, promised: bool },
    /// No store promises a hash; it is still the one that was recorded before.
    Again { sha256: String, at: Timestamp },
    /// No store promises a hash; it was computed and is now on record.
    Recorded { sha256: String },
}

/// The result of verifying one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Ok(Proof),
    /// The bytes are not the promised ones. `read` is set when an earlier run found that.
    Mismatch {
        expected: String,
        found: String,
        read: Option<Timestamp>,
    },
    /// Cut off, or not a GGUF file.
    Damaged(String),
    /// The file has something that this program or its llama.cpp does not know, and no expected hash. Nothing proves it
    /// wrong.
    Unsupported(String),
    Missing(String),
    Unreadable(String),
    /// Nothing wrong was found, and nothing proves the file right.
    Unverifiable(String),
    /// The file is not the one that the scan found, or it is being written.
    Changed(String),
}

impl Outcome {
    /// Returns the word for tables and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Ok(_) => "ok",
            Outcome::Mismatch { .. } => "mismatch",
            Outcome::Damaged(_) => "damaged",
            Outcome::Unsupported(_) => "unsupported",
            Outcome::Missing(_) => "missing",
            Outcome::Unreadable(_) => "unreadable",
            Outcome::Unverifiable(_) => "unverifiable",
            Outcome::Changed(_) => "changed",
        }
    }

    /// Returns whether something is wrong with the file, as opposed to not known. A file other than that of the scan
    /// counts: none of it was verified, and a caller that reads only the exit code must not take it for sound.
    pub fn is_finding(&self) -> bool {
        match self {
            Outcome::Mismatch { .. }
            | Outcome::Damaged(_)
            | Outcome::Missing(_)
            | Outcome::Unreadable(_)
            | Outcome::Changed(_) => true,
            Outcome::Ok(_) | Outcome::Unsupported(_) | Outcome::Unverifiable(_) => false,
        }
    }

    /// Returns the sha256 of the content, if it is known.
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

    /// Returns the time when an earlier run read the content. None if this run read it, or no run did.
    pub fn read_before(&self) -> Option<Timestamp> {
        match self {
            Outcome::Ok(Proof::Before { at, .. }) => Some(*at),
            Outcome::Mismatch { read, .. } => *read,
            _ => None,
        }
    }

    /// Returns a sentence about the file, without its name.
    pub fn sentence(&self) -> String {
        match self {
            Outcome::Ok(Proof::Structure) => "header, length and size are sound; the data was not read".into(),
            Outcome::Ok(Proof::Hash { .. }) => "its sha256 matches its store".into(),
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
            | Outcome::Unsupported(why)
            | Outcome::Missing(why)
            | Outcome::Unreadable(why)
            | Outcome::Unverifiable(why)
            | Outcome::Changed(why) => why.clone(),
        }
    }
}

/// One file with its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct FileReport {
    pub artifact: Artifact,
    pub outcome: Outcome,
}

/// One model with the results for its files.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelReport {
    pub id: ModelId,
    pub name: String,
    /// The faults of its split set itself: sentences.
    pub faults: Vec<String>,
    pub files: Vec<FileReport>,
}

impl ModelReport {
    /// Returns whether something is wrong with a file or with the set.
    pub fn is_finding(&self) -> bool {
        !self.faults.is_empty() || self.files.iter().any(|file| file.outcome.is_finding())
    }
}

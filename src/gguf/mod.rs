//! GGUF headers: a bounded, panic-free reader, tensor types, names, and the memory a model needs. No FFI, no llama.cpp.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod architecture;
mod capabilities;
mod cursor;
pub mod estimate;
mod facts;
mod family;
pub mod file_name;
pub mod file_type;
#[cfg(test)]
#[path = "../../fixtures/gguf/mod.rs"]
pub mod fixture;
mod header;
mod irregularities;
mod kind;
mod open;
#[cfg(test)]
mod property_tests;
mod quant;
mod set;
mod sliding;
mod template;
pub mod tensor_type;
#[cfg(test)]
mod tests;

pub use architecture::{kind_of, of_no_kind, unanswered};
pub use capabilities::{capabilities, of_kind as capabilities_of_kind};
pub use family::family;
// Only the engine calls it.
#[cfg(feature = "llama")]
pub use kind::gives_vectors;
pub use open::{FileHeader, open_untouched, read_bytes, read_file, read_path, untouched};
pub use set::facts_of_set;
pub use template::{TemplateTokens, chat_template, template_tokens};

use crate::model::{Fault, Nature};
use cursor::Source;

/// The reason why a file is not a readable GGUF. The text is a sentence without path and without control characters.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    #[error("cannot be read: {0}")]
    Io(std::io::Error),
    #[error("{0}, not a regular file")]
    NotRegular(&'static str),
    #[error("the file is empty")]
    Empty,
    #[error("not a GGUF file: {0}")]
    NotGguf(&'static str),
    /// The file is whole as far as can be checked, and of a format that is not read here.
    #[error("not a GGUF file: {0}")]
    OtherFormat(&'static str),
    #[error("not supported: {0}")]
    Unsupported(String),
    #[error("the header is cut off: {wanted} bytes wanted at {at} of {len}")]
    TruncatedHeader { at: u64, wanted: u64, len: u64 },
    #[error("the header is malformed: {0}")]
    Malformed(String),
}

impl GgufError {
    /// Returns whether this is damage, something unknown, or a file that cannot be read.
    pub fn nature(&self) -> Nature {
        match self {
            GgufError::Io(_) | GgufError::NotRegular(_) => Nature::Unreadable,
            GgufError::OtherFormat(_) | GgufError::Unsupported(_) => Nature::Unsupported,
            GgufError::Empty | GgufError::NotGguf(_) | GgufError::TruncatedHeader { .. } | GgufError::Malformed(_) => {
                Nature::Damaged
            }
        }
    }

    /// Converts the error to plain data.
    pub fn fault(&self) -> Fault {
        let why = match self {
            GgufError::Io(error) => unreadable(error),
            other => other.to_string(),
        };
        Fault { nature: self.nature(), why }
    }
}

/// Explains in words for people why the file system does not return the bytes of a file.
pub fn unreadable(error: &std::io::Error) -> String {
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => {
            format!("may not be read by this user: {error}")
        }
        Some(rustix::io::Errno::IO) => format!("the disk cannot be read: {error}"),
        _ => format!("cannot be read: {error}"),
    }
}

/// Returns the format that a file without `GGUF` at its start seems to have.
fn look_alike<S: Source>(source: &S) -> GgufError {
    let mut head = [0u8; 64];
    // A file that cannot be read a second time resembles no format.
    let n = source.read_at(&mut head, 0).unwrap_or(0);
    let head = head.get(..n).unwrap_or(&[]);
    let text = head.trim_ascii_start();
    let other = match () {
        () if [b"lmgg", b"fmgg", b"tjgg", b"algg"].iter().any(|m| head.starts_with(*m)) => {
            Some("the old ggml format, from before GGUF: convert it again")
        }
        () if head.starts_with(b"FUGG") => Some("its magic is byte-swapped"),
        () if head.starts_with(b"PK\x03\x04") => Some("a zip archive"),
        () => None,
    };
    if let Some(other) = other {
        return GgufError::OtherFormat(other);
    }
    GgufError::NotGguf(match () {
        () if head.starts_with(b"version https://git-lfs") => "a git-LFS pointer: the file itself was never fetched",
        () if head.iter().all(|b| *b == 0) => "it begins with zeros",
        () if text.starts_with(b"<") => "an HTML or XML page: a failed download",
        () if text.starts_with(b"{") || text.starts_with(b"[") => "a JSON document: a failed download or a manifest",
        () => "it does not begin with the letters GGUF",
    })
}

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

mod cursor;
pub mod estimate;
mod facts;
mod family;
pub mod file_name;
pub mod file_type;
#[doc(hidden)]
#[allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, reason = "builds test files")]
pub mod fixture;
mod header;
mod open;
#[cfg(test)]
mod property_tests;
mod quant;
mod sliding;
mod template;
pub mod tensor_type;
#[cfg(test)]
mod tests;

// Only the engine calls it.
#[cfg(feature = "llama")]
pub use facts::gives_vectors;
pub use family::family;
pub use open::{FileHeader, open_untouched, read_bytes, read_file, read_path, untouched};
pub use template::{TemplateTokens, chat_template, template_tokens};

use cursor::Source;

/// Why a file is not a readable GGUF. The text is a sentence without path and without control characters.
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
    #[error("GGUF version {0} is not supported: 2 and 3 are")]
    Unsupported(u32),
    #[error("the header is cut off: {wanted} bytes wanted at {at} of {len}")]
    TruncatedHeader { at: u64, wanted: u64, len: u64 },
    #[error("the header is malformed: {0}")]
    Malformed(String),
}

/// What a file that does not begin with `GGUF` looks like.
fn look_alike<S: Source>(source: &S) -> &'static str {
    let mut head = [0u8; 64];
    // A file that cannot be read a second time looks like nothing.
    let n = source.read_at(&mut head, 0).unwrap_or(0);
    let head = head.get(..n).unwrap_or(&[]);
    let text = head.trim_ascii_start();
    match () {
        () if head.starts_with(b"version https://git-lfs") => "a git-LFS pointer: the file itself was never fetched",
        () if head.iter().all(|b| *b == 0) => "it begins with zeros",
        () if text.starts_with(b"<") => "an HTML or XML page: a failed download",
        () if text.starts_with(b"{") || text.starts_with(b"[") => "a JSON document: a failed download or a manifest",
        () if [b"lmgg", b"fmgg", b"tjgg", b"algg"].iter().any(|m| head.starts_with(*m)) => {
            "the old ggml format, from before GGUF"
        }
        () if head.starts_with(b"FUGG") => "its magic is byte-swapped",
        () if head.starts_with(b"PK\x03\x04") => "a zip archive",
        () => "it does not begin with the letters GGUF",
    }
}

//! Formats for figures and foreign names in a sentence: sizes, ages, counts, paths, and text made safe for a terminal; and
//! the names of documents.

mod document;
pub mod text;
pub mod units;

pub use document::{Document, Named};

//! Formats for figures and foreign names in a sentence: sizes, ages, counts, paths, and text made safe for a terminal.

pub mod text;
pub mod units;

//! Whole scans over trees that are built here, entry by entry.

mod changes;
mod hf;
mod holdings;
mod places;
mod plain;
mod properties;
mod sets;
mod trees;

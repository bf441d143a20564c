//! Whole scans over trees that are built here, entry by entry.

mod aside;
mod changes;
mod docker;
mod hf;
mod holdings;
mod links;
mod llamacpp;
mod lmstudio;
mod ollama;
mod ollama_rules;
mod places;
mod plain;
mod properties;
mod ramalama;
pub(crate) mod registries;
mod sets;
mod stamps;
pub(crate) mod trees;

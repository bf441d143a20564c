//! Triage of an LLM node: collect → redact → judge (pure) → show. It changes nothing.
//!
//! [`facts`] is everything that is judged, [`rules`] what judges it. A bundle holds the facts, so that the same answer
//! can be had without the node.

pub mod baseline;
pub mod facts;
pub mod finding;
pub mod rules;
mod snapshot;
#[cfg(test)]
pub mod testing;
pub mod tune;

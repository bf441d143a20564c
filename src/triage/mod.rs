//! Triage of an LLM node: collect → redact → judge (pure) → show. It changes nothing.
//!
//! [`facts`] is everything that is judged, [`rules`] what judges it one by one, [`judge()`] what makes a [`report`] of
//! that. [`redact()`] takes secrets out of the facts before anything leaves. A [`bundle`] holds the facts, so that the
//! same answer can be had without the node.

pub mod baseline;
pub mod bundle;
pub mod checklist;
pub mod counters;
pub mod facts;
pub mod finding;
mod judge;
mod redact;
pub mod report;
pub mod rules;
pub mod show;
mod snapshot;
#[cfg(test)]
pub mod testing;
pub mod tune;

pub use judge::{JudgeOptions, catalog, judge};
pub use redact::{RedactError, Redactions, redact, redact_texts, redact_with};

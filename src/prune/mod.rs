//! Removes models that nobody uses, and restores them: policy → plan (pure), then small journaled steps into the trash,
//! and from there back or deleted for good.

pub mod apply;
pub mod candidate;
pub mod decide;
pub mod download;
pub mod fate;
pub mod gather;
mod hand_over;
pub mod in_use;
pub mod leap;
mod mirrors;
pub mod plan;
mod plan_text;
pub mod policy;
pub mod preconditions;
mod remaining;
mod resolved_steps;
pub mod room;
mod same;
mod scale;
mod servers;
mod take;
pub mod target;
#[cfg(test)]
mod tests;
pub mod trash;
pub mod wide;
mod witness;

//! Taking away models that nobody uses, and putting them back: policy → plan (pure), then in small journaled steps to
//! the trash, and from there back or away for good.

pub mod apply;
pub mod candidate;
pub mod decide;
pub mod gather;
pub mod ground;
mod hand_over;
pub mod in_use;
pub mod plan;
pub mod policy;
mod take;
#[cfg(test)]
mod tests;
pub mod trash;

//! Which model answers a task, and the durable queue: what keeps it, who works on it, and batch files. What may happen
//! to a task is in [`crate::model::task::machine`].

pub mod batch;
mod choose;
pub mod executor;
pub mod owner;
mod store;
#[cfg(test)]
mod tests;

pub use choose::{Candidates, Ranked, Why, candidates, rank, serves, too_large};
pub use store::Store;

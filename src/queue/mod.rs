//! The choice of the model that answers a task, and the durable queue: its executors and batch files. A store
//! implements [`Queue`]; the transitions of a task are in [`crate::model::task::machine`].

pub mod batch;
mod can_serve;
mod choose;
pub mod executor;
pub mod executor_lock;
pub mod measured_memory;
pub mod needs;
pub mod place;
pub mod reservation;
#[cfg(test)]
mod tests;

pub use crate::model::task::{OpenQueue, Queue};
pub use can_serve::can_serve;
pub use choose::{Candidates, Ranked, Unfit, Why, candidates, need, rank, serves, too_large, unfit};

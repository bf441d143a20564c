//! Which model answers a task. The durable queue and its executor join it here.

mod choose;

pub use choose::{Ranked, Why, rank};

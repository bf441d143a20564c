//! Health checks: what the facts of a node say about each service and about the machine, how checks are merged, and the
//! formats that monitoring systems read. All of it is pure.
//!
//! Unknown is never green, busy is not sick, and a model that loads is not sick as long as its size explains the time.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod check;
mod database;
mod endpoint;
mod exit;
pub mod format;
mod load;
mod machine;
mod model;
mod progress;
mod queue;
mod service;

#[cfg(test)]
mod tests;

pub use check::{Check, CheckName, Limits, Report, Status};
pub use database::{Tasks, database};
pub use endpoint::{Asked, endpoint};
pub use exit::{MOST_OUTPUT, Style};
pub use load::Load;
pub use machine::{clock, disk, gpus, memory, service_gpu, skew};
pub use model::model;
pub use progress::{progress, token};
pub use queue::queue;
pub use service::{RunState, Running, Seen, service};

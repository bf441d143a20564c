//! HTTP endpoints of services: who owns the socket, health, models, progress between two samples.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::indexing_slicing)
)]

mod ask;
mod owner;
mod read;
mod request;
#[cfg(test)]
mod tests;
mod types;

pub use ask::{ask, ask_all};
pub use read::counters;
pub use request::EndpointRequest;
pub use types::*;

use super::{Fact, Outcome};

//! HTTP endpoints of services: who owns the socket, health, models, progress between two samples.

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

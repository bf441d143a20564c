//! HTTP endpoints of services: who owns the socket, health, models, progress between two samples.

mod types;

pub use types::*;

//! The model file of a service: whether it is there, whole and still, in the mount namespace of the service and in ours.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::indexing_slicing)
)]

mod content;
mod near;
mod read;
mod refusing;
mod request;
#[cfg(test)]
mod tests;
mod types;
mod view;
mod walk;
mod writer;

pub use read::{PROBE, read, read_in_child, view};
pub use request::ModelFileRequest;
pub use types::*;
pub use view::modified;

use super::{Fact, Outcome};

//! Logs of services: the end of a file or of the journal, as lines with their times, and the lives that they belong to.
//!
//! Absent on purpose: what a line means. Rules know that.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::indexing_slicing)
)]

mod assign;
mod follow;
mod keep;
mod level;
mod lines;
mod main_log;
mod open;
mod read;
#[cfg(test)]
mod tests;
mod time;
mod traceback;
mod types;

pub use assign::assign;
pub use level::is_error;
pub use lines::clean;
pub use main_log::{End, Event, blind, event};
pub use read::{Limits, read};
pub use types::*;

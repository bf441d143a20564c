//! Processes of services, by `/proc` (proc(5)), and the sockets that listen.
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

mod argument;
mod environment;
mod listeners;
mod parents;
mod pid_file;
mod read;
mod tree;
mod types;
mod variables;

#[cfg(test)]
mod tests;

pub use argument::model_path;
pub use environment::variables;
pub use listeners::{listeners, listeners_seen_by, listening, owner_of};
pub use parents::Parents;
pub(super) use parents::{is_below, pids};
pub use pid_file::read_pid_file;
pub use read::read;
pub(super) use read::{control_group, effective_user, stat};
pub use tree::{all, tree};
pub use types::*;
pub use variables::{is_allowed, is_secret_name};

//! supervisord: its answers by XML-RPC or as text, its config files, its main log. Formats: supervisor 4.3's `rpcinterface.py`,
//! `options.py`, `process.py` and `states.py`.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::indexing_slicing)
)]

mod ask;
mod config;
mod credentials;
mod expand;
mod find;
mod ini;
mod lives;
mod processes;
mod programs;
mod rpc;
mod status;
#[cfg(test)]
mod tests;
mod types;

pub use ask::{ask, of_status};
pub use credentials::{Credentials, credentials};
pub use find::{configured, find};
pub use lives::{Events, by_log};
pub use status::parse_status;
pub use types::*;

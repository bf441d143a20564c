//! systemd: units by `systemctl show`, the journal by `journalctl --output=json`.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::indexing_slicing)
)]

mod entry;
mod journal;
mod lives;
mod show;
#[cfg(test)]
mod tests;
mod types;
mod unit;

pub use journal::{Marks, journal};
pub use show::parse_show;
pub use types::*;
pub use unit::{unit, units};

use super::{Fact, Outcome};

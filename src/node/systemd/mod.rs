//! systemd: units by `systemctl show`, the journal by `journalctl --output=json`.

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

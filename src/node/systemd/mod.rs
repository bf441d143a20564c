//! systemd: units by `systemctl show`, the journal by `journalctl --output=json`.

mod types;

pub use types::*;

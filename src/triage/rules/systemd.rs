//! Units of systemd.

use super::Rule;

pub const RULES: &[Rule] = &[];

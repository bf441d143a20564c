//! Disks and file systems.

use super::Rule;

pub const RULES: &[Rule] = &[];

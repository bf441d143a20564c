//! The machine and its limits: clock, open files.

use super::Rule;

pub const RULES: &[Rule] = &[];

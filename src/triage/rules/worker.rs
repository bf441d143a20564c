//! Workers of a queue.

use super::Rule;

pub const RULES: &[Rule] = &[];

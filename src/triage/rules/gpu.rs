//! GPUs and their driver.

use super::Rule;

pub const RULES: &[Rule] = &[];

//! Memory: kills by the kernel, thrashing, growth.

use super::Rule;

pub const RULES: &[Rule] = &[];

//! llama-server and its relatives.

use super::Rule;

pub const RULES: &[Rule] = &[];

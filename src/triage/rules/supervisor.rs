//! supervisord and its programs.

use super::Rule;

pub const RULES: &[Rule] = &[];

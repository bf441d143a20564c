//! The model file of a service.

use super::Rule;

pub const RULES: &[Rule] = &[];

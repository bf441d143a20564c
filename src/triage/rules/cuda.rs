//! CUDA and ROCm as a service sees them.

use super::Rule;

pub const RULES: &[Rule] = &[];

//! CUDA and ROCm as a service sees them: hidden devices, missing nodes, versions that do not fit.

mod errors;
mod hidden;
#[cfg(test)]
mod tests;

use super::Rule;

pub const RULES: &[Rule] =
    &[hidden::CUD_01, hidden::CUD_02, errors::CUD_03, errors::CUD_04, errors::CUD_05, hidden::AMD_01];

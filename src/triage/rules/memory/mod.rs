//! Main memory: OOM kills, and what comes before them.

mod growth;
mod oom;
#[cfg(test)]
mod tests;

use super::Rule;

pub const RULES: &[Rule] = &[oom::MEM_01, oom::MEM_02, growth::MEM_03, growth::MEM_04, growth::MEM_05];

//! GPUs: device files, driver versions, and what NVML answers in a child of its own.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable, clippy::indexing_slicing)
)]

mod amd;
mod files;
mod nvml;
mod read;
mod types;

pub use amd::amd_here;
pub use nvml::nvml_here;
pub use read::{AMD_PROBE, PROBE, read};
pub use types::*;

use super::{Fact, Outcome};

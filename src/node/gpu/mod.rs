//! GPUs: device files, driver versions, and what NVML answers in a child of its own.

mod types;

pub use types::*;

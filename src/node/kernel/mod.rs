//! The kernel log: kills for lack of memory, faults of GPUs, trouble with storage.

mod types;

pub use types::*;

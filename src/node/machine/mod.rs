//! The machine: memory, pressure, control groups, disks, clock, listeners.

mod types;

pub use types::*;

//! What the machine has: memory, GPUs, disks. What can hang is read in a disposable child.

pub mod actor;
pub mod cpu;
pub mod extents;
pub mod gpu;
pub mod in_time;
pub mod memory;
pub mod open_files;
pub mod probe;

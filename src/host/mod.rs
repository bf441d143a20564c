//! The resources of the machine: memory, GPUs, disks. Anything that can hang is read in a disposable child.

pub mod account;
pub mod actor;
pub mod budget;
pub mod commands;
pub mod control_group;
pub mod cpu;
pub mod daemon;
pub mod extents;
pub mod file_lease;
pub mod file_lock;
pub mod file_system;
pub mod gpu;
pub mod in_time;
pub mod liveness;
pub mod memory;
pub mod mounts;
pub mod named_lock;
pub mod node;
pub mod open_files;
pub mod own_memory;
pub mod port_holder;
pub mod pressure;
pub mod proc_stat;
pub mod process_memory;
pub mod self_child;

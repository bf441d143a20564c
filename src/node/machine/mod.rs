//! The machine: memory, pressure, control groups, disks, clock, what it is.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod clock_state;
mod control_group;
pub mod disks;
mod identity;
mod memory;
mod pressure;
mod shared_memory;
mod types;

#[cfg(test)]
mod tests;

pub use clock_state::clock_state;
pub use control_group::control_groups;
pub use disks::disks;
pub use identity::{addresses, container, cpu_flags, host_name, kernel_release};
pub use memory::memory;
pub use pressure::pressure;
pub use shared_memory::{SHARED_MEMORY_PROBE, SharedMemoryRequest, ask_shared_memory, shared_memory};
pub use types::*;

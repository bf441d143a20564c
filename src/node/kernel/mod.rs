//! The kernel log: kills for lack of memory, faults of GPUs, trouble with storage.
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

mod collect;
mod oom;
mod read;
mod record;
mod sign;
mod types;
mod xid;

#[cfg(test)]
mod tests;

pub use read::read;
pub use types::*;

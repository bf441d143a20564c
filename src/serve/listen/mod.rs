//! The listeners of the daemon: which addresses are bound, which requests are let in, and what one client can take.
//!
//! Every listener has the same checks. Absent on purpose: what is asked, and which servers run.
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

mod accept;
mod bind;
mod body;
mod caller;
mod connections;
mod exchange;
mod files;
mod guard;
#[cfg(test)]
mod guard_tests;
mod keys;
mod passed;
mod read;
mod refusal;
mod unix;
mod unparsed;
mod wire;

pub use accept::{Gate, Kind, Setup};
pub use bind::{Bound, bind, bind_tcp};
pub use body::{Counted, discard};
pub use caller::{Caller, Logged, Passed};
pub use files::raise_open_files;
pub use keys::{Key, Keys};
pub use passed::pass_body;
pub use read::read_body;
pub use refusal::Refusal;

//! Child processes: spawn, stop, and how they ended. The only room that spawns.
//!
//! Every child gets its own process group, pipes of its own, and dies with us: its stdin is a lifeline whose write end
//! only we hold (the kernel closes it however we end), and it may ask for a parent-death signal, which is safe because
//! all children are born on one thread that lives as long as the program (see [`spawn`]).
//!
//! Absent on purpose: what the children do, and when to start them again.

mod bounded;
mod child;
mod ending;
mod interrupt;
mod lease;
mod log_ring;
mod named_lock;
mod spawn;

pub use bounded::{Bounded, run_bounded};
pub use child::Child;
pub use ending::Ending;
pub use interrupt::{Interrupt, Stop};
pub use lease::{Lease, lease};
pub use log_ring::LogRing;
pub use named_lock::{NamedLock, Tried};
pub use spawn::{SpawnSpec, spawn};

//! The trash: what a prune takes away waits here, on the same file system, until it is restored or deleted for good.
//!
//! The truth about it lies on the disk alone. An item is written down before its first step and until after its last one,
//! and each step is one call of the kernel, so that a run that was killed anywhere is undone or completed by
//! [`recover`]. Everything is done from the descriptors of the root and of the place down, never through a link and never
//! into another mount.
//!
//! Absent on purpose: what may go and why (the caller decides and orders the steps), and every word about it but errors.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable)
)]

mod beneath;
mod delete;
mod descend;
mod discard;
mod empty;
mod fault;
mod item;
mod list;
mod lock;
pub mod lossless;
mod order;
mod place;
mod put_back;
mod recover;
mod restore;
#[cfg(test)]
pub(super) mod tests;
mod times;

pub use delete::{Deleted, delete};
pub use discard::{Outcome, discard};
pub use empty::{Emptied, empty};
pub use fault::Fault;
pub use list::{State, Trashed, list};
pub use lock::{Held, Holder};
pub use order::{Inode, Kind, Listed, Order, Seen, Step};
pub use place::Place;
pub use recover::{Ending, Recovered, recover, recover_but};
pub use restore::restore;

/// Where a run is: told to the hook that every one takes. When the hook gives an error, the run ends right there and
/// cleans up nothing, as if it had been killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The folder of the item was made.
    Folder,
    /// Its journal was written, named, made to last.
    Journal,
    /// Before the step of that number.
    Before(usize),
    /// Between the move and what is noted of it.
    Moved(usize),
    /// After the step.
    After(usize),
    /// A folder was made anew.
    Made,
    /// The folders that were changed were made to last.
    Synced,
    /// A mark of how far the item is was set or taken away.
    Marked,
    /// The times of folders were set.
    Times,
    /// Something was deleted for good.
    Deleted,
    /// The journal was removed.
    Forget,
}

/// For those who have nothing to say.
pub fn go_on(_: Point) -> anyhow::Result<()> {
    Ok(())
}

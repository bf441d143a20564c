//! The trash: where a prune moves what it removes, on the same file system, until it is restored or deleted for good.
//!
//! Its state is on the disk alone. The journal of an item is written before the first step and stays until after the
//! last one, and each step is one system call. So [`recover`] undoes or completes a run that was killed at any point.
//! Every path is opened from the descriptors of the root and of the place, never through a link and never into another
//! mount.
//!
//! Absent on purpose: what may be removed and why (the caller decides and orders the steps), and messages other than
//! errors.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable)
)]

mod confined_dir;
mod delete;
mod discard;
mod empty;
mod entry;
mod fault;
mod id;
mod item;
mod list;
mod lock;
pub mod lossless;
mod open_beneath;
mod order;
mod place;
mod put_back;
mod recover;
mod restore;
#[cfg(test)]
pub(super) mod tests;
mod times;
mod together;

pub use delete::{Deleted, delete};
pub use discard::Outcome;
pub use empty::Emptied;
pub use entry::{Inode, Kind, Seen};
pub use fault::Fault;
pub use fault::Holder;
pub use id::run_id;
pub use list::{State, Trashed, list};
pub use lock::Held;
pub use order::{Listed, Order, Step};
pub use place::Place;
pub use recover::{Ending, Recovered, Scope, recover, recover_within};
pub use restore::restore;
pub use together::{Ask, discard, discard_all, discard_while, empty, empty_all};

/// A point that a run has reached, passed to the hook that every operation takes. When the hook returns an error, the
/// run ends there without any cleanup, as if it had been killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The folder of the item was created.
    Folder,
    /// The journal of the item was written, renamed or synced.
    Journal,
    /// Before the step with this number.
    Before(usize),
    /// Between the move and the note of it.
    Moved(usize),
    /// After the step with this number.
    After(usize),
    /// A folder was created again.
    Made,
    /// The changed folders were synced.
    Synced,
    /// A mark of the item was set or removed.
    Marked,
    /// The times of folders were set.
    Times,
    /// Something was deleted for good.
    Deleted,
    /// The journal was removed.
    Forget,
}

/// Hook for callers that need none: always continues.
pub fn go_on(_: Point) -> anyhow::Result<()> {
    Ok(())
}

//! The lock that allows only one daemon for one database.

use crate::failure::{Failure, OrFail};
use crate::host::named_lock::{INSTANCE_LOCK, NamedLock, Tried};
use std::path::Path;

/// Takes the lock in `dir`. `who` is the text that others see while it is held.
///
/// # Errors
/// Busy (4) while another daemon runs; cannot be met (3) when the folder cannot be written to.
pub fn instance_lock(dir: &Path, who: &str) -> anyhow::Result<NamedLock> {
    let failure = || Failure::cannot_meet(format!("cannot lock a file in `{}`", dir.display()));
    match NamedLock::take(dir, INSTANCE_LOCK, who).or_fail(failure)? {
        Tried::Ours(lock) => Ok(lock),
        Tried::Busy { who, .. } => Err(Failure::busy(format!("the queue is served by {who}"))
            .hint("only one daemon can serve a database; use --db for another one")
            .into()),
    }
}

//! One daemon for one database.

use crate::failure::{Failure, OrFail};
use crate::supervise::{NamedLock, Tried};
use std::path::Path;

/// Takes the right to be it in `dir`. `who`: what others are told meanwhile.
///
/// # Errors
/// Busy (4) while another daemon lives; cannot be met (3) when the folder cannot be written to.
pub fn sole(dir: &Path, who: &str) -> anyhow::Result<NamedLock> {
    let failure = || Failure::cannot_meet(format!("cannot lock a file in `{}`", dir.display()));
    match NamedLock::take(dir, "serve.lock", who).or_fail(failure)? {
        Tried::Ours(lock) => Ok(lock),
        Tried::Busy { who, .. } => Err(Failure::busy(format!("the queue is served by {who}"))
            .hint("one is enough for a database; another one wants its own: --db")
            .into()),
    }
}

//! The progress of a scan, and its cancellation.

use crate::failure::{Failure, Kind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The progress of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanEvent {
    /// A root is being walked.
    Root { path: PathBuf },
    /// The number of directory entries visited so far, over all roots.
    Entries { seen: u64 },
    /// The number of headers that were read, out of those to read.
    Headers { done: u64, total: u64 },
}

/// Counts directory entries for the progress bar and checks for cancellation.
pub(crate) struct ScanProgress<'a> {
    pub progress: &'a (dyn Fn(ScanEvent) + Sync),
    pub cancel: &'a AtomicBool,
    pub entries: AtomicU64,
}

impl ScanProgress<'_> {
    /// Counts an entry. Called once for each directory entry.
    ///
    /// # Errors
    /// Interrupted, when `cancel` is set.
    pub fn entry(&self) -> anyhow::Result<()> {
        let n = self.entries.fetch_add(1, Ordering::Relaxed) + 1;
        if n.is_multiple_of(512) {
            (self.progress)(ScanEvent::Entries { seen: n });
        }
        stop_if(self.cancel)
    }
}

/// Fails when `cancel` is set: an interrupted scan fails as a whole, and nothing of it is recorded.
pub(crate) fn stop_if(cancel: &AtomicBool) -> anyhow::Result<()> {
    if cancel.load(Ordering::Relaxed) {
        return Err(Failure::new(Kind::Interrupted, "interrupted: nothing of this scan was recorded").into());
    }
    Ok(())
}

//! Reads the headers of new and changed files, several at a time.

use super::progress::ScanEvent;
use super::progress::{ScanProgress, stop_if};
use crate::model::{Facts, Fault, FileIdentity};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The result of reading one header.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The identity of the opened file, which may be newer than the one of the walk.
    pub identity: FileIdentity,
    /// Bytes of disk in use.
    pub allocated: u64,
    pub facts: Facts,
}

/// Reads a header. A parameter, so that callers can count the reads.
pub type ReadHeader<'a> = &'a (dyn Fn(&Path) -> Result<Header, Fault> + Sync);

/// Returns the headers of `files`, in their order. A thread takes the next file when it has finished one, so a slow
/// file delays no other.
pub(crate) fn read_all<E: Send>(
    files: &[&Path],
    threads: usize,
    read: &(dyn Fn(&Path) -> Result<Header, E> + Sync),
    progress: &ScanProgress<'_>,
) -> anyhow::Result<Vec<Result<Header, E>>> {
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let total = files.len() as u64;
    let (cancel, progress) = (progress.cancel, progress.progress);
    let work = || {
        let mut mine = Vec::new();
        while !cancel.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = files.get(index) else { break };
            mine.push((index, read(path)));
            progress(ScanEvent::Headers { done: done.fetch_add(1, Ordering::Relaxed) + 1, total });
        }
        mine
    };
    let mut results: Vec<(usize, Result<Header, E>)> = std::thread::scope(|scope| {
        let extra = threads.min(files.len()).saturating_sub(1);
        let workers: Vec<_> = (0..extra).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for worker in workers {
            match worker.join() {
                Ok(some) => all.extend(some),
                // A panic in the reader is a bug and must surface as one.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    stop_if(cancel)?;
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

//! Reads the headers of new and changed files, several at a time.

use super::found::{Pulse, stop_if};
use super::scan::ScanEvent;
use crate::model::{Facts, FileIdentity};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What one look into a file gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Of the file that was opened, which may be newer than the one the walk saw.
    pub identity: FileIdentity,
    /// Bytes of disk in use.
    pub allocated: u64,
    pub facts: Facts,
}

/// How a header is read; given from outside, so that whoever asks can count.
pub type ReadHeader<'a> = &'a (dyn Fn(&Path) -> Result<Header, String> + Sync);

/// The headers of `files`, in their order. A worker takes the next file when it is done with one, so nothing queues
/// up and a slow file holds up nobody.
pub(crate) fn read_all<E: Send>(
    files: &[&Path],
    threads: usize,
    read: &(dyn Fn(&Path) -> Result<Header, E> + Sync),
    pulse: &Pulse<'_>,
) -> anyhow::Result<Vec<Result<Header, E>>> {
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let total = files.len() as u64;
    let (cancel, progress) = (pulse.cancel, pulse.progress);
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
                // A panic in the reader is a bug and must look like one.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    stop_if(cancel)?;
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

//! Reads files whole, several at a time, and gives their sha256.

use super::rate::Pace;
use crate::clock;
use crate::failure::{Failure, Kind};
use crate::gguf;
use crate::inventory::found::{identity_of, vanished};
use crate::model::{FileIdentity, hex};
use rustix::fs::Advice;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Bytes per read: a system call for each is lost in the time that hashing them takes.
const CHUNK: usize = 1 << 20;
/// The longest time in which nobody looks whether to stop.
const SLICE: Duration = Duration::from_millis(100);

/// A file to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job<'a> {
    pub path: &'a Path,
    /// What must be found there, before and after.
    pub identity: FileIdentity,
}

/// How reading one file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    /// Lower-case hex of the whole content.
    Sha256(String),
    Missing,
    /// It is not the file that was seen before, or was written to meanwhile.
    Changed,
    Unreadable(String),
}

/// What the readers need from outside.
pub(super) struct Readers<'a> {
    /// At least 1.
    pub threads: usize,
    /// Bytes per second over all of them.
    pub max_rate: Option<u64>,
    /// Returns after the time given or earlier.
    pub wait: &'a (dyn Fn(Duration) + Sync),
    /// Bytes that were just read, or need not be read after all.
    pub progress: &'a (dyn Fn(u64) + Sync),
    pub cancel: &'a AtomicBool,
    /// `pread`: bytes of a file from a place on.
    pub read_at: ReadAt<'a>,
}

/// Fills the buffer from a place in a file as far as it goes at once, and gives the count; 0 at the end.
pub(super) type ReadAt<'a> = &'a (dyn Fn(&File, &mut [u8], u64) -> io::Result<usize> + Sync);

/// Hashes `jobs`, the largest first, and hands each result with the index of its job to `done`, on this thread, as soon
/// as it is there.
///
/// # Errors
/// Interrupted, or the first error of `done`; readers then stop at their next chunk.
pub(super) fn hash_all(
    jobs: &[Job<'_>],
    readers: &Readers<'_>,
    mut done: impl FnMut(usize, Read) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut order: Vec<(usize, Job<'_>)> = jobs.iter().copied().enumerate().collect();
    order.sort_by_key(|(index, job)| (std::cmp::Reverse(job.identity.size), *index));
    let next = AtomicUsize::new(0);
    let shared = Shared {
        pace: readers.max_rate.map(|rate| Mutex::new(Pace::new(rate))),
        began: clock::instant(),
        readers,
        failed: AtomicBool::new(false),
    };
    let (send, receive) = sync_channel(readers.threads.max(1));
    let mut outcome = Ok(());
    std::thread::scope(|scope| {
        for _ in 0..readers.threads.clamp(1, jobs.len().max(1)) {
            let (send, order, next, shared) = (send.clone(), &order, &next, &shared);
            scope.spawn(move || {
                let mut buffer = vec![0u8; shared.chunk()];
                while let Some((index, job)) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(read) = shared.hash(job, &mut buffer) else { break };
                    // Nobody listens any more only when this thread's work is no longer wanted.
                    if send.send((*index, read)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        for (index, read) in receive {
            if let Err(error) = done(index, read) {
                shared.failed.store(true, Ordering::Relaxed);
                outcome = Err(error);
                break;
            }
        }
    });
    outcome?;
    if readers.cancel.load(Ordering::Relaxed) {
        return Err(Failure::new(Kind::Interrupted, "interrupted").into());
    }
    Ok(())
}

struct Shared<'a> {
    pace: Option<Mutex<Pace>>,
    began: std::time::Instant,
    readers: &'a Readers<'a>,
    /// The other side cannot take results any more.
    failed: AtomicBool,
}

impl Shared<'_> {
    fn chunk(&self) -> usize {
        let chunk = |pace: &Mutex<Pace>| pace.lock().unwrap_or_else(PoisonError::into_inner).chunk(CHUNK);
        self.pace.as_ref().map_or(CHUNK, chunk)
    }

    fn stopped(&self) -> bool {
        self.readers.cancel.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }

    /// Waits for the turn of `bytes`; false when we are to stop.
    fn may_read(&self, bytes: usize) -> bool {
        if let Some(pace) = &self.pace {
            let now = self.began.elapsed();
            let wait = pace.lock().unwrap_or_else(PoisonError::into_inner).book(now, bytes as u64);
            let until = now.saturating_add(wait);
            while !self.stopped() {
                let left = until.saturating_sub(self.began.elapsed());
                if left.is_zero() {
                    break;
                }
                (self.readers.wait)(left.min(SLICE));
            }
        }
        !self.stopped()
    }

    /// None when we are to stop.
    fn hash(&self, job: &Job<'_>, buffer: &mut [u8]) -> Option<Read> {
        let mut at = 0u64;
        let read = match self.content(job, buffer, &mut at) {
            Ok(Some(read)) => read,
            Ok(None) => return None,
            Err(e) if vanished(&e) => Read::Missing,
            Err(e) => Read::Unreadable(e.to_string()),
        };
        // The bar counts the bytes that were seen at first.
        (self.readers.progress)(job.identity.size.saturating_sub(at));
        Some(read)
    }

    fn content(&self, job: &Job<'_>, buffer: &mut [u8], at: &mut u64) -> io::Result<Option<Read>> {
        let file = gguf::open_untouched(job.path)?;
        let is_same = |file: &File| Ok::<bool, io::Error>(identity_of(&file.metadata()?) == job.identity);
        if !is_same(&file)? {
            return Ok(Some(Read::Changed));
        }
        // Only a hint: a file system that does not take it reads as it likes.
        let _ = rustix::fs::fadvise(&file, 0, None, Advice::Sequential);
        let mut hasher = Sha256::new();
        loop {
            let left = job.identity.size.saturating_sub(*at);
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            if wanted == 0 {
                break;
            }
            if !self.may_read(wanted) {
                return Ok(None);
            }
            let n = match (self.readers.read_at)(&file, buffer.get_mut(..wanted).unwrap_or_default(), *at) {
                Ok(0) => return Ok(Some(Read::Changed)), // shorter than it was a moment ago
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            hasher.update(buffer.get(..n).unwrap_or_default());
            *at = at.saturating_add(n as u64);
            (self.readers.progress)(n as u64);
        }
        if !is_same(&file)? {
            return Ok(Some(Read::Changed));
        }
        Ok(Some(Read::Sha256(hex(&hasher.finalize()))))
    }
}

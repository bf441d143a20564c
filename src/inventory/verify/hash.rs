//! Reads whole files, several at a time, and returns their sha256.

use super::rate::Pace;
use crate::clock;
use crate::failure::{Failure, Kind};
use crate::gguf;
use crate::inventory::inode::{identity_of, vanished};
use crate::model::{FileIdentity, hex};
use rustix::fs::Advice;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Bytes per read. The cost of a system call is small compared to hashing that many bytes.
const CHUNK: usize = 1 << 20;
/// The longest time without a check for cancellation.
const SLICE: Duration = Duration::from_millis(100);

/// A file to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job<'a> {
    pub path: &'a Path,
    /// The identity that the file must have, before and after reading.
    pub identity: FileIdentity,
}

/// The result of reading one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    /// The sha256 of the whole content, in lower-case hex.
    Sha256(String),
    Missing,
    /// The file has another identity than before, or was written meanwhile.
    Changed,
    Unreadable(String),
}

/// The settings and callbacks of the readers.
pub(super) struct Readers<'a> {
    /// The number of threads, at least 1.
    pub threads: usize,
    /// The limit of all readers together, in bytes per second.
    pub max_rate: Option<u64>,
    /// Returns after the given time or earlier.
    pub wait: &'a (dyn Fn(Duration) + Sync),
    /// Called with the number of bytes that were just read, or that need not be read after all.
    pub progress: &'a (dyn Fn(u64) + Sync),
    pub cancel: &'a AtomicBool,
    /// Reads bytes of a file from an offset, as `pread` does.
    pub read_at: ReadAt<'a>,
}

/// Fills the buffer from an offset of a file as far as one call does, and returns the count; 0 at the end.
pub(super) type ReadAt<'a> = &'a (dyn Fn(&File, &mut [u8], u64) -> io::Result<usize> + Sync);

/// Hashes `jobs`, the largest first. Passes each result with the index of its job to `done`, on this thread, as soon as
/// it is available.
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
                    // The receiver is closed only when this thread's results are no longer needed.
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

/// Returns the sha256 of a file. None where it is written meanwhile.
///
/// # Errors
/// The file cannot be read.
pub fn sha256(path: &Path) -> io::Result<Option<String>> {
    let identity = identity_of(&std::fs::metadata(path)?);
    let cancel = AtomicBool::new(false);
    let readers = Readers {
        threads: 1,
        max_rate: None,
        wait: &|_| {},
        progress: &|_| {},
        cancel: &cancel,
        read_at: &FileExt::read_at,
    };
    let shared = Shared { pace: None, began: clock::instant(), readers: &readers, failed: AtomicBool::new(false) };
    let size = usize::try_from(identity.size).unwrap_or(usize::MAX);
    let read = shared.content(&Job { path, identity }, &mut vec![0; CHUNK.min(size)], &mut 0)?;
    Ok(match read {
        Some(Read::Sha256(sha256)) => Some(sha256),
        _ => None,
    })
}

struct Shared<'a> {
    pace: Option<Mutex<Pace>>,
    began: std::time::Instant,
    readers: &'a Readers<'a>,
    /// Whether `done` failed, so that no more results are needed.
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

    /// Waits until `bytes` may be read. Returns false when the reader must stop.
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

    /// Hashes one file. None when the reader must stop.
    fn hash(&self, job: &Job<'_>, buffer: &mut [u8]) -> Option<Read> {
        let mut at = 0u64;
        let read = match self.content(job, buffer, &mut at) {
            Ok(Some(read)) => read,
            Ok(None) => return None,
            Err(e) if vanished(&e) => Read::Missing,
            Err(e) => Read::Unreadable(format!("cannot be read to its end: {e}")),
        };
        // The progress total counts the size that the file had at first.
        (self.readers.progress)(job.identity.size.saturating_sub(at));
        Some(read)
    }

    fn content(&self, job: &Job<'_>, buffer: &mut [u8], at: &mut u64) -> io::Result<Option<Read>> {
        let file = gguf::open_untouched(job.path)?;
        let is_same = |file: &File| Ok::<bool, io::Error>(identity_of(&file.metadata()?) == job.identity);
        if !is_same(&file)? {
            return Ok(Some(Read::Changed));
        }
        // Only a hint: a file system without support for it reads as usual.
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

//! Waiting for writes of other processes. SQLite has a counter that changes with every commit of another connection,
//! but no notification; the kernel reports by inotify(7) that a file was written. So the files are watched, and the
//! counter shows whether the write was a commit.
//!
//! A commit is visible only after its last write, when SQLite has marked it in shared memory, which causes no event.
//! Therefore the counter is read repeatedly for some time after a write, and occasionally in any case.

use super::{Db, place};
use crate::clock;
use crate::model::backoff::Backoff;
use crate::model::task::ChangeMark;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// The pauses between two reads of the counter while a commit may be in progress. A read accesses only shared memory,
/// without a lock.
const PAUSES: Backoff = Backoff::doubling(Duration::from_millis(1), Duration::from_millis(100));
/// The time that a commit may take after a write: a busy disk may be slow to sync.
const UNDER_WAY: Duration = Duration::from_secs(2);
/// The longest time without a read of the counter, where no file seems to be written.
const FALLBACK: Duration = Duration::from_secs(2);

/// A watch that reports writes to the database or its log. Kept with the connection: closing a watch takes the kernel
/// some milliseconds.
#[derive(Debug)]
pub(super) struct FileWatch(OwnedFd);

impl FileWatch {
    /// Watches the files of a database. None where that is impossible: no inotify instance is left, or there is no log.
    fn new(database: &Path) -> Option<FileWatch> {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let watch = inotify::init(flags).ok()?; // the counter is read often instead
        for file in [place::beside(database, "-wal"), database.to_owned()] {
            inotify::add_watch(&watch, file, inotify::WatchFlags::MODIFY).ok()?; // the counter is read often instead
        }
        Some(FileWatch(watch))
    }

    /// Discards the events so far.
    fn drain(&self) {
        let mut buffer = [MaybeUninit::<u8>::uninit(); 1024];
        let mut events = inotify::Reader::new(&self.0, &mut buffer);
        // The reader returns an error when no event is left.
        while events.next().is_ok() {}
    }
}

impl Db {
    /// Reads the counter that changes with every commit of another connection.
    pub(super) fn data_version(&self) -> anyhow::Result<ChangeMark> {
        self.read(|tx| Ok(ChangeMark(tx.pragma_query_value(None, "data_version", |row| row.get(0))?)))
    }

    /// Waits until another connection has committed since `since`, for `limit` at most, or until `stop` is readable.
    /// Returns whether there was a commit.
    pub(super) fn wait_for_commit(
        &self,
        since: ChangeMark,
        limit: Duration,
        stop: Option<BorrowedFd<'_>>,
    ) -> anyhow::Result<bool> {
        let started = clock::instant();
        let mut reads = 1_u32;
        // A write from before the files were watched may become visible later.
        let mut written: Option<Instant> = self.watch.get().is_none().then_some(started);
        loop {
            if self.data_version()? != since {
                return Ok(true);
            }
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            let watch = self.watch.get_or_init(|| FileWatch::new(&self.path)).as_ref();
            let is_under_way = written.is_some_and(|at| at.elapsed() < UNDER_WAY);
            let (time, watched) = match watch {
                Some(watch) if !is_under_way => (FALLBACK, Some(watch)),
                _ => (PAUSES.after(reads), None),
            };
            match first_readable(stop, watched.map(|watch| watch.0.as_fd()), time.min(left)) {
                Readable::Stop => return Ok(false),
                Readable::Files => {
                    watched.into_iter().for_each(FileWatch::drain);
                    (written, reads) = (Some(clock::instant()), 1);
                }
                Readable::Neither => reads = reads.saturating_add(1),
            }
        }
    }
}

enum Readable {
    Stop,
    Files,
    Neither,
}

/// Waits until one of the two is readable, for `time` at most.
fn first_readable(stop: Option<BorrowedFd<'_>>, files: Option<BorrowedFd<'_>>, time: Duration) -> Readable {
    let mut fds: Vec<PollFd<'_>> =
        stop.iter().chain(&files).map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    let time = Timespec { tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: time.subsec_nanos().into() };
    // A signal ends the wait early with an error; the next round checks everything again.
    if !poll(&mut fds, Some(&time)).is_ok_and(|ready| ready > 0) {
        return Readable::Neither;
    }
    let is_stop = stop.is_some() && fds.first().is_some_and(|fd| !fd.revents().is_empty());
    if is_stop { Readable::Stop } else { Readable::Files }
}

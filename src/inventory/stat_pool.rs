//! Stats files (one lstat each) in parallel with the walk that finds them: the walk waits for directories, these
//! threads for inodes.

use super::inode::{allocated_of, identity_of};
use crate::model::FileIdentity;
use std::fs::FileType;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

/// The number of paths in a batch: enough to be worth waking a thread.
const BATCH: usize = 128;

/// The stat result of one path.
pub(crate) struct Look {
    pub path: PathBuf,
    pub seen: io::Result<Seen>,
}

pub(crate) enum Seen {
    File { identity: FileIdentity, allocated: u64 },
    Other(FileType),
}

fn look(path: PathBuf) -> Look {
    let seen = std::fs::symlink_metadata(&path).map(|meta| {
        if meta.is_file() {
            Seen::File { identity: identity_of(&meta), allocated: allocated_of(&meta) }
        } else {
            Seen::Other(meta.file_type())
        }
    });
    Look { path, seen }
}

/// Threads that stat files. A few batches may wait for them: when they cannot keep up, the walk stats files itself.
pub(crate) struct StatPool<'scope> {
    queue: SyncSender<Vec<PathBuf>>,
    threads: Vec<ScopedJoinHandle<'scope, Vec<Look>>>,
    done: Vec<Look>,
}

impl<'scope> StatPool<'scope> {
    /// Starts `threads` threads. `receiver` outlives the scope; see [`queue`].
    pub fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        threads: usize,
        (queue, receiver): (SyncSender<Vec<PathBuf>>, &'env Mutex<Receiver<Vec<PathBuf>>>),
    ) -> Self {
        let work = move || {
            let mut mine = Vec::new();
            loop {
                // A poisoned lock means that another thread panicked, which its join reports.
                let next = receiver.lock().map(|queue| queue.recv());
                let Ok(Ok(batch)) = next else { return mine };
                mine.extend(batch.into_iter().map(look));
            }
        };
        let threads = (0..threads).map(|_| scope.spawn(work)).collect();
        StatPool { queue, threads, done: Vec::new() }
    }

    /// Sends the paths to the threads when they make up a batch.
    pub fn offer(&mut self, pending: &mut Vec<PathBuf>) {
        if pending.len() >= BATCH {
            self.give(std::mem::take(pending));
        }
    }

    fn give(&mut self, batch: Vec<PathBuf>) {
        let refused = if self.threads.is_empty() {
            batch
        } else {
            match self.queue.try_send(batch) {
                Ok(()) => return,
                Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => batch,
            }
        };
        self.done.extend(refused.into_iter().map(look));
    }

    /// Stats the remaining paths and returns all results, in no particular order.
    pub fn finish(self, rest: Vec<PathBuf>) -> Vec<Look> {
        let StatPool { queue, threads, mut done } = self;
        drop(queue); // ends the threads
        done.extend(rest.into_iter().map(look));
        for thread in threads {
            match thread.join() {
                Ok(looks) => done.extend(looks),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    }
}

/// Returns the bounded queue between the walk and its threads.
pub(crate) fn queue() -> (SyncSender<Vec<PathBuf>>, Mutex<Receiver<Vec<PathBuf>>>) {
    let (sender, receiver) = sync_channel(4);
    (sender, Mutex::new(receiver))
}

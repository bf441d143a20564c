//! Looks at files (one lstat each) beside the walk that finds them: the walk waits for directories, these for inodes.

use super::found::{allocated_of, identity_of};
use crate::model::FileIdentity;
use std::fs::FileType;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

/// Paths that travel together: enough to be worth waking a thread.
const BATCH: usize = 128;

/// One path and what is there.
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

/// Threads that look. At most a few batches wait for them: when they do not keep up, the walk looks for itself.
pub(crate) struct Lookers<'scope> {
    queue: SyncSender<Vec<PathBuf>>,
    threads: Vec<ScopedJoinHandle<'scope, Vec<Look>>>,
    done: Vec<Look>,
}

impl<'scope> Lookers<'scope> {
    /// Starts `threads` of them. `receiver` outlives the scope; see [`queue`].
    pub fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        threads: usize,
        (queue, receiver): (SyncSender<Vec<PathBuf>>, &'env Mutex<Receiver<Vec<PathBuf>>>),
    ) -> Self {
        let work = move || {
            let mut mine = Vec::new();
            loop {
                // A poisoned lock means another looker panicked, which its join reports.
                let next = receiver.lock().map(|queue| queue.recv());
                let Ok(Ok(batch)) = next else { return mine };
                mine.extend(batch.into_iter().map(look));
            }
        };
        let threads = (0..threads).map(|_| scope.spawn(work)).collect();
        Lookers { queue, threads, done: Vec::new() }
    }

    /// Hands the paths on once there are enough of them.
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

    /// Looks at the rest and collects what everybody saw, in no particular order.
    pub fn finish(self, rest: Vec<PathBuf>) -> Vec<Look> {
        let Lookers { queue, threads, mut done } = self;
        drop(queue); // tells the threads that nothing follows
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

/// The bounded queue between the walk and its lookers.
pub(crate) fn queue() -> (SyncSender<Vec<PathBuf>>, Mutex<Receiver<Vec<PathBuf>>>) {
    let (sender, receiver) = sync_channel(4);
    (sender, Mutex::new(receiver))
}

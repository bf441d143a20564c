//! flock(2) locks on open files.

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, TryLockError};
use std::os::fd::{AsFd, BorrowedFd};

/// A lock on an open file, released by unlocking before the file is closed.
///
/// Closing alone is not enough. The lock belongs to the open file, and a child that another thread is starting at that
/// moment has a copy of its descriptor from fork until exec: for some microseconds the next attempt would find the lock
/// held. The kernel still releases the lock when the last process that has the file open ends, however it ends.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

/// The holders that a lock allows at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Nobody,
    /// Others that request a shared lock.
    Readers,
}

impl FileLock {
    /// Locks `file` if that can be done at once.
    ///
    /// # Errors
    /// Returns the file, with [`TryLockError::WouldBlock`] when another open file has the lock.
    pub fn try_lock(file: File, share: Share) -> Result<FileLock, (File, TryLockError)> {
        let tried = match share {
            Share::Nobody => file.try_lock(),
            Share::Readers => file.try_lock_shared(),
        };
        match tried {
            Ok(()) => Ok(FileLock { file }),
            Err(error) => Err((file, error)),
        }
    }

    pub fn file(&self) -> &File {
        &self.file
    }
}

impl AsFd for FileLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // The file is closed next, which releases the lock as well, only later.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::supervise::{Child, SpawnSpec, spawn};
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    fn open(path: &Path) -> File {
        File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap()
    }

    fn locked(path: &Path) -> Option<FileLock> {
        FileLock::try_lock(open(path), Share::Nobody).ok()
    }

    fn child(script: &str, keep: Option<Arc<FileLock>>) -> Child {
        let keep = keep.map(|lock| lock as _);
        spawn(&SpawnSpec { keep, ..SpawnSpec::new("/bin/sh", ["-c", script]) }).unwrap()
    }

    /// Prune, trash, serve and run-once would each report "in use by another process" now and then, for no reason.
    #[test]
    fn a_released_lock_is_free_at_once_while_children_are_being_started() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let done = AtomicBool::new(false);
        let mut missed = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    child("exit 0", None).wait(Duration::from_secs(60)).unwrap();
                }
            });
            let end = clock::instant() + Duration::from_secs(1);
            while clock::instant() < end {
                match locked(&path) {
                    Some(lock) => drop(lock),
                    None => missed += 1,
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(missed, 0, "times that a lock was found held after it had been released");
    }

    /// A second model would be loaded beside a worker that still has its own in memory.
    #[test]
    fn a_lock_that_a_child_keeps_is_released_when_the_child_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = Arc::new(locked(&path).unwrap());
        let mut keeper = child("read forever", Some(Arc::clone(&lock)));
        let mut bystander = child("read forever", None);
        drop(lock);
        assert!(locked(&path).is_none());
        keeper.kill().unwrap();
        assert!(locked(&path).is_some());
        bystander.kill().unwrap();
    }
}

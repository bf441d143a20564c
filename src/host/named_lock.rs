//! A lock that one process holds at a time, and whose file names the holder.

use super::file_lock::{FileLock, Share};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the lock that the daemon of a database holds.
pub const INSTANCE_LOCK: &str = "serve.lock";

/// A held lock. It is held until this is dropped and every child that keeps the [`NamedLock::lock`] open has ended; the
/// kernel releases it when all of these processes have ended, however they end.
#[derive(Debug)]
pub struct NamedLock {
    lock: Arc<FileLock>,
}

/// The result of an attempt to take the lock.
#[derive(Debug)]
pub enum Tried {
    Ours(NamedLock),
    /// Another process holds the lock. `who` describes the holder in its own words: `modelctl run-once (process 123,
    /// since 2026-…)`. `is_gone` says whether that process has ended, so that only a child of it holds the lock.
    Busy {
        who: String,
        is_gone: bool,
    },
}

impl NamedLock {
    /// Takes the lock `name` in `dir` (made with mode 0700) if it is free. `who` is the text that others read
    /// meanwhile.
    ///
    /// # Errors
    /// The folder or the file cannot be made or written to.
    pub fn take(dir: &Path, name: &str, who: &str) -> io::Result<Tried> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let path = dir.join(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        match FileLock::try_lock(file, Share::Nobody) {
            // Another file has taken the name since this one was opened; the process that made it has the lock.
            Ok(lock) if !LockFile::of(&lock, &path)?.is_current() => {
                Ok(Tried::Busy { who: "another process".into(), is_gone: false })
            }
            Ok(lock) => {
                let mut file = lock.file();
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(format!("{who}\n{}\n", std::process::id()).as_bytes())?;
                Ok(Tried::Ours(NamedLock { lock: Arc::new(lock) }))
            }
            Err((file, TryLockError::WouldBlock)) => {
                // The holder may be writing just now. It is enough to know that the lock is held.
                let (who, number) = holder(file).unwrap_or_else(|| ("another process".into(), None));
                Ok(Tried::Busy { who, is_gone: number.is_some_and(|number| is_gone(&number)) })
            }
            Err((_, TryLockError::Error(error))) => Err(error),
        }
    }

    /// Returns the text of the process that took the lock `name` in `dir` last and still exists, without touching the
    /// lock. Another process may have got its number since then: good for a hint only.
    pub fn last_holder(dir: &Path, name: &str) -> Option<String> {
        // Whoever cannot read it gets no hint.
        let (who, number) = holder(File::open(dir.join(name)).ok()?)?;
        number.is_some_and(|number| !is_gone(&number)).then_some(who)
    }

    /// Returns the lock itself, for a child to keep open as well.
    pub fn lock(&self) -> Arc<FileLock> {
        Arc::clone(&self.lock)
    }
}

/// The file of a lock as other processes identify it: its path and its inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockFile {
    pub path: PathBuf,
    pub inode: u64,
}

impl LockFile {
    /// Identifies the file of `lock` at `path`.
    ///
    /// # Errors
    /// The metadata of the file cannot be read.
    pub fn of(lock: &FileLock, path: &Path) -> io::Result<LockFile> {
        Ok(LockFile { path: path.to_owned(), inode: lock.file().metadata()?.ino() })
    }

    /// Returns whether the path still leads to that file, so that no other process has replaced the lock. Returns true
    /// for a path that cannot be read.
    pub fn is_current(&self) -> bool {
        std::fs::metadata(&self.path).map_or(true, |there| there.ino() == self.inode)
    }
}

/// Returns what the file of a lock says of its holder: its text and, where it is written already, its process number.
fn holder(file: File) -> Option<(String, Option<String>)> {
    let mut text = String::new();
    file.take(512).read_to_string(&mut text).ok()?; // as the caller says
    let mut lines = text.lines().map(str::trim);
    let who = lines.next().filter(|who| !who.is_empty())?;
    Some((who.to_owned(), lines.next().map(str::to_owned)))
}

/// Returns whether no process has that number. A process that got the number since then only changes a message.
fn is_gone(number: &str) -> bool {
    let pid = number.parse().ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}

//! A lock that one process has at a time, and whose file says which.

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fs::{DirBuilder, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

/// The kernel lets go of it when this process has ended, however it ends, and every child that was given the
/// [`NamedLock::descriptor`].
#[derive(Debug)]
pub struct NamedLock {
    /// The lock lives as long as this is open, here or in a child.
    file: Arc<OwnedFd>,
}

/// What a try for the lock gave.
#[derive(Debug)]
pub enum Tried {
    Ours(NamedLock),
    /// Who has it, as it says itself: `modelctl run-once (process 123, since 2026-…)`; and whether that process is gone, so
    /// that only a child of it has the lock.
    Busy {
        who: String,
        is_gone: bool,
    },
}

impl NamedLock {
    /// Takes the lock `name` in `dir` (made with mode 0700) if it is free. `who`: what others are told meanwhile.
    ///
    /// # Errors
    /// When the folder or the file cannot be made or written to.
    pub fn take(dir: &Path, name: &str, who: &str) -> io::Result<Tried> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(dir.join(name))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(format!("{who}\n{}\n", std::process::id()).as_bytes())?;
                Ok(Tried::Ours(NamedLock { file: Arc::new(file.into()) }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut told = String::new();
                // Whoever holds it may be writing just now; that somebody does is all that matters.
                let read = file.take(512).read_to_string(&mut told);
                let mut lines = told.lines().map(str::trim);
                let Some(who) = lines.next().filter(|who| read.is_ok() && !who.is_empty()) else {
                    return Ok(Tried::Busy { who: "another process".into(), is_gone: false });
                };
                Ok(Tried::Busy { who: who.into(), is_gone: lines.next().is_some_and(is_gone) })
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// For a child to hold as well.
    pub fn descriptor(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.file)
    }
}

/// Whether there is no process of that number. One that has got it since only changes what a person is told.
fn is_gone(number: &str) -> bool {
    let pid = number.parse().ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}

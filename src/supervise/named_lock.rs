//! A lock that one process has at a time, and whose file says which.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Held as long as this lives; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct NamedLock {
    /// The lock lives as long as this is open.
    _file: File,
}

/// What a try for the lock gave.
#[derive(Debug)]
pub enum Tried {
    Ours(NamedLock),
    /// Who has it, as it says itself: `modelctl run-once (process 123, since 2026-…)`.
    Busy(String),
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
                file.write_all(who.as_bytes())?;
                Ok(Tried::Ours(NamedLock { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut told = String::new();
                // Whoever holds it may be writing just now; that somebody does is all that matters.
                let read = file.take(512).read_to_string(&mut told);
                let told = told.trim();
                Ok(Tried::Busy(if read.is_err() || told.is_empty() { "another process".into() } else { told.into() }))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

//! Small files of a `/proc`.

use crate::host::proc_stat::{self, ProcStat};
use rustix::fs::{Mode, OFlags, openat};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

/// The largest number of bytes read from one file; mountinfo of a machine with many containers has some hundred KiB.
const MOST: u64 = 8 << 20;

/// Reads a file.
///
/// # Errors
/// Errors of reading.
pub(super) fn bytes(proc: &OwnedFd, name: &str) -> io::Result<Vec<u8>> {
    let file = openat(proc, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = Vec::new();
    File::from(file).take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads `stat` of a process or a thread.
///
/// # Errors
/// Errors of reading; `InvalidData` for text that the kernel does not write.
pub(super) fn stat_of(proc: &OwnedFd, own: &str) -> io::Result<ProcStat> {
    let bytes = bytes(proc, &format!("{own}/stat"))?;
    proc_stat::parse(&String::from_utf8_lossy(&bytes)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

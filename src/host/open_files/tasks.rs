//! The threads of a process, see proc_pid_task(5).

use rustix::fs::{Dir, Mode, OFlags, openat};
use std::io;
use std::os::fd::OwnedFd;

/// Returns the numbers of its threads.
pub(super) fn of(proc: &OwnedFd, own: &str) -> io::Result<Vec<u32>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(proc, format!("{own}/task"), flags, Mode::empty())?;
    let mut all = Vec::new();
    for entry in Dir::read_from(&folder)? {
        all.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(all)
}

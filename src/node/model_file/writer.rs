//! Who has a file open for writing.

use crate::host::open_files::{self, Held, Wanted};
use crate::model::Reading;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Limit of the pass over all processes.
const LIMIT: Duration = Duration::from_secs(2);

/// Returns a process that has the file open for writing, with its name. None where none is seen: processes of other
/// users show their files to root alone.
pub fn writer(device: u64, inode: u64, path: PathBuf) -> Option<(u32, String)> {
    let wanted = Wanted { dev: device, ino: inode, paths: vec![path] };
    // What cannot be seen is no writer that could be named.
    let Reading::Known(found) = open_files::look(vec![wanted], LIMIT) else { return None };
    let holders = found.users(device, inode).iter().filter(|user| user.how == Held::Open);
    let mut writing = holders.filter(|user| writes(user.pid, device, inode));
    writing.next().map(|user| (user.pid, user.command.clone()))
}

fn writes(pid: u32, device: u64, inode: u64) -> bool {
    let folder = Path::new("/proc").join(pid.to_string());
    let Ok(entries) = std::fs::read_dir(folder.join("fd")) else { return false };
    entries.flatten().any(|entry| {
        let is_it = std::fs::metadata(entry.path()).is_ok_and(|meta| (meta.dev(), meta.ino()) == (device, inode));
        let info = || std::fs::read_to_string(folder.join("fdinfo").join(entry.file_name()));
        is_it && info().is_ok_and(|info| may_write(&info))
    })
}

/// Reads the flags of an fdinfo (proc_pid_fdinfo(5)): octal, the way of access in the last two bits.
fn may_write(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u64::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| matches!(flags & 3, 1 | 2))
}

#[cfg(test)]
mod tests {
    use super::may_write;

    #[test]
    fn only_access_for_writing_makes_a_writer() {
        assert!(may_write("pos:\t0\nflags:\t0100001\nmnt_id:\t9\n"));
        assert!(may_write("flags:\t02100002"));
        assert!(!may_write("pos:\t0\nflags:\t0100000\n"));
        assert!(!may_write("flags:\tx") && !may_write(""));
    }
}

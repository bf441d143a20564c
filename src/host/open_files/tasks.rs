//! What kind of process it is, out of `/proc/PID/stat`, see proc_pid_stat(5).

use super::process::text;
use rustix::fs::{Dir, Mode, OFlags, openat};
use std::io;
use std::os::fd::OwnedFd;

/// `PF_KTHREAD` of the kernel's `sched.h`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// What `/proc/PID/stat` says, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    pub command: String,
    state: char,
    flags: u64,
    threads: u64,
}

impl Stat {
    /// # Errors
    /// Those of reading; `InvalidData` for text that is none of the kernel's.
    pub fn read(proc: &OwnedFd, own: &str) -> io::Result<Stat> {
        let text = text(proc, &format!("{own}/stat"))?;
        parse(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// A kernel thread has none; neither has a process all of whose threads have ended.
    pub fn has_no_files(&self) -> bool {
        self.flags & KERNEL_THREAD != 0 || (matches!(self.state, 'Z' | 'X' | 'x') && self.threads <= 1)
    }
}

/// The name stands in parentheses and may hold some itself.
fn parse(text: &str) -> Option<Stat> {
    let (_, rest) = text.split_once('(')?;
    let (command, rest) = rest.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let flags = fields.nth(5)?.parse().ok()?;
    let threads = fields.nth(10)?.parse().ok()?;
    Some(Stat { command: command.to_owned(), state, flags, threads })
}

/// The numbers of its threads.
pub(super) fn of(proc: &OwnedFd, own: &str) -> io::Result<Vec<u32>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(proc, format!("{own}/task"), flags, Mode::empty())?;
    let mut all = Vec::new();
    for entry in Dir::read_from(&folder)? {
        all.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_kernel_thread_and_a_dead_process_have_no_files() {
        let stat = |text| parse(text).unwrap();
        let kernel = stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 6 0 0 20 0 1 0 5 0 0");
        assert!(kernel.has_no_files() && kernel.command == "kthreadd");
        assert!(stat("9 (a) Z 1 9 9 0 -1 4227084 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0").has_no_files());
        let first_thread_ended = stat("9 (a) b) (c) Z 1 9 9 0 -1 4227084 0 0 0 0 0 0 0 0 20 0 3 0 5 0 0");
        assert!(!first_thread_ended.has_no_files());
        assert_eq!(first_thread_ended.command, "a) b) (c");
        assert!(!stat("9 (a) S 1 9 9 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0").has_no_files());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[ -~]{0,100}") {
            parse(&text);
        }
    }
}

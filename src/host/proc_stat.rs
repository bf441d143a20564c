//! `/proc/PID/stat`, the state of a process (proc(5)).

use std::io;

/// Some fields of `/proc/PID/stat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcStat {
    /// The name of the program, cut at 15 bytes by the kernel.
    pub command: String,
    /// The state of the process: `R`, `S`, `T`, `Z`, …
    pub state: char,
    pub parent: u32,
    /// The process group; 0 for a kernel thread.
    pub group: u32,
    flags: u64,
    threads: u64,
    /// Time of its start, in clock ticks since boot. With the process number it identifies one process for good.
    pub start: u64,
}

/// `PF_KTHREAD` of the kernel's `sched.h`.
const KERNEL_THREAD: u64 = 0x0020_0000;

impl ProcStat {
    /// Returns whether it is a thread of the kernel, which runs no program.
    pub fn is_kernel_thread(&self) -> bool {
        self.flags & KERNEL_THREAD != 0
    }

    /// Returns whether the process has no files: a kernel thread has none, nor has a process all of whose threads have
    /// ended.
    pub fn has_no_files(&self) -> bool {
        self.is_kernel_thread() || (matches!(self.state, 'Z' | 'X' | 'x') && self.threads <= 1)
    }
}

/// Reads the state of the process `pid`, a number or `self`.
///
/// # Errors
/// Not found where there is no such process, or no such file system.
pub fn read(pid: &str) -> io::Result<ProcStat> {
    let bytes = std::fs::read(format!("/proc/{pid}/stat"))?;
    let stat = parse(&String::from_utf8_lossy(&bytes));
    stat.ok_or_else(|| io::Error::other(format!("`/proc/{pid}/stat` has no start time")))
}

/// Parses the text of the file. The name is in parentheses and may contain anything, including parentheses.
pub fn parse(text: &str) -> Option<ProcStat> {
    let (_, rest) = text.split_once('(')?;
    let (command, rest) = rest.rsplit_once(')')?;
    // From field 3. A field that is no number is not one of this file.
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?; // as above
    let flags = fields.nth(3)?.parse().ok()?; // as above
    let threads = fields.nth(10)?.parse().ok()?; // as above
    let start = fields.nth(1)?.parse().ok()?; // as above
    Some(ProcStat { command: command.to_owned(), state, parent, group, flags, threads, start })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_with_anything_in_it_does_not_move_the_fields() {
        let fields: Vec<String> = (4..=30).map(|n| n.to_string()).collect();
        let text = format!("17 (a) b (c)) S {}", fields.join(" "));
        let stat =
            ProcStat { command: "a) b (c)".into(), state: 'S', parent: 4, group: 5, flags: 9, threads: 20, start: 22 };
        assert_eq!(parse(&text), Some(stat));
        assert_eq!(parse("17 (x) S 1"), None);
        assert_eq!(parse(""), None);
        let ours = read("self").unwrap();
        assert_eq!(ours, read(&std::process::id().to_string()).unwrap());
    }

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

//! Which processes of the ledger of memory have ended.

use super::{node, proc_stat};
use crate::clock;
use crate::model::ledger::{LedgerRow, LoadId, LoadState, Place, ProcessId};
use rustix::io::Errno;
use std::io;
use std::os::unix::fs::MetadataExt;

/// Returns the place where the process numbers of this process mean something.
pub fn place() -> Place {
    let namespace = std::fs::metadata("/proc/self/ns/pid").map_or(0, |meta| meta.ino());
    Place { host: node::host_name(), boot: clock::boot_id().unwrap_or_default(), namespace }
}

/// Returns a process that runs now.
///
/// # Errors
/// Not found where it does not run, or where the system has no `/proc`.
pub fn process(pid: u32) -> io::Result<ProcessId> {
    Ok(ProcessId { pid, start: proc_stat::read(&pid.to_string())?.start })
}

/// Returns the rows whose memory is free: their owner has ended, and so has their worker. A process that cannot be
/// examined counts as running.
pub fn gone(rows: &[LedgerRow], here: &Place) -> Vec<LoadId> {
    // Without /proc nothing is known about anybody.
    if proc_stat::read("self").is_err() {
        return Vec::new();
    }
    rows.iter().filter(|row| is_gone(row, here)).map(|row| row.id).collect()
}

fn is_gone(row: &LedgerRow, here: &Place) -> bool {
    if here.has_outlived(&row.place) {
        return true;
    }
    let is_over = |process| row.place == *here && !may_run(process);
    if row.state == LoadState::Stopping && row.worker.is_some_and(is_over) {
        // Its owner could not wait for the end.
        return true;
    }
    is_over(row.owner)
        && match row.worker {
            Some(worker) => is_over(worker),
            // Killed between the start of its worker and the record of it.
            None => !has_worker(row.owner),
        }
}

fn may_run(process: ProcessId) -> bool {
    match proc_stat::read(&process.pid.to_string()) {
        // A process that has ended and was not waited for has no memory.
        Ok(stat) => stat.start == process.start && !stat.has_no_files(),
        Err(error) => {
            error.kind() != io::ErrorKind::NotFound && error.raw_os_error() != Some(Errno::SRCH.raw_os_error())
        }
    }
}

/// Returns whether a worker of `owner` runs: its command line names the process that started it.
fn has_worker(owner: ProcessId) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let pid = owner.pid.to_string();
    processes.flatten().any(|entry| {
        let is_process = entry.file_name().to_str().is_some_and(|name| name.bytes().all(|b| b.is_ascii_digit()));
        is_process
            && std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| names_parent(&line, pid.as_bytes()))
            // Of another process with the same number, from before.
            && proc_stat::read(&entry.file_name().to_string_lossy()).is_ok_and(|stat| stat.start >= owner.start)
    })
}

/// Returns whether `line`, a command line with NUL after each word, has `--parent PID`.
fn names_parent(line: &[u8], pid: &[u8]) -> bool {
    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    words.windows(2).any(|pair| pair == [b"--parent".as_slice(), pid])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::ModelId;
    use crate::model::ledger::Purpose;
    use crate::supervise::{Child, SpawnSpec, spawn};
    use std::time::Duration;

    fn child(args: &[&str]) -> Child {
        spawn(&SpawnSpec::new("/bin/sh", args.iter().copied())).unwrap()
    }

    fn row(owner: ProcessId, worker: Option<ProcessId>) -> LedgerRow {
        LedgerRow {
            id: LoadId(7),
            place: place(),
            owner,
            who: String::new(),
            worker,
            model: ModelId("5a11da7a0001".into()),
            name: String::new(),
            purpose: Purpose::Main,
            state: LoadState::Loading,
            since: Timestamp(0),
            bytes: Vec::new(),
        }
    }

    #[test]
    fn memory_is_free_when_the_owner_and_its_worker_have_ended_and_not_before() {
        let is_gone = |row: &LedgerRow| gone(std::slice::from_ref(row), &place()) == [LoadId(7)];
        let ours = process(std::process::id()).unwrap();
        let mut first = child(&["-c", "read forever"]);
        let mut second = child(&["-c", "read forever"]);
        let (owner, worker) = (process(first.id()).unwrap(), process(second.id()).unwrap());
        let both = row(owner, Some(worker));
        assert!(!is_gone(&row(ours, None)) && !is_gone(&both));
        first.kill().unwrap();
        assert!(!is_gone(&both), "the worker of a dead owner still has its memory");
        second.kill().unwrap();
        assert!(is_gone(&both));
        let stopping = LedgerRow { state: LoadState::Stopping, ..row(ours, Some(worker)) };
        assert!(is_gone(&stopping) && !is_gone(&row(ours, Some(worker))), "its owner may be about to try again");
        assert!(is_gone(&row(ProcessId { start: ours.start + 1, ..ours }, Some(worker))), "its number was reused");
        let elsewhere = LedgerRow { place: Place { namespace: 1, ..place() }, ..both.clone() };
        assert!(!is_gone(&elsewhere), "numbers of another namespace say nothing here");
        let before = LedgerRow { place: Place { boot: "an earlier one".into(), ..place() }, ..row(ours, Some(ours)) };
        assert!(is_gone(&before));
    }

    #[test]
    fn a_worker_that_was_not_yet_recorded_counts() {
        let mut owner = child(&["-c", "exit 0"]);
        let dead = process(owner.id());
        owner.wait(Duration::from_secs(60)).unwrap();
        // It may have ended before it was read: any start is before that of its worker then.
        let dead = dead.unwrap_or(ProcessId { pid: owner.id(), start: 1 });
        let mut worker = child(&["-c", "read forever", "worker", "--parent", &dead.pid.to_string()]);
        // The system shows the command line a moment after it has started the program.
        let line = format!("/proc/{}/cmdline", worker.id());
        while std::fs::read(&line).unwrap().is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(gone(&[row(dead, None)], &place()), []);
        worker.kill().unwrap();
        assert_eq!(gone(&[row(dead, None)], &place()), [LoadId(7)]);
        assert!(names_parent(b"modelctl\0worker\0--parent\x0012\0", b"12"));
        assert!(!names_parent(b"modelctl\0worker\0--parent\x00123\0", b"12") && !names_parent(b"", b"12"));
    }
}

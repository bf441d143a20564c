//! The lease of the device: the holder of its lock shows every two seconds that it runs. A process that is stopped
//! (SIGSTOP, a debugger, a frozen container) keeps the lock of the kernel but shows nothing; when its lease is over,
//! another process takes its place.
//!
//! The lock of a stopped process cannot be taken from it, so its file is replaced by another one of the same name. Two
//! models must never be in memory: the workers of the stopped process are killed before and after the replacement, and
//! if that process continues and starts a worker later, the worker finds before it loads anything that the file is
//! another one, and ends. Later writes of the stopped process are refused by the fences of its tasks.

use crate::clock;
use crate::host::file_lock::{FileLock, Share};
use crate::host::named_lock::{NamedLock, Tried};
use crate::host::proc_stat;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// The interval in which a holder shows that it runs.
const BEAT: Duration = Duration::from_secs(2);
/// The time that a holder may show nothing.
pub(super) const LEASE: Duration = Duration::from_secs(60);
/// The time that it is observed once more before it is considered stopped: right after the machine was suspended, no
/// holder has shown anything yet.
pub(super) const OBSERVED: Duration = Duration::from_secs(5);
/// The time that a killed worker may take to end.
const DEATH: Duration = Duration::from_secs(10);
/// The number of bytes of the file that are read: more than it has.
const FILE: u64 = 1_024;

/// The content of the lock file about its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub who: String,
    pid: u32,
    start: u64,
    /// The boot for which the times are valid, and the namespace in which the process number is unique.
    place: String,
    /// The time since boot at which it last showed that it runs.
    beat: Duration,
}

impl Holder {
    fn ours(who: &str) -> Option<Holder> {
        let start = proc_stat::read("self").ok()?.start; // a system without start times has no lease, only the lock
        let (pid, place, beat) = (std::process::id(), place()?, clock::uptime()?);
        let who = who.lines().next().unwrap_or_default().to_owned();
        Some(Holder { who, pid, start, place, beat })
    }

    /// Formats the holder. The text always has the same length for one holder.
    fn text(&self) -> String {
        let Holder { who, pid, start, place, beat } = self;
        format!("{who}\n{pid}\n{start} {place} {:020}\n", beat.as_millis())
    }

    fn parse(text: &str) -> Option<Holder> {
        let mut lines = text.lines();
        let (who, pid) = (lines.next()?.to_owned(), lines.next()?.parse().ok()?); // an invalid number means no holder
        let mut words = lines.next()?.split(' ');
        let start = words.next()?.parse().ok()?; // an invalid number means no holder
        let place = words.next()?.to_owned();
        let beat = Duration::from_millis(words.next()?.parse().ok()?); // an invalid number means no holder
        Some(Holder { who, pid, start, place, beat })
    }

    /// Returns whether the holder is a living process of this system that has shown nothing for longer than `lease`.
    fn is_over(&self, lease: Duration) -> bool {
        let silent = clock::uptime().and_then(|now| now.checked_sub(self.beat));
        let lives = proc_stat::read(&self.pid.to_string()).is_ok_and(|stat| stat.start == self.start);
        place().as_ref() == Some(&self.place) && lives && silent.is_some_and(|silent| silent > lease)
    }
}

/// Returns the boot and the namespace of process numbers.
fn place() -> Option<String> {
    // Without this information from the kernel there is no lease.
    let space = std::fs::metadata("/proc/self/ns/pid").ok()?.ino();
    Some(format!("{}-{space}", clock::boot_id()?))
}

/// A thread that shows that the holder of the lock runs, until this is dropped.
#[derive(Debug)]
pub(super) struct Beating {
    end: Option<SyncSender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Beating {
    /// Writes the holder of the lock into its file, and keeps showing that it runs.
    pub fn start(lock: &Arc<FileLock>, who: &str) -> io::Result<Beating> {
        let Some(mut holder) = Holder::ours(who) else { return Ok(Beating { end: None, thread: None }) };
        write(lock.file(), &holder)?;
        let (end, ended) = sync_channel::<()>(0);
        let lock = Arc::clone(lock);
        let work = move || {
            while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                holder.beat = clock::uptime().unwrap_or(holder.beat);
                // A failed write is repeated at the next beat.
                let _ = write(lock.file(), &holder);
            }
        };
        let thread = std::thread::Builder::new().name("device".into()).spawn(work)?;
        Ok(Beating { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        drop(self.end.take());
        // A panic of that thread was printed already; here it only has ended.
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

fn write(file: &File, holder: &Holder) -> io::Result<()> {
    file.write_all_at(holder.text().as_bytes(), 0)
}

/// Returns the stopped holder, if the lock at `path` has one whose lease is over.
pub(super) fn stopped(path: &Path, lease: Duration) -> Option<Holder> {
    let mut text = String::new();
    // A file that is missing or cannot be read has no lease.
    File::open(path).and_then(|file| file.take(FILE).read_to_string(&mut text)).ok()?;
    Holder::parse(&text).filter(|holder| holder.is_over(lease))
}

/// Takes the place of `holder`, which was found stopped and has been observed since. None when it runs again, when
/// another process was faster, or when one of its workers cannot be ended.
///
/// # Errors
/// When the folder cannot be written to.
pub(super) fn take_over(
    (dir, name): (&Path, &str),
    holder: &Holder,
    (who, lease): (&str, Duration),
) -> io::Result<Option<Arc<FileLock>>> {
    let Tried::Ours(_turn) = NamedLock::take(dir, "takeover.lock", who)? else { return Ok(None) };
    let path = dir.join(name);
    if stopped(&path, lease).as_ref() != Some(holder) || !end_workers(holder) {
        return Ok(None);
    }
    let fresh = dir.join(format!(".{name}.{}", std::process::id()));
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    let Ok(lock) = FileLock::try_lock(file, Share::Nobody) else { return Ok(None) };
    let mut file = lock.file();
    file.write_all(format!("{who}\n{}\n", std::process::id()).as_bytes())?;
    std::fs::rename(&fresh, &path)?;
    // Kills workers that the holder started in the meantime; those that it starts later find the new file.
    if !end_workers(holder) {
        return Ok(None);
    }
    Ok(Some(Arc::new(lock)))
}

/// Kills the workers that `holder` has started, and waits until they have ended. The stopped holder does not reap them.
fn end_workers(holder: &Holder) -> bool {
    let mut all = true;
    for pid in children(holder) {
        all &= kill(&pid).unwrap_or(false);
    }
    all
}

fn children(holder: &Holder) -> Vec<String> {
    // Without a list of processes no worker can be found.
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let numbers = numbers.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let is_child = |pid: &String| proc_stat::read(pid).is_ok_and(|stat| stat.parent == holder.pid);
    numbers.filter(is_child).filter(|pid| is_worker(pid)).collect()
}

fn is_worker(pid: &str) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).nth(1) == Some(b"worker".as_slice())
}

/// Kills a worker. Returns whether it has ended; a zombie counts as ended.
fn kill(number: &str) -> io::Result<bool> {
    let Some(pid) = number.parse().ok().and_then(Pid::from_raw) else { return Ok(true) };
    let process = match pidfd_open(pid, PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Ok(true),
        opened => opened?,
    };
    // Since the first check the number may have been given to another process.
    if !is_worker(number) {
        return Ok(true);
    }
    pidfd_send_signal(&process, Signal::KILL)?;
    let limit = Timespec::try_from(DEATH).map_err(io::Error::other)?;
    Ok(poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit))? > 0)
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;

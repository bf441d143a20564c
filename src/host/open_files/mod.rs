//! Processes that have a file open or mapped, from `/proc`: one pass over all processes for any number of files.
//!
//! A file is identified by device and inode, so that it does not matter under which name it was opened, whether it has
//! been renamed or unlinked since, or whether only the mapping is left of it. Open files are read before mappings: a
//! file that is mapped and then closed during the scan of its process is seen as one or the other. A process that takes
//! over a file from another one behind this pass is not seen; a caller that acts on the result scans again.
//!
//! A process that cannot be inspected is reported, never left out: processes of other users by number, and that there
//! may be more of them when `/proc` hides some. A process in another PID namespace (the host's, seen from a container)
//! cannot be seen by any means. That is reported as `is_contained` and nothing more, since otherwise nothing in a
//! container would ever count as unused.

pub mod maps;
mod mounts;
mod proc_file;
mod process;
mod tasks;
#[cfg(test)]
mod tests;

use super::{cpu, in_time};
use crate::clock;
use crate::model::Reading;
use mounts::Mounts;
use process::Gaze;
use rustix::fs::{Dir, Mode, OFlags};
use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const PROC: &str = "/proc";
/// Threads that scan processes: more of them gain little.
const MOST_THREADS: usize = 4;
/// The inodes of the namespaces that a machine starts with, from the kernel's `proc_ns.h`.
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";
const FIRST_USER_NAMESPACE: &str = "user:[4026531837]";

/// A file to search for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The device and the inode, as stat reports them now.
    pub dev: u64,
    pub ino: u64,
    /// Entries that lead to the file. Where the kernel reports another device for a mapping than for the file (btrfs,
    /// overlays), they help to recognize it.
    pub paths: Vec<PathBuf>,
}

/// The way in which a process has a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Open,
    Mapped,
    /// The process has mapped a file of the same inode number on a device that cannot be compared.
    Perhaps,
}

/// A process that has a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub pid: u32,
    /// The name that the process gives itself, at most 15 bytes. Not sanitized for terminals.
    pub command: String,
    pub how: Held,
}

/// A process that cannot be inspected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    pub pid: u32,
    /// The owner of its folder in `/proc`; root for a process that does not allow inspection.
    pub uid: u32,
    /// The name as in [`User`]; `?` when it cannot be read either.
    pub command: String,
}

/// The result of a pass over the processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenFiles {
    users: HashMap<(u64, u64), Vec<User>>,
    /// Processes that cannot be inspected, in the order of their numbers. Each of them may have any file.
    pub closed: Vec<Closed>,
    /// Whether processes of other users may be missing from `/proc` altogether.
    pub is_hiding: bool,
    /// Whether only the processes of a PID namespace (a container) can be seen.
    pub is_contained: bool,
    /// The number of processes that were inspected, without kernel threads and our own.
    pub looked: usize,
}

impl OpenFiles {
    /// Returns the processes that have the file. An empty list only means that no inspected process has it.
    pub fn users(&self, dev: u64, ino: u64) -> &[User] {
        self.users.get(&(dev, ino)).map_or(&[], Vec::as_slice)
    }

    /// Returns whether every process was inspected.
    pub fn is_complete(&self) -> bool {
        self.closed.is_empty() && !self.is_hiding
    }
}

/// Searches for the files in every other process. Unavailable when there is no `/proc` of ours, or after `limit`.
pub fn look(wanted: Vec<Wanted>, limit: Duration) -> Reading<OpenFiles> {
    // A thread of its own: a file on a dead mount or a process that the kernel blocks can delay the scan.
    in_time::start(limit, PROC, move |deadline| pass(Path::new(PROC), &wanted, deadline)).wait()
}

/// The wanted files by the facts that a process reports about its files.
struct Index<'a> {
    wanted: &'a [Wanted],
    by_ino: HashMap<u64, Vec<usize>>,
    /// Files whose device cannot be compared with that of a mapping, by path.
    by_path: HashMap<&'a [u8], Vec<usize>>,
    /// Files whose device cannot be compared with that of a mapping.
    odd: HashSet<usize>,
}

impl<'a> Index<'a> {
    fn new(wanted: &'a [Wanted], mounts: &Mounts) -> Index<'a> {
        let mut index = Index { wanted, by_ino: HashMap::new(), by_path: HashMap::new(), odd: HashSet::new() };
        for (at, file) in wanted.iter().enumerate() {
            index.by_ino.entry(file.ino).or_default().push(at);
            if !mounts.is_plain(rustix::fs::major(file.dev), rustix::fs::minor(file.dev)) {
                index.odd.insert(at);
                for path in &file.paths {
                    index.by_path.entry(path.as_os_str().as_bytes()).or_default().push(at);
                }
            }
        }
        index
    }
}

/// Makes one pass over the processes in `proc`.
fn pass(proc: &Path, wanted: &[Wanted], deadline: Option<Instant>) -> io::Result<OpenFiles> {
    let folder = rustix::fs::open(proc, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let link = |name: &str| {
        let target = rustix::fs::readlinkat(&folder, name, Vec::new())?;
        Ok::<String, rustix::io::Errno>(target.to_string_lossy().into_owned())
    };
    // A `/proc` without this process shows another set of processes.
    let ours: u32 = link("self")?.parse().map_err(|_| io::Error::other("it does not tell which process this is"))?;
    let mounts = Mounts::parse(&proc_file::bytes(&folder, "self/mountinfo")?);
    let index = Index::new(wanted, &mounts);
    let is_first = |name, first| link(name).is_ok_and(|found| found == first);
    let hiding = mounts.hiding(proc);
    let is_hiding = hiding.is_some_and(|hiding| {
        let may_trace = is_first("self/ns/user", FIRST_USER_NAMESPACE) && may_look_into_all();
        !may_trace && !hiding.group.is_some_and(is_member)
    });
    let mut found =
        OpenFiles { is_hiding, is_contained: !is_first("self/ns/pid", FIRST_PID_NAMESPACE), ..OpenFiles::default() };
    let mut pids = Vec::new();
    for entry in Dir::read_from(&folder)? {
        let pid = entry?.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok());
        pids.extend(pid.filter(|pid| *pid != ours)); // only numbers are processes
    }
    // Threads share the work, since the kernel can write the maps of several processes at once.
    let next = AtomicUsize::new(0);
    let gazes: Vec<Gaze<'_>> = std::thread::scope(|scope| {
        let gaze = || {
            let mut gaze = Gaze::new(&folder, &index);
            while let Some(pid) = pids.get(next.fetch_add(1, Ordering::Relaxed)) {
                if deadline.is_some_and(|at| clock::instant() >= at) {
                    return Err(io::Error::from(io::ErrorKind::TimedOut));
                }
                gaze.note(*pid);
            }
            Ok(gaze)
        };
        let others: Vec<_> = (1..cpu::usable_cores().min(MOST_THREADS)).map(|_| scope.spawn(gaze)).collect();
        let own = gaze();
        let joined = others
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("reading the processes failed"))));
        std::iter::once(own).chain(joined.collect::<Vec<_>>()).collect::<io::Result<_>>()
    })?;
    for gaze in gazes {
        found.looked = found.looked.saturating_add(gaze.looked);
        found.closed.extend(gaze.closed);
        for (at, users) in gaze.users {
            if let Some(file) = wanted.get(at) {
                let all = found.users.entry((file.dev, file.ino)).or_default();
                // The same file may be wanted twice.
                all.extend(users.into_iter().filter(|user| !all.contains(user)).collect::<Vec<_>>());
                all.sort_by_key(|user| user.pid);
            }
        }
    }
    found.closed.sort_by_key(|closed| closed.pid);
    Ok(found)
}

fn may_look_into_all() -> bool {
    rustix::thread::capabilities(None)
        .is_ok_and(|held| held.effective.contains(rustix::thread::CapabilitySet::SYS_PTRACE))
}

fn is_member(group: u32) -> bool {
    let is = |gid: rustix::process::Gid| gid.as_raw() == group;
    is(rustix::process::getegid()) || rustix::process::getgroups().is_ok_and(|all| all.into_iter().any(is))
}

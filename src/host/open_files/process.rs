//! One process: its open files, then its mappings.

use super::maps::{Line, Mapping, each_line, parse};
use super::proc_file::stat_of;
use super::{Closed, Held, Index, User};
use rustix::fs::{AtFlags, Mode, OFlags, RawDir, Statx, StatxFlags, makedev, openat, statx};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The result of the inspection of a process.
enum Seen {
    Looked,
    /// The process has ended, or it can have no files: a kernel thread, or a dead process that was not reaped.
    Nothing,
    Closed(Closed),
}

/// The reason why the inspection of a process stopped early.
enum Stopped {
    Gone,
    Refused,
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Stopped {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT | Errno::SRCH) => Stopped::Gone,
            // EACCES, EPERM, no more descriptors, unexpected text: in any of these cases the process may have any file.
            _ => Stopped::Refused,
        }
    }
}

impl From<Errno> for Stopped {
    fn from(error: Errno) -> Stopped {
        io::Error::from(error).into()
    }
}

/// The state shared by the inspections of all processes.
pub(super) struct Gaze<'a> {
    proc: &'a OwnedFd,
    index: &'a Index<'a>,
    /// Users of the wanted files, by the file's index in the list.
    pub users: HashMap<usize, Vec<User>>,
    /// Processes that could not be inspected.
    pub closed: Vec<Closed>,
    /// The number of processes that were inspected.
    pub looked: usize,
    folder: Vec<MaybeUninit<u8>>,
    lines: Vec<u8>,
}

impl<'a> Gaze<'a> {
    pub fn new(proc: &'a OwnedFd, index: &'a Index<'a>) -> Gaze<'a> {
        let folder = vec![MaybeUninit::uninit(); 32 << 10];
        Gaze { proc, index, users: HashMap::new(), closed: Vec::new(), looked: 0, folder, lines: Vec::new() }
    }

    /// Inspects a process and records the result.
    pub fn note(&mut self, pid: u32) {
        match self.at(pid) {
            Seen::Looked => self.looked = self.looked.saturating_add(1),
            Seen::Nothing => {}
            Seen::Closed(closed) => self.closed.push(closed),
        }
    }

    fn at(&mut self, pid: u32) -> Seen {
        let own = pid.to_string();
        let mut held = Vec::new();
        let looked = self.look(&own, &mut held).and_then(|is_empty| {
            // A process without a single mapping is a kernel thread, or dead, or its first thread ended before the
            // others.
            if is_empty { self.rest(&own, &mut held) } else { Ok(()) }
        });
        if !held.is_empty() {
            let command = stat_of(self.proc, &own).map_or_else(|_| "?".to_owned(), |stat| stat.command);
            for (at, how) in held {
                let users = self.users.entry(at).or_default();
                if users.last().is_none_or(|last| last.pid != pid) {
                    users.push(User { pid, command: command.clone(), how });
                }
            }
        }
        match looked {
            Ok(()) => Seen::Looked,
            Err(Stopped::Gone) => Seen::Nothing,
            Err(Stopped::Refused) => match stat_of(self.proc, &own) {
                Ok(stat) if stat.has_no_files() => Seen::Nothing,
                Ok(stat) => self.closed(pid, stat.command),
                Err(e) => match e.into() {
                    Stopped::Gone => Seen::Nothing,
                    Stopped::Refused => self.closed(pid, "?".to_owned()),
                },
            },
        }
    }

    fn closed(&self, pid: u32, command: String) -> Seen {
        // Without the owner, because the process has ended or is hidden, the number remains.
        let uid = statx(self.proc, pid.to_string(), AtFlags::empty(), StatxFlags::UID).map_or(0, |meta| meta.stx_uid);
        Seen::Closed(Closed { pid, uid, command })
    }

    /// Returns whether the process has no mapping. Adds the wanted files that it has to `held`.
    fn look(&mut self, own: &str, held: &mut Vec<(usize, Held)>) -> Result<bool, Stopped> {
        self.open_files(own, held)?;
        Ok(self.mappings(own, held)? == 0)
    }

    /// Inspects the other threads of a process whose first one has ended: the first has neither files nor mappings
    /// then.
    fn rest(&mut self, own: &str, held: &mut Vec<(usize, Held)>) -> Result<(), Stopped> {
        if stat_of(self.proc, own)?.has_no_files() {
            return Err(Stopped::Gone);
        }
        for task in super::tasks::of(self.proc, own)? {
            match self.look(&format!("{own}/task/{task}"), held) {
                // Threads share both, so one that can be inspected stands for all.
                Ok(false) => return Ok(()),
                Ok(true) | Err(Stopped::Gone) => {}
                Err(Stopped::Refused) => return Err(Stopped::Refused),
            }
        }
        Ok(())
    }

    fn open_files(&mut self, own: &str, held: &mut Vec<(usize, Held)>) -> Result<(), Stopped> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(self.proc, format!("{own}/fd"), flags, Mode::empty())?;
        let mut entries = RawDir::new(&folder, &mut self.folder);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            if entry.file_name().to_bytes().starts_with(b".") {
                continue;
            }
            match stat(&folder, entry.file_name()) {
                Ok(meta) => {
                    let Some(places) = self.index.by_ino.get(&meta.stx_ino) else { continue };
                    let dev = makedev(meta.stx_dev_major, meta.stx_dev_minor);
                    let same = |at: &&usize| self.index.wanted.get(**at).is_some_and(|file| file.dev == dev);
                    held.extend(places.iter().filter(same).map(|at| (*at, Held::Open)));
                }
                // Closed meanwhile, or on a server that no longer knows it. No file that can be deleted is in that
                // state.
                Err(Errno::NOENT | Errno::STALE | Errno::NOTCONN) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// Adds the wanted files that the process has mapped to `held`. Returns the number of lines.
    fn mappings(&mut self, own: &str, held: &mut Vec<(usize, Held)>) -> Result<usize, Stopped> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let maps = openat(self.proc, format!("{own}/maps"), flags, Mode::empty())?;
        let (proc, index) = (self.proc, self.index);
        let odd_text = || io::Error::from(io::ErrorKind::InvalidData);
        let mut last = (0, 0, 0);
        let lines = each_line(File::from(maps), &mut self.lines, |line| {
            let Line::File(mapping) = parse(line).ok_or_else(odd_text)? else { return Ok(()) };
            // The segments of a file follow each other.
            let now = (mapping.major, mapping.minor, mapping.ino);
            if now != last || !index.by_path.is_empty() {
                last = now;
                compare(proc, own, index, &mapping, held);
            }
            Ok(())
        })?;
        Ok(lines)
    }
}

/// Adds the wanted files that the mapping refers to.
fn compare(proc: &OwnedFd, own: &str, index: &Index<'_>, mapping: &Mapping<'_>, held: &mut Vec<(usize, Held)>) {
    let dev = makedev(mapping.major, mapping.minor);
    for at in index.by_ino.get(&mapping.ino).into_iter().flatten() {
        let Some(file) = index.wanted.get(*at) else { continue };
        if file.dev == dev {
            held.push((*at, Held::Mapped));
        } else if index.odd.contains(at) {
            let behind = stat(proc, format!("{own}/map_files/{}", mapping.range));
            held.extend(recognised(behind, (file.dev, file.ino), mapping).map(|how| (*at, how)));
        }
    }
    if index.by_path.is_empty() {
        return;
    }
    // An overlay may map another inode than it reports; the entry is the same.
    let (entry, is_gone) = mapping.entry();
    let named = if is_gone { None } else { index.by_path.get(entry.as_ref()) };
    for at in named.or_else(|| index.by_path.get(mapping.path)).into_iter().flatten() {
        held.push((*at, Held::Mapped));
    }
}

/// Returns how a mapping of the same inode number on another device holds the wanted file, if it does. `behind` is what
/// stat reports for the mapping itself, which takes rights that few processes have.
fn recognised(behind: Result<Statx, Errno>, wanted: (u64, u64), mapping: &Mapping<'_>) -> Option<Held> {
    let identity = |meta: &Statx| (makedev(meta.stx_dev_major, meta.stx_dev_minor), meta.stx_ino);
    if behind.is_ok_and(|meta| identity(&meta) == wanted) {
        return Some(Held::Mapped);
    }
    // Its own entry leads to a file of this number on yet another device, so the mapping is of that file.
    let (entry, _) = mapping.entry();
    match stat(rustix::fs::CWD, Path::new(OsStr::from_bytes(&entry))).map(|meta| identity(&meta)) {
        Ok(found) if found == wanted => Some(Held::Mapped),
        Ok((_, ino)) if ino == wanted.1 => None,
        _ => Some(Held::Perhaps),
    }
}

/// Returns device and inode of the target of a link, without asking a server for anything newer.
fn stat(at: impl AsFd, path: impl rustix::path::Arg) -> Result<Statx, Errno> {
    statx(at, path, AtFlags::STATX_DONT_SYNC, StatxFlags::INO)
}

//! The times of the folders that moves change, recorded so that putting back restores them too.
//!
//! Each item has a log. Before a move it records which folders are about to change, and after it their new time: while
//! a folder still has that time, nobody else has changed it. A log that is cut off costs only the time of a folder.
//!
//! Several items can change one folder. The time that one item leaves is then the time that the next one finds. An item
//! that is put back out of order passes the time that it had found to the item after it, so that the last one that is
//! put back restores the first time.

use super::confined_dir::ConfinedDir;
use super::entry::Mtime;
use super::fault::Fault;
use super::item::{Ancestor, FILES, LOG};
use rustix::fs::OFlags;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The largest size of a log, bytes: two lines for each of the steps, some words each.
const MOST: u64 = 256 << 20;
/// Nanoseconds. A folder whose time is this close to one that our planned change left was changed by us.
const SOON: u64 = 100_000_000;

#[derive(Debug, Clone, Default)]
struct State {
    before: Mtime,
    /// The time after our last change.
    after: Option<Mtime>,
    /// Whether an interrupted run announced a change and did not record it as done.
    going: bool,
    is_foreign: bool,
    /// The time to set at the end.
    want: Mtime,
    /// Set when other items changed the folder since: the time that we left, and the time that the last of them left.
    chain: Option<(Mtime, Mtime)>,
}

pub(super) struct Times {
    file: File,
    /// Whether the last line lacks its end.
    is_torn: bool,
    index: HashMap<PathBuf, usize>,
    states: Vec<State>,
    /// The times, of the file system, at which an interrupted run may have made its last change; empty where none was
    /// interrupted.
    last: Vec<i64>,
}

impl Times {
    /// Opens the log of an item, and creates it where it is missing.
    pub fn open(item: &ConfinedDir, dirs: &[Ancestor]) -> Result<Times, Fault> {
        let path = item.path.join(LOG);
        let cannot = |e: std::io::Error| Fault::io("read", &path, e);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::APPEND;
        let file = item.open_file(LOG, flags).map_err(|e| cannot(e.into()))?;
        let mut bytes = Vec::new();
        (&file).take(MOST).read_to_end(&mut bytes).map_err(cannot)?;
        let index = dirs.iter().enumerate().map(|(i, d)| (d.path.clone(), i)).collect();
        let states = dirs.iter().map(|d| State { before: d.mtime_ns, ..State::default() }).collect();
        let is_torn = bytes.last().is_some_and(|b| *b != b'\n');
        let mut times = Times { file, is_torn, index, states, last: Vec::new() };
        for line in bytes.split(|b| *b == b'\n') {
            times.read(std::str::from_utf8(line).unwrap_or(""), true);
        }
        if times.states.iter().any(|state| state.going) {
            // A folder that was removed has changed right after it was noted. A rename changes the folder of the item
            // at the same moment as the one in the store: no machine is so busy that time passes between the two.
            let noted = super::entry::mtime_ns(&rustix::fs::fstat(&times.file).map_err(|e| cannot(e.into()))?);
            times.last.push(noted);
            for dir in ["", FILES] {
                times.last.extend(mtime(item, Path::new(dir))?);
            }
        }
        Ok(times)
    }

    /// Decides, for each change that an interrupted run announced, whether that run made it. To be called first after
    /// such a run.
    pub fn settle(&mut self, root: &ConfinedDir) -> Result<(), Fault> {
        let mut lines = String::new();
        for (dir, i) in &self.index {
            if self.states.get(*i).is_some_and(|s| s.going && !s.is_foreign) {
                let now = mtime(root, dir)?;
                let what = if self.is_ours(*i, now) { "after" } else { "foreign" };
                note_to(&mut lines, what, *i, &[now]);
            }
        }
        self.note(&lines);
        Ok(())
    }

    fn read(&mut self, line: &str, is_of_another_run: bool) {
        let mut words = line.split(' ');
        let (Some(what), Some(state)) =
            (words.next(), words.next().and_then(|i| i.parse::<usize>().ok()).and_then(|i| self.states.get_mut(i)))
        else {
            return;
        };
        let mut time = || words.next().and_then(|w| if w == "gone" { Some(None) } else { w.parse().ok().map(Some) });
        match (what, time()) {
            ("going", _) => state.going = is_of_another_run,
            ("foreign", _) => state.is_foreign = true,
            ("before", Some(t)) => state.before = t,
            ("after", Some(t)) => (state.after, state.going) = (Some(t), false),
            // The new folder is ours, even where somebody had changed the one that was there before.
            ("made", Some(t)) => {
                (state.after, state.going, state.is_foreign) = (Some(t), false, false);
                state.want = state.want.or(state.before);
            }
            ("want", Some(t)) => state.want = t,
            ("stay", _) => (state.want, state.chain) = (None, None),
            ("chain", Some(a)) => state.chain = time().map(|b| (a, b)),
            _ => {}
        }
    }

    /// Appends lines to the log and applies them.
    fn note(&mut self, lines: &str) {
        let torn = std::mem::take(&mut self.is_torn);
        let written = if torn { self.file.write_all(b"\n") } else { Ok(()) };
        // On a full disk the work continues without notes: a kill now costs only the time of a folder.
        self.is_torn = written.and_then(|()| self.file.write_all(lines.as_bytes())).is_err();
        lines.lines().for_each(|line| self.read(line, false));
    }

    /// Records that these folders are about to change. To be called before the change.
    pub fn before(&mut self, root: &ConfinedDir, dirs: &[&Path]) -> Result<(), Fault> {
        let mut lines = String::new();
        for dir in dirs {
            let Some(i) = self.index.get(*dir).copied() else { continue };
            if !self.is_ours(i, mtime(root, dir)?) {
                note_to(&mut lines, "foreign", i, &[]);
            }
            note_to(&mut lines, "going", i, &[]);
        }
        self.note(&lines);
        Ok(())
    }

    /// Records the times of these folders after a change. `made`: the folder among them that was created again.
    pub fn after(&mut self, root: &ConfinedDir, dirs: &[&Path], made: Option<&Path>) -> Result<(), Fault> {
        let mut lines = String::new();
        for dir in dirs {
            let Some(i) = self.index.get(*dir) else { continue };
            let what = if made == Some(*dir) { "made" } else { "after" };
            note_to(&mut lines, what, *i, &[mtime(root, dir)?]);
        }
        self.note(&lines);
        Ok(())
    }

    /// Restores the times of the folders that only we changed. To be called when everything is in the trash. The rest
    /// of their content is as old as before, and the age of a snapshot decides which one of a hub cache is newer.
    pub fn calm(&mut self, root: &ConfinedDir) -> Result<(), Fault> {
        let mut lines = String::new();
        for (dir, i) in &self.index {
            let Some(state) = self.states.get(*i).filter(|s| !s.is_foreign) else { continue };
            let now = mtime(root, dir)?;
            if let (Some(_), Some(before), true) = (now, state.before, state.after == Some(now) && state.before != now)
            {
                root.inner(dir)?.set_mtime(before)?;
                note_to(&mut lines, "after", *i, &[Some(before)]);
            }
        }
        self.note(&lines);
        Ok(())
    }

    /// Returns whether a folder with the time `now` was changed by nobody else.
    fn is_ours(&self, i: usize, now: Mtime) -> bool {
        let Some(state) = self.states.get(i) else { return false };
        let is_near = |last: &i64| now.is_none_or(|now| now.saturating_sub(*last).unsigned_abs() < SOON);
        // A folder that was created again has the time of before.
        now == state.after.unwrap_or(state.before)
            || now == state.before
            || (state.going && self.last.iter().any(is_near))
    }

    /// Records the times that the folders are to have afterwards. To be called once before an item is put back. `next`
    /// returns the time that another item left of a folder that it had found with the given time.
    pub fn begin_back(
        &mut self,
        root: &ConfinedDir,
        next: &mut dyn FnMut(&Path, Mtime) -> Option<Mtime>,
    ) -> Result<(), Fault> {
        let mut lines = String::new();
        for (dir, i) in &self.index {
            // A folder that has a time to set already is from an interrupted run.
            let is_open = |s: &&State| !s.is_foreign && s.want.is_none();
            let Some(state) = self.states.get(*i).filter(is_open) else { continue };
            let now = mtime(root, dir)?;
            let left = state.after.unwrap_or(state.before);
            if now == left {
                note_to(&mut lines, "want", *i, &[state.before]);
                continue;
            }
            let (mut end, mut seen) = (left, HashSet::new());
            while end != now && seen.insert(end) {
                end = next(dir, end).unwrap_or(end);
            }
            if end == now {
                note_to(&mut lines, "after", *i, &[now]);
                // Each link of the chain needs ends of its own: no time that another link has.
                let next = left.map(|ns| ns.saturating_add(1));
                note_to(&mut lines, "want", *i, &[now.or(next)]);
                note_to(&mut lines, "chain", *i, &[left, now]);
            } else if now != state.before {
                note_to(&mut lines, "foreign", *i, &[]);
            }
        }
        self.note(&lines);
        Ok(())
    }

    /// Returns each folder that this item found with one time and left with another.
    pub fn links(&self) -> impl Iterator<Item = (&Path, Mtime, Mtime)> {
        self.index.iter().filter_map(|(dir, i)| {
            let state = self.states.get(*i).filter(|state| !state.is_foreign)?;
            let after = state.after.filter(|after| *after != state.before)?;
            Some((dir.as_path(), state.before, after))
        })
    }

    /// Sets the recorded times. To be called when everything is back.
    pub fn finish_back(&mut self, root: &ConfinedDir, others: &mut dyn FnMut() -> Vec<Others>) -> Result<(), Fault> {
        let mut read: Option<Vec<Others>> = None;
        for (dir, i) in &self.index {
            let Some(state) = self.states.get(*i).filter(|s| !s.is_foreign) else { continue };
            if let Some((left, end)) = state.chain {
                for other in read.get_or_insert_with(&mut *others) {
                    other.times.relink(dir, (left, state.before), (end, state.want));
                }
            }
            let now = mtime(root, dir)?;
            if let (Some(_), Some(want)) = (now, state.want)
                && now != Some(want)
                && self.is_ours(*i, now)
            {
                root.inner(dir)?.set_mtime(want)?;
            }
        }
        Ok(())
    }

    /// Discards the times to set. To be called when an item stays in the trash after all.
    pub fn stay(&mut self) {
        let mut lines = String::new();
        (0..self.states.len()).for_each(|i| note_to(&mut lines, "stay", i, &[]));
        self.note(&lines);
    }

    /// Replaces the recorded time before the change, where it is `first.0`, by `first.1`, and the time after it, where
    /// it is `last.0`, by `last.1`.
    fn relink(&mut self, dir: &Path, first: (Mtime, Mtime), last: (Mtime, Mtime)) {
        let Some(i) = self.index.get(dir).copied() else { return };
        let Some(state) = self.states.get(i).filter(|s| !s.is_foreign && s.after.is_some()) else { return };
        let mut lines = String::new();
        if state.before == first.0 {
            note_to(&mut lines, "before", i, &[first.1]);
        }
        if state.after == Some(last.0) {
            note_to(&mut lines, "after", i, &[last.1]);
        }
        self.note(&lines);
    }
}

/// The log of another item of the same root.
pub(super) struct Others {
    pub times: Times,
}

fn note_to(lines: &mut String, what: &str, i: usize, times: &[Mtime]) {
    // Writing to a String cannot fail.
    write!(lines, "{what} {i}").unwrap_or(());
    for time in times {
        match time {
            Some(ns) => write!(lines, " {ns}").unwrap_or(()),
            None => lines.push_str(" gone"),
        }
    }
    lines.push('\n');
}

/// Returns the time of the folder `dir` of `root`.
pub(super) fn mtime(root: &ConfinedDir, dir: &Path) -> Result<Mtime, Fault> {
    let look = match root.look(dir) {
        // A path that now leads through a link or into another mount is no longer ours.
        Err(Fault::Leaves { .. }) => None,
        look => look?,
    };
    Ok(look.filter(|l| l.seen.kind == super::entry::Kind::Folder).map(|l| l.seen.mtime_ns))
}

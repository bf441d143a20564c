//! The times of the folders that moves change, kept so that putting back gives them back too.
//!
//! Each item has a log of its own. Before a move it notes which folders are about to change, after it what time they have
//! now: while a folder still has that time, nobody else changed it since. A log that breaks off in the middle costs
//! nothing but the time of a folder.
//!
//! Several items can change one folder. What one of them left behind is then what the next one found; an item that is put
//! back out of order hands what it had found on to the one after it, so that the last one that goes back gives the first
//! time.

use super::beneath::Base;
use super::fault::Fault;
use super::item::{Ancestor, LOG};
use rustix::fs::OFlags;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// No log is longer: two lines for each of the steps, some words a line.
const MOST: u64 = 256 << 20;
/// A folder that changed this soon after it was noted that we are going to change it was changed by us: nanoseconds.
const SOON: u64 = 100_000_000;

/// The time of a folder, nanoseconds since the epoch; None when there is no such folder.
pub(super) type Mtime = Option<i64>;

#[derive(Debug, Clone, Default)]
struct State {
    before: Mtime,
    /// What our last change left.
    after: Option<Mtime>,
    /// Noted as about to change at that time of the file system, and not noted as changed.
    going: Option<i64>,
    is_foreign: bool,
    /// What to set in the end.
    want: Mtime,
    /// It had been changed by other items since: what we had left, and what the last of them left.
    chain: Option<(Mtime, Mtime)>,
}

pub(super) struct Times {
    file: File,
    /// The last line has no end.
    is_torn: bool,
    index: HashMap<PathBuf, usize>,
    states: Vec<State>,
}

impl Times {
    /// The log of an item, made where it is missing.
    pub fn open(item: &Base, dirs: &[Ancestor]) -> Result<Times, Fault> {
        let path = item.path.join(LOG);
        let cannot = |e: std::io::Error| Fault::io("read", &path, e);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::APPEND;
        let file = item.open_file(LOG, flags).map_err(|e| cannot(e.into()))?;
        let noted = super::order::mtime_ns(&rustix::fs::fstat(&file).map_err(|e| cannot(e.into()))?);
        let mut bytes = Vec::new();
        (&file).take(MOST).read_to_end(&mut bytes).map_err(cannot)?;
        let index = dirs.iter().enumerate().map(|(i, d)| (d.path.clone(), i)).collect();
        let states = dirs.iter().map(|d| State { before: d.mtime_ns, ..State::default() }).collect();
        let is_torn = bytes.last().is_some_and(|b| *b != b'\n');
        let mut times = Times { file, is_torn, index, states };
        for line in bytes.split(|b| *b == b'\n') {
            times.read(std::str::from_utf8(line).unwrap_or(""), noted);
        }
        Ok(times)
    }

    /// To be called first after a run that was broken off: what it was about to change when it was.
    pub fn settle(&mut self, root: &Base) -> Result<(), Fault> {
        let mut lines = String::new();
        for (dir, i) in &self.index {
            if self.states.get(*i).is_some_and(|s| s.going.is_some() && !s.is_foreign) {
                let now = mtime(root, dir)?;
                let what = if self.is_ours(*i, now) { "after" } else { "foreign" };
                note_to(&mut lines, what, *i, &[now]);
            }
        }
        self.note(&lines);
        Ok(())
    }

    fn read(&mut self, line: &str, noted: i64) {
        let mut words = line.split(' ');
        let (Some(what), Some(state)) =
            (words.next(), words.next().and_then(|i| i.parse::<usize>().ok()).and_then(|i| self.states.get_mut(i)))
        else {
            return;
        };
        let mut time = || words.next().and_then(|w| if w == "gone" { Some(None) } else { w.parse().ok().map(Some) });
        match (what, time()) {
            ("going", _) => state.going = Some(noted),
            ("foreign", _) => state.is_foreign = true,
            ("before", Some(t)) => state.before = t,
            ("after", Some(t)) => (state.after, state.going) = (Some(t), None),
            // It is ours whoever had changed the one that was there before.
            ("made", Some(t)) => {
                (state.after, state.going, state.is_foreign) = (Some(t), None, false);
                state.want = state.want.or(state.before);
            }
            ("want", Some(t)) => state.want = t,
            ("stay", _) => (state.want, state.chain) = (None, None),
            ("chain", Some(a)) => state.chain = time().map(|b| (a, b)),
            _ => {}
        }
    }

    /// Writes lines and takes them in.
    fn note(&mut self, lines: &str) {
        let torn = std::mem::take(&mut self.is_torn);
        let written = if torn { self.file.write_all(b"\n") } else { Ok(()) };
        // On a full disk the work goes on without notes: what is lost is the time of a folder if it is killed now.
        self.is_torn = written.and_then(|()| self.file.write_all(lines.as_bytes())).is_err();
        lines.lines().for_each(|line| self.read(line, i64::MIN));
    }

    /// To be called before something changes these folders.
    pub fn before(&mut self, root: &Base, dirs: &[&Path]) -> Result<(), Fault> {
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

    /// To be called after it. `made`: the folder among them that was made anew.
    pub fn after(&mut self, root: &Base, dirs: &[&Path], made: Option<&Path>) -> Result<(), Fault> {
        let mut lines = String::new();
        for dir in dirs {
            let Some(i) = self.index.get(*dir) else { continue };
            let what = if made == Some(*dir) { "made" } else { "after" };
            note_to(&mut lines, what, *i, &[mtime(root, dir)?]);
        }
        self.note(&lines);
        Ok(())
    }

    /// To be called when everything is in the trash: the folders that only we changed get back the times that they had.
    /// What is left in them is as old as it was, and a hub cache tells by the age of a snapshot which one is the newer.
    pub fn calm(&mut self, root: &Base) -> Result<(), Fault> {
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

    /// Whether a folder that has the time `now` was changed by nobody else.
    fn is_ours(&self, i: usize, now: Mtime) -> bool {
        let Some(state) = self.states.get(i) else { return false };
        let soon = |noted: i64| now.is_none_or(|now| now.saturating_sub(noted).unsigned_abs() < SOON);
        // One that was made anew has the time of before.
        now == state.after.unwrap_or(state.before) || now == state.before || state.going.is_some_and(soon)
    }

    /// To be called once before an item is put back: what times its folders are to have afterwards. `others`: the logs
    /// of the other items, read only when they are needed.
    pub fn begin_back(&mut self, root: &Base, others: &mut dyn FnMut() -> Vec<Others>) -> Result<(), Fault> {
        let mut lines = String::new();
        let mut read: Option<Vec<Others>> = None;
        for (dir, i) in &self.index {
            // One that has a time to come already was broken off.
            let is_open = |s: &&State| !s.is_foreign && s.want.is_none();
            let Some(state) = self.states.get(*i).filter(is_open) else { continue };
            let now = mtime(root, dir)?;
            let left = state.after.unwrap_or(state.before);
            if now == left {
                note_to(&mut lines, "want", *i, &[state.before]);
                continue;
            }
            let links: HashMap<Mtime, Mtime> = read
                .get_or_insert_with(&mut *others)
                .iter()
                .filter_map(|o| o.times.index.get(dir).and_then(|j| o.times.states.get(*j)))
                .filter(|s| !s.is_foreign)
                .filter_map(|s| s.after.map(|after| (s.before, after)))
                .filter(|(before, after)| before != after)
                .collect();
            let mut end = left;
            for _ in 0..links.len() {
                end = if end == now { break } else { links.get(&end).copied().unwrap_or(end) };
            }
            if end == now {
                note_to(&mut lines, "after", *i, &[now]);
                // Each link of the chain needs ends of its own: no time that another one has.
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

    /// To be called when everything is back.
    pub fn finish_back(&mut self, root: &Base, others: &mut dyn FnMut() -> Vec<Others>) -> Result<(), Fault> {
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

    /// To be called when an item stays in the trash after all.
    pub fn stay(&mut self) {
        let mut lines = String::new();
        (0..self.states.len()).for_each(|i| note_to(&mut lines, "stay", i, &[]));
        self.note(&lines);
    }

    /// What began where `first.0` was begins where `first.1` is, and what ended with `last.0` ends with `last.1`.
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

/// The time of the folder `dir` of `root`.
pub(super) fn mtime(root: &Base, dir: &Path) -> Result<Mtime, Fault> {
    let look = match root.look(dir) {
        // What somebody led elsewhere is not ours any more.
        Err(Fault::Leaves { .. }) => None,
        look => look?,
    };
    Ok(look.filter(|l| l.seen.kind == super::order::Kind::Folder).map(|l| l.seen.mtime_ns))
}

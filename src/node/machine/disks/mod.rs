//! The disks that hold what is ours. A read of a disk whose server is gone may never return, so [`ask`] has a child
//! process of its own for every file system; [`Request::read`] is what such a child runs.

mod deleted;
mod read;
mod walk;

pub(in crate::node) use read::is_network;

#[cfg(test)]
mod tests;

use super::super::{Fact, Outcome, Place, proc_file};
use super::types::Disk;
use crate::clock;
use crate::host::mounts::{self, Mount};
use crate::host::self_child::{self, NoAnswer};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The hidden command that reads a [`Request`] from its argument, and prints the answer of [`Request::read`].
pub const PROBE: [&str; 2] = ["probe", "disks"];

/// What is asked of the disks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The folder that stands for `/`.
    pub root: PathBuf,
    /// Paths, and what of ours is there: `models`, `logs of llama`.
    pub wanted: Vec<(PathBuf, String)>,
    /// Whether a disk that is nearly full is searched for what fills it, which may take two seconds.
    pub details: bool,
}

impl Request {
    /// Reads the disks in this process. May never return.
    pub fn read(&self) -> Vec<Fact<Disk>> {
        disks(&Place::new(&self.root), &self.wanted, self.details)
    }
}

/// Reads the file systems that the paths are on, each once, in this process. May never return where one of them is on a
/// network or in user space: [`ask`] does not hang.
pub fn disks(place: &Place, wanted: &[(PathBuf, String)], details: bool) -> Vec<Fact<Disk>> {
    let all = wanted.iter().map(|(path, what)| read::disk(place, path, what, details)).collect();
    merged(all)
}

/// Reads the file systems that the paths are on, each in a child process with this limit, side by side. `modelctl` is the
/// program to ask, normally [`self_child::OURSELVES`]. Takes at most half a second longer than `limit`.
pub fn ask(
    modelctl: &Path,
    place: &Place,
    wanted: &[(PathBuf, String)],
    details: bool,
    limit: Duration,
) -> Vec<Fact<Disk>> {
    let groups = by_mount(&mounts_of(place), wanted);
    let answers = std::thread::scope(|scope| {
        let ask_one = |(mount, wanted): (Option<Mount>, Vec<(PathBuf, String)>)| {
            let request = Request { root: place.at("/"), wanted, details };
            scope.spawn(move || answer(modelctl, &request, mount.as_ref(), limit))
        };
        let children: Vec<_> = groups.into_iter().map(ask_one).collect();
        // A thread that panicked has told so on standard error.
        children.into_iter().flat_map(|child| child.join().unwrap_or_default()).collect()
    });
    merged(answers)
}

fn answer(modelctl: &Path, request: &Request, mount: Option<&Mount>, limit: Duration) -> Vec<Fact<Disk>> {
    let where_it_is = mount.map_or_else(
        || request.wanted.first().map(|(path, _)| path.display().to_string()).unwrap_or_default(),
        |mount| format!("{} ({} of {})", mount.point.display(), mount.kind, mount.source),
    );
    let answer: Result<Vec<Fact<Disk>>, NoAnswer> = self_child::ask_json(modelctl, &PROBE, request, limit);
    answer.unwrap_or_else(|why| vec![Fact::new(format!("disk at {where_it_is}"), clock::now(), unanswered(&why))])
}

/// Explains why a child gave no answer.
pub(super) fn unanswered<T>(why: &NoAnswer) -> Outcome<T> {
    match why {
        NoAnswer::TimedOut { limit, .. } => {
            Outcome::TimedOut { why: format!("it did not respond within {:.1} s", limit.as_secs_f64()) }
        }
        NoAnswer::Hung { limit, pid, wchan } => {
            let waits = wchan.as_ref().map_or_else(String::new, |wchan| format!(" in {wchan}"));
            let limit = limit.as_secs_f64();
            Outcome::TimedOut {
                why: format!(
                    "it hangs: process {pid}, which queried it for {limit:.1} s, is waiting in the kernel{waits} and cannot \
                     be killed"
                ),
            }
        }
        NoAnswer::Ended(ending) => Outcome::Failed { why: format!("the process that queried it {ending}") },
        NoAnswer::Unreadable { why } => Outcome::Failed { why: format!("the response cannot be parsed: {why}") },
        NoAnswer::NotStarted { why } => {
            Outcome::Failed { why: format!("the process that should query it did not start: {why}") }
        }
    }
}

/// Returns the mounts that we see; none without `/proc`.
pub(in crate::node) fn mounts_of(place: &Place) -> Vec<Mount> {
    mounts::parse(&proc_file::bytes(&place.at("/proc/self/mountinfo"), proc_file::MOST).unwrap_or_default())
}

/// Returns the mount of a path by its text alone: no disk is touched, and links are not followed.
pub(in crate::node) fn mount_of<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    // Of two at one point the later one is on top.
    mounts.iter().filter(|mount| path.starts_with(&mount.point)).max_by_key(|mount| mount.point.as_os_str().len())
}

/// Paths with what they hold, on one mount.
type Group = (Option<Mount>, Vec<(PathBuf, String)>);

/// Groups paths by their mounts.
fn by_mount(mounts: &[Mount], wanted: &[(PathBuf, String)]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for entry in wanted {
        let mount = mount_of(mounts, &entry.0).cloned();
        match groups.iter_mut().find(|(known, _)| known.as_ref().map(|m| &m.point) == mount.as_ref().map(|m| &m.point))
        {
            Some((_, group)) => group.push(entry.clone()),
            None => groups.push((mount, vec![entry.clone()])),
        }
    }
    groups
}

/// Makes one of the facts about the same file system: what it holds and what fills it come together.
fn merged(all: Vec<Fact<Disk>>) -> Vec<Fact<Disk>> {
    let mut merged: Vec<Fact<Disk>> = Vec::new();
    for fact in all {
        let Outcome::Ok { value: disk } = &fact.outcome else {
            if !merged.contains(&fact) {
                merged.push(fact);
            }
            continue;
        };
        let same = merged.iter_mut().find_map(|known| match &mut known.outcome {
            Outcome::Ok { value } if value.mount_point == disk.mount_point => Some(value),
            _ => None,
        });
        match same {
            Some(known) => join(known, disk),
            None => merged.push(fact),
        }
    }
    merged
}

fn join(known: &mut Disk, more: &Disk) {
    for what in &more.holds {
        if !known.holds.contains(what) {
            known.holds.push(what.clone());
        }
    }
    known.largest = walk::top(known.largest.iter().chain(&more.largest).cloned());
    known.deleted_open = deleted::top(known.deleted_open.iter().chain(&more.deleted_open).cloned());
    let crowded = [known.crowded.take(), more.crowded.clone()];
    known.crowded = crowded.into_iter().flatten().max_by_key(|(_, entries)| *entries);
}

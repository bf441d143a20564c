//! Who started whom.

use super::super::Place;
use super::read::stat;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

/// Levels of parents that are followed.
const LEVELS: usize = 64;

/// The parents of all processes: read once, for all services.
#[derive(Debug, Clone, Default)]
pub struct Parents {
    parents: BTreeMap<u32, u32>,
    children: BTreeMap<u32, Vec<u32>>,
}

impl FromIterator<(u32, u32)> for Parents {
    /// Takes processes, each with its parent.
    fn from_iter<T: IntoIterator<Item = (u32, u32)>>(all: T) -> Parents {
        let parents: BTreeMap<u32, u32> = all.into_iter().collect();
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (pid, parent) in &parents {
            children.entry(*parent).or_default().push(*pid);
        }
        Parents { parents, children }
    }
}

impl Parents {
    /// Reads the parents of all processes that show. There are none without `/proc`, where no process can be read either.
    pub fn read(place: &Place) -> Parents {
        let parent = |pid: u32| Some((pid, stat(&place.at(format!("/proc/{pid}"))).ok()?.parent)); // it has ended
        pids(place).unwrap_or_default().into_iter().filter_map(parent).collect()
    }

    /// Returns the parent of a process; None: the process is not known.
    pub fn of(&self, pid: u32) -> Option<u32> {
        self.parents.get(&pid).copied()
    }

    /// Returns the parent of a process, its parent, and so on.
    pub fn above(&self, pid: u32) -> impl Iterator<Item = u32> {
        let next = |pid: &u32| self.of(*pid).filter(|parent| *parent > 0);
        std::iter::successors(next(&pid), next).take(LEVELS)
    }

    /// Returns the children of a process, then theirs, and so on, each once.
    pub fn below(&self, pid: u32) -> Vec<u32> {
        let mut seen = BTreeSet::from([pid]);
        let mut next = VecDeque::from([pid]);
        let mut all = Vec::new();
        while let Some(parent) = next.pop_front() {
            for child in self.children.get(&parent).into_iter().flatten() {
                if seen.insert(*child) {
                    all.push(*child);
                    next.push_back(*child);
                }
            }
        }
        all
    }

    /// Returns whether a process is one of these or below one.
    pub fn is_below(&self, pid: u32, ancestors: &[u32]) -> bool {
        ancestors.contains(&pid) || self.above(pid).any(|above| ancestors.contains(&above))
    }
}

/// Returns whether a process is one of these or below one, by reading its parents alone.
pub(in super::super) fn is_below(place: &Place, pid: u32, ancestors: &[u32]) -> bool {
    // What has ended has no parent that could be read.
    let parent = |pid: &u32| Some(stat(&place.at(format!("/proc/{pid}"))).ok()?.parent).filter(|parent| *parent > 0);
    std::iter::successors(Some(pid), parent).take(LEVELS).any(|pid| ancestors.contains(&pid))
}

/// Returns the numbers of all processes that show, in order.
///
/// # Errors
/// There is no `/proc`.
pub(in super::super) fn pids(place: &Place) -> io::Result<Vec<u32>> {
    let entries = std::fs::read_dir(place.at("/proc"))?;
    let mut pids: Vec<u32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
}

//! All processes in brief, and a process with those below it.

use super::super::{Fact, Place, proc_file};
use super::read::{MOST_ARGUMENTS, read, stat};
use super::types::{Brief, Process};
use crate::clock::{self, Timestamp};
use crate::host::commands;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

/// Processes of one tree that are read.
const MOST: usize = 64;

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

/// Reads every process in brief, in the order of their numbers, for discovery. Kernel threads are left out, and so are
/// processes that `/proc` hides from us (`hidepid`).
pub fn all(place: &Place) -> Fact<Vec<Brief>> {
    let now = clock::now();
    match pids(place) {
        Ok(pids) => Fact::ok("/proc", now, pids.into_iter().filter_map(|pid| brief(place, pid)).collect()),
        Err(error) => Fact::io_error("/proc", now, &error, "root"),
    }
}

/// None: it has ended meanwhile, or is a kernel thread.
fn brief(place: &Place, pid: u32) -> Option<Brief> {
    let folder = place.at(format!("/proc/{pid}"));
    let stat = stat(&folder).ok().filter(|stat| !stat.is_kernel_thread())?;
    // What cannot be read of it leaves a process that is known by its name alone.
    let argv = proc_file::bytes(&folder.join("cmdline"), MOST_ARGUMENTS).unwrap_or_default();
    let status = proc_file::text(&folder.join("status")).unwrap_or_default(); // as above
    Some(Brief {
        pid,
        parent: stat.parent,
        name: stat.command,
        argv: commands::split(&argv),
        uid: super::read::effective(&status, "Uid"),
    })
}

/// Reads a process and those below it: the process first, then its children, then theirs; at most 64. Children that end
/// while they are read are left out.
pub fn tree(place: &Place, pid: u32, now: Timestamp) -> Vec<Fact<Process>> {
    let first = read(place, pid, now);
    let is_there = first.known().is_some();
    let mut all = vec![first];
    if !is_there {
        return all;
    }
    let children = children(place);
    let mut seen = BTreeSet::from([pid]);
    let mut next = VecDeque::from([pid]);
    while let Some(parent) = next.pop_front() {
        for child in children.get(&parent).into_iter().flatten() {
            if all.len() >= MOST {
                return all;
            }
            if seen.insert(*child) {
                let process = read(place, *child, now);
                if process.known().is_some() || process.is_unknown() {
                    all.push(process);
                }
                next.push_back(*child);
            }
        }
    }
    all
}

/// Returns the children of every process.
fn children(place: &Place) -> BTreeMap<u32, Vec<u32>> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    // Without /proc the process itself could not be read.
    for pid in pids(place).unwrap_or_default() {
        if let Ok(stat) = stat(&place.at(format!("/proc/{pid}"))) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    children
}

/// Returns whether `pid` is one of `ancestors` or below one of them.
pub(super) fn is_below(place: &Place, pid: u32, ancestors: &[u32]) -> bool {
    let mut at = pid;
    for _ in 0..MOST {
        if ancestors.contains(&at) {
            return true;
        }
        match stat(&place.at(format!("/proc/{at}"))) {
            Ok(stat) if stat.parent != 0 => at = stat.parent,
            _ => return false,
        }
    }
    false
}

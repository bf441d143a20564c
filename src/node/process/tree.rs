//! All processes in brief, and a process with those below it.

use super::super::{Fact, Place, proc_file};
use super::parents::{Parents, pids};
use super::read::{MOST_ARGUMENTS, read, stat};
use super::types::{Brief, Process};
use crate::clock::{self, Timestamp};
use crate::host::commands;

/// Processes of one tree that are read.
const MOST: usize = 64;

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

/// Reads a process and those below it: the process first, then its children, then theirs; at most 64. `parents` are those
/// of all processes, as they were a moment ago: what has ended since, or has another parent, is left out.
pub fn tree(place: &Place, pid: u32, parents: &Parents, now: Timestamp) -> Vec<Fact<Process>> {
    let first = read(place, pid, now);
    let is_there = first.known().is_some();
    let mut all = vec![first];
    if !is_there {
        return all;
    }
    for child in parents.below(pid) {
        if all.len() >= MOST {
            break;
        }
        let process = read(place, child, now);
        // A number that was used again has another parent.
        let is_its = process.known().is_some_and(|process| parents.of(child) == Some(process.parent));
        if is_its || process.is_unknown() {
            all.push(process);
        }
    }
    all
}

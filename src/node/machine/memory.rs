//! Main memory of the machine: `/proc/meminfo`, `/proc/vmstat` and the resident pages of every process.

use super::super::process::pids;
use super::super::{Fact, Outcome, Place, proc_file};
use super::types::Memory;
use crate::clock;

/// Users of memory that are named.
const LARGEST: usize = 10;

/// Returns the memory of the machine. What control groups leave of it is theirs to say.
pub fn memory(place: &Place) -> Fact<Memory> {
    let source = "/proc/meminfo";
    let now = clock::now();
    let text = match proc_file::text(&place.at(source)) {
        Ok(text) => text,
        Err(error) => return Fact::io_error(source, now, &error, "root"),
    };
    let of = |key| proc_file::kibibytes(&text, key);
    let (Some(total), Some(free)) = (of("MemTotal"), of("MemFree")) else {
        let why = "MemTotal or MemFree is missing".to_owned();
        return Fact::new(source, now, Outcome::Failed { why });
    };
    // Kernels before 3.14 do not estimate what is available.
    let available = of("MemAvailable").unwrap_or_else(|| free.saturating_add(of("Cached").unwrap_or(0)));
    // A kernel without these counters says nothing of them.
    let vmstat = proc_file::text(&place.at("/proc/vmstat")).unwrap_or_default();
    Fact::ok(
        source,
        now,
        Memory {
            total,
            available,
            swap_total: of("SwapTotal").unwrap_or(0),
            swap_free: of("SwapFree").unwrap_or(0),
            swapped_in: proc_file::number(&vmstat, "pswpin"),
            largest: largest(place),
        },
    )
}

/// Returns the processes with the most resident memory: number, name, bytes.
fn largest(place: &Place) -> Vec<(u32, String, u64)> {
    // Without /proc there are none to name.
    let mut all: Vec<(u64, u32)> = pids(place)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|pid| Some((resident(place, pid).filter(|bytes| *bytes > 0)?, pid)))
        .collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.truncate(LARGEST);
    let name = |pid| proc_file::text(&place.at(format!("/proc/{pid}/comm"))).map(|name| name.trim_end().to_owned());
    // One that has ended meanwhile holds nothing any more.
    all.into_iter().filter_map(|(bytes, pid)| Some((pid, name(pid).ok()?, bytes))).collect()
}

/// Returns the resident bytes of a process: the second field of `statm`, in pages (proc_pid_statm(5)).
fn resident(place: &Place, pid: u32) -> Option<u64> {
    let text = proc_file::text(&place.at(format!("/proc/{pid}/statm"))).ok()?; // it has ended
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?; // not written by the kernel
    pages.checked_mul(procfs::page_size())
}

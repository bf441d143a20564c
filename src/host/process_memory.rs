//! The memory that a process holds.

use super::budget::MAIN_MEMORY;
use super::{gpu, proc_stat};
use crate::model::{DeviceBytes, Reading};
use std::path::Path;

/// Returns the main memory that the process `pid` holds, in bytes: its own pages, and its share of those that others
/// have mapped too (PSS, `/proc/PID/smaps_rollup`, proc(5)).
pub fn main_memory(pid: u32) -> Reading<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    match std::fs::read_to_string(&path) {
        Ok(text) => match pss(&text) {
            Some(bytes) => Reading::Known(bytes),
            None => Reading::Unavailable(format!("`{path}` has no line `Pss`")),
        },
        Err(error) => Reading::Unavailable(format!("cannot read `{path}`: {error}")),
    }
}

/// Returns the memory that the process holds on every device where it is known. `modelctl` asks the GPUs, which takes up
/// to 10.5 seconds; None leaves them out.
pub fn held(pid: u32, modelctl: Option<&Path>) -> Vec<DeviceBytes> {
    held_by(&[pid], modelctl)
}

/// As [`held`], for all processes of the group that `leader` leads.
pub fn held_by_group(leader: u32, modelctl: Option<&Path>) -> Vec<DeviceBytes> {
    held_by(&group(leader), modelctl)
}

/// Returns the processes of a group. Those that end meanwhile are left out.
fn group(leader: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return vec![leader] };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()); // others are no process
    let is_member = |pid: &u32| proc_stat::read(&pid.to_string()).is_ok_and(|stat| stat.group == leader);
    numbers.filter(is_member).collect()
}

fn held_by(pids: &[u32], modelctl: Option<&Path>) -> Vec<DeviceBytes> {
    let mut all = Vec::new();
    let known = |pid: &u32| main_memory(*pid).known().copied();
    let in_main: Vec<u64> = pids.iter().filter_map(known).collect();
    if !in_main.is_empty() {
        let bytes = in_main.into_iter().fold(0, u64::saturating_add);
        all.push(DeviceBytes { device: MAIN_MEMORY.to_owned(), bytes });
    }
    let gpus = modelctl.map(gpu::gpus);
    let Some(Reading::Known(gpus)) = gpus else { return all };
    for gpu in gpus {
        let used = gpu.processes.iter().filter(|process| pids.contains(&process.pid)).map(|process| process.used);
        let bytes = used.fold(0, u64::saturating_add);
        if bytes > 0 {
            all.push(DeviceBytes { device: format!("CUDA{}", gpu.index), bytes });
        }
    }
    all
}

fn pss(text: &str) -> Option<u64> {
    let mut words = text.lines().find_map(|line| line.strip_prefix("Pss:"))?.split_ascii_whitespace();
    let kilobytes: u64 = words.next()?.parse().ok()?; // a text that is no number says nothing
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a service starts would be counted for nobody; and a kernel thread, whose group is 0, must not end the look.
    #[test]
    fn a_group_has_all_of_its_processes_and_no_other() {
        let ours = proc_stat::read("self").unwrap().group;
        let all = group(ours);
        assert!(all.contains(&std::process::id()), "{all:?}");
        assert!(all.iter().all(|pid| proc_stat::read(&pid.to_string()).map_or(true, |stat| stat.group == ours)));
        assert_eq!(group(u32::MAX), [0; 0]);
        assert!(held_by_group(ours, None).iter().any(|held| held.bytes > 1 << 20));
    }

    #[test]
    fn what_a_process_holds_is_its_share_of_its_pages() {
        let text = "00400000-7fff0000 ---p 00000000 00:00 0   [rollup]\nRss:  884 kB\nPss:   385 kB\nPss_Anon:  1 kB\n";
        assert_eq!(pss(text), Some(385 * 1024));
        assert_eq!((pss(""), pss("Pss: x kB")), (None, None));
        let held = held(std::process::id(), None);
        assert!(held.iter().all(|held| held.device == "CPU" && held.bytes > 1 << 20), "{held:?}");
        assert!(matches!(main_memory(u32::MAX), Reading::Unavailable(_)));
    }
}

//! Main memory that this process can use: the machine's, and what its control groups leave of it.

use super::control_group::{Group, V1, V2, Version, groups, parse_limit};
use crate::model::Reading;
use serde::Serialize;

/// Main memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// The machine's memory, or a smaller limit of a control group around us.
    pub total: u64,
    /// Memory that can still be used without swapping: free and reclaimable, within that limit.
    pub available: u64,
}

/// Returns the memory of this machine as this process sees it.
pub fn memory() -> Reading<Memory> {
    let mut system = match sysinfo::System::new() {
        Ok(system) => system,
        Err(error) => return Reading::Unavailable(format!("the available memory is unknown: {error}")),
    };
    system.refresh_memory();
    if system.total_memory() == 0 {
        return Reading::Unavailable("the available memory is unknown".into());
    }
    let machine = Memory { total: system.total_memory(), available: system.available_memory() };
    let groups = std::fs::read_to_string("/proc/self/cgroup").map_or(vec![], |text| groups(&text, "memory"));
    Reading::Known(groups.iter().filter_map(group_memory).fold(machine, smaller))
}

/// Returns the smaller total and the smaller available memory of the two.
fn smaller(a: Memory, b: Memory) -> Memory {
    Memory { total: a.total.min(b.total), available: a.available.min(b.available) }
}

/// Returns the memory that one group leaves; `None` when the group sets no limit or is not mounted here.
fn group_memory(group: &Group) -> Option<Memory> {
    let files = match group.version {
        Version::V1 => &V1,
        Version::V2 => &V2,
    };
    let read = |name: &str| std::fs::read_to_string(group.dir.join(name));
    // A file that cannot be read means a group without the memory controller, which limits nothing.
    let limit = parse_limit(&read(files.limit).ok()?)?;
    let usage = read(files.usage).ok()?.trim().parse().ok()?;
    let reclaimable = read("memory.stat").map_or(0, |stat| parse_stat(&stat, files.inactive_file));
    Some(left_of(limit, usage, reclaimable))
}

fn left_of(limit: u64, usage: u64, reclaimable: u64) -> Memory {
    Memory { total: limit, available: limit.saturating_sub(usage.saturating_sub(reclaimable)) }
}

/// Returns the value of one line of `memory.stat`, 0 when the line is missing.
fn parse_stat(text: &str, key: &str) -> u64 {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(name, _)| *name == key).and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_cache_counts_as_available() {
        let stat = "anon 500\nfile 700\ninactive_file 300\n";
        assert_eq!(left_of(1_000, 900, parse_stat(stat, "inactive_file")), Memory { total: 1_000, available: 400 });
        assert_eq!(left_of(1_000, 2_000, 0).available, 0);
        assert_eq!(parse_stat(stat, "total_inactive_file"), 0);
    }

    #[test]
    fn a_group_on_disk_is_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("memory.max"), "4096\n").unwrap();
        std::fs::write(dir.path().join("memory.current"), "1024\n").unwrap();
        let group = Group { version: Version::V2, dir: dir.path().into() };
        assert_eq!(group_memory(&group), Some(Memory { total: 4096, available: 3072 }));
        assert_eq!(group_memory(&Group { version: Version::V2, dir: dir.path().join("none") }), None);
    }

    #[test]
    fn this_machine_has_memory() {
        let Reading::Known(memory) = memory() else { panic!("no memory read") };
        assert!(memory.available > 0 && memory.available <= memory.total);
    }
}

//! Main memory that this process can use: the machine's, and what its control groups leave of it.

use super::control_group::{self, Files, V1, V2, parse_limit};
use crate::model::Reading;
use serde::Serialize;
use std::path::{Path, PathBuf};

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
        Err(error) => return Reading::Unavailable(format!("the system does not tell its memory: {error}")),
    };
    system.refresh_memory();
    if system.total_memory() == 0 {
        return Reading::Unavailable("the system does not tell its memory".into());
    }
    let machine = Memory { total: system.total_memory(), available: system.available_memory() };
    let groups = std::fs::read_to_string("/proc/self/cgroup").map_or(vec![], |text| memory_groups(&text));
    Reading::Known(groups.iter().filter_map(group_memory).fold(machine, smaller))
}

/// Returns the smaller total and the smaller available memory of the two.
fn smaller(a: Memory, b: Memory) -> Memory {
    Memory { total: a.total.min(b.total), available: a.available.min(b.available) }
}

/// A control group that may limit our memory: its directory, and the names of its files.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    dir: PathBuf,
    files: &'static Files,
}

/// Returns our memory groups and all their ancestors, from the text of `/proc/self/cgroup`. In a container the path may
/// be outside of what is mounted; the mount's root is always among the ancestors and is then our own group.
fn memory_groups(proc_self_cgroup: &str) -> Vec<Group> {
    let mut groups = Vec::new();
    for (version, path) in control_group::parse(proc_self_cgroup) {
        let (mounts, files): (&[&str], _) = match version {
            1 => (&["/sys/fs/cgroup/memory"], &V1),
            _ => (&["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], &V2),
        };
        for ancestor in Path::new(path.trim_start_matches('/')).ancestors() {
            groups.extend(mounts.iter().map(|mount| Group { dir: Path::new(mount).join(ancestor), files }));
        }
    }
    groups
}

/// Returns the memory that one group leaves; `None` when the group sets no limit or is not mounted here.
fn group_memory(group: &Group) -> Option<Memory> {
    let read = |name: &str| std::fs::read_to_string(group.dir.join(name));
    // A file that cannot be read means a group without the memory controller, which limits nothing.
    let limit = parse_limit(&read(group.files.limit).ok()?)?;
    let usage = read(group.files.usage).ok()?.trim().parse().ok()?;
    let reclaimable = read("memory.stat").map_or(0, |stat| parse_stat(&stat, group.files.inactive_file));
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
    fn every_ancestor_group_may_limit_us() {
        let dirs = |text| memory_groups(text).into_iter().map(|group| group.dir).collect::<Vec<_>>();
        let v2 = dirs("0::/system.slice/modelctl.service\n");
        assert!(v2.contains(&PathBuf::from("/sys/fs/cgroup/system.slice/modelctl.service")), "{v2:?}");
        assert!(v2.contains(&PathBuf::from("/sys/fs/cgroup/system.slice")), "{v2:?}");
        assert!(v2.contains(&PathBuf::from("/sys/fs/cgroup/")), "{v2:?}");
        let v1 = dirs("5:cpu,cpuacct:/\n4:memory:/docker/abc\n");
        assert!(v1.contains(&PathBuf::from("/sys/fs/cgroup/memory/docker/abc")), "{v1:?}");
        assert!(dirs("nonsense\n1:name=systemd:/x\n").is_empty());
    }

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
        let group = Group { dir: dir.path().into(), files: &V2 };
        assert_eq!(group_memory(&group), Some(Memory { total: 4096, available: 3072 }));
        assert_eq!(group_memory(&Group { dir: dir.path().join("none"), files: &V2 }), None);
    }

    #[test]
    fn this_machine_has_memory() {
        let Reading::Known(memory) = memory() else { panic!("no memory read") };
        assert!(memory.available > 0 && memory.available <= memory.total);
    }
}

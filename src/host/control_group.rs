//! The control groups of a process (cgroups(7)), `Documentation/admin-guide/cgroup-v2.rst` and
//! `Documentation/admin-guide/cgroup-v1/` of the kernel.

use std::path::{Path, PathBuf};

/// The names of the files of a group.
#[derive(Debug, PartialEq, Eq)]
pub struct Files {
    pub limit: &'static str,
    pub usage: &'static str,
    /// The line of `memory.stat` that counts the page cache that the kernel reclaims first.
    pub inactive_file: &'static str,
}

/// `Documentation/admin-guide/cgroup-v1/memory.rst` of the kernel.
pub const V1: Files =
    Files { limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", inactive_file: "total_inactive_file" };
/// `Documentation/admin-guide/cgroup-v2.rst` of the kernel.
pub const V2: Files = Files { limit: "memory.max", usage: "memory.current", inactive_file: "inactive_file" };

/// Parses the text of a `/proc/PID/cgroup`: version and path of each group with a memory controller, in the order of the
/// file. A unified hierarchy may have none.
pub fn parse(text: &str) -> impl Iterator<Item = (u8, &str)> {
    text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        match () {
            () if controllers.split(',').any(|name| name == "memory") => Some((1, path)),
            () if number == "0" && controllers.is_empty() => Some((2, path)),
            () => None,
        }
    })
}

/// Parses a limit in bytes; `None` for "max" (v2) and for the huge number that v1 uses for "no limit".
pub fn parse_limit(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|&bytes: &u64| bytes < 1 << 60)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// A directory that may be that of a control group around this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub version: Version,
    pub dir: PathBuf,
}

/// Returns our groups of a controller and all their ancestors, from the text of `/proc/self/cgroup`. In a container the
/// path may be outside of what is mounted; the mount's root is always among the ancestors and is then our own group.
pub(super) fn groups(proc_self_cgroup: &str, controller: &str) -> Vec<Group> {
    const MOUNT: &str = "/sys/fs/cgroup";
    let mut groups = Vec::new();
    for line in proc_self_cgroup.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(id), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let (version, mounts) = if id == "0" && controllers.is_empty() {
            (Version::V2, vec![MOUNT.to_owned(), format!("{MOUNT}/unified")])
        } else if controllers.split(',').any(|name| name == controller) {
            // The directory has the names of all controllers of the hierarchy, with links for each.
            (Version::V1, vec![format!("{MOUNT}/{controller}")])
        } else {
            continue;
        };
        for ancestor in Path::new(path.trim_start_matches('/')).ancestors() {
            groups.extend(mounts.iter().map(|mount| Group { version, dir: Path::new(mount).join(ancestor) }));
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_both_versions_are_found() {
        let groups: Vec<(u8, &str)> = parse("5:cpu,cpuacct:/\n4:memory:/docker/a:b\n0::/x.slice\nnonsense\n").collect();
        assert_eq!(groups, [(1, "/docker/a:b"), (2, "/x.slice")]);
    }

    #[test]
    fn no_limit_is_not_a_limit() {
        assert_eq!(parse_limit("max\n"), None);
        assert_eq!(parse_limit("9223372036854771712\n"), None);
        assert_eq!(parse_limit("1073741824\n"), Some(1 << 30));
    }

    /// A limit of a group further out would be overlooked, and memory given out that nobody gets.
    #[test]
    fn every_ancestor_group_may_limit_us() {
        let dirs = |text| groups(text, "memory").into_iter().map(|group| group.dir).collect::<Vec<_>>();
        let v2 = dirs("0::/system.slice/modelctl.service\n");
        assert!(v2.contains(&PathBuf::from("/sys/fs/cgroup/system.slice/modelctl.service")), "{v2:?}");
        assert!(v2.contains(&PathBuf::from("/sys/fs/cgroup/system.slice")), "{v2:?}");
        assert!(v2.contains(&PathBuf::from("/sys/fs/cgroup/")), "{v2:?}");
        let text = "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n";
        assert!(dirs(text).contains(&PathBuf::from("/sys/fs/cgroup/memory/docker/abc")), "{:?}", dirs(text));
        let cores = groups(text, "cpuacct");
        assert!(cores.contains(&Group { version: Version::V1, dir: "/sys/fs/cgroup/cpuacct/x".into() }), "{cores:?}");
        assert!(dirs("nonsense\n1:name=systemd:/x\n").is_empty());
    }
}

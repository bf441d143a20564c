//! The control groups around this process: `Documentation/admin-guide/cgroup-v2.rst` and
//! `Documentation/admin-guide/cgroup-v1/` of the kernel.

use std::path::{Path, PathBuf};

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

//! Facts from the mounts of this machine for reading `/proc`: whether processes are hidden in it, and for which devices
//! it reports the same number as stat. See proc_pid_mountinfo(5) and proc(5).

use crate::host::mounts::{self, Mount};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// File systems whose files have the device of the file system, in addition to those on block devices, which all do. A
/// btrfs reports another device for each subvolume, and a file of an overlay is mapped from one of its layers.
const PLAIN: &[&str] = &["tmpfs", "ramfs", "nfs", "nfs4", "zfs"];

/// The contents of `/proc/self/mountinfo` that are needed here.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// File system type by device.
    kinds: HashMap<(u32, u32), String>,
    /// Mount points of `proc` file systems with their options, in the order of mounting.
    procs: Vec<(PathBuf, Vec<String>)>,
}

/// A `proc` that is mounted with `hidepid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hiding {
    /// The group whose members see everything that their rights allow. None where there is no such group.
    pub group: Option<u32>,
}

impl Mounts {
    /// Parses the text of a mountinfo.
    pub fn parse(text: &[u8]) -> Mounts {
        let mut mounts = Mounts::default();
        for Mount { device, point, options, kind, .. } in mounts::parse(text) {
            if kind == "proc" {
                mounts.procs.push((point, options));
            }
            mounts.kinds.insert(device, kind);
        }
        mounts
    }

    /// Returns whether a file that stat reports on this device is mapped from this device and no other.
    pub fn is_plain(&self, major: u32, minor: u32) -> bool {
        major != 0 || self.kinds.get(&(major, minor)).is_some_and(|kind| PLAIN.contains(&kind.as_str()))
    }

    /// Returns how processes may be missing from the `proc` that is mounted at `point`; None when none can be.
    ///
    /// `hidepid=1` hides the contents of their folders, not the folders: such processes are reported one by one.
    pub fn hiding(&self, point: &Path) -> Option<Hiding> {
        let (_, options) = self.procs.iter().rev().find(|(at, _)| at == point)?;
        let value = |key: &str| options.iter().rev().find_map(|o| o.strip_prefix(key)?.strip_prefix('='));
        let group = || Some(value("gid").and_then(|gid| gid.parse().ok()).unwrap_or(0));
        match value("hidepid")? {
            "0" | "off" | "1" | "noaccess" => None,
            "2" | "invisible" => Some(Hiding { group: group() }),
            // `ptraceable`, and values of later kernels.
            _ => Some(Hiding { group: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "22 27 0:21 / /proc rw,relatime shared:5 master:1 - proc proc rw,hidepid=invisible,gid=23\n\
        27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n\
        30 27 0:40 /@models /models rw - btrfs /dev/sdb rw,subvol=/@models\n\
        31 27 0:41 / /run rw - tmpfs tmpfs rw\n\
        32 27 0:42 / /merged rw - overlay overlay rw,lowerdir=/a\n";

    #[test]
    fn hidden_processes_are_noticed() {
        let hiding = |options: &str| {
            let text = format!("22 27 0:21 / /proc rw,relatime - proc proc {options}\n");
            Mounts::parse(text.as_bytes()).hiding(Path::new("/proc"))
        };
        assert_eq!(hiding("rw"), None);
        assert_eq!(hiding("rw,hidepid=1"), None);
        assert_eq!(hiding("rw,hidepid=noaccess,gid=7"), None);
        assert_eq!(hiding("rw,hidepid=2"), Some(Hiding { group: Some(0) }));
        assert_eq!(hiding("rw,gid=7,hidepid=invisible"), Some(Hiding { group: Some(7) }));
        assert_eq!(hiding("rw,gid=7,hidepid=ptraceable"), Some(Hiding { group: None }));
        assert_eq!(hiding("rw,gid=7,hidepid=4"), Some(Hiding { group: None }));
        assert_eq!(Mounts::parse(HOME.as_bytes()).hiding(Path::new("/proc")), Some(Hiding { group: Some(23) }));
        let over = format!("{HOME}50 27 0:50 / /proc rw - proc proc rw\n");
        assert_eq!(Mounts::parse(over.as_bytes()).hiding(Path::new("/proc")), None, "the one on top counts");
    }

    #[test]
    fn only_devices_that_are_told_alike_everywhere_are_compared() {
        let mounts = Mounts::parse(HOME.as_bytes());
        assert!(mounts.is_plain(254, 0) && mounts.is_plain(8, 99) && mounts.is_plain(0, 41));
        assert!(!mounts.is_plain(0, 40) && !mounts.is_plain(0, 42) && !mounts.is_plain(0, 99));
    }
}

//! What the mounts of this machine say about reading `/proc`: whether processes are hidden in it, and which devices it
//! names as stat does. See proc_pid_mountinfo(5) and proc(5).

use std::collections::HashMap;

/// File systems whose files have the device of the file system, apart from those on block devices, which all do.
/// A btrfs tells another one for each subvolume, and a file of an overlay is mapped from a layer of it.
const PLAIN: &[&str] = &["tmpfs", "ramfs", "nfs", "nfs4", "zfs"];

/// `/proc/self/mountinfo`, as far as it matters here.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// File system type by device.
    kinds: HashMap<(u32, u32), String>,
    /// Mount points of `proc` file systems with their options, in the order of mounting.
    procs: Vec<(String, Vec<String>)>,
}

/// How a `proc` is mounted with `hidepid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hiding {
    /// Members of the group see everything there is to see with their rights. None where no group does.
    pub group: Option<u32>,
}

impl Mounts {
    pub fn parse(text: &str) -> Mounts {
        let mut mounts = Mounts::default();
        for line in text.lines() {
            // Optional fields stand between the options and a lone dash.
            let Some((mount, system)) = line.split_once(" - ") else { continue };
            let mut mount = mount.split(' ');
            let (Some(device), Some(point)) = (mount.nth(2), mount.nth(1)) else { continue };
            let options = mount.next().unwrap_or_default();
            let mut system = system.split(' ');
            let kind = system.next().unwrap_or_default();
            if kind == "proc" {
                let all = options.split(',').chain(system.nth(1).unwrap_or_default().split(','));
                mounts.procs.push((point.to_owned(), all.map(str::to_owned).collect()));
            }
            if let Some((major, minor)) = device.split_once(':')
                && let (Ok(major), Ok(minor)) = (major.parse(), minor.parse())
            {
                mounts.kinds.insert((major, minor), kind.to_owned());
            }
        }
        mounts
    }

    /// Whether a file that stat says is on this device is mapped from this device and no other.
    pub fn is_plain(&self, major: u32, minor: u32) -> bool {
        major != 0 || self.kinds.get(&(major, minor)).is_some_and(|kind| PLAIN.contains(&kind.as_str()))
    }

    /// Whether processes may be missing from the `proc` that is mounted at `point`.
    ///
    /// `hidepid=1` hides what is in their folders, not the folders: those are told one by one.
    pub fn hiding(&self, point: &str) -> Option<Hiding> {
        let (_, options) = self.procs.iter().rev().find(|(at, _)| at == point)?;
        let value = |key: &str| options.iter().rev().find_map(|o| o.strip_prefix(key)?.strip_prefix('='));
        let group = || Some(value("gid").and_then(|gid| gid.parse().ok()).unwrap_or(0));
        match value("hidepid")? {
            "0" | "off" | "1" | "noaccess" => None,
            "2" | "invisible" => Some(Hiding { group: group() }),
            // `ptraceable`, and what later kernels may think of.
            _ => Some(Hiding { group: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOME: &str = "22 27 0:21 / /proc rw,relatime shared:5 master:1 - proc proc rw,hidepid=invisible,gid=23\n\
        27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n\
        30 27 0:40 /@models /models rw - btrfs /dev/sdb rw,subvol=/@models\n\
        31 27 0:41 / /run rw - tmpfs tmpfs rw\n\
        32 27 0:42 / /merged rw - overlay overlay rw,lowerdir=/a\n";

    #[test]
    fn hidden_processes_are_noticed() {
        let hiding = |options: &str| {
            Mounts::parse(&format!("22 27 0:21 / /proc rw,relatime - proc proc {options}\n")).hiding("/proc")
        };
        assert_eq!(hiding("rw"), None);
        assert_eq!(hiding("rw,hidepid=1"), None);
        assert_eq!(hiding("rw,hidepid=noaccess,gid=7"), None);
        assert_eq!(hiding("rw,hidepid=2"), Some(Hiding { group: Some(0) }));
        assert_eq!(hiding("rw,gid=7,hidepid=invisible"), Some(Hiding { group: Some(7) }));
        assert_eq!(hiding("rw,gid=7,hidepid=ptraceable"), Some(Hiding { group: None }));
        assert_eq!(hiding("rw,gid=7,hidepid=4"), Some(Hiding { group: None }));
        assert_eq!(Mounts::parse(HOME).hiding("/proc"), Some(Hiding { group: Some(23) }));
        let over = format!("{HOME}50 27 0:50 / /proc rw - proc proc rw\n");
        assert_eq!(Mounts::parse(&over).hiding("/proc"), None, "the one on top counts");
    }

    #[test]
    fn only_devices_that_are_told_alike_everywhere_are_compared() {
        let mounts = Mounts::parse(HOME);
        assert!(mounts.is_plain(254, 0) && mounts.is_plain(8, 99) && mounts.is_plain(0, 41));
        assert!(!mounts.is_plain(0, 40) && !mounts.is_plain(0, 42) && !mounts.is_plain(0, 99));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[ -~\n]{0,300}") {
            let mounts = Mounts::parse(&text);
            mounts.hiding("/proc");
        }
    }
}

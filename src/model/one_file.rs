use super::FileIdentity;
use std::collections::HashMap;

/// Returns whether two identities may be two views of one file: through an overlay and its upper folder, bindfs, a
/// mergerfs pool and its branch, a bind mount, a snapshot of a subvolume.
///
/// Each of those mounts has a device number of its own, and some of them number inodes differently, so that (device,
/// inode) proves nothing across mounts. The size, the time of the last write and, to the nanosecond, the time of the
/// last inode change, which no program can set, pass through such a mount. On one device, different inodes are
/// different files. A mount may alter times (`bindfs --ctime-from-mtime`), so false does not prove that there are two
/// files.
///
/// `prune::apply` and `prune::decide` must check this before they remove a file because a copy of it stays: a file for
/// which this is true is not a copy.
pub fn may_be_one_file(a: &FileIdentity, b: &FileIdentity) -> bool {
    if a.dev == b.dev {
        return a.ino == b.ino;
    }
    traits(a) == traits(b)
}

/// Returns size and times, which do not depend on the mount.
fn traits(file: &FileIdentity) -> (u64, i64, i64) {
    (file.size, file.mtime_ns, file.ctime_ns)
}

/// Counts each file once, even if it is seen on several mounts: every identity is mapped to the device and inode of the
/// first view of its file. Files are compared by the rule of [`may_be_one_file`].
#[derive(Debug, Default)]
pub struct OneFile {
    /// The first views, by size and times.
    firsts: HashMap<(u64, i64, i64), Vec<Views>>,
}

/// The views of one file: device and inode on each mount.
#[derive(Debug)]
struct Views {
    on: Vec<(u64, u64)>,
}

impl OneFile {
    pub fn key(&mut self, file: &FileIdentity) -> (u64, u64) {
        let own = (file.dev, file.ino);
        let alike = self.firsts.entry(traits(file)).or_default();
        let known = alike.iter_mut().find(|views| {
            // Another inode of the same device is another file, and so are the views of that inode on other mounts.
            views.on.contains(&own) || views.on.iter().all(|(dev, _)| *dev != file.dev)
        });
        match known {
            Some(views) => {
                if !views.on.contains(&own) {
                    views.on.push(own);
                }
                views.on.first().copied().unwrap_or(own)
            }
            None => {
                alike.push(Views { on: vec![own] });
                own
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dev: u64, ino: u64, ctime_ns: i64) -> FileIdentity {
        FileIdentity { dev, ino, size: 10, mtime_ns: 5, ctime_ns }
    }

    #[test]
    fn a_file_on_two_mounts_is_one_whatever_its_numbers_are_there() {
        let here = file(1, 7, 100);
        assert!(may_be_one_file(&here, &file(2, 7, 100)), "overlay, bindfs");
        assert!(may_be_one_file(&here, &file(2, 99, 100)), "mergerfs numbers inodes anew");
        assert!(may_be_one_file(&here, &here), "a bind mount");
        assert!(!may_be_one_file(&here, &file(1, 8, 100)), "two inodes of one device");
        assert!(!may_be_one_file(&here, &file(2, 7, 101)), "a copy on another disk");
        assert!(!may_be_one_file(&here, &FileIdentity { size: 11, ..file(2, 7, 100) }));
    }

    #[test]
    fn copies_and_views_are_counted_apart() {
        let mut one = OneFile::default();
        let files =
            [file(1, 7, 100), file(2, 7, 100), file(1, 8, 100), file(2, 8, 100), file(1, 9, 101), file(1, 7, 100)];
        let keys: Vec<_> = files.iter().map(|f| one.key(f)).collect();
        assert_eq!(keys[0], keys[1]);
        assert_eq!(keys[2], keys[3], "two files of equal times on one disk, each seen twice");
        assert_ne!(keys[0], keys[2]);
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
        assert_eq!(keys[5], keys[0]);
    }
}

//! Measures the space on the file systems of the candidates, and the part of it that the trash takes.

use super::candidate::Candidate;
use super::target::{Pool, Space};
use rustix::fs::{CWD, Mode, OFlags, StatVfsMountFlags, openat, statfs, statvfs, syncfs};
use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// File systems of which several mounts, each with a device number of its own, share one space: btrfs, ZFS, bcachefs,
/// overlay, FUSE. From linux/magic.h, and from OpenZFS and bcachefs.
const SHARING: &[u32] = &[0x9123_683e, 0x2fc1_2fc1, 0xca45_1a4e, 0x794c_7630, 0x6573_5546];

/// The disk usage of one item of a trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Device of the file system that contains the item.
    pub dev: u64,
    pub files: Vec<Link>,
    /// Bytes of disk of the journal and the folders.
    pub own: u64,
}

/// A directory entry in an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub inode: (u64, u64),
    /// The number of all entries of the inode, in the trash and elsewhere.
    pub links: u64,
    /// Bytes of disk.
    pub allocated: u64,
}

impl Content {
    /// Reads everything below the folder of an item.
    ///
    /// # Errors
    /// The first read error: an unknown entry must not count as nothing.
    pub fn of(item: &Path) -> std::io::Result<Content> {
        let mut content = Content { dev: std::fs::symlink_metadata(item)?.dev(), files: Vec::new(), own: 0 };
        let payload = item.join("files");
        for entry in WalkDir::new(item).same_file_system(true) {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() || !entry.path().starts_with(&payload) {
                content.own = content.own.saturating_add(meta.blocks().saturating_mul(512));
                continue;
            }
            content.files.push(Link {
                inode: (meta.dev(), meta.ino()),
                links: meta.nlink(),
                allocated: meta.blocks().saturating_mul(512),
            });
        }
        Ok(content)
    }
}

/// Sums up the bytes that are freed when items are deleted one after the other: an inode with its last entry.
#[derive(Debug, Default)]
pub struct Emptying {
    taken: HashMap<(u64, u64), u64>,
}

impl Emptying {
    /// Returns the bytes that this item frees, after those before it.
    pub fn take(&mut self, content: &Content) -> u64 {
        let mut freed = content.own;
        for link in &content.files {
            let taken = self.taken.entry(link.inode).or_default();
            *taken = taken.saturating_add(1);
            if *taken == link.links {
                freed = freed.saturating_add(link.allocated);
            }
        }
        freed
    }
}

/// Returns the space on every file system that holds a candidate, one of the roots, or something of the trash. A
/// read-only file system is left out: nothing can be freed there.
pub fn space<'a>(
    candidates: &[Candidate],
    roots: impl IntoIterator<Item = &'a Path>,
    trash: impl IntoIterator<Item = (&'a Path, &'a Content)>,
) -> Space {
    let mut pools = Pools::default();
    for piece in candidates.iter().flat_map(|c| &c.pieces) {
        // Device numbers may change with a boot: the recorded one is mapped to the present file system.
        if !pools.asked.contains(&piece.identity.dev) {
            let here = piece.here.and_then(|here| piece.entries.get(here.entry)).or_else(|| piece.entries.first());
            // A missing file says nothing about its device; another file on the device will.
            if let Some(pool) = here.and_then(|path| pools.of(path)) {
                pools.asked.insert(piece.identity.dev);
                pools.space.of.insert(piece.identity.dev, pool);
            }
        }
    }
    for root in roots {
        // A missing root has no space.
        pools.of(root);
    }
    let mut emptying = Emptying::default();
    let mut places: HashSet<PathBuf> = HashSet::new();
    for (folder, content) in trash {
        let mut freed = emptying.take(content);
        // The folder of the trash itself is removed with its last item: not to count it could cost a model.
        if let Some(place) = folder.parent().filter(|place| places.insert(place.to_path_buf())) {
            freed = freed.saturating_add(own_of_place(place));
        }
        if let Some(pool) = pools.of(folder).and_then(|pool| pools.space.pools.get_mut(pool)) {
            pool.trash = pool.trash.saturating_add(freed);
        }
    }
    pools.space
}

/// Returns the bytes of disk of the folder of a trash and of its lock, as far as they can be read.
fn own_of_place(place: &Path) -> u64 {
    let blocks = |path: &Path| std::fs::symlink_metadata(path).map_or(0, |meta| meta.blocks().saturating_mul(512));
    blocks(place).saturating_add(blocks(&place.join("lock")))
}

#[derive(Default)]
struct Pools {
    space: Space,
    /// Recorded devices that were looked up.
    asked: HashSet<u64>,
    /// The pool of each present device; None where it is read-only or cannot be measured.
    by_device: HashMap<u64, Option<usize>>,
    /// The total size of each pool, and whether its file system is of a kind whose mounts share space.
    sizes: Vec<(u64, bool)>,
}

impl Pools {
    /// Returns the pool of a path.
    fn of(&mut self, path: &Path) -> Option<usize> {
        let dev = std::fs::metadata(path).ok()?.dev(); // a missing path is in no pool
        if let Some(known) = self.by_device.get(&dev) {
            return *known;
        }
        let pool = self.measured(path);
        self.by_device.insert(dev, pool);
        pool
    }

    fn measured(&mut self, path: &Path) -> Option<usize> {
        let fs = statvfs(path).ok()?; // nothing is known of a file system that does not answer
        if fs.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return None;
        }
        let (free, size) = (fs.f_bavail.saturating_mul(fs.f_frsize), fs.f_blocks.saturating_mul(fs.f_frsize));
        let kind = statfs(path).map_or(0, |fs| fs.f_type);
        let shares = SHARING.iter().any(|magic| i64::from(*magic) == kind);
        let is_same =
            |(pool, known): (&Pool, &(u64, bool))| pool.free == free && known.0 == size && (shares || known.1);
        if let Some(at) = self.space.pools.iter().zip(&self.sizes).position(is_same) {
            return Some(at);
        }
        self.space.pools.push(Pool { path: mount_point(path), free, trash: 0 });
        self.sizes.push((size, shares));
        Some(self.space.pools.len() - 1)
    }
}

/// Returns the free bytes at `path` now, after the outstanding work of deletions has been written. None when they
/// cannot be measured.
pub fn free_at(path: &Path) -> Option<u64> {
    if let Ok(folder) = openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        // btrfs frees space with its next transaction. Where this fails, the figure is slightly out of date.
        syncfs(folder).unwrap_or(());
    }
    let fs = statvfs(path).ok()?; // the caller reports that it is unknown
    Some(fs.f_bavail.saturating_mul(fs.f_frsize))
}

/// Returns the folder at which the file system of `path` is mounted, as far as device numbers show.
fn mount_point(path: &Path) -> PathBuf {
    let mut at = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let Ok(dev) = std::fs::metadata(&at).map(|meta| meta.dev()) else { return at };
    while let Some(up) = at.parent().filter(|up| std::fs::metadata(up).is_ok_and(|meta| meta.dev() == dev)) {
        at = up.to_owned();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(ino: u64, links: u64) -> Link {
        Link { inode: (1, ino), links, allocated: 100 }
    }

    fn item(files: &[Link]) -> Content {
        Content { dev: 1, files: files.to_vec(), own: 0 }
    }

    #[test]
    fn bytes_come_free_with_the_last_of_their_names() {
        let mut emptying = Emptying::default();
        let (a, b) = (item(&[link(1, 1), link(2, 2)]), item(&[link(2, 2), link(3, 2)]));
        assert_eq!(emptying.take(&a), 100);
        assert_eq!(emptying.take(&b), 100, "the shared one now, the one with a name elsewhere never");
    }

    #[test]
    fn room_is_that_of_a_whole_file_system_and_known_by_its_mount_point() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("files")).unwrap();
        std::fs::write(dir.path().join("files/0"), vec![1; 8192]).unwrap();
        let content = Content::of(dir.path()).unwrap();
        assert_eq!(content.files.len(), 1);
        let found = space(&[], [dir.path(), Path::new("/nonexistent")], [(dir.path(), &content)]);
        assert_eq!(found.pools.len(), 1);
        let pool = &found.pools[0];
        assert!(dir.path().canonicalize().unwrap().starts_with(&pool.path), "{pool:?}");
        assert!(pool.trash >= content.files[0].allocated && pool.trash < 128 << 10, "{pool:?}");
        assert!(pool.free > 0 && free_at(&pool.path).is_some());
        assert!(Content::of(&dir.path().join("none")).is_err());
    }
}

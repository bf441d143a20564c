//! The kind of file system at a path.

use rustix::fs::statfs;
use std::path::Path;

/// File systems that store their files themselves, by the magic numbers of statfs(2).
const PLAIN: &[u64] = &[
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683E, // btrfs
    0x0102_1994, // tmpfs
    0x8584_58F6, // ramfs
    0xF2F5_2010, // f2fs
    0x2FC1_2FC1, // zfs
    0xCA45_1A4E, // bcachefs
    0x4D44,      // vfat
    0x2011_BAB0, // exfat
    0x7366_746E, // ntfs3
    0x3153_464A, // jfs
    0x5265_4973, // reiserfs
    0x3434,      // nilfs2
];

/// Returns whether nothing is at that path, not even a link that leads nowhere. What cannot be checked counts as there.
pub fn is_missing(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// Returns whether the file system at `path` may show files of another file system: true for any that is not known to
/// store its files itself, and where the type cannot be read.
pub fn is_layered(path: &Path) -> bool {
    // The magic numbers are 32 bits wide, and the type of the field differs between machines.
    statfs(path).map_or(true, |fs| !PLAIN.contains(&((fs.f_type as u64) & 0xFFFF_FFFF)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_that_have_their_files_themselves_are_known() {
        assert!(!is_layered(Path::new("/dev/shm")));
        assert!(is_layered(Path::new("/proc")) && is_layered(Path::new("/nowhere")));
    }
}

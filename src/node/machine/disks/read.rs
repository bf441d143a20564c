//! One file system: its size, its mount, and what fills it.

use super::super::super::{Fact, Place};
use super::super::types::Disk;
use super::{deleted, mount_of, mounts_of, walk};
use crate::clock;
use crate::host::mounts::Mount;
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::io;
use std::path::{Path, PathBuf};

/// File systems whose files are on another machine, by the names of mountinfo.
const NETWORK: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "orangefs",
    "smb3",
    "smbfs",
];
/// File systems in user space that are of this machine; of the others the files may be anywhere.
const LOCAL_FUSE: &[&str] = &["fuse.lxcfs", "fuse.fuse-overlayfs", "fuse.portal", "fuse.gvfsd-fuse", "fuse.ntfs-3g"];
/// Of a hundred parts, those below which a disk is nearly full.
const NEARLY_FULL: u64 = 10;

/// Returns whether the files are on another machine.
pub(in crate::node) fn is_network(kind: &str) -> bool {
    NETWORK.contains(&kind) || (kind.starts_with("fuse.") && !LOCAL_FUSE.contains(&kind))
}

/// Reads the file system of `path`, or of its nearest parent that exists.
pub(super) fn disk(place: &Place, path: &Path, what: &str, details: bool) -> Fact<Disk> {
    let now = clock::now();
    let source = format!("disk at {}", path.display());
    match read(place, path, what, details) {
        Ok(disk) => Fact::ok(source, now, disk),
        Err(error) => Fact::io_error(source, now, &error, "a user who can enter the directory, or root"),
    }
}

fn read(place: &Place, path: &Path, what: &str, details: bool) -> io::Result<Disk> {
    let at = nearest(&place.at(path))?;
    let size = statvfs(&at)?;
    let root = std::fs::canonicalize(place.at("/"))?;
    let shown = Path::new("/").join(at.strip_prefix(&root).unwrap_or(&at));
    let mounts = mounts_of(place);
    let mount = mount_of(&mounts, &shown);
    let bytes = |blocks: u64| blocks.saturating_mul(size.f_frsize);
    let is_read_only = size.f_flag.contains(StatVfsMountFlags::RDONLY);
    let has =
        |options: fn(&Mount) -> &Vec<String>| mount.map(|mount| options(mount).iter().any(|option| option == "ro"));
    let mut disk = Disk {
        mount_point: mount.map_or_else(|| shown.clone(), |mount| mount.point.clone()),
        source: mount.map(|mount| mount.source.clone()).unwrap_or_default(),
        kind: mount.map(|mount| mount.kind.clone()).unwrap_or_default(),
        holds: vec![what.to_owned()],
        total: bytes(size.f_blocks),
        available: bytes(size.f_bavail),
        inodes: size.f_files,
        inodes_available: size.f_favail,
        is_read_only: has(|mount| &mount.own_options).unwrap_or(is_read_only),
        is_super_read_only: has(|mount| &mount.system_options).unwrap_or(is_read_only),
        is_network: mount.is_some_and(|mount| is_network(&mount.kind)),
        largest: Vec::new(),
        crowded: None,
        deleted_open: Vec::new(),
    };
    if details {
        fill(place, (&at, &root), &mounts, &mut disk)?;
    }
    Ok(disk)
}

/// Looks for what fills a disk that is nearly full. `at` and `root` are real paths, as those of the mounts are.
fn fill(place: &Place, (at, root): (&Path, &Path), mounts: &[Mount], disk: &mut Disk) -> io::Result<()> {
    let is_short =
        |available: u64, total: u64| total > 0 && available.saturating_mul(100) < total.saturating_mul(NEARLY_FULL);
    let (lacks_bytes, lacks_inodes) =
        (is_short(disk.available, disk.total), is_short(disk.inodes_available, disk.inodes));
    if !lacks_bytes && !lacks_inodes {
        return Ok(());
    }
    let folder = if at.is_dir() { at } else { at.parent().unwrap_or(at) };
    let shown = |path: &Path| Path::new("/").join(path.strip_prefix(root).unwrap_or(path));
    let real = Place::new(root);
    let found = walk::walk(folder, &mounts.iter().map(|mount| real.at(&mount.point)).collect());
    if lacks_bytes {
        disk.largest = found.largest.into_iter().map(|(path, size)| (shown(&path), size)).collect();
        disk.deleted_open = deleted::find(place, at)?;
    }
    if lacks_inodes {
        disk.crowded = found.crowded.map(|(path, entries)| (shown(&path), entries));
    }
    Ok(())
}

/// Returns the real path of the longest part of a path that exists.
fn nearest(path: &Path) -> io::Result<PathBuf> {
    let mut last = Err(io::Error::from(io::ErrorKind::NotFound));
    for part in path.ancestors() {
        last = std::fs::canonicalize(part);
        if !matches!(&last, Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
        {
            return last;
        }
    }
    last
}

//! A file as one side sees it: where its path leads, and what is mounted there.

use super::walk::{End, Walk, outside, walk};
use super::{Fact, FileView, Outcome};
use crate::clock::Timestamp;
use crate::host::mounts::{self, Mount};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Bytes of a mountinfo. A machine with thousands of containers has less.
const MOUNTINFO: u64 = 16 << 20;
/// What is missing where a file of the service may not be looked at.
pub const RIGHT: &str = "the user of the service, or root";

/// One side: the root that paths begin at, and the mounts below it.
#[derive(Debug)]
pub struct Side {
    pub root: PathBuf,
    mounts: Vec<Mount>,
}

impl Side {
    /// Creates a side from its root and the `mountinfo` of a process that sees it.
    pub fn new(root: PathBuf, mountinfo: &Path) -> Side {
        use std::io::Read;
        let mut bytes = Vec::new();
        let read = std::fs::File::open(mountinfo).and_then(|file| file.take(MOUNTINFO).read_to_end(&mut bytes));
        // Without it no mount is named.
        let mounts = read.map(|_| mounts::parse(&bytes)).unwrap_or_default();
        Side { root, mounts }
    }

    pub fn walk(&self, path: &Path) -> Walk {
        walk(&self.root, path)
    }

    /// Describes what is at the end of a walk.
    pub fn fact(&self, path: &Path, walk: &Walk, now: Timestamp) -> Fact<FileView> {
        let source = outside(&self.root, path).display().to_string();
        let outcome = match &walk.end {
            End::Found { resolved, meta } => Outcome::Ok { value: self.view(resolved, meta) },
            End::Missing { existing, link: None, .. } => {
                Outcome::Absent { why: format!("it does not exist; {} does", existing.display()) }
            }
            End::Missing { link: Some(link), .. } => {
                Outcome::Absent { why: format!("a symbolic link points to {}, which does not exist", link.display()) }
            }
            End::Loop => Outcome::Failed { why: "too many levels of symbolic links".to_owned() },
            End::Failed { at, error } => {
                let why = format!("{}: {error}", at.display());
                match error.kind() {
                    io::ErrorKind::PermissionDenied => Outcome::Denied { why, right: RIGHT.to_owned(), command: None },
                    // Of the root itself too: a process that has ended says nothing about its files.
                    _ => Outcome::Failed { why },
                }
            }
        };
        Fact::new(source, now, outcome)
    }

    fn view(&self, resolved: &Path, meta: &Metadata) -> FileView {
        let mount = self.mount(resolved, meta.dev());
        let mount = mount.map(|mount| (mount.source.clone(), mount.point.clone(), mount.kind.clone()));
        FileView { mount, ..FileView::of(resolved.to_owned(), meta) }
    }

    /// Returns the mount that a path is on: by the number that the kernel gives, else by the longest mount point.
    fn mount(&self, resolved: &Path, device: u64) -> Option<&Mount> {
        let found = statx(CWD, outside(&self.root, resolved), AtFlags::empty(), StatxFlags::MNT_ID);
        let id =
            found.ok().filter(|found| found.stx_mask & StatxFlags::MNT_ID.bits() != 0).map(|found| found.stx_mnt_id);
        if let Some(mount) = id.and_then(|id| self.mounts.iter().find(|mount| mount.id == id)) {
            return Some(mount);
        }
        let device = (rustix::fs::major(device), rustix::fs::minor(device));
        let above = || self.mounts.iter().filter(|mount| resolved.starts_with(&mount.point));
        let longest = |mount: &&Mount| mount.point.as_os_str().len();
        // The last of several at one place is on top.
        above().filter(|mount| mount.device == device).max_by_key(longest).or_else(|| above().max_by_key(longest))
    }
}

impl FileView {
    /// Describes a file by its metadata. Its mount is left out.
    pub fn of(resolved: PathBuf, meta: &Metadata) -> FileView {
        let kind = meta.file_type();
        let kind = match () {
            () if kind.is_file() => "file",
            () if kind.is_dir() => "folder",
            () if kind.is_fifo() => "fifo",
            () if kind.is_socket() => "socket",
            () => "device",
        };
        FileView {
            resolved,
            device: meta.dev(),
            inode: meta.ino(),
            kind: kind.to_owned(),
            size: meta.len(),
            allocated: meta.blocks().saturating_mul(512),
            mode: meta.mode() & 0o7777,
            uid: meta.uid(),
            gid: meta.gid(),
            modified: Some(modified(meta)),
            mount: None,
        }
    }
}

/// Returns the time of the last change of the content.
pub fn modified(meta: &Metadata) -> Timestamp {
    Timestamp(meta.mtime().saturating_mul(1_000).saturating_add(meta.mtime_nsec() / 1_000_000))
}

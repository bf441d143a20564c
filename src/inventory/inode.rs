//! The stat result of a directory entry: its kind, its identity and its size.

use crate::model::FileIdentity;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

/// The kind of a directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entity {
    File,
    Folder,
    Link,
    Fifo,
    Socket,
    Device,
}

impl Entity {
    /// Returns the kind. None if the file system does not give it.
    pub fn of_raw(kind: rustix::fs::FileType) -> Option<Entity> {
        use rustix::fs::FileType as Raw;
        Some(match kind {
            Raw::RegularFile => Entity::File,
            Raw::Directory => Entity::Folder,
            Raw::Symlink => Entity::Link,
            Raw::Fifo => Entity::Fifo,
            Raw::Socket => Entity::Socket,
            Raw::CharacterDevice | Raw::BlockDevice => Entity::Device,
            _ => return None,
        })
    }

    pub fn of(kind: std::fs::FileType) -> Entity {
        if kind.is_file() {
            Entity::File
        } else if kind.is_dir() {
            Entity::Folder
        } else if kind.is_symlink() {
            Entity::Link
        } else if kind.is_fifo() {
            Entity::Fifo
        } else if kind.is_socket() {
            Entity::Socket
        } else {
            Entity::Device
        }
    }

    /// Returns a description of an entry that is not a regular file, as a reason for not opening it.
    pub fn not_regular_reason(self) -> &'static str {
        match self {
            Entity::Folder => "a directory",
            Entity::Fifo => "a FIFO, not a file",
            Entity::Socket => "a socket, not a file",
            Entity::Device => "a device, not a file",
            Entity::File | Entity::Link => "not a regular file",
        }
    }
}

/// The stat result of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub entity: Entity,
    pub identity: FileIdentity,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// The number of directory entries of the inode.
    pub links: u64,
}

impl Stamp {
    pub fn inode(&self) -> (u64, u64) {
        (self.identity.dev, self.identity.ino)
    }
}

impl From<&Metadata> for Stamp {
    fn from(meta: &Metadata) -> Stamp {
        Stamp {
            entity: Entity::of(meta.file_type()),
            identity: identity_of(meta),
            allocated: allocated_of(meta),
            links: meta.nlink(),
        }
    }
}

impl From<&rustix::fs::Stat> for Stamp {
    #[allow(clippy::useless_conversion, reason = "the widths differ between platforms")]
    fn from(stat: &rustix::fs::Stat) -> Stamp {
        let ns = |secs: i64, nanos: i64| secs.saturating_mul(1_000_000_000).saturating_add(nanos);
        // Nanoseconds are below 10^9, and the kernel gives no negative sizes.
        let nanos = |n: u64| i64::try_from(n).unwrap_or(0);
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        Stamp {
            // A mode that names no kind of file cannot come from a kernel.
            entity: Entity::of_raw(rustix::fs::FileType::from_raw_mode(stat.st_mode)).unwrap_or(Entity::Device),
            identity: FileIdentity {
                dev: stat.st_dev.into(),
                ino: stat.st_ino.into(),
                size: count(stat.st_size.into()),
                mtime_ns: ns(stat.st_mtime.into(), nanos(stat.st_mtime_nsec.into())),
                ctime_ns: ns(stat.st_ctime.into(), nanos(stat.st_ctime_nsec.into())),
            },
            allocated: count(stat.st_blocks.into()).saturating_mul(512),
            links: stat.st_nlink.into(),
        }
    }
}

/// Returns the identity of the file that `meta` describes.
pub(crate) fn identity_of(meta: &Metadata) -> FileIdentity {
    FileIdentity::of(meta)
}

/// Returns the bytes of disk in use: stat counts in units of 512 whatever the file system's block is.
pub(crate) fn allocated_of(meta: &Metadata) -> u64 {
    meta.blocks().saturating_mul(512)
}

/// Returns a description of an entry that is not a regular file, as a reason for not opening it.
pub(crate) fn not_regular_reason(kind: std::fs::FileType) -> &'static str {
    Entity::of(kind).not_regular_reason()
}

/// Returns whether an error means that the entry no longer exists: stores change while they are read.
pub(crate) fn vanished(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

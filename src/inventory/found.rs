//! What a store hands over: files that are taken in, entries that are not, folders that could not be read.

use crate::failure::{Failure, Kind};
use crate::inventory::roots::contains;
use crate::inventory::scan::ScanEvent;
use crate::inventory::stamps::Stamping;
use crate::inventory::stores::{SharedUse, each_file};
use crate::model::{Class, FileIdentity, Holding, StoreKind};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One file that a store presents as a GGUF, before its header is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub store: StoreKind,
    /// The root of the store: the Hugging Face cache, or the folder that was scanned.
    pub root: Arc<Path>,
    pub repo: Option<Arc<Repo>>,
    /// What the store calls it, when that is not told by its path.
    pub name: Option<String>,
    /// Files of one place that the store says belong together: projectors pair within a set alone, and parts of a split
    /// model need no names of parts.
    pub set: Option<u32>,
    /// The entry a person would name.
    pub path: PathBuf,
    /// Where the bytes are, when that is another path.
    pub target: Option<PathBuf>,
    /// Further entries that lead to the same bytes.
    pub also: Vec<PathBuf>,
    /// Of the bytes; of the link itself when there are none behind it.
    pub identity: FileIdentity,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// Lower-case hex, when the store knows it.
    pub expected_sha256: Option<String>,
    /// Why there is nothing to open. Such a file is listed as damaged.
    pub fault: Option<String>,
}

/// A repository inside a store. The folder is the key: the name cannot always be recovered from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repo {
    pub folder: PathBuf,
    /// `org/name`, for people.
    pub name: String,
    /// The snapshot that is the repository's present one; None when all its files are in one snapshot.
    pub current: Option<OsString>,
}

/// A directory entry that looks like a model, or may lead to some, and was not taken in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    pub path: PathBuf,
    pub reason: String,
}

/// Collects what one region holds.
pub(crate) struct Intake<'a> {
    pub found: Vec<Found>,
    /// What stores keep beside models, and which of their bytes are needed.
    pub holdings: Vec<Holding>,
    /// Links to payloads that repositories share, until their root is concluded.
    pub shared: Vec<SharedUse>,
    /// What a store says of files that are found as loose ones.
    pub promises: HashMap<PathBuf, Promise>,
    /// Folders whose loose files belong to a store, with the region itself first.
    pub owners: Vec<(Arc<Path>, StoreKind)>,
    /// Regular files by their directory entry that are still to be looked at; the walk does so in batches.
    pub pending: Vec<PathBuf>,
    pub skipped: Vec<Skipped>,
    /// Folders or entries that could not be read: nothing under them may be called gone.
    pub unread: Vec<Skipped>,
    /// Of the repository that is being read.
    pub stamping: Stamping,
    /// Paths the database has; those need no second look at what they are.
    pub is_known: &'a (dyn Fn(&Path) -> bool + Sync),
    pub pulse: &'a Pulse<'a>,
}

impl<'a> Intake<'a> {
    pub fn new(region: Arc<Path>, is_known: &'a (dyn Fn(&Path) -> bool + Sync), pulse: &'a Pulse<'a>) -> Intake<'a> {
        Intake {
            found: Vec::new(),
            holdings: Vec::new(),
            shared: Vec::new(),
            promises: HashMap::new(),
            owners: vec![(region, StoreKind::Dir)],
            pending: Vec::new(),
            skipped: Vec::new(),
            unread: Vec::new(),
            stamping: Stamping::default(),
            is_known,
            pulse,
        }
    }

    /// Takes over what another one took in.
    pub fn take_over(&mut self, other: Intake<'_>) {
        self.found.extend(other.found);
        self.holdings.extend(other.holdings);
        self.shared.extend(other.shared);
        self.promises.extend(other.promises);
        self.pending.extend(other.pending);
        self.skipped.extend(other.skipped);
        self.unread.extend(other.unread);
    }

    /// The store that a loose file belongs to: the deepest that holds it.
    pub fn owner(&self, path: &Path) -> Option<&(Arc<Path>, StoreKind)> {
        let holding = self.owners.iter().filter(|(root, _)| contains(root, path));
        holding.max_by_key(|(root, _)| root.as_os_str().len())
    }

    /// A download of a plain folder that was not finished. `meta`: of the file itself.
    pub fn loose_partial(&mut self, path: &Path, meta: &Metadata) {
        let Some((root, store)) = self.owner(path).cloned() else { return };
        let why = "a download that was not finished".to_owned();
        self.holdings.push(Kept { store, root: &root, owner: None }.file(path, meta, Class::Partial, why));
    }

    pub fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        self.skipped.push(Skipped { path: path.to_owned(), reason: reason.into() });
    }

    /// What walkdir could not do: a folder that vanished is no news, everything else is.
    pub fn walk_error(&mut self, error: &walkdir::Error) {
        let (Some(path), Some(io)) = (error.path(), error.io_error()) else {
            return;
        };
        if !vanished(io) {
            self.cannot_read(path, io);
        }
    }

    /// An entry that exists and could not be read. Reported, and protected from being called gone.
    pub fn cannot_read(&mut self, path: &Path, error: &std::io::Error) {
        let reason = format!("cannot be read: {error}");
        self.unread.push(Skipped { path: path.to_owned(), reason: reason.clone() });
        self.skip(path, reason);
    }
}

/// The content that a loose file had when its owner wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Promise {
    /// Lower-case hex.
    pub sha256: String,
    /// A file with a later mtime (nanoseconds since the epoch) is another one.
    pub written_by_ns: i64,
}

/// What lies at a directory entry.
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
    /// None where the file system does not say.
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

    /// What it is when it is not a regular file, as a reason for not opening it.
    pub fn odd(self) -> &'static str {
        match self {
            Entity::Folder => "a directory",
            Entity::Fifo => "a FIFO, not a file",
            Entity::Socket => "a socket, not a file",
            Entity::Device => "a device, not a file",
            Entity::File | Entity::Link => "not a regular file",
        }
    }
}

/// What one look at an entry gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub entity: Entity,
    pub identity: FileIdentity,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// Directory entries of the inode.
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

/// What the holdings of one owner have in common.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'a> {
    pub store: StoreKind,
    pub root: &'a Path,
    pub owner: Option<&'a str>,
}

impl Kept<'_> {
    /// One file with its bytes.
    pub fn file(self, path: &Path, look: impl Into<Stamp>, class: Class, why: impl Into<String>) -> Holding {
        let Stamp { identity, allocated, links, .. } = look.into();
        Holding {
            files: 1,
            identity: Some(identity),
            size: identity.size,
            allocated,
            links,
            ..self.nothing(path, class, why.into())
        }
    }

    /// A reference to bytes that are not there.
    pub fn missing(self, reference: &Path, why: impl Into<String>) -> Holding {
        self.nothing(reference, Class::Missing, why.into())
    }

    /// Several files under `folder` together.
    pub fn sum(self, folder: &Path, sum: Sum, class: Class, why: impl Into<String>) -> Holding {
        let Sum { files, size, allocated } = sum;
        Holding { files, size, allocated, ..self.nothing(folder, class, why.into()) }
    }

    fn nothing(self, path: &Path, class: Class, why: String) -> Holding {
        Holding {
            store: self.store,
            root: self.root.to_owned(),
            owner: self.owner.map(str::to_owned),
            path: path.to_owned(),
            files: 0,
            identity: None,
            size: 0,
            allocated: 0,
            links: 1,
            class,
            why,
            expected_sha256: None,
        }
    }
}

/// Files that are not told one by one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    pub files: u64,
    pub size: u64,
    pub allocated: u64,
}

impl Sum {
    pub fn add(&mut self, look: impl Into<Stamp>) {
        let Stamp { identity, allocated, .. } = look.into();
        self.files += 1;
        self.size = self.size.saturating_add(identity.size);
        self.allocated = self.allocated.saturating_add(allocated);
    }

    pub fn is_empty(&self) -> bool {
        self.files == 0
    }
}

/// All files under `folder`, links and folders aside. What cannot be read is told to `intake`.
pub(crate) fn sum_of(folder: &Path, intake: &mut Intake<'_>) -> anyhow::Result<Sum> {
    let mut sum = Sum::default();
    each_file(folder, intake, &mut |file, _| sum.add(file.look))?;
    Ok(sum)
}

/// The entry is not there any more: stores change while they are read.
pub(crate) fn vanished(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// The scan's heartbeat: counts entries for the progress bar and notices the wish to stop.
pub(crate) struct Pulse<'a> {
    pub progress: &'a (dyn Fn(ScanEvent) + Sync),
    pub cancel: &'a AtomicBool,
    pub entries: AtomicU64,
}

impl Pulse<'_> {
    /// Called once for each directory entry.
    pub fn entry(&self) -> anyhow::Result<()> {
        let n = self.entries.fetch_add(1, Ordering::Relaxed) + 1;
        if n.is_multiple_of(512) {
            (self.progress)(ScanEvent::Entries { seen: n });
        }
        stop_if(self.cancel)
    }
}

/// An interrupted scan fails as a whole: nothing of it is recorded.
pub(crate) fn stop_if(cancel: &AtomicBool) -> anyhow::Result<()> {
    if cancel.load(Ordering::Relaxed) {
        return Err(Failure::new(Kind::Interrupted, "interrupted: nothing of this scan was recorded").into());
    }
    Ok(())
}

/// The identity of what `meta` describes.
pub(crate) fn identity_of(meta: &Metadata) -> FileIdentity {
    FileIdentity::of(meta)
}

/// Bytes of disk in use: stat counts in units of 512 whatever the file system's block is.
pub(crate) fn allocated_of(meta: &Metadata) -> u64 {
    meta.blocks().saturating_mul(512)
}

/// What an entry is when it is not a regular file, as a reason for not opening it.
pub(crate) fn odd_type(kind: std::fs::FileType) -> &'static str {
    Entity::of(kind).odd()
}

/// The name without `.gguf` in any case; None when it does not end so or nothing is left.
pub(crate) fn gguf_stem(name: &OsStr) -> Option<&[u8]> {
    let bytes = name.as_bytes();
    let (stem, extension) = bytes.split_at_checked(bytes.len().checked_sub(5)?)?;
    (!stem.is_empty() && extension.eq_ignore_ascii_case(b".gguf")).then_some(stem)
}

/// The name of a download that was not finished, as the usual tools leave it.
pub(crate) fn is_partial(name: &OsStr) -> bool {
    const SUFFIXES: [&[u8]; 6] =
        [b".incomplete", b".downloadInProgress", b".part", b".partial", b".crdownload", b".aria2"];
    SUFFIXES.iter().any(|s| name.as_bytes().ends_with(s))
}

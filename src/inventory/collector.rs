//! Collects the files and holdings that the readers of the stores find in one region.

use super::found::{Found, Promise, Skipped};
use super::inode::vanished;
use super::paths::contains;
use super::progress::ScanProgress;
use super::stamping::Stamping;
use crate::model::{Class, Holding, StoreKind};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files, holdings and problems found in one region.
pub(crate) struct StoreCollector<'a> {
    pub found: Vec<Found>,
    /// The other files that stores keep, and which of their bytes are needed.
    pub holdings: Vec<Holding>,
    /// Links to payloads that repositories share, until their root is concluded.
    pub shared: Vec<SharedUse>,
    /// The promises of stores for files that are found as loose ones.
    pub promises: HashMap<PathBuf, Promise>,
    /// Folders whose loose files belong to a store, with the region itself first.
    pub owners: Vec<(Arc<Path>, StoreKind)>,
    /// Regular files, by their directory entry, that still need a stat; the walk does that in batches.
    pub pending: Vec<PathBuf>,
    /// Links to folders that were followed, each with the folder that it leads to.
    pub through: Vec<(PathBuf, PathBuf)>,
    /// Control files, in which downloaders record their progress, until everything was scanned.
    pub controls: Vec<PathBuf>,
    pub skipped: Vec<Skipped>,
    /// Folders or entries that could not be read: nothing under them may be reported as gone.
    pub unread: Vec<Skipped>,
    /// The stamp of the repository that is being read.
    pub stamping: Stamping,
    /// Returns whether the database has a path; the content of such files need not be checked again.
    pub is_known: &'a (dyn Fn(&Path) -> bool + Sync),
    pub progress: &'a ScanProgress<'a>,
}

impl<'a> StoreCollector<'a> {
    pub fn new(
        region: Arc<Path>,
        is_known: &'a (dyn Fn(&Path) -> bool + Sync),
        progress: &'a ScanProgress<'a>,
    ) -> StoreCollector<'a> {
        StoreCollector {
            found: Vec::new(),
            holdings: Vec::new(),
            shared: Vec::new(),
            promises: HashMap::new(),
            owners: vec![(region, StoreKind::Dir)],
            pending: Vec::new(),
            through: Vec::new(),
            controls: Vec::new(),
            skipped: Vec::new(),
            unread: Vec::new(),
            stamping: Stamping::default(),
            is_known,
            progress,
        }
    }

    /// Adds everything that another collector has.
    pub fn take_over(&mut self, other: StoreCollector<'_>) {
        self.found.extend(other.found);
        self.holdings.extend(other.holdings);
        self.shared.extend(other.shared);
        self.promises.extend(other.promises);
        self.pending.extend(other.pending);
        self.through.extend(other.through);
        self.controls.extend(other.controls);
        self.skipped.extend(other.skipped);
        self.unread.extend(other.unread);
    }

    /// Returns the real path of a file whose path leads through a followed link. None for any other file.
    pub fn real_path(&self, path: &Path) -> Option<PathBuf> {
        let over = self.through.iter().filter(|(link, _)| contains(link, path));
        let (link, target) = over.max_by_key(|(link, _)| link.as_os_str().len())?;
        Some(target.join(path.strip_prefix(link).ok()?)) // the path is below the link
    }

    /// Returns the store that a loose file belongs to: the deepest one that contains it.
    pub fn owner(&self, path: &Path) -> Option<&(Arc<Path>, StoreKind)> {
        let holding = self.owners.iter().filter(|(root, _)| contains(root, path));
        holding.max_by_key(|(root, _)| root.as_os_str().len())
    }

    pub fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        self.skipped.push(Skipped { path: path.to_owned(), reason: reason.into() });
    }

    /// Reports an error of walkdir. A folder that vanished is no error.
    pub fn walk_error(&mut self, error: &walkdir::Error) {
        let (Some(path), Some(io)) = (error.path(), error.io_error()) else {
            return;
        };
        if !vanished(io) {
            self.cannot_read(path, io);
        }
    }

    /// Reports an entry that exists but could not be read, and protects it from being reported as gone.
    pub fn cannot_read(&mut self, path: &Path, error: &std::io::Error) {
        let reason = format!("cannot be read: {error}");
        self.unread.push(Skipped { path: path.to_owned(), reason: reason.clone() });
        self.skip(path, reason);
    }
}

/// A link from a blob to the payload that several repositories may share.
#[derive(Debug, Clone)]
pub(crate) struct SharedUse {
    pub payload: PathBuf,
    pub owner: String,
    pub class: Class,
    pub why: String,
    pub expected_sha256: Option<String>,
}

//! Reads one repository of a Hugging Face cache: which blob each snapshot entry leads to, and which entry is the one
//! to name when several snapshots hold the same blob.

use super::hf::{is_other_kind, main_commit, normal, promised_sha256, repo_name, starts_like_gguf};
use crate::inventory::found::{
    Found, Intake, Repo, allocated_of, gguf_stem, identity_of, is_partial, odd_type, vanished,
};
use crate::inventory::roots::contains;
use crate::inventory::shards::shard_name;
use crate::model::StoreKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::WalkDir;

/// A chain has two links in a shared blob store; more than this is no layout anybody writes.
const MAX_HOPS: usize = 8;

/// Reads the repository in `folder`, a direct child of the cache's root.
pub(super) fn read(folder: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let Some(root) = folder.parent() else { return Ok(()) };
    partial_downloads(folder, intake)?;
    let blobs = folder.join("blobs");
    let blobs_ok = match std::fs::symlink_metadata(&blobs) {
        Ok(meta) => !meta.is_symlink() || blobs.canonicalize().is_ok_and(|real| contains(root, &real)),
        Err(_) => true, // without blobs the links say so one by one
    };
    if !blobs_ok {
        intake.skip(&blobs, "a link that leaves the root");
        return Ok(());
    }
    let mut reader = Reader { root: Arc::from(root), blobs, by_inode: HashMap::new(), files: Vec::new() };
    reader.snapshots(&folder.join("snapshots"), intake)?;
    let order = SnapshotOrder::new(folder, &reader.files);
    let repo = Arc::new(Repo {
        folder: folder.to_owned(),
        name: repo_name(folder.file_name().unwrap_or_default()),
        current: order.current(),
    });
    for file in reader.files {
        let found = file.choose(&order);
        intake.found.push(Found { repo: Some(Arc::clone(&repo)), ..found });
    }
    Ok(())
}

fn partial_downloads(folder: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let blobs = folder.join("blobs");
    let entries = match std::fs::read_dir(&blobs) {
        Ok(entries) => entries,
        Err(e) if vanished(&e) => return Ok(()),
        Err(e) => {
            intake.cannot_read(&blobs, &e);
            return Ok(());
        }
    };
    for entry in entries.flatten() {
        intake.pulse.entry()?;
        if is_partial(&entry.file_name()) {
            intake.skip(&entry.path(), "partial download");
        }
    }
    Ok(())
}

/// Where a snapshot entry leads.
enum Trace {
    Bytes {
        at: PathBuf,
        meta: Metadata,
        sha256: Option<String>,
    },
    Missing,
    Refused(String),
    Unreadable(std::io::Error),
    /// The entry itself is gone.
    Vanished,
}

struct Reader {
    root: Arc<Path>,
    blobs: PathBuf,
    by_inode: HashMap<(u64, u64), usize>,
    files: Vec<RepoFile>,
}

/// One file of the repository with all its entries.
struct RepoFile {
    found: Found,
    entries: Vec<PathBuf>,
}

impl Reader {
    fn snapshots(&mut self, top: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
        let walk = WalkDir::new(top).follow_root_links(false).max_open(64);
        for entry in walk {
            intake.pulse.entry()?;
            let entry = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    intake.walk_error(&e);
                    continue;
                }
            };
            let (kind, path) = (entry.file_type(), entry.path());
            if kind.is_dir() {
                continue;
            }
            let by_name = gguf_stem(entry.file_name()).is_some();
            if kind.is_symlink() {
                self.link(path, entry.file_name(), by_name, intake);
            } else if by_name && kind.is_file() {
                // The no-symlink mode keeps the file itself here.
                match std::fs::symlink_metadata(path) {
                    Ok(meta) => self.take(path, None, &meta, None),
                    Err(e) if vanished(&e) => {}
                    Err(e) => intake.cannot_read(path, &e),
                }
            } else if by_name {
                intake.skip(path, odd_type(kind));
            }
        }
        Ok(())
    }

    fn link(&mut self, path: &Path, name: &OsStr, by_name: bool, intake: &mut Intake<'_>) {
        if !by_name && is_other_kind(name) {
            return;
        }
        match self.trace(path) {
            Trace::Bytes { at, meta, sha256 } => {
                if by_name || (sha256.is_some() && ((intake.is_known)(path) || starts_like_gguf(&at))) {
                    self.take(path, Some(at), &meta, sha256);
                }
            }
            Trace::Vanished => {}
            Trace::Missing if by_name => self.missing(path),
            Trace::Refused(why) => {
                if by_name || path.is_dir() {
                    intake.skip(path, why);
                }
            }
            Trace::Unreadable(e) if by_name => intake.cannot_read(path, &e),
            Trace::Missing | Trace::Unreadable(_) => {}
        }
    }

    /// Follows the chain of links on paper, looking at each station once. Bytes outside the cache are not its own.
    fn trace(&self, entry: &Path) -> Trace {
        let mut at = entry.to_owned();
        let mut sha256 = None;
        for _ in 0..MAX_HOPS {
            let text = match std::fs::read_link(&at) {
                Ok(text) => text,
                Err(e) if vanished(&e) && at == entry => return Trace::Vanished,
                Err(e) if vanished(&e) => return Trace::Missing,
                Err(e) => return Trace::Unreadable(e),
            };
            let mut next = normal(at.parent().unwrap_or(&self.root), &text);
            if next.parent() == Some(&self.blobs) {
                // The promise is in the name of the first blob: a shared payload is named by another kind of hash.
                sha256 = sha256.or_else(|| promised_sha256(next.file_name().unwrap_or_default()));
            } else {
                // Not where a blob belongs. A folder on the way may itself be a link: ask the kernel.
                if let (Some(dir), Some(name)) = (next.parent(), next.file_name())
                    && let Ok(real) = dir.canonicalize()
                {
                    next = real.join(name);
                }
                if !contains(&self.root, &next) {
                    return Trace::Refused("a link that leaves the root".to_owned());
                }
            }
            match std::fs::symlink_metadata(&next) {
                Ok(meta) if meta.is_symlink() => at = next,
                Ok(meta) if meta.is_file() => return Trace::Bytes { at: next, meta, sha256 },
                Ok(meta) => return Trace::Refused(format!("a link to {}", odd_type(meta.file_type()))),
                Err(e) if vanished(&e) => return Trace::Missing,
                Err(e) => return Trace::Unreadable(e),
            }
        }
        Trace::Refused("a link that leads to itself".to_owned())
    }

    fn take(&mut self, entry: &Path, target: Option<PathBuf>, meta: &Metadata, sha256: Option<String>) {
        let identity = identity_of(meta);
        let index = *self.by_inode.entry((identity.dev, identity.ino)).or_insert(self.files.len());
        if let Some(file) = self.files.get_mut(index) {
            file.entries.push(entry.to_owned());
            return;
        }
        self.push(entry, target, meta, sha256, None);
    }

    /// Listed as damaged rather than dropped: a person must learn that the blob is gone.
    fn missing(&mut self, entry: &Path) {
        // The link vanished meanwhile: nothing is left to list.
        if let Ok(meta) = std::fs::symlink_metadata(entry) {
            self.push(entry, None, &meta, None, Some("a link to a missing blob".to_owned()));
        }
    }

    fn push(
        &mut self,
        entry: &Path,
        target: Option<PathBuf>,
        meta: &Metadata,
        sha256: Option<String>,
        fault: Option<String>,
    ) {
        let found = Found {
            store: StoreKind::Hf,
            root: Arc::clone(&self.root),
            repo: None, // the same for all, known at the end
            path: entry.to_owned(),
            target,
            also: Vec::new(),
            identity: identity_of(meta),
            allocated: if fault.is_some() { 0 } else { allocated_of(meta) },
            expected_sha256: sha256,
            fault,
        };
        self.files.push(RepoFile { found, entries: vec![entry.to_owned()] });
    }
}

impl RepoFile {
    fn choose(self, order: &SnapshotOrder) -> Found {
        let RepoFile { mut found, mut entries } = self;
        entries.sort();
        if let Some(best) = (0..entries.len()).max_by_key(|i| entries.get(*i).map(|e| order.rank(e))) {
            found.path = entries.remove(best);
        }
        found.also = entries;
        found
    }
}

/// Which snapshot speaks for a blob that several hold: for a part of a split set one where the set is complete, then
/// the one `refs/main` names, then the newest.
struct SnapshotOrder {
    snapshots: PathBuf,
    main: Option<OsString>,
    /// Snapshots with files, and when the folder last changed (nanoseconds since the epoch).
    made: BTreeMap<OsString, i64>,
    /// Parts seen of each set, by folder, prefix and count: two sets may share a prefix.
    parts: BTreeMap<(PathBuf, u32), BTreeSet<u32>>,
}

impl SnapshotOrder {
    fn new(folder: &Path, files: &[RepoFile]) -> Self {
        let mut order = SnapshotOrder {
            snapshots: folder.join("snapshots"),
            main: None,
            made: BTreeMap::new(),
            parts: BTreeMap::new(),
        };
        for entry in files.iter().flat_map(|f| &f.entries) {
            if let Some(commit) = order.snapshot_of(entry) {
                order.made.entry(commit).or_insert(0);
            }
        }
        if order.made.len() < 2 {
            return order; // nothing to choose, nothing to look up
        }
        order.main = main_commit(folder).map(OsString::from);
        for (commit, time) in &mut order.made {
            let dir = order.snapshots.join(commit);
            *time = std::fs::symlink_metadata(dir).map_or(i64::MIN, |m| identity_of(&m).mtime_ns);
        }
        for file in files.iter().filter(|f| f.found.fault.is_none()) {
            for (key, no) in file.entries.iter().filter_map(|e| part_key(e)) {
                order.parts.entry(key).or_default().insert(no);
            }
        }
        order
    }

    /// The snapshot whose files carry the plain name; None when there is only one.
    fn current(&self) -> Option<OsString> {
        if self.made.len() < 2 {
            return None;
        }
        let main = self.main.as_ref().filter(|main| self.made.contains_key(*main));
        main.or_else(|| self.made.iter().max_by_key(|(commit, time)| (**time, *commit)).map(|(c, _)| c)).cloned()
    }

    fn snapshot_of(&self, entry: &Path) -> Option<OsString> {
        let mut inside = entry.strip_prefix(&self.snapshots).ok()?.components(); // entries come from there
        let commit = inside.next()?;
        inside.next()?; // a file directly under `snapshots` is in none
        Some(commit.as_os_str().to_owned())
    }

    fn rank(&self, entry: &Path) -> (bool, bool, i64, Option<OsString>) {
        let commit = self.snapshot_of(entry);
        let complete = match part_key(entry) {
            Some((key, _)) => {
                let count = key.1;
                self.parts.get(&key).is_some_and(|seen| seen.len() as u64 == u64::from(count))
            }
            None => true,
        };
        let is_main = commit.is_some() && commit == self.main;
        let made = commit.as_ref().and_then(|c| self.made.get(c)).copied().unwrap_or(i64::MIN);
        (complete, is_main, made, commit)
    }
}

fn part_key(entry: &Path) -> Option<((PathBuf, u32), u32)> {
    let shard = shard_name(entry.file_name()?)?;
    let prefix = entry.parent()?.join(OsString::from(shard.prefix));
    Some(((prefix, shard.count), shard.no))
}

//! The order of the snapshots of one repository, which decides by which of them a blob is named.

use super::hf_refs::Refs;
use crate::inventory::found::Found;
use crate::inventory::shards::shard_name;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Returns the snapshot that an entry is in. None for a file directly under `snapshots`.
pub(super) fn snapshot_of(snapshots: &Path, entry: &Path) -> Option<OsString> {
    let mut inside = entry.strip_prefix(snapshots).ok()?.components(); // every entry is below `snapshots`
    let commit = inside.next()?;
    inside.next()?;
    Some(commit.as_os_str().to_owned())
}

/// The preference among snapshots that have the same blob: for a shard, snapshots with the complete set first, then the
/// one that `refs/main` names, then the newest.
pub(super) struct SnapshotOrder {
    snapshots: PathBuf,
    main: Option<OsString>,
    /// The snapshots with models, and the time when the folder of each last changed (nanoseconds since the epoch).
    made: BTreeMap<OsString, i64>,
    /// The shards found of each set, by folder, prefix and count: two sets may share a prefix.
    parts: BTreeMap<(PathBuf, u32), BTreeSet<u32>>,
}

impl SnapshotOrder {
    pub fn new(snapshots: PathBuf, made: BTreeMap<OsString, i64>, refs: &Refs, files: &[RepoFile]) -> Self {
        let with_models: BTreeSet<OsString> =
            files.iter().flat_map(|f| &f.entries).filter_map(|e| snapshot_of(&snapshots, e)).collect();
        let made = made.into_iter().filter(|(commit, _)| with_models.contains(commit)).collect();
        let main = refs.main().map(OsStr::to_owned);
        let mut order = SnapshotOrder { snapshots, main, made, parts: BTreeMap::new() };
        if order.made.len() < 2 {
            return order; // one snapshot: no choice
        }
        for file in files.iter().filter(|f| f.found.fault.is_none()) {
            for (key, no) in file.entries.iter().filter_map(|e| part_key(e)) {
                order.parts.entry(key).or_default().insert(no);
            }
        }
        order
    }

    /// Returns the snapshot whose files have the plain name. None when there is only one snapshot with models.
    pub fn current(&self) -> Option<OsString> {
        if self.made.len() < 2 {
            return None;
        }
        let main = self.main.as_ref().filter(|main| self.made.contains_key(*main));
        main.or_else(|| self.made.iter().max_by_key(|(commit, time)| (**time, *commit)).map(|(c, _)| c)).cloned()
    }

    pub fn rank(&self, entry: &Path) -> (bool, bool, i64, Option<OsString>) {
        let commit = snapshot_of(&self.snapshots, entry);
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

/// One file of the repository with all its entries.
pub(super) struct RepoFile {
    pub found: Found,
    pub entries: Vec<PathBuf>,
}

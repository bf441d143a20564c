//! What fills a disk: the largest files below a folder, and the folder with the most entries.

use crate::clock;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use walkdir::WalkDir;

/// Entries that are looked at, and the time for it.
const MOST_ENTRIES: usize = 20_000;
const LIMIT: Duration = Duration::from_secs(1);
/// Files that are named.
const LARGEST: usize = 5;

#[derive(Debug, Default)]
pub(super) struct Found {
    /// Path, and bytes on the disk.
    pub largest: Vec<(PathBuf, u64)>,
    /// Path, and entries.
    pub crowded: Option<(PathBuf, u64)>,
}

/// Walks below `folder` on its file system, as far as the limits allow. Links are not followed.
pub(super) fn walk(folder: &Path) -> Found {
    let end = clock::instant().checked_add(LIMIT);
    let mut files = Vec::new();
    let mut entries: HashMap<PathBuf, u64> = HashMap::new();
    // Folders that may not be entered hide what is in them.
    for entry in WalkDir::new(folder).same_file_system(true).min_depth(1).into_iter().flatten().take(MOST_ENTRIES) {
        if end.is_some_and(|end| clock::instant() >= end) {
            break;
        }
        if let Some(parent) = entry.path().parent() {
            let count = entries.entry(parent.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
        if entry.file_type().is_file() {
            // It is gone again.
            let Ok(meta) = entry.metadata() else { continue };
            files.push((entry.into_path(), meta.blocks().saturating_mul(512)));
            if files.len() >= 1000 {
                files = top(files);
            }
        }
    }
    Found { largest: top(files), crowded: entries.into_iter().max_by_key(|(_, count)| *count) }
}

/// Returns the largest files, each once.
pub(super) fn top(files: impl IntoIterator<Item = (PathBuf, u64)>) -> Vec<(PathBuf, u64)> {
    let mut all: Vec<(PathBuf, u64)> = files.into_iter().collect();
    all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.dedup();
    all.truncate(LARGEST);
    all
}

//! What fills a disk: the largest files below a folder, and the folder with the most entries.

use crate::clock;
use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// Walks below `folder`, a real path, as far as the limits allow. Enters no mount and does not follow links: a query of a
/// mount point whose server is gone never returns, so mounts are recognized by their paths.
pub(super) fn walk(folder: &Path, mounts: &HashSet<PathBuf>) -> Found {
    let end = clock::instant().checked_add(LIMIT);
    let (mut files, mut seen) = (Vec::new(), 0usize);
    let mut crowded: Option<(PathBuf, u64)> = None;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // Folders that may not be entered hide what is in them.
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut count = 0u64;
        for entry in entries.flatten() {
            if seen >= MOST_ENTRIES || end.is_some_and(|end| clock::instant() >= end) {
                folders.clear();
                break;
            }
            (seen, count) = (seen.saturating_add(1), count.saturating_add(1));
            let path = entry.path();
            if mounts.contains(&path) {
                continue;
            }
            // It is gone again.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                // As above.
                let Ok(meta) = entry.metadata() else { continue };
                files.push((path, meta.blocks().saturating_mul(512)));
                if files.len() >= 1000 {
                    files = top(files);
                }
            }
        }
        if count > crowded.as_ref().map_or(0, |(_, most)| *most) {
            crowded = Some((folder, count));
        }
    }
    Found { largest: top(files), crowded }
}

/// Returns the largest files, each once.
pub(super) fn top(files: impl IntoIterator<Item = (PathBuf, u64)>) -> Vec<(PathBuf, u64)> {
    let mut all: Vec<(PathBuf, u64)> = files.into_iter().collect();
    all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.dedup();
    all.truncate(LARGEST);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full disk would be said to hang because a mount below it does.
    #[test]
    fn a_mount_is_not_entered() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, vec![7; 8192]).unwrap();
            path
        };
        let (inside, deep) = (write("a/inside"), write("a/b/deep"));
        write("mnt/dead");
        write("mnt/b/dead");
        let mounts = HashSet::from([dir.path().join("mnt")]);
        let found = walk(dir.path(), &mounts);
        let paths: HashSet<PathBuf> = found.largest.into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, HashSet::from([inside, deep]));
        assert_eq!(found.crowded.map(|(_, entries)| entries), Some(2));
        assert_eq!(walk(dir.path(), &HashSet::new()).largest.len(), 4);
    }
}

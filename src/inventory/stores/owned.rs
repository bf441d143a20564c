//! Stores whose models are loose files of a folder: the files that the walk found for one of them, and the other files
//! in it.

use super::{Enter, enter};
use crate::inventory::collector::StoreCollector;
use crate::inventory::found::Found;
use crate::inventory::inode::vanished;
use crate::inventory::paths::gguf_stem;
use crate::inventory::unfinished::Unfinished;
use crate::inventory::walk::once_each;
use crate::model::StoreKind;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::Path;
use walkdir::WalkDir;

/// Takes the files of `store` at `root` out of the collector, each inode once, sorted by path.
pub(super) fn take(store: StoreKind, root: &Path, collector: &mut StoreCollector<'_>) -> Vec<Found> {
    let (own, others) =
        std::mem::take(&mut collector.found).into_iter().partition(|f| f.store == store && *f.root == *root);
    collector.found = others;
    once_each(own)
}

/// Visits every regular file under `root` that the walk took neither for a model nor for the beginning of one. Folders
/// of other stores are left out.
pub(super) fn beside(
    root: &Path,
    collector: &mut StoreCollector<'_>,
    see: &mut dyn FnMut(&Path, &Metadata, &mut StoreCollector<'_>),
) -> anyhow::Result<()> {
    let inner: Vec<_> = collector.owners.iter().map(|(at, _)| at.clone()).filter(|at| **at != *root).collect();
    let mut entries = WalkDir::new(root).max_open(64).into_iter();
    while let Some(entry) = entries.next() {
        collector.progress.entry()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                collector.walk_error(&e);
                continue;
            }
        };
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().is_dir() {
            let is_other = entry.depth() > 0
                && (inner.iter().any(|at| **at == *path) || !matches!(enter(path, name, None), Enter::Walk));
            if is_other {
                entries.skip_current_dir();
            }
        } else if entry.file_type().is_file() && gguf_stem(name).is_none() && Unfinished::of(name).is_none() {
            match entry.metadata() {
                Ok(meta) => see(path, &meta, collector),
                Err(e) => collector.walk_error(&e),
            }
        }
    }
    Ok(())
}

/// Returns the metadata of the entry itself. None when it has vanished, or when its stat fails, which is reported.
pub(super) fn entry_of(path: &Path, collector: &mut StoreCollector<'_>) -> Option<Metadata> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) => Some(meta),
        Err(e) => {
            if !vanished(&e) {
                collector.cannot_read(path, &e);
            }
            None
        }
    }
}

/// Returns whether a file is a projector by the name that publishers give it.
pub(super) fn names_projector(file: &OsStr) -> bool {
    file.to_string_lossy().to_lowercase().contains("mmproj")
}

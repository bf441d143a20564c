//! Stores whose models are loose files of a folder: what the walk found for one of them, and what lies beside it.

use super::{Enter, enter};
use crate::inventory::found::{Found, Intake, gguf_stem, vanished};
use crate::inventory::walk::once_each;
use crate::model::StoreKind;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::Path;
use walkdir::WalkDir;

/// Takes the files of `store` at `root` out of the intake, each inode once, in the order of their paths.
pub(super) fn take(store: StoreKind, root: &Path, intake: &mut Intake<'_>) -> Vec<Found> {
    let (own, others) =
        std::mem::take(&mut intake.found).into_iter().partition(|f| f.store == store && *f.root == *root);
    intake.found = others;
    once_each(own)
}

/// Every regular file under `root` that the walk did not take in as a model or as the beginning of one. Folders of
/// other stores are left out.
pub(super) fn beside(
    root: &Path,
    intake: &mut Intake<'_>,
    see: &mut dyn FnMut(&Path, &Metadata, &mut Intake<'_>),
) -> anyhow::Result<()> {
    let inner: Vec<_> = intake.owners.iter().map(|(at, _)| at.clone()).filter(|at| **at != *root).collect();
    let mut entries = WalkDir::new(root).max_open(64).into_iter();
    while let Some(entry) = entries.next() {
        intake.pulse.entry()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                intake.walk_error(&e);
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
        } else if entry.file_type().is_file() && gguf_stem(name).is_none() && !super::dir::is_loose_partial(name) {
            match entry.metadata() {
                Ok(meta) => see(path, &meta, intake),
                Err(e) => intake.walk_error(&e),
            }
        }
    }
    Ok(())
}

/// What is at the entry itself; None when it has gone since, or cannot be looked at, which is then told.
pub(super) fn entry_of(path: &Path, intake: &mut Intake<'_>) -> Option<Metadata> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) => Some(meta),
        Err(e) => {
            if !vanished(&e) {
                intake.cannot_read(path, &e);
            }
            None
        }
    }
}

/// A projector by its name, as its publishers give it.
pub(super) fn names_projector(file: &OsStr) -> bool {
    file.to_string_lossy().to_lowercase().contains("mmproj")
}

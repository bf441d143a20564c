//! The stores: where each keeps its files and by which rules they are read.

mod dir;
mod hf;
mod hf_repo;

use crate::inventory::found::Intake;
use crate::model::StoreKind;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use dir::{looked_at, loose};

/// What to do with a folder that a walk comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enter {
    /// Nobody's: look inside.
    Walk,
    /// A store's own bookkeeping, without models.
    Leave,
    /// A store's: read it by the rules of that store.
    Hand(StoreKind),
}

/// Decides by name first: this runs for each folder of a tree.
pub(crate) fn enter(folder: &Path, name: &OsStr) -> Enter {
    if hf::is_repo(folder, name) {
        Enter::Hand(StoreKind::Hf)
    } else if hf::is_bookkeeping(folder, name) {
        Enter::Leave
    } else {
        Enter::Walk
    }
}

/// Reads a folder that [`enter`] gave to `store`.
pub(crate) fn read(store: StoreKind, folder: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    match store {
        StoreKind::Hf => hf_repo::read(folder, intake),
        StoreKind::Dir => unclaimed(folder, intake),
    }
}

/// A store without folders of its own is never handed one; its files come to [`loose`] one by one.
fn unclaimed(folder: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    intake.skip(folder, "no store reads this folder");
    Ok(())
}

/// The folder that must be read as a whole when `path` lies in it: a repository of a Hugging Face cache cannot be
/// understood from one of its snapshots alone.
pub(crate) fn enclosing(path: &Path) -> Option<PathBuf> {
    path.ancestors().filter(|p| p.file_name().is_some_and(|n| hf::is_repo(p, n))).last().map(Path::to_owned)
}

/// The repository that `path` was in, told from the path alone.
pub(crate) fn repository_of(path: &Path) -> Option<&Path> {
    hf::repository_of(path)
}

/// The store that a root is, by looking at its top level. A plain folder when nothing says otherwise.
pub fn detect(path: &Path) -> StoreKind {
    if hf::is_cache(path) { StoreKind::Hf } else { StoreKind::Dir }
}

/// The root that files of `store` in `folder` belong to, when the region's own root is not it.
pub(crate) fn store_root(store: StoreKind, folder: &Path) -> Option<Arc<Path>> {
    match store {
        StoreKind::Hf => folder.parent().map(Arc::from),
        StoreKind::Dir => None,
    }
}

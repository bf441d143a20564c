//! The layout of Ollama's store, as its servers of all ages write it:
//!
//! ```text
//! <root>/manifests/<host>/<namespace>/<model>/<tag>     JSON; the host may end in `:port`
//! <root>/manifests-v2/<host>/<namespace>/<model>/<tag>  newer: a link to the blob that is the manifest, or a copy of it
//! <root>/blobs/sha256-<64 hex>                          `sha256:<hex>` by old versions
//! <root>/blobs/sha256-<hex>-partial                     sparse, of its full size from the start
//! <root>/blobs/sha256-<hex>-partial-<n>                 JSON: how far part n is
//! <root>/blobs/sha256-<hex>.tmp, sha256-<digits>        being written
//! ```

use super::ollama_blobs::Blobs;
use super::ollama_manifests::Manifests;
use crate::inventory::found::{Intake, Kept};
use crate::model::StoreKind;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use walkdir::WalkDir;

/// Where manifests are, the newer first: for one name it is the newer one that the server goes by.
pub(super) const MANIFESTS: [&str; 2] = ["manifests-v2", "manifests"];
pub(super) const BLOBS: &str = "blobs";
/// `<host>/<namespace>/<model>/<tag>`.
pub(super) const DEPTH: usize = 4;

/// What a folder is by its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Store,
    /// The folders of a store without anything in them.
    Empty,
    /// The folders of a store, with something else in them.
    Strange,
    /// Not the folders of a store.
    No,
}

/// Looks at a few entries only: this runs for each folder named `blobs` or `manifests`.
pub(super) fn layout(root: &Path) -> Layout {
    let blobs = root.join(BLOBS);
    let manifests: Vec<_> = MANIFESTS.iter().map(|m| root.join(m)).filter(|m| is_folder(m)).collect();
    if !is_folder(&blobs) {
        // A store whose blobs are elsewhere is none that could be judged, and must not pass in silence.
        let is_cut = blobs.is_symlink() && manifests.iter().any(|m| holds_tags(m) == Layout::Store);
        return if is_cut { Layout::Strange } else { Layout::No };
    }
    if manifests.is_empty() {
        return Layout::No;
    }
    let named = manifests.iter().fold(Layout::Empty, |so_far, m| match (so_far, holds_tags(m)) {
        (Layout::Store, _) | (_, Layout::Store) => Layout::Store,
        (Layout::Strange, _) | (_, Layout::Strange) => Layout::Strange,
        _ => Layout::Empty,
    });
    match (named, holds_blobs(&blobs)) {
        (Layout::Empty, Layout::Empty) => Layout::Empty,
        (Layout::Strange, _) | (_, Layout::Strange) => Layout::Strange,
        _ => Layout::Store,
    }
}

/// A folder itself: a link to one leads to bytes that are somebody else's.
fn is_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|m| m.is_dir())
}

fn holds_blobs(blobs: &Path) -> Layout {
    const LOOKS: usize = 256;
    // What cannot be listed tells nothing against it; reading it will say why it cannot.
    let Ok(entries) = std::fs::read_dir(blobs) else { return Layout::Store };
    let mut layout = Layout::Empty;
    for entry in entries.flatten().take(LOOKS) {
        let name = entry.file_name();
        if name.as_bytes().starts_with(b"sha256-") || name.as_bytes().starts_with(b"sha256:") {
            return Layout::Store;
        }
        if !name.as_bytes().starts_with(b".") {
            layout = Layout::Strange;
        }
    }
    layout
}

fn holds_tags(manifests: &Path) -> Layout {
    const LOOKS: usize = 4_096;
    let mut layout = Layout::Empty;
    for entry in WalkDir::new(manifests).min_depth(1).max_depth(DEPTH).max_open(8).into_iter().take(LOOKS) {
        let Ok(entry) = entry else { return Layout::Store }; // as with the blobs
        if entry.file_type().is_dir() || entry.file_name().as_bytes().starts_with(b".") {
            continue;
        }
        if entry.depth() == DEPTH {
            return Layout::Store;
        }
        layout = Layout::Strange;
    }
    layout
}

pub(super) fn is_store(root: &Path) -> bool {
    layout(root) == Layout::Store
}

/// The name of a folder of the store that is read with it.
pub(super) fn is_part(name: &OsStr) -> bool {
    name == BLOBS || MANIFESTS.iter().any(|m| name == *m)
}

/// Reads a whole store.
pub(super) fn read(root: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let shared: Arc<Path> = Arc::from(root);
    let kept = Kept { store: StoreKind::Ollama, root, owner: None };
    let blobs = Blobs::look(root.join(BLOBS), kept, intake)?;
    let manifests = Manifests::read(root, &blobs, intake)?;
    manifests.keep(kept, &blobs, intake);
    blobs.keep(&shared, &manifests, intake);
    Ok(())
}

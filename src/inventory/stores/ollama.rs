//! The layout of Ollama's store, as old and new servers write it:
//!
//! ```text
//! <root>/manifests/<host>/<namespace>/<model>/<tag>     JSON; the host may end in `:port`
//! <root>/manifests-v2/<host>/<namespace>/<model>/<tag>  newer: a link to the manifest's blob, or a copy of it
//! <root>/blobs/sha256-<64 hex>                          `sha256:<hex>` by old versions
//! <root>/blobs/sha256-<hex>-partial                     sparse, of its full size from the start
//! <root>/blobs/sha256-<hex>-partial-<n>                 JSON: how far part n is
//! <root>/blobs/sha256-<hex>.tmp, sha256-<digits>        being written
//! ```

use super::ollama_blobs::Blobs;
use super::ollama_manifests::{DEPTH, MANIFESTS, Manifests};
use crate::inventory::collector::StoreCollector;
use crate::inventory::inode::vanished;
use crate::inventory::kept::Kept;
use crate::model::StoreKind;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use walkdir::WalkDir;

pub(super) const BLOBS: &str = "blobs";

/// The layout of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Store,
    /// The folders of a store, empty.
    Empty,
    /// The folders of a store, with other content.
    Strange,
    /// Not the folders of a store.
    No,
}

/// Returns the layout of a folder. Reads a few entries only, because this runs for each folder named `blobs` or
/// `manifests`.
pub(super) fn layout(root: &Path) -> Layout {
    let blobs = root.join(BLOBS);
    let manifests: Vec<_> = MANIFESTS.iter().map(|m| root.join(m)).filter(|m| is_folder(m)).collect();
    if !is_folder(&blobs) {
        // The blobs of this store lead nowhere. It cannot be classified, but must be reported.
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

/// Returns whether a path is a folder or a link to one: the server enters both.
fn is_folder(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.is_dir())
}

fn holds_blobs(blobs: &Path) -> Layout {
    const LOOKS: usize = 256;
    // An unreadable folder may be one of blobs; the error is reported when it is read.
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
    let entries = WalkDir::new(manifests).follow_links(true).min_depth(1).max_depth(DEPTH).max_open(8);
    for entry in entries.into_iter().take(LOOKS) {
        let entry = match entry {
            Ok(entry) => entry,
            // A link that leads back or nowhere proves nothing.
            Err(e) if e.loop_ancestor().is_some() || e.io_error().is_some_and(vanished) => continue,
            Err(_) => return Layout::Store, // as for the blobs
        };
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

/// Returns whether a folder of this name is part of a store and is read with it.
pub(super) fn is_part(name: &OsStr) -> bool {
    name == BLOBS || MANIFESTS.iter().any(|m| name == *m)
}

/// Reads a whole store.
pub(super) fn read(root: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let shared: Arc<Path> = Arc::from(root);
    let kept = Kept { store: StoreKind::Ollama, root, owner: None };
    let blobs = Blobs::look(root.join(BLOBS), kept, collector)?;
    let manifests = Manifests::read(root, &blobs, collector)?;
    manifests.keep(kept, &blobs, collector);
    blobs.keep(&shared, manifests.needed(), collector);
    Ok(())
}

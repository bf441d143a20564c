//! The layout of Docker Model Runner's store, version 1:
//!
//! ```text
//! <root>/layout.json                          which version this is
//! <root>/models.json                          the models: id (digest of the manifest), tags, blobs
//! <root>/manifests/sha256/<hex>
//! <root>/blobs/sha256/<hex>                   also sha512; <hex>.incomplete while it is downloaded
//! <root>/bundles/sha256/<hex of the manifest> hard links to blobs and what was unpacked from them, for the runtime
//! ```

use super::docker_blobs::Blobs;
use super::docker_held::Held;
use super::oci::{Algorithm, read_json};
use crate::inventory::collector::StoreCollector;
use crate::inventory::kept::Kept;
use crate::model::{Class, StoreKind};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PARTS: [&str; 3] = ["blobs", "bundles", "manifests"];
const MOST_LAYOUT: u64 = 64 << 10;

/// The layout of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Store,
    /// A store of another version.
    Other,
    No,
}

/// Returns the layout by the marker that Docker itself uses.
pub(super) fn layout(root: &Path) -> Layout {
    // Docker follows links to folders; it replaces its own files with new ones.
    let is = |path: PathBuf, right: fn(&Metadata) -> bool| std::fs::metadata(path).is_ok_and(|m| right(&m));
    let marker = root.join("layout.json");
    if !is(marker.clone(), Metadata::is_file) {
        return Layout::No;
    }
    let has_digests = ["blobs", "manifests"]
        .iter()
        .any(|part| Algorithm::ALL.iter().any(|a| is(root.join(part).join(a.name()), Metadata::is_dir)));
    if !has_digests && !is(root.join("models.json"), Metadata::is_file) {
        return Layout::No;
    }
    // Other programs have files of that name, too.
    let Ok(about) = read_json::<serde_json::Value>(&marker, MOST_LAYOUT) else { return Layout::No };
    let version = ["layoutVersion", "version"].iter().find_map(|key| about.get(key)).and_then(|v| v.as_str());
    match version {
        Some(version) if version.starts_with("1.") => Layout::Store,
        Some(_) => Layout::Other,
        None => Layout::No,
    }
}

pub(super) fn is_store(root: &Path) -> bool {
    layout(root) == Layout::Store
}

/// Returns whether a folder of this name is part of a store and is read with it.
pub(super) fn is_part(name: &OsStr) -> bool {
    PARTS.iter().any(|p| name == *p)
}

/// Reads a whole store.
pub(super) fn read(root: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let kept = Kept { store: StoreKind::Docker, root, owner: None };
    let shared: Arc<Path> = Arc::from(root);
    let blobs = Blobs::look(root, kept, collector)?;
    let mut held = Held::default();
    held.index(root, kept, collector);
    held.manifests(root, kept, collector)?;
    held.listed_without_manifest(root, kept, &|digest| blobs.has(digest), collector);
    held.images.sort_by(|a, b| (&a.name, &a.manifest).cmp(&(&b.name, &b.manifest)));
    if !held.sum.is_empty() {
        let why = "the list of models and their manifests";
        collector.holdings.push(kept.sum(root, held.sum, Class::SideCache, why));
    }
    blobs.keep(&shared, &held, collector)
}

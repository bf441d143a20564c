//! The layout of RamaLama's store:
//!
//! ```text
//! <root>/store/<source>/<path…>/<model>/refs/<tag>.json           see ramalama_ref
//! <root>/store/<source>/<path…>/<model>/blobs/sha256-<64 hex>     not always a hash of the content
//! <root>/store/<source>/<path…>/<model>/blobs/<name>.partial
//! <root>/store/<source>/<path…>/<model>/snapshots/<hash>/<path>   a hard link to the blob, or a link, or a copy
//! ```
//!
//! These blobs have the hash of a name instead of the content: every blob of a model from an address or a file; of a
//! model from a hub, templates and the further shards of a split set.

use super::files::sum_of;
use super::oci::with_latest;
use super::ramalama_model::{self, Model};
use super::ramalama_ref;
use crate::inventory::collector::StoreCollector;
use crate::inventory::kept::{Kept, Sum};
use crate::model::{Class, ModelRow, StoreKind, is_trash};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::WalkDir;

/// The transports that keep their downloads in the store.
const SOURCES: [&str; 12] =
    ["huggingface", "hf", "ollama", "oci", "docker", "modelscope", "ms", "rlcr", "file", "http", "https", "url"];

/// Returns whether a folder `store` has at least one model in the layout above. Few folders have that name and a source
/// in them, so the search inside is rare.
pub(super) fn is_store(folder: &Path) -> bool {
    const MOST_ENTRIES: usize = 2_000;
    let sources = SOURCES.iter().map(|s| folder.join(s)).filter(|s| is_own_folder(s));
    sources.flat_map(|s| WalkDir::new(s).min_depth(1).max_depth(24)).take(MOST_ENTRIES).any(|entry| {
        // An unreadable folder counts as no model; the walk reports the reason.
        entry.is_ok_and(|e| e.file_type().is_dir() && is_model(e.path()))
    })
}

/// Returns the root of the store that `path` is in.
pub(super) fn enclosing(path: &Path) -> Option<&Path> {
    let store = path.ancestors().filter(|p| p.file_name().is_some_and(|n| n == "store")).find(|p| is_store(p));
    store.and_then(Path::parent)
}

/// Returns the folder of the model that a snapshot entry belongs to, from the path alone. Cheap for every other path.
pub(super) fn repository_of(path: &Path) -> Option<&Path> {
    const STORE: &[u8] = b"/store/";
    const SNAPSHOTS: &[u8] = b"/snapshots/";
    let bytes = path.as_os_str().as_bytes();
    let find = |what: &[u8], from: usize| -> Option<usize> {
        from.checked_add(bytes.get(from..)?.windows(what.len()).position(|w| w == what)?)
    };
    find(SNAPSHOTS, 0)?;
    let mut from = 0;
    let start = loop {
        let at = find(STORE, from)?;
        let inside = at.checked_add(STORE.len())?;
        let after = bytes.get(inside..).unwrap_or_default();
        let source = after.split(|b| *b == b'/').next().unwrap_or_default();
        if SOURCES.iter().any(|s| s.as_bytes() == source) {
            break inside;
        }
        // Its last slash may be the first of the next.
        from = inside.checked_sub(1)?;
    };
    // A path that was imported by its name may contain a folder `snapshots` of its own.
    let end = find(b"/snapshots/sha256-", start).or_else(|| {
        let rest = bytes.get(start..)?;
        start.checked_add(rest.windows(SNAPSHOTS.len()).rposition(|w| w == SNAPSHOTS)?)
    })?;
    Some(Path::new(OsStr::from_bytes(bytes.get(..end)?)))
}

fn is_own_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|m| m.is_dir())
}

/// Returns whether a folder has two of the three folders that RamaLama creates together: one alone may be part of any
/// path.
pub(super) fn is_model(folder: &Path) -> bool {
    ["refs", "snapshots", "blobs"].iter().filter(|part| is_own_folder(&folder.join(part))).count() >= 2
}

/// Reads the whole store of `root`.
pub(super) fn read(root: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let store = root.join("store");
    let root: Arc<Path> = Arc::from(root);
    let kept = Kept { store: StoreKind::RamaLama, root: &root, owner: None };
    let mut seen = HashSet::new();
    let mut unknown = Sum::default();
    let mut entries = WalkDir::new(&store).max_open(64).into_iter();
    while let Some(entry) = entries.next() {
        collector.progress.entry()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                collector.walk_error(&e);
                continue;
            }
        };
        let path = entry.path();
        if entry.file_type().is_dir() {
            if is_trash(entry.file_name()) {
                entries.skip_current_dir();
            } else if entry.depth() == 1 && entry.file_name().as_bytes().starts_with(b"tmp_hfcli_") {
                entries.skip_current_dir();
                let sum = sum_of(path, collector)?;
                if !sum.is_empty() {
                    let why = "leftovers of a download by the hub's own program";
                    collector.holdings.push(kept.sum(path, sum, Class::Partial, why));
                }
            } else if entry.depth() >= 2 && is_model(path) {
                entries.skip_current_dir();
                let (source, name) = named(&store, path);
                ramalama_model::read(Model { root: &root, folder: path, source, name, seen: &mut seen }, collector)?;
            }
        } else if entry.file_type().is_file() {
            match entry.metadata() {
                Ok(meta) => unknown.add(&meta),
                Err(e) => collector.walk_error(&e),
            }
        }
    }
    if !unknown.is_empty() {
        let why = "files that belong to no model of the store, of unknown use";
        collector.holdings.push(kept.sum(&store, unknown, Class::Referenced, why));
    }
    Ok(())
}

/// Returns the source of a model and its name in `ramalama ls`, without its tag.
fn named(store: &Path, folder: &Path) -> (String, String) {
    let inside = folder.strip_prefix(store).unwrap_or(folder);
    let mut parts = inside.components();
    let source = parts.next().map(|p| p.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
    let rest: PathBuf = parts.collect();
    let name = match source.as_str() {
        "huggingface" => format!("hf://{}", rest.display()),
        "file" => format!("file:///{}", rest.display()),
        other => format!("{other}://{}", rest.display()),
    };
    (source, name)
}

/// Returns the other tags of a model's snapshot, if the model has the name of its tag.
pub(super) fn tags(row: &ModelRow) -> Vec<String> {
    let Some(folder) = repository_of(&row.path) else { return Vec::new() };
    let (_, name) = named(&row.root.join("store"), folder);
    let inside = row.path.strip_prefix(folder.join("snapshots")).ok().and_then(|inside| inside.iter().next());
    let Some(snapshot) = inside.and_then(OsStr::to_str).filter(|_| is_tagged(&row.name, &name)) else {
        return Vec::new();
    };
    // A reference that cannot be read adds no name, and prevents any removal from the model.
    let refs = WalkDir::new(folder.join("refs")).min_depth(1).into_iter().flatten();
    let read = refs.filter(|entry| entry.file_type().is_file()).flat_map(|entry| ramalama_ref::read(entry.path()));
    let tags = read.filter(|reference| reference.snapshot == snapshot).map(|reference| reference.tag);
    tags.flat_map(|tag| with_latest(&format!("{name}:{tag}"))).collect()
}

/// Returns whether a row has the name of a model's tag, and not that of a file.
fn is_tagged(name: &str, model: &str) -> bool {
    name.strip_prefix(model).is_some_and(|tag| tag.is_empty() || tag.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_model_is_told_from_a_path_alone() {
        let of = |path: &str| repository_of(Path::new(path)).and_then(Path::to_str).map(str::to_owned);
        let hf = "/h/ramalama/store/huggingface/org/r-GGUF/r.gguf";
        assert_eq!(of(&format!("{hf}/snapshots/sha256-ab/r.gguf")).as_deref(), Some(hf));
        assert_eq!(of(&format!("{hf}/snapshots/0a0b/sub/r.gguf")).as_deref(), Some(hf));
        let imported = "/h/store/x/store/file/cache/models--a--b/snapshots/0a/x.gguf";
        assert_eq!(of(&format!("{imported}/snapshots/sha256-ab/x.gguf")).as_deref(), Some(imported));
        for other in ["/h/store/x/snapshots/a/b", "/h/snapshots/store/ollama/x", "/store/ollama/x", "", "/store/"] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn models_are_called_what_their_owner_calls_them() {
        let name = |inside: &str| named(Path::new("/s"), &Path::new("/s").join(inside)).1;
        assert_eq!(name("huggingface/org/r/x.gguf"), "hf://org/r/x.gguf");
        assert_eq!(name("ollama/library/smollm"), "ollama://library/smollm");
        assert_eq!(name("file/home/u/x.gguf"), "file:///home/u/x.gguf");
    }
}

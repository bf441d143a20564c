//! Metadata that `hf download --local-dir` keeps next to the files that it wrote into a plain folder:
//!
//! ```text
//! <folder>/.cache/huggingface/download/<path>.metadata   three lines: commit, etag, download time (Unix seconds)
//! <folder>/.cache/huggingface/download/<path>.lock
//! <folder>/.cache/huggingface/download/<…>.incomplete
//! ```
//!
//! The etag of a large file is the sha256 of its content: a promise that the file can be checked against offline.

use super::files::each_file;
use super::hf::{open_quietly, promised_sha256};
use crate::inventory::collector::StoreCollector;
use crate::inventory::found::Promise;
use crate::inventory::kept::{Kept, Sum};
use crate::inventory::paths::is_partial;
use crate::model::Class;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The largest size of a metadata file in bytes: three lines of 40, 64 and some 20 characters.
const MOST_BYTES: u64 = 1_024;

/// Returns whether a folder is `…/.cache/huggingface/download`.
pub(super) fn is_metadata(folder: &Path) -> bool {
    let mut up = folder.ancestors().filter_map(Path::file_name);
    up.next() == Some(OsStr::new("download"))
        && up.next() == Some(OsStr::new("huggingface"))
        && up.next() == Some(OsStr::new(".cache"))
}

pub(super) fn read(folder: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let Some(base) = folder.ancestors().nth(3).map(Path::to_owned) else { return Ok(()) };
    let Some((root, store)) = collector.owner(folder).cloned() else { return Ok(()) };
    let kept = Kept { store, root: &root, owner: None };
    let mut beside = Sum::default();
    each_file(folder, collector, &mut |file, collector| {
        if is_partial(file.name) {
            let why = "an unfinished download into the folder above";
            collector.holdings.push(kept.file(file.path, file.look, Class::Partial, why));
            return;
        }
        beside.add(file.look);
        let promise = described(folder, file.path).and_then(|inside| Some((base.join(inside), promise(file.path)?)));
        collector.promises.extend(promise);
    })?;
    if !beside.is_empty() {
        let why = "metadata of `hf download --local-dir` about the folder above";
        collector.holdings.push(kept.sum(folder, beside, Class::SideCache, why));
    }
    Ok(())
}

/// Returns the path, below the folder, of the file that a metadata file describes.
fn described(folder: &Path, metadata: &Path) -> Option<PathBuf> {
    let inside = metadata.strip_prefix(folder).ok()?; // the file was found below it
    let name = inside.file_name()?.as_bytes().strip_suffix(b".metadata")?;
    Some(inside.with_file_name(OsStr::from_bytes(name)))
}

/// Returns the promise of a metadata file. None for a small file, which has a git hash, and for other files.
fn promise(path: &Path) -> Option<Promise> {
    let mut text = String::new();
    // An unreadable file promises nothing, and nothing else depends on it.
    open_quietly(path)?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    let mut lines = text.lines().skip(1);
    let sha256 = promised_sha256(OsStr::new(lines.next()?.trim()))?;
    let seconds: f64 = lines.next()?.trim().parse().ok()?; // no number, no promise
    // huggingface_hub takes a file that is more than a second newer for another one. The cast saturates.
    let written_by_ns = ((seconds + 1.0) * 1e9) as i64;
    Some(Promise { sha256, written_by_ns })
}

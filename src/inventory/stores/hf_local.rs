//! What `hf download --local-dir` keeps beside the files it wrote into a plain folder:
//!
//! ```text
//! <folder>/.cache/huggingface/download/<path>.metadata   three lines: commit, etag, time of the download (Unix seconds)
//! <folder>/.cache/huggingface/download/<path>.lock
//! <folder>/.cache/huggingface/download/<…>.incomplete
//! ```
//!
//! The etag of a large file is the sha256 of its content: a promise that can be held against the file offline.

use super::folder::each_file;
use super::hf::{open_quietly, promised_sha256};
use crate::inventory::found::{Intake, Kept, Promise, Sum, is_partial};
use crate::model::Class;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Three lines of 40, 64 and some 20 characters.
const MOST_BYTES: u64 = 1_024;

/// `…/.cache/huggingface/download`.
pub(super) fn is_metadata(folder: &Path) -> bool {
    let mut up = folder.ancestors().filter_map(Path::file_name);
    up.next() == Some(OsStr::new("download"))
        && up.next() == Some(OsStr::new("huggingface"))
        && up.next() == Some(OsStr::new(".cache"))
}

pub(super) fn read(folder: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let Some(base) = folder.ancestors().nth(3).map(Path::to_owned) else { return Ok(()) };
    let Some((root, store)) = intake.owner(folder).cloned() else { return Ok(()) };
    let kept = Kept { store, root: &root, owner: None };
    let mut beside = Sum::default();
    each_file(folder, intake, &mut |file, intake| {
        if is_partial(file.name) {
            let why = "a download into the folder above that was not finished";
            intake.holdings.push(kept.file(file.path, file.look, Class::Partial, why));
            return;
        }
        beside.add(file.look);
        let promise = described(folder, file.path).and_then(|inside| Some((base.join(inside), promise(file.path)?)));
        intake.promises.extend(promise);
    })?;
    if !beside.is_empty() {
        let why = "what `hf download --local-dir` remembers of the files in the folder above";
        intake.holdings.push(kept.sum(folder, beside, Class::SideCache, why));
    }
    Ok(())
}

/// The path below the folder of the file that a metadata file is about.
fn described(folder: &Path, metadata: &Path) -> Option<PathBuf> {
    let inside = metadata.strip_prefix(folder).ok()?; // it was found under there
    let name = inside.file_name()?.as_bytes().strip_suffix(b".metadata")?;
    Some(inside.with_file_name(OsStr::from_bytes(name)))
}

/// What a metadata file promises; None for a small file, which has a git hash, and for what is no metadata.
fn promise(path: &Path) -> Option<Promise> {
    let mut text = String::new();
    // Without it there is no promise, and nothing else depends on it.
    open_quietly(path)?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    let mut lines = text.lines().skip(1);
    let sha256 = promised_sha256(OsStr::new(lines.next()?.trim()))?;
    let seconds: f64 = lines.next()?.trim().parse().ok()?; // no number, no promise
    // huggingface_hub takes a file that is more than a second newer for another one. The cast saturates.
    let written_by_ns = ((seconds + 1.0) * 1e9) as i64;
    Some(Promise { sha256, written_by_ns })
}

//! What is beside a file, and what a missing one may have been meant to be.

use super::walk::outside;
use std::ffi::OsStr;
use std::path::Path;

/// Entries of a folder that are looked at.
const ENTRIES: usize = 10_000;
/// Names that are offered for a missing one.
const NAMES: usize = 3;
/// Likeness from which on a name is offered, from 0 to 1.
const LIKE: f64 = 0.55;
/// Neighbours that are named.
const NEIGHBOURS: usize = 20;

/// Returns up to three names of a folder that are like `name`, the most similar first. Empty where it cannot be read.
pub fn similar(root: &Path, folder: &Path, name: &OsStr) -> Vec<String> {
    let wanted = name.to_string_lossy().to_lowercase();
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase());
    let mut found: Vec<(f64, String)> =
        names(root, folder).into_iter().map(|name| (likeness(&name), name)).filter(|(like, _)| *like >= LIKE).collect();
    found.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.cmp(y)));
    found.into_iter().take(NAMES).map(|(_, name)| name).collect()
}

/// Returns the other files of a folder whose names end in `.gguf`, with their sizes, by name.
pub fn neighbours(root: &Path, folder: &Path, but: Option<&OsStr>) -> Vec<(String, u64)> {
    let is_model = |name: &String| name.to_lowercase().ends_with(".gguf") && but.is_none_or(|but| but != name.as_str());
    let mut names: Vec<String> = names(root, folder).into_iter().filter(is_model).collect();
    names.sort();
    let size = |name: String| {
        // A link that leads nowhere has no size.
        let size = std::fs::metadata(outside(root, folder).join(&name)).map_or(0, |meta| meta.len());
        (name, size)
    };
    names.into_iter().take(NEIGHBOURS).map(size).collect()
}

fn names(root: &Path, folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(outside(root, folder)) else { return Vec::new() };
    entries.take(ENTRIES).flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

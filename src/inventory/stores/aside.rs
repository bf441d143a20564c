//! Files that were thrown away or are frozen: the trashes of desktops and file servers, snapshots, backups. Their files
//! are listed, to show what fills the disk, but never count as models or copies.

use super::hf::starts_like_gguf;
use crate::inventory::collector::StoreCollector;
use crate::inventory::folder::{Folder, Step, Visit};
use crate::inventory::inode::{Entity, Stamp};
use crate::inventory::kept::Kept;
use crate::inventory::paths::contains;
use crate::inventory::paths::gguf_stem;
use crate::inventory::unfinished::Unfinished;
use crate::model::{Aside, is_trash};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The largest number of files of one such folder that are listed.
const MOST_FILES: usize = 20_000;

/// Reads a folder that is, or is inside of, a trash, a snapshot or a backup.
pub(crate) fn read(top: &Path, aside: Aside, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    // Most trashes of other users are unreadable. Nothing depends on their content.
    let Ok(folder) = Folder::open(top) else { return Ok(()) };
    let mut seen: HashSet<(u64, u64)> = HashSet::new();
    let mut found: Vec<(PathBuf, Stamp)> = Vec::new();
    folder.walk(&mut |visit| {
        let Visit::Entry(entry) = visit else { return Ok(Step::Into) };
        collector.progress.entry()?;
        let at = match entry.entity {
            Entity::Folder if is_trash(entry.name) => return Ok(Step::Past),
            Entity::Folder => return Ok(Step::Into),
            _ if found.len() >= MOST_FILES => return Ok(Step::Past),
            Entity::File if is_of_model(entry.path, entry.name) => Some(entry.path.to_owned()),
            Entity::Link if gguf_stem(entry.name).is_some() => {
                // A whole repository of the hub in a trash: the bytes are in the same trash.
                let target = entry.path.canonicalize().ok(); // a broken link has no bytes
                target.filter(|target| contains(top, target))
            }
            _ => None,
        };
        // A file that vanished meanwhile does not count.
        let look = at.and_then(|at| std::fs::symlink_metadata(&at).ok().map(|meta| (at, Stamp::from(&meta))));
        found.extend(look.filter(|(_, look)| look.entity == Entity::File && seen.insert(look.inode())));
        Ok(Step::Past)
    })?;
    let Some((root, store)) = collector.owner(top).cloned() else { return Ok(()) };
    let kept = Kept { store, root: &root, owner: None };
    for (path, look) in found {
        collector.holdings.push(kept.file(&path, look, aside.class(), aside.why()));
    }
    Ok(())
}

/// Returns whether a file is a model by its name, the beginning of one, or a blob of Ollama that is one.
fn is_of_model(path: &Path, name: &OsStr) -> bool {
    let is_blob = || name.as_encoded_bytes().starts_with(b"sha256") && starts_like_gguf(path);
    gguf_stem(name).is_some() || Unfinished::of(name).is_some() || is_blob()
}

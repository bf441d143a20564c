//! Which copies can share their space, and how.

use crate::host::extents;
use crate::host::replace_file::{Looked, look};
use crate::inventory::{SameContent, masses, same_content, weigh};
use crate::model::{Class, ModelId, ShareHow, StoreKind, Stored};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One file, with all of its names that the stores know.
#[derive(Debug, Clone)]
pub struct File {
    pub paths: Vec<PathBuf>,
    /// The stores that have one of the names.
    pub stores: Vec<StoreKind>,
    pub looked: Looked,
}

impl File {
    pub fn path(&self) -> &Path {
        self.paths.first().map_or(Path::new(""), PathBuf::as_path)
    }
}

/// Two equal files of one file system.
#[derive(Debug, Clone)]
pub struct Pair {
    pub name: String,
    /// The models of the file that changes.
    pub models: Vec<ModelId>,
    /// The file whose space stays in use.
    pub kept: File,
    /// The file that is to use it.
    pub other: File,
    /// Bytes of disk that sharing frees.
    pub saved: u64,
    /// The way, or the reason why there is none.
    pub how: Result<ShareHow, String>,
    /// Why the files cannot be one file with several names; None when they can.
    pub no_link: Option<String>,
}

/// Returns the pairs of files that could share their space: those of these models, or all.
pub fn pairs(all: &[Stored], models: Option<&[ModelId]>, hard_link: bool) -> Vec<Pair> {
    let is_meant = |same: &&SameContent<'_>| {
        models.is_none_or(|ids| same.copies.iter().flat_map(|c| &c.models).any(|(id, _)| ids.contains(id)))
    };
    same_content(all).iter().filter(is_meant).flat_map(|same| of_content(same, hard_link)).collect()
}

fn of_content(same: &SameContent<'_>, hard_link: bool) -> Vec<Pair> {
    let copies: Vec<&Stored> = same.copies.iter().copied().filter(|copy| is_used(copy.holding.class)).collect();
    let mut files: BTreeMap<(u64, u64), (File, &Stored)> = BTreeMap::new();
    for copy in copies.iter().copied() {
        for path in copy.entries.iter().chain([&copy.holding.path]) {
            // What is gone, or a link to the bytes, is no file of its own; one of another size is no copy any more.
            let Some(looked) = look(path).ok().filter(|looked| looked.size == same.size) else { continue };
            let (file, _) = files
                .entry((looked.dev, looked.ino))
                .or_insert_with(|| (File { paths: Vec::new(), stores: Vec::new(), looked }, copy));
            if !file.paths.contains(path) {
                file.paths.push(path.clone());
            }
            if !file.stores.contains(&copy.holding.store) {
                file.stores.push(copy.holding.store);
            }
        }
    }
    let (masses, _) = masses(&copies);
    let freed: BTreeMap<(u64, u64), u64> =
        masses.into_iter().map(|mass| ((mass.dev, mass.ino), weigh(&[mass]).freed)).collect();
    let mut devices: BTreeMap<u64, Vec<(File, &Stored)>> = BTreeMap::new();
    for (file, copy) in files.into_values() {
        devices.entry(file.looked.dev).or_default().push((file, copy));
    }
    let mut pairs = Vec::new();
    for mut here in devices.into_values() {
        // A file that may be written in place is the last to be linked; one with names elsewhere frees nothing.
        here.sort_by_key(|(file, _)| {
            (!is_never_written(&file.stores), Reverse(file.looked.links), file.path().to_owned())
        });
        let Some((kept, _)) = here.first().cloned() else { continue };
        for (other, copy) in here.into_iter().skip(1) {
            let saved = freed.get(&(other.looked.dev, other.looked.ino)).copied().unwrap_or(0);
            // Its blocks are shared already, or another name would keep them.
            if saved == 0 {
                continue;
            }
            let no_link = no_link(&kept, &other);
            pairs.push(Pair {
                name: copy.name().map_or_else(|| file_name(other.path()), str::to_owned),
                models: copy.models.iter().map(|(id, _)| id.clone()).collect(),
                saved,
                how: how(&kept, no_link.clone(), hard_link),
                kept: kept.clone(),
                other,
                no_link,
            });
        }
    }
    pairs
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns whether files of that class are used or may be: what was thrown away or is in a backup is left alone.
fn is_used(class: Class) -> bool {
    matches!(class, Class::Referenced | Class::Superseded | Class::Orphan)
}

fn how(kept: &File, no_link: Option<String>, hard_link: bool) -> Result<ShareHow, String> {
    if extents::may_share(kept.path()) {
        return Ok(ShareHow::Reflink);
    }
    match no_link {
        _ if !hard_link => Err("the file system cannot share blocks".to_owned()),
        Some(why) => Err(why),
        None => Ok(ShareHow::HardLink),
    }
}

/// Returns why two files cannot become one with two names.
fn no_link(kept: &File, other: &File) -> Option<String> {
    let written = kept.stores.iter().chain(&other.stores).find(|store| !is_never_written(&[**store]));
    if let Some(store) = written {
        return Some(format!("no hard link: a file of a `{}` store may be written in place", store.name()));
    }
    let of = |file: &File| (file.looked.uid, file.looked.gid, file.looked.mode);
    if of(kept) != of(other) {
        return Some("no hard link: owner or mode of the two files differ".to_owned());
    }
    None
}

/// Returns whether the owners of all of these stores replace files and never write into one: a download goes to a file of
/// its own, which gets its name when it is whole. Who writes into a plain folder is not known.
fn is_never_written(stores: &[StoreKind]) -> bool {
    stores.iter().all(|store| match store {
        StoreKind::Hf
        | StoreKind::Ollama
        | StoreKind::LmStudio
        | StoreKind::LlamaCpp
        | StoreKind::RamaLama
        | StoreKind::Docker => true,
        StoreKind::Dir => false,
    })
}

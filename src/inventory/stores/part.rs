//! The parts of a model in its store, as the readers of the stores return them.

use crate::inventory::collector::StoreCollector;
use crate::inventory::folder::{Folder, Step, Visit};
use crate::inventory::inode::{Entity, Stamp, vanished};
use crate::inventory::paths::contains;
use crate::inventory::progress::ScanProgress;
use crate::model::{Class, StoreKind};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// One model, or bytes without one, to be removed as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub store: StoreKind,
    pub root: PathBuf,
    /// The name in the inventory.
    pub name: String,
    /// The class of bytes without a model. None for a model.
    pub class: Option<Class>,
    /// Every entry that leads to its files, and the paths of the bytes.
    pub paths: BTreeSet<PathBuf>,
}

/// The role of a part. The order of the variants is the order of removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartRole {
    /// Leads to bytes: a manifest, a reference, a link.
    Reference,
    /// Useless without the bytes.
    Beside,
    /// The bytes.
    Payload,
    /// A folder that is empty after all other parts were removed.
    Folder,
}

/// One directory entry to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub role: PartRole,
    pub path: PathBuf,
    /// The stat result of the entry when its store was read. None if it was not needed.
    pub(crate) look: Option<Stamp>,
}

impl Part {
    pub(super) fn new(role: PartRole, path: impl Into<PathBuf>) -> Part {
        Part { role, path: path.into(), look: None }
    }
}

/// The current content of a folder and its subfolders.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Everything that is not a folder.
    pub files: BTreeMap<PathBuf, Stamp>,
    /// The folders, the top one included.
    pub folders: BTreeMap<PathBuf, Stamp>,
}

impl Tree {
    /// Reads a folder with its subfolders.
    ///
    /// # Errors
    /// A text, when anything in it cannot be read: no decision is based on an incomplete view.
    pub fn read(top: &Path) -> Result<Tree, String> {
        let mut tree = Tree::default();
        let cannot = |path: &Path, e: &dyn std::fmt::Display| {
            format!("its surroundings cannot be read: `{}`: {e}", path.display())
        };
        let look = match look(top)? {
            None => return Ok(tree),
            Some(look) => look,
        };
        if look.entity != Entity::Folder {
            tree.files.insert(top.to_owned(), look);
            return Ok(tree);
        }
        tree.folders.insert(top.to_owned(), look);
        let folder = match Folder::open(top) {
            Ok(folder) => folder,
            Err(e) if vanished(&e) => return Ok(Tree::default()),
            Err(e) => return Err(cannot(top, &e)),
        };
        let walked = folder.walk(&mut |visit| {
            match visit {
                Visit::Open(_) => {}
                Visit::Unread(path, e) => anyhow::bail!(cannot(path, &e)),
                Visit::Entry(entry) => match entry.folder.look(entry.name) {
                    Ok(look) if look.entity == Entity::Folder => {
                        tree.folders.insert(entry.path.to_owned(), look);
                    }
                    Ok(look) => {
                        tree.files.insert(entry.path.to_owned(), look);
                    }
                    Err(e) if vanished(&e) => {}
                    Err(e) => anyhow::bail!(cannot(entry.path, &e)),
                },
            }
            Ok(Step::Into)
        });
        walked.map_err(|why| why.to_string())?;
        Ok(tree)
    }

    fn look(&self, path: &Path) -> Option<Stamp> {
        self.files.get(path).or_else(|| self.folders.get(path)).copied()
    }

    /// Adds the folders that would be empty, up to and including `top`, each to the last of the wishes that remove
    /// something from it.
    pub fn fold(&self, top: &Path, found: &mut [Result<Vec<Part>, String>]) {
        let mut last: HashMap<&Path, usize> = HashMap::new();
        let mut gone: HashSet<&Path> = HashSet::new();
        for (at, parts) in found.iter().enumerate() {
            for part in parts.iter().flatten() {
                gone.insert(&part.path);
                last.extend(above(top, &part.path).map(|folder| (folder, at)));
            }
        }
        let mut stays: HashSet<&Path> = HashSet::new();
        for path in self.files.keys().filter(|path| !gone.contains(path.as_path())) {
            // The folders above a known one are known already.
            above(top, path).take_while(|folder| stays.insert(folder)).for_each(drop);
        }
        let mut empty: Vec<(usize, Part)> = Vec::new();
        for (folder, look) in self.folders.iter().filter(|(f, _)| !stays.contains(f.as_path())) {
            // A folder that was empty before is removed only together with its parent.
            let taker = folder.ancestors().take_while(|f| !stays.contains(f)).find_map(|f| last.get(f));
            let part = || Part { role: PartRole::Folder, path: folder.clone(), look: Some(*look) };
            empty.extend(taker.map(|at| (*at, part())));
        }
        for part in found.iter_mut().flatten().flatten() {
            part.look = part.look.or_else(|| self.look(&part.path));
        }
        for (at, part) in empty {
            if let Some(Ok(parts)) = found.get_mut(at) {
                parts.push(part);
            }
        }
    }
}

/// Returns the folders that `path` is in, up to and including `top`.
fn above<'a>(top: &'a Path, path: &'a Path) -> impl Iterator<Item = &'a Path> {
    path.ancestors().skip(1).take_while(move |folder| contains(top, folder))
}

/// Adds `path` to the parts of the wish at `at`.
pub(super) fn give(found: &mut [Result<Vec<Part>, String>], at: usize, role: PartRole, path: impl Into<PathBuf>) {
    if let Some(Ok(parts)) = found.get_mut(at) {
        parts.push(Part::new(role, path));
    }
}

/// Runs a reader of a store over `root` and returns only its value, without found files and holdings.
///
/// # Errors
/// The reason why the store cannot be read completely, as text.
pub(super) fn quietly<T>(
    root: &Path,
    read: impl FnOnce(&mut StoreCollector<'_>) -> anyhow::Result<T>,
) -> Result<T, String> {
    let cancel = AtomicBool::new(false);
    let progress = ScanProgress { progress: &|_| {}, cancel: &cancel, entries: AtomicU64::new(0) };
    let mut collector = StoreCollector::new(Arc::from(root), &|_| false, &progress);
    let value = read(&mut collector).map_err(|e| format!("its store cannot be read: {e:#}"))?;
    match collector.unread.first() {
        Some(unread) => Err(format!("its surroundings cannot be read: `{}` {}", unread.path.display(), unread.reason)),
        None => Ok(value),
    }
}

/// Returns the stat result of the entry itself. None when there is no entry.
pub(super) fn look(path: &Path) -> Result<Option<Stamp>, String> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(Stamp::from(&meta))),
        Err(e) if vanished(&e) => Ok(None),
        Err(e) => Err(format!("`{}` cannot be read: {e}", path.display())),
    }
}

/// Returns the paths of a wish that are in the root of its store.
pub(super) fn inside<'a>(root: &Path, wish: &'a Wish) -> impl Iterator<Item = &'a PathBuf> {
    wish.paths.iter().filter(move |path| contains(root, path))
}

//! What goes with something that is to be taken away, by the rules of its store: the references that lead to it, the
//! files that are of no use without it, and the folders that are empty then. Read from the disk at the moment of
//! asking; nothing is changed.

use super::{hf_parts, loose_parts, ollama_parts, ramalama_parts};
use crate::inventory::found::{Intake, Pulse, Stamp, vanished};
use crate::inventory::roots::contains;
use crate::model::{Class, StoreKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// One model, or bytes without one, that are to go as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub store: StoreKind,
    pub root: PathBuf,
    /// As the inventory has it.
    pub name: String,
    /// None for a model, else what the bytes are.
    pub class: Option<Class>,
    /// Every entry that leads to its files, and where the bytes are.
    pub paths: BTreeSet<PathBuf>,
}

/// What a part is to the rest. In the order in which they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartRole {
    /// Leads to bytes: a manifest, a reference, a link.
    Reference,
    /// Of no use without them.
    Beside,
    /// The bytes.
    Payload,
    /// A folder that is empty when all before it are gone.
    Folder,
}

/// One directory entry that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub role: PartRole,
    pub path: PathBuf,
}

/// For each wish what goes with it, references first; or why it cannot go, in words that go on after its name. A part is given to
/// one wish alone: where several need it, to the last. The wishes are taken together: what only they need goes.
pub fn parts(wishes: &[Wish]) -> Vec<Result<Vec<Part>, String>> {
    let mut places: BTreeMap<(StoreKind, PathBuf), Vec<usize>> = BTreeMap::new();
    for (at, wish) in wishes.iter().enumerate() {
        let place = super::place_of(wish.store, &wish.root, &wish.paths).to_owned();
        places.entry((wish.store, place)).or_default().push(at);
    }
    let mut all: Vec<Result<Vec<Part>, String>> = wishes.iter().map(|_| Ok(Vec::new())).collect();
    for ((store, place), these) in places {
        let own: Vec<&Wish> = these.iter().filter_map(|at| wishes.get(*at)).collect();
        let found = match store {
            StoreKind::Hf => hf_parts::parts(&place, &own),
            StoreKind::Ollama => ollama_parts::parts(&place, &own),
            StoreKind::RamaLama => ramalama_parts::parts(&place, &own),
            StoreKind::Dir | StoreKind::LmStudio | StoreKind::LlamaCpp => loose_parts::parts(store, &place, &own),
            StoreKind::Docker => own
                .iter()
                .map(|wish| {
                    let name = wish.name.strip_prefix("docker.io/").unwrap_or(&wish.name);
                    Err(format!("only Docker Model Runner may change its index: `docker model rm {name}`"))
                })
                .collect(),
        };
        for (at, parts) in these.into_iter().zip(found) {
            if let Some(slot) = all.get_mut(at) {
                *slot = parts;
            }
        }
    }
    hf_parts::payloads(wishes, &mut all);
    for found in all.iter_mut().flatten() {
        // Deepest folders first; everything else in the order of its role and path.
        found.sort_by(|a, b| {
            let depth = |p: &Part| p.path.components().count();
            let deepest =
                || if a.role == PartRole::Folder { depth(b).cmp(&depth(a)) } else { std::cmp::Ordering::Equal };
            a.role.cmp(&b.role).then_with(deepest).then_with(|| a.path.cmp(&b.path))
        });
        found.dedup();
    }
    all
}

/// What lies in a folder and below it, as it is now.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Everything that is no folder.
    pub files: BTreeMap<PathBuf, Stamp>,
    /// Folders, the top one included.
    pub folders: BTreeSet<PathBuf>,
}

impl Tree {
    /// Fails when anything in it cannot be read: nothing is decided on half a view.
    pub fn read(top: &Path) -> Result<Tree, String> {
        let mut tree = Tree::default();
        for entry in walkdir::WalkDir::new(top).follow_root_links(false).max_open(16) {
            let looked = entry.and_then(|entry| {
                let meta = entry.metadata()?;
                Ok((entry.into_path(), meta))
            });
            match looked {
                Ok((path, meta)) if meta.is_dir() => {
                    tree.folders.insert(path);
                }
                Ok((path, meta)) => {
                    tree.files.insert(path, Stamp::from(&meta));
                }
                Err(e) if e.io_error().is_some_and(vanished) => {}
                Err(e) => return Err(format!("not everything around it can be read: {e}")),
            }
        }
        Ok(tree)
    }

    /// Adds the folders that hold nothing once `gone` is away, up to and with `top`, to the last of those wishes that
    /// take something out of them.
    pub fn fold(&self, top: &Path, found: &mut [Result<Vec<Part>, String>]) {
        let mut last: BTreeMap<PathBuf, usize> = BTreeMap::new();
        let mut gone: BTreeSet<PathBuf> = BTreeSet::new();
        for (at, parts) in found.iter().enumerate() {
            for part in parts.iter().flatten() {
                gone.insert(part.path.clone());
                for folder in part.path.ancestors().skip(1).take_while(|f| f.starts_with(top)) {
                    last.insert(folder.to_owned(), at);
                }
            }
        }
        let above = |path: &'_ Path| {
            path.ancestors().skip(1).take_while(|f| f.starts_with(top)).map(Path::to_owned).collect::<Vec<_>>()
        };
        let stays: BTreeSet<PathBuf> =
            self.files.keys().filter(|path| !gone.contains(*path)).flat_map(|path| above(path)).collect();
        for folder in self.folders.iter().filter(|f| !stays.contains(*f)) {
            // A folder that was empty before goes with the one around it alone.
            let taker = folder.ancestors().take_while(|f| !stays.contains(*f)).find_map(|f| last.get(f));
            if let Some(Ok(parts)) = taker.and_then(|at| found.get_mut(*at)) {
                parts.push(Part { role: PartRole::Folder, path: folder.clone() });
            }
        }
    }
}

/// Hands `path` to the wish at `at`.
pub(super) fn give(found: &mut [Result<Vec<Part>, String>], at: usize, role: PartRole, path: impl Into<PathBuf>) {
    if let Some(Ok(parts)) = found.get_mut(at) {
        parts.push(Part { role, path: path.into() });
    }
}

/// Runs a reader of a store over `root` for what it says of references, and drops the rest.
pub(super) fn quietly<T>(root: &Path, read: impl FnOnce(&mut Intake<'_>) -> anyhow::Result<T>) -> Result<T, String> {
    let cancel = AtomicBool::new(false);
    let pulse = Pulse { progress: &|_| {}, cancel: &cancel, entries: AtomicU64::new(0) };
    let mut intake = Intake::new(Arc::from(root), &|_| false, &pulse);
    let value = read(&mut intake).map_err(|e| format!("its store cannot be read: {e:#}"))?;
    match intake.unread.first() {
        Some(unread) => {
            Err(format!("not everything around it can be read: `{}` {}", unread.path.display(), unread.reason))
        }
        None => Ok(value),
    }
}

/// What is at the entry itself; None when there is nothing.
pub(super) fn look(path: &Path) -> Result<Option<Stamp>, String> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(Stamp::from(&meta))),
        Err(e) if vanished(&e) => Ok(None),
        Err(e) => Err(format!("`{}` cannot be looked at: {e}", path.display())),
    }
}

/// A path that a wish names must lie in the root of its store.
pub(super) fn inside<'a>(root: &Path, wish: &'a Wish) -> impl Iterator<Item = &'a PathBuf> {
    wish.paths.iter().filter(move |path| contains(root, path))
}

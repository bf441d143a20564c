//! What goes with something that is to be taken away, by the rules of its store: the references that lead to it, the
//! files that are of no use without it, and the folders that are empty then. Read from the disk at the moment of
//! asking; nothing is changed.

use super::folder::{Folder, Step, Visit};
use super::{hf_parts, loose_parts, ollama_parts, ramalama_parts};
use crate::inventory::found::{Entity, Intake, Pulse, Stamp, vanished};
use crate::inventory::roots::contains;
use crate::model::{Class, StoreKind};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
    /// What was there when its store was read for this; None where that took no look at it.
    pub(crate) look: Option<Stamp>,
}

impl Part {
    pub(super) fn new(role: PartRole, path: impl Into<PathBuf>) -> Part {
        Part { role, path: path.into(), look: None }
    }
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
        found.dedup_by(|a, b| (a.role, &a.path) == (b.role, &b.path));
    }
    all
}

/// What lies in a folder and below it, as it is now.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Everything that is no folder.
    pub files: BTreeMap<PathBuf, Stamp>,
    /// Folders, the top one included.
    pub folders: BTreeMap<PathBuf, Stamp>,
}

impl Tree {
    /// Fails when anything in it cannot be read: nothing is decided on half a view.
    pub fn read(top: &Path) -> Result<Tree, String> {
        let mut tree = Tree::default();
        let cannot = |path: &Path, e: &dyn std::fmt::Display| {
            format!("not everything around it can be read: `{}`: {e}", path.display())
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

    /// Adds the folders that hold nothing once `gone` is away, up to and with `top`, to the last of those wishes that
    /// take something out of them.
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
            // What is above one that stays is known already.
            above(top, path).take_while(|folder| stays.insert(folder)).for_each(drop);
        }
        let mut empty: Vec<(usize, Part)> = Vec::new();
        for (folder, look) in self.folders.iter().filter(|(f, _)| !stays.contains(f.as_path())) {
            // A folder that was empty before goes with the one around it alone.
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

/// The folders that `path` lies in, up to and with `top`.
fn above<'a>(top: &'a Path, path: &'a Path) -> impl Iterator<Item = &'a Path> {
    path.ancestors().skip(1).take_while(move |folder| contains(top, folder))
}

/// Hands `path` to the wish at `at`.
pub(super) fn give(found: &mut [Result<Vec<Part>, String>], at: usize, role: PartRole, path: impl Into<PathBuf>) {
    if let Some(Ok(parts)) = found.get_mut(at) {
        parts.push(Part::new(role, path));
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

//! Finds everything that is removed with a model of a hub cache: the links of every snapshot, the blob, the shared
//! payload if no other repository links to it, and the rest of the repository if only descriptions are left.

use super::hf::{is_bookkeeping, is_other_kind, normal};
use super::hf_refs::{Refs, Standing, standings};
use super::part::{Part, PartRole, Tree, Wish, give, look, quietly};
use crate::inventory::folder::Folder;
use crate::inventory::inode::{Entity, Stamp};
use crate::inventory::paths::is_partial;
use crate::model::StoreKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The largest size of a description in bytes. A larger file may be the reason why the repository was downloaded.
const MOST_BESIDE: u64 = 32 << 20;

pub(super) fn parts(folder: &Path, wishes: &[&Wish]) -> Vec<Result<Vec<Part>, String>> {
    if super::hf::repository_of(&folder.join("snapshots/x")) != Some(folder) && !is_repo_folder(folder) {
        return wishes.iter().map(|wish| beside_repositories(wish)).collect();
    }
    match Repo::read(folder) {
        Ok(repo) => repo.parts(wishes),
        Err(why) => wishes.iter().map(|_| Err(why.clone())).collect(),
    }
}

/// Returns the blobs of repositories that another repository of the cache uses through a link in place of its own
/// blobs, each with that link. One repository alone does not show whether such blobs are needed.
pub(super) fn linked_blobs(root: &Path) -> HashMap<PathBuf, PathBuf> {
    // If a root cannot be listed, reading its repositories fails.
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let blobs = entries.map(|entry| entry.path().join("blobs")).filter(|blobs| blobs.is_symlink());
    blobs.filter_map(|link| Some((link.canonicalize().ok()?, link))).collect()
}

/// Returns the link through which another repository uses the blobs of this one.
pub(super) fn user_of(folder: &Path, linked: &HashMap<PathBuf, PathBuf>) -> Option<PathBuf> {
    let blobs = folder.join("blobs");
    let user = linked.get(&blobs.canonicalize().ok()?); // no blobs, no link to them
    user.filter(|user| **user != blobs).cloned()
}

fn is_repo_folder(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| super::hf::is_repo(folder, name))
}

/// Returns the parts of shared payloads that nothing links to any more, and of downloads among them.
fn beside_repositories(wish: &Wish) -> Result<Vec<Part>, String> {
    let mut found = Vec::new();
    for path in super::part::inside(&wish.root, wish) {
        if look(path)?.is_none() {
            continue;
        }
        if !is_partial(path.file_name().unwrap_or_default()) {
            let users = Payload::users(&wish.root, path)?;
            if let Some(user) = users.first() {
                return Err(format!("`{}` links to it", user.display()));
            }
            found.extend(Payload::list(path).map(|path| Part::new(PartRole::Reference, path)));
        }
        found.push(Part::new(PartRole::Payload, path));
    }
    if found.is_empty() { Err("none of its files exist: run `modelctl scan`".to_owned()) } else { Ok(found) }
}

/// One file of a snapshot.
struct Entry {
    path: PathBuf,
    commit: OsString,
    look: Stamp,
    /// The blob that the entry leads to. None for a regular file in the snapshot.
    blob: Option<PathBuf>,
}

struct Repo {
    folder: PathBuf,
    tree: Tree,
    entries: Vec<Entry>,
    refs: Refs,
    standings: BTreeMap<OsString, Standing>,
}

/// Returns the blob that a link means. In a cache that was moved, a link may lead to the old location: if nothing is
/// there, the blob of that name in this repository is meant.
fn moved(folder: &Path, tree: &Tree, first: PathBuf) -> PathBuf {
    let in_blobs = first.parent().and_then(Path::file_name).is_some_and(|name| name == "blobs");
    let beside = first.file_name().filter(|_| in_blobs).map(|name| folder.join("blobs").join(name));
    match beside {
        Some(beside) if beside != first && tree.files.contains_key(&beside) && matches!(look(&first), Ok(None)) => {
            beside
        }
        _ => first,
    }
}

impl Repo {
    fn read(folder: &Path) -> Result<Repo, String> {
        let root = folder.parent().ok_or("its folder has no root")?;
        for part in [folder.to_owned(), folder.join("blobs"), folder.join("snapshots")] {
            if let Ok(to) = std::fs::read_link(&part) {
                return Err(format!("`{}` is a link to `{}`, where others may need it", part.display(), to.display()));
            }
        }
        let tree = Tree::read(folder)?;
        let snapshots = folder.join("snapshots");
        let mut entries = Vec::new();
        let mut made: BTreeMap<OsString, i64> = BTreeMap::new();
        for (dir, look) in tree.folders.iter().filter(|(f, _)| f.parent() == Some(snapshots.as_path())) {
            made.insert(dir.file_name().unwrap_or_default().to_owned(), look.identity.mtime_ns);
        }
        for (path, look) in tree.files.range(snapshots.clone()..).take_while(|(p, _)| p.starts_with(&snapshots)) {
            let commit = path.strip_prefix(&snapshots).ok().and_then(|p| p.iter().next()).unwrap_or_default(); // below
            let blob = match look.entity {
                Entity::Link => {
                    let text = std::fs::read_link(path).map_err(|e| format!("`{}`: {e}", path.display()))?;
                    Some(moved(folder, &tree, normal(path.parent().unwrap_or(folder), &text)))
                }
                _ => None,
            };
            entries.push(Entry { path: path.clone(), commit: commit.to_owned(), look: *look, blob });
        }
        let refs = quietly(root, |collector| Refs::read(&Folder::open(folder)?, collector))?;
        let standings = standings(&refs, &made);
        Ok(Repo { folder: folder.to_owned(), tree, entries, refs, standings })
    }

    fn parts(&self, wishes: &[&Wish]) -> Vec<Result<Vec<Part>, String>> {
        let mut found: Vec<Result<Vec<Part>, String>> = wishes.iter().map(|_| Ok(Vec::new())).collect();
        // For each entry and each blob, the index of the last wish that takes it.
        let mut gone: BTreeMap<&Path, usize> = BTreeMap::new();
        for (at, wish) in wishes.iter().enumerate() {
            for entry in &self.entries {
                let is_own =
                    wish.paths.contains(&entry.path) || entry.blob.as_ref().is_some_and(|b| wish.paths.contains(b));
                let is_own = is_own || self.payload_of(entry).is_some_and(|p| wish.paths.contains(&p));
                if is_own {
                    gone.insert(&entry.path, at);
                }
            }
            if wish.class.is_some() {
                if let Some(entry) =
                    self.entries.iter().find(|e| gone.get(e.path.as_path()) == Some(&at) && !self.is_old(e))
                {
                    let why = format!("`{}` references it now", entry.path.display());
                    gone.retain(|_, taker| *taker != at);
                    if let Some(slot) = found.get_mut(at) {
                        *slot = Err(why);
                    }
                    continue;
                }
                let own = wish.paths.iter().filter(|p| self.tree.files.contains_key(*p));
                gone.extend(own.map(|p| (p.as_path(), at)));
            }
        }
        let takers: BTreeSet<usize> = gone.values().copied().collect();
        for at in (0..found.len()).filter(|at| !takers.contains(at)) {
            if let Some(slot @ Ok(_)) = found.get_mut(at) {
                let moved = wishes.get(at).is_some_and(|w| w.paths.iter().all(|p| matches!(look(p), Ok(None))));
                *slot = Err(if moved {
                    "none of its files exist: run `modelctl scan`"
                } else {
                    "its files are removed with another model"
                }
                .to_owned());
            }
        }
        if let Some(last) = takers.last().copied() {
            self.rest(last, &mut gone);
            self.hand_over(&gone, &mut found);
            self.tree.fold(&self.folder, &mut found);
        }
        found
    }

    fn is_old(&self, entry: &Entry) -> bool {
        matches!(self.standings.get(&entry.commit), Some(Standing::Superseded { .. }))
    }

    /// Adds the files without a use after `gone` was removed: descriptions in old snapshots, and everything in a
    /// repository of which only descriptions are left.
    fn rest<'a>(&'a self, last: usize, gone: &mut BTreeMap<&'a Path, usize>) {
        let stays = |e: &&Entry, gone: &BTreeMap<&Path, usize>| !gone.contains_key(e.path.as_path());
        let touched: BTreeSet<&OsStr> =
            self.entries.iter().filter(|e| !stays(e, gone)).map(|e| e.commit.as_os_str()).collect();
        let left: Vec<&Entry> = self.entries.iter().filter(|e| stays(e, gone)).collect();
        let blobs = self.folder.join("blobs");
        let led_to: BTreeSet<&Path> = self.entries.iter().filter_map(|e| e.blob.as_deref()).collect();
        let strays =
            self.tree.files.keys().any(|p| {
                p.parent() == Some(&blobs) && !led_to.contains(p.as_path()) && !gone.contains_key(p.as_path())
            });
        let is_whole = !touched.is_empty() && !strays && left.iter().all(|e| self.is_description(e));
        // For each snapshot of which nothing or only descriptions are left: the wish that takes the last of its
        // entries.
        let commits: BTreeMap<&OsStr, usize> = touched
            .into_iter()
            .filter_map(|commit| {
                let mut own = left.iter().filter(|e| e.commit == *commit).peekable();
                let is_done = own.peek().is_none() || own.all(|e| self.is_old(e) && self.is_description(e));
                let takers = self.entries.iter().filter(|e| e.commit == *commit);
                let taker = takers.filter_map(|e| gone.get(e.path.as_path())).max().copied();
                Some((commit, if is_done { taker? } else { is_whole.then_some(last)? }))
            })
            .collect();
        for entry in left {
            if let Some(at) = commits.get(entry.commit.as_os_str()).copied().or(is_whole.then_some(last)) {
                gone.entry(&entry.path).or_insert(at);
            }
        }
        for (commit, names) in &self.refs.names {
            let Some(at) = commits.get(commit.as_os_str()) else { continue };
            for name in names {
                let path = self.folder.join("refs").join(name);
                if let Some((path, _)) = self.tree.files.get_key_value(&path) {
                    gone.entry(path).or_insert(*at);
                }
            }
        }
        for path in self.tree.files.keys() {
            let of_commit = |part: &str| {
                let inside = path.strip_prefix(self.folder.join(part)).ok()?; // outside of that part
                commits.get(Path::new(inside.iter().next()?).file_stem()?).copied()
            };
            let note = ["trees", ".no_exist"].iter().find_map(|part| of_commit(part));
            if let Some(at) = note.or((is_whole && !path.starts_with(&blobs)).then_some(last)) {
                gone.entry(path).or_insert(at);
            }
        }
    }

    /// Returns whether a file is short and has a name that no program loads as a model.
    fn is_description(&self, entry: &Entry) -> bool {
        const WEIGHTS: [&str; 14] = [
            "gguf",
            "safetensors",
            "bin",
            "pt",
            "pth",
            "ckpt",
            "onnx",
            "h5",
            "msgpack",
            "tflite",
            "ot",
            "npz",
            "ggml",
            "engine",
        ];
        let name = entry.path.file_name().unwrap_or_default();
        let extension = Path::new(name).extension().and_then(OsStr::to_str).unwrap_or_default().to_lowercase();
        let size = match &entry.blob {
            Some(blob) => self.tree.files.get(blob).map_or(0, |l| l.identity.size),
            None => entry.look.identity.size,
        };
        let is_shared =
            entry.blob.as_ref().and_then(|b| self.tree.files.get(b)).is_some_and(|l| l.entity == Entity::Link);
        !WEIGHTS.contains(&extension.as_str())
            && !is_shared
            && size <= MOST_BESIDE
            && (is_other_kind(name) || size <= 1 << 20)
    }

    fn payload_of(&self, entry: &Entry) -> Option<PathBuf> {
        let blob = entry.blob.as_ref()?;
        let is_link = self.tree.files.get(blob).is_some_and(|l| l.entity == Entity::Link);
        // A link that vanished leads nowhere.
        let text = is_link.then(|| std::fs::read_link(blob).ok()).flatten()?;
        Some(normal(blob.parent()?, &text))
    }

    fn hand_over(&self, gone: &BTreeMap<&Path, usize>, found: &mut [Result<Vec<Part>, String>]) {
        let blobs = self.folder.join("blobs");
        let mut taker: BTreeMap<&Path, usize> = BTreeMap::new();
        let mut needed: BTreeSet<&Path> = BTreeSet::new();
        for entry in &self.entries {
            match (gone.get(entry.path.as_path()), entry.blob.as_deref()) {
                (Some(at), Some(blob)) => {
                    let last = taker.entry(blob).or_insert(*at);
                    *last = (*last).max(*at);
                }
                (None, Some(blob)) => {
                    needed.insert(blob);
                }
                _ => {}
            }
        }
        for (path, at) in gone {
            let Some(look) = self.tree.files.get(*path) else { continue };
            let is_bytes = path.starts_with(&blobs)
                || (path.starts_with(self.folder.join("snapshots")) && look.entity == Entity::File);
            let is_reference = path.starts_with(self.folder.join("refs")) || look.entity == Entity::Link;
            let role = match (is_bytes, is_reference) {
                (true, _) => PartRole::Payload,
                (_, true) => PartRole::Reference,
                _ => PartRole::Beside,
            };
            if !needed.contains(path) {
                give(found, *at, role, *path);
            }
        }
        for (blob, at) in taker.iter().filter(|(blob, _)| !needed.contains(*blob) && !gone.contains_key(*blob)) {
            match self.tree.files.get(*blob).map(|l| l.entity) {
                Some(Entity::File) => give(found, *at, PartRole::Payload, *blob),
                Some(Entity::Link) => give(found, *at, PartRole::Beside, *blob),
                _ => {}
            }
        }
    }
}

/// Adds the shared payloads behind the removed blobs. A payload is removed with the last wish that has a blob of it, if
/// neither its own list of users nor any repository shows another blob that links to it. Without a readable list it
/// stays, as its owner would leave it.
pub(super) fn payloads(wishes: &[Wish], found: &mut [Result<Vec<Part>, String>]) {
    let mut behind: BTreeMap<PathBuf, (usize, BTreeSet<PathBuf>)> = BTreeMap::new();
    let of_hub = found.iter().zip(wishes).enumerate().filter(|(_, (_, wish))| wish.store == StoreKind::Hf);
    for (at, (parts, _)) in of_hub {
        for blob in parts.iter().flatten().filter(|p| p.role == PartRole::Beside).map(|p| &p.path) {
            // An entry that is no link, or that vanished, leads to no payload.
            let Ok(to) = std::fs::read_link(blob) else { continue };
            let Some(payload) = blob.parent().map(|folder| normal(folder, &to)) else { continue };
            let (last, blobs) = behind.entry(payload).or_default();
            *last = at;
            blobs.insert(blob.clone());
        }
    }
    for (payload, (at, blobs)) in behind {
        let Some(root) = blobs.first().and_then(|blob| blob.ancestors().nth(3)) else { continue };
        let shared = root.join("blobs");
        let is_ours = payload.starts_with(&shared) && is_bookkeeping(&shared, OsStr::new("blobs"));
        let Some(list) = Payload::list(&payload) else { continue };
        if !is_ours || !wishes.get(at).is_some_and(|wish| wish.paths.contains(&payload)) {
            continue;
        }
        if Payload::users(root, &payload).is_ok_and(|users| users.iter().all(|user| blobs.contains(user))) {
            give(found, at, PartRole::Beside, list);
            give(found, at, PartRole::Payload, payload);
        }
    }
}

/// A payload that repositories share.
struct Payload;

impl Payload {
    /// Returns the path of the list of all blobs that ever linked to the payload, if it exists.
    fn list(payload: &Path) -> Option<PathBuf> {
        let mut list = payload.as_os_str().to_owned();
        list.push(".refs");
        let list = PathBuf::from(list);
        list.is_file().then_some(list)
    }

    /// Returns the blobs that link to the payload now: those in its list, and those of every repository of the root.
    ///
    /// # Errors
    /// The reason why the users cannot be known, as text.
    fn users(root: &Path, payload: &Path) -> Result<Vec<PathBuf>, String> {
        let list = Payload::list(payload).ok_or("the list of its users does not exist")?;
        let text = std::fs::read_to_string(&list).map_err(|e| format!("the list of its users cannot be read: {e}"))?;
        let mut users: BTreeSet<PathBuf> =
            text.lines().filter(|l| !l.is_empty()).map(|l| normal(root, Path::new(l))).collect();
        let repositories = std::fs::read_dir(root).map_err(|e| format!("its root cannot be read: {e}"))?;
        for repository in repositories.flatten().filter(|e| is_repo_folder(&e.path())) {
            let blobs = match std::fs::read_dir(repository.path().join("blobs")) {
                Err(e) if crate::inventory::inode::vanished(&e) => continue,
                blobs => blobs.map_err(|e| format!("not all repositories can be read: {e}"))?,
            };
            users.extend(blobs.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_symlink())).map(|e| e.path()));
        }
        let leads = |user: &PathBuf| {
            // An entry that vanished links to nothing.
            let to = std::fs::read_link(user).ok()?;
            Some(normal(user.parent()?, &to) == payload)
        };
        Ok(users.into_iter().filter(|user| leads(user) == Some(true)).collect())
    }
}

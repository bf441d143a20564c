//! Finds everything that is removed with a model of loose files: the records that its downloader wrote next to it, and
//! for LM Studio the folders that would be empty.

use super::llamacpp_manifest as manifest;
use super::part::{Part, PartRole, Tree, Wish, give, inside, look};
use crate::inventory::inode::Entity;
use crate::inventory::paths::contains;
use crate::inventory::unfinished;
use crate::model::{Class, StoreKind};
use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub(super) fn parts(store: StoreKind, root: &Path, wishes: &[&Wish]) -> Vec<Result<Vec<Part>, String>> {
    // The last of the wishes that has each path.
    let last: HashMap<&Path, usize> = wishes
        .iter()
        .enumerate()
        .flat_map(|(at, wish)| wish.paths.iter().map(move |path| (path.as_path(), at)))
        .collect();
    let mut found: Vec<_> = (0..wishes.len()).map(|at| own(root, wishes, at, &last)).collect();
    let mut noted = HashMap::new();
    for at in 0..found.len() {
        beside(&mut Records { store, root, noted: &mut noted }, &last, at, &mut found);
    }
    // A download and the records of its downloader belong together.
    for (at, wish) in wishes.iter().enumerate().filter(|(_, wish)| wish.class == Some(Class::Partial)) {
        for control in inside(root, wish).flat_map(|path| unfinished::controls_of(path)) {
            // A record whose stat fails stays: it is a few bytes.
            let is_file = look(&control).is_ok_and(|l| l.is_some_and(|l| l.entity == Entity::File));
            if is_file && !last.contains_key(control.as_path()) {
                give(&mut found, at, PartRole::Beside, control);
            }
        }
    }
    match store {
        StoreKind::LlamaCpp => manifests(root, wishes, &mut found),
        StoreKind::LmStudio => folders(root, wishes, &mut found),
        _ => {}
    }
    found
}

/// Returns the files and the links to them. Bytes outside the root are not this model's to remove.
fn own(root: &Path, wishes: &[&Wish], at: usize, last: &HashMap<&Path, usize>) -> Result<Vec<Part>, String> {
    let mut own = Vec::new();
    let mut is_shared = false;
    for path in wishes.get(at).into_iter().flat_map(|wish| inside(root, wish)) {
        let look = look(path)?;
        let role = match look.map(|l| l.entity) {
            Some(Entity::File) => PartRole::Payload,
            Some(Entity::Link) => PartRole::Reference,
            Some(other) => return Err(format!("`{}` is {} now", path.display(), other.not_regular_reason())),
            None => continue,
        };
        // A file that several models need, a projector, is removed with the last of them.
        if last.get(path.as_path()) == Some(&at) {
            own.push(Part { role, path: path.clone(), look });
        } else {
            is_shared = true;
        }
    }
    if own.is_empty() && is_shared {
        return Err("its files are removed with another model".to_owned());
    }
    if own.is_empty() { Err("none of its files exist: run `modelctl scan`".to_owned()) } else { Ok(own) }
}

/// Adds `<file>.etag` and `<file>.json` of llama.cpp, and the record of `hf download --local-dir`.
fn beside(records: &mut Records<'_>, last: &HashMap<&Path, usize>, at: usize, found: &mut [Result<Vec<Part>, String>]) {
    let Some(Ok(own)) = found.get(at) else { return };
    let names: Vec<PathBuf> = own.iter().flat_map(|part| records.of(&part.path)).collect();
    for path in names {
        // A file whose stat fails stays: it is no model.
        let is_file = look(&path).is_ok_and(|l| l.is_some_and(|l| l.entity == Entity::File));
        if is_file && !last.contains_key(path.as_path()) {
            give(found, at, PartRole::Beside, path);
        }
    }
}

/// The folder where huggingface_hub records its downloads for a plain folder.
const NOTES: &str = ".cache/huggingface/download";

/// The records that downloaders keep of their files.
struct Records<'a> {
    store: StoreKind,
    root: &'a Path,
    /// Cache of whether huggingface_hub downloaded into a folder: most folders have no such records.
    noted: &'a mut HashMap<PathBuf, bool>,
}

impl Records<'_> {
    fn of(&mut self, file: &Path) -> Vec<PathBuf> {
        let with = |end: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let mut records = match self.store {
            StoreKind::LlamaCpp => vec![with(".etag"), with(".json")],
            _ => Vec::new(),
        };
        for base in file.ancestors().skip(1).take_while(|base| contains(self.root, base)) {
            if self.has_notes(base) {
                let Ok(within) = file.strip_prefix(base) else { continue }; // an ancestor is a prefix
                let notes = base.join(NOTES);
                let mut name = OsString::from(within);
                name.push(".metadata");
                records.push(notes.join(name));
            }
        }
        records
    }

    fn has_notes(&mut self, base: &Path) -> bool {
        if let Some(known) = self.noted.get(base) {
            return *known;
        }
        let has = base.join(NOTES).is_dir();
        self.noted.insert(base.to_owned(), has);
        has
    }
}

/// Adds the manifests of llama.cpp that name only removed files.
fn manifests(root: &Path, wishes: &[&Wish], found: &mut [Result<Vec<Part>, String>]) {
    // A manifest that cannot be listed or read stays.
    let Ok(entries) = std::fs::read_dir(root) else { return };
    let gone: BTreeSet<PathBuf> = found.iter().flatten().flatten().map(|p| p.path.clone()).collect();
    let files: Vec<OsString> = gone.iter().filter_map(|p| p.file_name()).map(OsStr::to_owned).collect();
    let keys: Vec<manifest::Key> = files.iter().map(|f| manifest::key(f)).collect();
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if !manifest::is_manifest(&name) {
            continue;
        }
        let Ok(claims) = manifest::read(&path) else { continue };
        let is_there = |c: &manifest::Claim| root.join(&c.file).symlink_metadata().is_ok();
        let is_gone = |c: &manifest::Claim| keys.contains(&manifest::key(OsStr::new(&c.file)));
        let lost = claims.iter().any(is_gone) && claims.iter().all(|c| is_gone(c) || !is_there(c));
        let taker = wishes.iter().rposition(|wish| {
            let has = |c: &manifest::Claim| {
                let key = manifest::key(OsStr::new(&c.file));
                wish.paths.iter().filter_map(|p| p.file_name()).any(|f| manifest::key(f) == key)
            };
            claims.iter().any(has)
        });
        if let (true, Some(at)) = (lost, taker) {
            give(found, at, PartRole::Reference, path);
        }
    }
}

/// Adds the publisher's and the repository's folder if they would be empty.
fn folders(root: &Path, wishes: &[&Wish], found: &mut [Result<Vec<Part>, String>]) {
    let publishers: BTreeSet<PathBuf> = wishes
        .iter()
        .flat_map(|wish| inside(root, wish))
        .filter_map(|path| path.strip_prefix(root).ok()?.components().next().map(|c| root.join(c))) // inside of root
        .filter(|folder| folder.is_dir() && folder.as_os_str().as_bytes() != root.as_os_str().as_bytes())
        .collect();
    for publisher in publishers {
        // A folder that cannot be read is not known to be empty.
        if let Ok(tree) = Tree::read(&publisher) {
            tree.fold(&publisher, found);
        }
    }
}

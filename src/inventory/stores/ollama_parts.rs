//! Finds everything that is removed with a model of Ollama: all its names, and every blob that no other name needs.

use super::oci::Digest;
use super::oci::with_latest;
use super::oci_images::{Image, Role};
use super::ollama_blobs::Blobs;
use super::ollama_manifests::MANIFESTS;
use super::ollama_manifests::{Manifests, is_public};
use super::part::{Part, PartRole, Tree, Wish, give, inside, look, quietly};
use crate::inventory::inode::Entity;
use crate::inventory::kept::Kept;
use crate::model::StoreKind;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub(super) fn parts(root: &Path, wishes: &[&Wish]) -> Vec<Result<Vec<Part>, String>> {
    let read = quietly(root, |collector| {
        let kept = Kept { store: StoreKind::Ollama, root, owner: None };
        let blobs = Blobs::look(root.join(super::ollama::BLOBS), kept, collector)?;
        let manifests = Manifests::read(root, &blobs, collector)?;
        Ok((blobs, manifests))
    });
    let (blobs, manifests) = match read {
        Ok(read) => read,
        Err(why) => return wishes.iter().map(|_| Err(why.clone())).collect(),
    };
    if let Some(why) = &manifests.unknown {
        let why = format!("the needed blobs are unknown: {why}");
        return wishes.iter().map(|_| Err(why.clone())).collect();
    }
    let store = Store::new(root, blobs, &manifests.images);
    let going: Vec<Result<BTreeSet<usize>, String>> = wishes.iter().map(|wish| store.images_of(wish)).collect();
    let all: HashSet<usize> = going.iter().flatten().flatten().copied().collect();
    let needed: HashSet<&Digest> = (0..)
        .zip(store.images)
        .filter(|(at, _)| !all.contains(at))
        .flat_map(|(_, image)| image.parts.iter().map(|p| &p.digest))
        .collect();
    let mut found: Vec<_> =
        going.iter().map(|images| images.as_ref().map(|_| Vec::new()).map_err(Clone::clone)).collect();
    let mut taker: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (at, wish) in wishes.iter().enumerate() {
        let Some(Ok(images)) = going.get(at) else { continue };
        for image in images.iter().filter_map(|i| store.images.get(*i)) {
            give(&mut found, at, PartRole::Reference, &image.manifest);
            for part in image.parts.iter().filter(|p| !needed.contains(&p.digest)) {
                taker.extend(store.blobs.entry(&part.digest).map(|path| (path, at)));
            }
        }
        if images.is_empty() {
            for (path, role) in store.bytes_of(wish) {
                give(&mut found, at, role, path);
            }
        }
    }
    for (path, at) in taker {
        // A link leads to a file of another owner, and only the link is removed.
        let role = if path.is_symlink() { PartRole::Beside } else { PartRole::Payload };
        give(&mut found, at, role, path);
    }
    for top in MANIFESTS.map(|m| root.join(m)) {
        // The server removes empty folders, too; one that cannot be read stays.
        if let Ok(tree) = Tree::read(&top) {
            let folders = tree.folders.into_iter().filter(|(folder, _)| *folder != top).collect();
            Tree { folders, ..tree }.fold(&top, &mut found);
        }
    }
    for parts in found.iter_mut().filter(|parts| parts.as_ref().is_ok_and(Vec::is_empty)) {
        *parts = Err("none of its files exist: run `modelctl scan`".to_owned());
    }
    found
}

/// Returns the names of each model file in a store, by the digest of its blob: the names of all manifests that lead to
/// it, superseded ones included, in all [`spellings`]. Empty if the store cannot be read.
pub(super) fn names(root: &Path) -> HashMap<String, Vec<String>> {
    let read = quietly(root, |collector| {
        let kept = Kept { store: StoreKind::Ollama, root, owner: None };
        let blobs = Blobs::look(root.join(super::ollama::BLOBS), kept, collector)?;
        Manifests::read(root, &blobs, collector)
    });
    let mut names: HashMap<String, Vec<String>> = HashMap::new();
    for image in read.iter().flat_map(|manifests| &manifests.images) {
        for part in image.parts.iter().filter(|part| part.role == Role::Model) {
            names.entry(part.digest.hex.clone()).or_default().extend(spellings(root, image));
        }
    }
    names
}

/// Returns the digest in the name of a blob.
pub(super) fn digest(name: &str) -> Option<String> {
    Digest::parse(name).map(|digest| digest.hex)
}

/// Returns all spellings that the server accepts for a name: `model`, `model:latest`, `library/model:latest`,
/// `registry.ollama.ai/library/model:latest`.
fn spellings(root: &Path, image: &Image) -> Vec<String> {
    let inside = MANIFESTS.iter().find_map(|folder| image.manifest.strip_prefix(root.join(folder)).ok());
    let parts: Vec<_> = inside.into_iter().flat_map(Path::iter).map(|part| part.to_string_lossy()).collect();
    let [host, namespace, model, tag] = parts.as_slice() else { return vec![image.name.clone()] };
    let mut names = vec![format!("{host}/{namespace}/{model}:{tag}"), image.name.clone()];
    if is_public(host) {
        names.push(format!("{namespace}/{model}:{tag}"));
    }
    names.iter().flat_map(|name| with_latest(name)).collect()
}

struct Store<'a> {
    root: &'a Path,
    blobs: Blobs,
    images: &'a [Image],
    /// The images that need each blob, in their order.
    users: HashMap<&'a Digest, Vec<usize>>,
    /// The superseded images of each name, which would become visible if the present one were removed.
    behind: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Store<'a> {
    fn new(root: &'a Path, blobs: Blobs, images: &'a [Image]) -> Store<'a> {
        let mut store = Store { root, blobs, images, users: HashMap::new(), behind: HashMap::new() };
        for (at, image) in images.iter().enumerate() {
            for part in &image.parts {
                store.users.entry(&part.digest).or_default().push(at);
            }
            if image.is_superseded {
                store.behind.entry(&image.name).or_default().push(at);
            }
        }
        store
    }

    /// Returns the images of the model to remove, and the superseded ones of the same names, which would become
    /// visible. Empty for bytes that no image leads to.
    ///
    /// # Errors
    /// The reason why the wish cannot be fulfilled, as text.
    fn images_of(&self, wish: &Wish) -> Result<BTreeSet<usize>, String> {
        let digests: Vec<Digest> = inside(self.root, wish)
            .filter_map(|p| p.file_name().and_then(OsStr::to_str).and_then(Digest::parse))
            .collect();
        let has = |image: &Image, roles: &[Role]| {
            image.parts.iter().any(|p| roles.contains(&p.role) && digests.contains(&p.digest))
        };
        let users: BTreeSet<usize> = digests.iter().filter_map(|d| self.users.get(d)).flatten().copied().collect();
        let users: Vec<(usize, &Image)> = users.into_iter().filter_map(|at| Some((at, self.images.get(at)?))).collect();
        let mut images: BTreeSet<usize> =
            users.iter().filter(|(_, image)| has(image, &[Role::Model])).map(|(at, _)| *at).collect();
        let present = users.iter().find(|(_, image)| !image.is_superseded);
        match (&wish.class, present) {
            (Some(_), Some((_, image))) => return Err(format!("`{}` needs it now", image.name)),
            (None, Some((_, image))) if images.is_empty() => {
                return Err(format!("it is part of `{}` and is removed with it", image.name));
            }
            (Some(_), None) => images.extend(users.iter().map(|(at, _)| *at)),
            _ => {}
        }
        let image = |at: &usize| self.images.get(*at);
        let names: HashSet<&str> = images.iter().filter_map(image).map(|i| i.name.as_str()).collect();
        images.extend(names.iter().filter_map(|name| self.behind.get(name)).flatten());
        Ok(images)
    }

    /// Returns the bytes that no image leads to; for a download, also the notes of its progress.
    fn bytes_of(&self, wish: &Wish) -> Vec<(PathBuf, PartRole)> {
        let mut own: Vec<(PathBuf, PartRole)> = Vec::new();
        for path in inside(self.root, wish) {
            // A path whose stat fails is left out; without any path the wish fails.
            match look(path).ok().flatten().map(|l| l.entity) {
                Some(Entity::File) => own.push((path.clone(), PartRole::Payload)),
                Some(Entity::Link) => {
                    own.push((path.clone(), PartRole::Beside));
                    continue;
                }
                _ => continue,
            }
            let name = path.file_name().and_then(OsStr::to_str).filter(|n| n.ends_with("-partial"));
            let notes = name.map(|n| format!("{n}-"));
            // Notes that cannot be listed stay; the server deletes them.
            let entries = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
            let (Some(start), Some(entries)) = (notes, entries) else { continue };
            let beside = entries.flatten().filter(|e| e.file_name().to_str().is_some_and(|n| n.starts_with(&start)));
            own.extend(beside.map(|e| (e.path(), PartRole::Beside)));
        }
        own
    }
}

//! Finds everything that is removed with a model of RamaLama: its tags, their snapshots, and the blobs that no other
//! tag needs.

use super::part::{Part, PartRole, Tree, Wish, give};
use super::ramalama_ref::{self, Reference};
use crate::inventory::inode::Entity;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(super) fn parts(folder: &Path, wishes: &[&Wish]) -> Vec<Result<Vec<Part>, String>> {
    match Model::read(folder) {
        Ok(model) => model.parts(wishes),
        Err(why) => wishes.iter().map(|_| Err(why.clone())).collect(),
    }
}

struct Model {
    folder: PathBuf,
    tree: Tree,
    refs: Vec<(PathBuf, Reference)>,
}

impl Model {
    /// Reads a model.
    ///
    /// # Errors
    /// A text, when any reference cannot be understood: it may need any file.
    fn read(folder: &Path) -> Result<Model, String> {
        let tree = Tree::read(folder)?;
        let top = folder.join("refs");
        let mut refs = Vec::new();
        for path in tree.files.keys().filter(|p| p.starts_with(&top)) {
            let reference = ramalama_ref::read(path)
                .map_err(|_| format!("the reference `{}` is not understood, and may need it", path.display()))?;
            refs.push((path.clone(), reference));
        }
        Ok(Model { folder: folder.to_owned(), tree, refs })
    }

    /// Returns every path that a reference needs.
    fn needs(&self, reference: &Reference) -> BTreeSet<PathBuf> {
        let snapshot = self.folder.join("snapshots").join(&reference.snapshot);
        let blobs = self.folder.join("blobs");
        let named = reference.files.iter().filter_map(|f| f.blob.as_ref()).map(|blob| blobs.join(blob));
        let inside = self.tree.files.keys().filter(|p| p.starts_with(&snapshot));
        let inodes: BTreeSet<(u64, u64)> =
            inside.clone().filter_map(|p| self.tree.files.get(p)).map(|l| l.inode()).collect();
        // Snapshot entries are hard links to blobs, links, or copies.
        let linked = self.tree.files.iter().filter(|(p, l)| p.starts_with(&blobs) && inodes.contains(&l.inode()));
        let targets = inside.clone().filter_map(|p| {
            let to = std::fs::read_link(p).ok()?; // a regular file leads nowhere
            Some(super::hf::normal(p.parent()?, &to))
        });
        named.chain(inside.cloned()).chain(linked.map(|(p, _)| p.clone())).chain(targets).collect()
    }

    fn parts(&self, wishes: &[&Wish]) -> Vec<Result<Vec<Part>, String>> {
        let mut found: Vec<Result<Vec<Part>, String>> = wishes.iter().map(|_| Ok(Vec::new())).collect();
        let needs: Vec<BTreeSet<PathBuf>> = self.refs.iter().map(|(_, r)| self.needs(r)).collect();
        // For each reference, the wish that takes it: the last that has one of its files.
        let mut takes: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, wish) in wishes.iter().enumerate() {
            for (reference, needs) in needs.iter().enumerate() {
                if needs.iter().any(|path| wish.paths.contains(path)) {
                    takes.insert(reference, at);
                }
            }
            let tag = takes.iter().find(|(_, taker)| **taker == at).and_then(|(r, _)| self.refs.get(*r));
            if let (Some(_), Some((_, reference))) = (&wish.class, tag) {
                takes.retain(|_, taker| *taker != at);
                if let Some(slot) = found.get_mut(at) {
                    *slot = Err(format!("the tag `{}` needs it now", reference.tag));
                }
            }
        }
        let stays: BTreeSet<&PathBuf> =
            (0..).zip(&needs).filter(|(r, _)| !takes.contains_key(r)).flat_map(|(_, needs)| needs).collect();
        let mut taken: BTreeMap<&Path, usize> = BTreeMap::new();
        for (reference, at) in &takes {
            if let Some((path, _)) = self.refs.get(*reference) {
                give(&mut found, *at, PartRole::Reference, path);
            }
            let own = needs.get(*reference).into_iter().flatten().filter(|path| !stays.contains(path));
            taken.extend(
                own.filter_map(|path| self.tree.files.get_key_value(path)).map(|(path, _)| (path.as_path(), *at)),
            );
        }
        for (at, wish) in wishes.iter().enumerate() {
            let own = wish.paths.iter().filter(|path| !stays.contains(path));
            for (path, _) in own.filter_map(|path| self.tree.files.get_key_value(path)) {
                taken.entry(path).or_insert(at);
            }
        }
        for (path, at) in taken {
            let is_snapshot = path.starts_with(self.folder.join("snapshots"));
            let is_file = self.tree.files.get(path).is_some_and(|l| l.entity == Entity::File);
            let role = if is_snapshot || !is_file { PartRole::Beside } else { PartRole::Payload };
            give(&mut found, at, role, path);
        }
        self.tree.fold(&self.folder, &mut found);
        for parts in found.iter_mut().filter(|parts| parts.as_ref().is_ok_and(Vec::is_empty)) {
            *parts = Err("none of its files exist: run `modelctl scan`".to_owned());
        }
        found
    }
}

//! Matches found models with known ones. Pure and independent of the order of its input.

use super::coverage::Coverage;
use crate::model::{Artifact, FileIdentity, Model, Role, State};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::Path;

/// Returns the files that belong to a model alone: without projectors, which may belong to several.
pub(super) fn own_files(model: &Model) -> impl Iterator<Item = &Artifact> {
    model.artifacts.iter().filter(|a| a.role != Role::Mmproj)
}

/// Returns every path that leads to one of the model's own files inside its store.
pub(super) fn entries(model: &Model) -> impl Iterator<Item = &OsStr> {
    own_files(model).flat_map(|a| std::iter::once(&a.path).chain(&a.also)).map(|p| p.as_os_str())
}

/// Returns the coverage of a known model's place: the worst over its own files.
pub(super) fn place_of(model: &Model, coverage: &dyn Fn(&Path) -> Coverage) -> Coverage {
    let mut worst = None;
    for file in own_files(model) {
        match coverage(&file.path) {
            Coverage::Unavailable(why) => return Coverage::Unavailable(why),
            Coverage::Outside => worst = Some(Coverage::Outside),
            Coverage::Read => worst = worst.or(Some(Coverage::Read)),
        }
    }
    worst.unwrap_or_else(|| coverage(&model.root))
}

/// Returns for each of `found` the index of the known model that it is. Both slices are in a fixed order (by path, by
/// id).
///
/// The rules, in this order, each known model at most once: the same place with the same content; the same inode
/// elsewhere; the same place with other content; the same content elsewhere when the old place no longer has it.
pub(super) fn pair(known: &[Model], found: &[Model], coverage: &dyn Fn(&Path) -> Coverage) -> Vec<Option<usize>> {
    let index = Index::new(known);
    let mut pairs = Pairs { used: vec![false; known.len()], of: vec![None; found.len()] };
    pairs.each(found, |f, used| index.by_place(f, used, &|k| same_content(k, f)));
    pairs.each(found, |f, used| {
        let may_move = |k: &Model| k.state == State::Gone || place_of(k, coverage) != Coverage::Outside;
        index.by_inode(f, used, &may_move)
    });
    pairs.each(found, |f, used| index.by_place(f, used, &|_| true));
    pairs.each(found, |f, used| {
        let left = |k: &Model| k.state == State::Gone || place_of(k, coverage) == Coverage::Read;
        index.by_content(f, used, &left)
    });
    pairs.of
}

struct Pairs {
    used: Vec<bool>,
    of: Vec<Option<usize>>,
}

impl Pairs {
    /// Applies one rule to all found models that no earlier rule has paired.
    fn each(&mut self, found: &[Model], rule: impl Fn(&Model, &[bool]) -> Option<usize>) {
        for (model, slot) in found.iter().zip(&mut self.of) {
            if slot.is_none()
                && let Some(k) = rule(model, &self.used)
            {
                *slot = Some(k);
                if let Some(flag) = self.used.get_mut(k) {
                    *flag = true;
                }
            }
        }
    }
}

type Inode = (u64, u64, u64, i64);

fn inode(identity: &FileIdentity) -> Inode {
    (identity.dev, identity.ino, identity.size, identity.mtime_ns)
}

struct Index<'a> {
    known: &'a [Model],
    places: HashMap<&'a OsStr, Vec<usize>>,
    inodes: HashMap<Inode, Vec<usize>>,
    contents: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn new(known: &'a [Model]) -> Self {
        let mut index = Index {
            known,
            places: HashMap::with_capacity(known.len()),
            inodes: HashMap::with_capacity(known.len()),
            contents: HashMap::with_capacity(known.len()),
        };
        for (i, model) in known.iter().enumerate() {
            for entry in entries(model) {
                index.places.entry(entry).or_default().push(i);
            }
            for file in own_files(model) {
                index.inodes.entry(inode(&file.identity)).or_default().push(i);
            }
            if let Some(content) = &model.content {
                index.contents.entry(content).or_default().push(i);
            }
        }
        index
    }

    fn by_place(&self, found: &Model, used: &[bool], fits: &dyn Fn(&Model) -> bool) -> Option<usize> {
        self.best(entries(found).filter_map(|e| self.places.get(e)).flatten(), used, fits)
    }

    fn by_inode(&self, found: &Model, used: &[bool], fits: &dyn Fn(&Model) -> bool) -> Option<usize> {
        self.best(own_files(found).filter_map(|a| self.inodes.get(&inode(&a.identity))).flatten(), used, fits)
    }

    fn by_content(&self, found: &Model, used: &[bool], fits: &dyn Fn(&Model) -> bool) -> Option<usize> {
        self.best(self.contents.get(found.content.as_deref()?)?.iter(), used, fits)
    }

    /// Returns the best candidate: one that is not gone, then the most hits, then the smallest id.
    fn best<'i>(
        &self,
        candidates: impl Iterator<Item = &'i usize>,
        used: &[bool],
        fits: &dyn Fn(&Model) -> bool,
    ) -> Option<usize> {
        let mut hits: BTreeMap<usize, usize> = BTreeMap::new();
        for k in candidates.filter(|k| used.get(**k) == Some(&false)) {
            *hits.entry(*k).or_default() += 1;
        }
        hits.into_iter()
            .filter_map(|(k, n)| Some((k, n, self.known.get(k)?)))
            .filter(|(_, _, model)| fits(model))
            .max_by_key(|(k, n, model)| (model.state != State::Gone, *n, Reverse(*k)))
            .map(|(k, _, _)| k)
    }
}

/// Returns whether the content hashes are equal, or one file of both is unchanged in its place.
fn same_content(known: &Model, found: &Model) -> bool {
    (known.content.is_some() && known.content == found.content)
        || own_files(found).any(|f| own_files(known).any(|k| k.path == f.path && k.identity.same_content(&f.identity)))
}

/// Returns every path of every file, projectors included: all files that exist.
pub(super) fn all_paths(models: &[Model]) -> HashSet<&OsStr> {
    models
        .iter()
        .flat_map(|m| &m.artifacts)
        .flat_map(|a| std::iter::once(&a.path).chain(&a.also))
        .map(|p| p.as_os_str())
        .collect()
}

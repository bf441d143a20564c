//! The files that the database knows, indexed for a scan by path and by region.

use super::found::Found;
use super::roots::{Region, region_of};
use super::stores;
use super::walk::UnchangedPlace;
use crate::model::{FileIdentity, KnownFile, ModelId, StoreKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub(crate) struct Known<'a> {
    files: &'a [KnownFile],
    /// The known file of each path. A path may be known more than once (a projector of several models, a model that is
    /// gone): an entry that is present takes precedence.
    by_path: HashMap<&'a OsStr, &'a KnownFile>,
    regions: Vec<KnownInRegion<'a>>,
}

#[derive(Default)]
pub(crate) struct KnownInRegion<'a> {
    pub files: Vec<&'a KnownFile>,
    /// The number of different paths of the present files.
    present: usize,
}

impl<'a> Known<'a> {
    pub fn new(files: &'a [KnownFile], regions: &[Region]) -> Self {
        let mut by_path: HashMap<&OsStr, &KnownFile> = HashMap::with_capacity(files.len());
        for file in files {
            let entry = by_path.entry(file.path.as_os_str()).or_insert(file);
            if file.present && !entry.present {
                *entry = file;
            }
        }
        let mut in_regions: Vec<KnownInRegion<'_>> = regions.iter().map(|_| KnownInRegion::default()).collect();
        for file in files {
            let Some(region) = region_of(regions, &file.path).and_then(|i| in_regions.get_mut(i)) else { continue };
            region.files.push(file);
            let speaks = by_path.get(file.path.as_os_str()).is_some_and(|f| std::ptr::eq(*f, file));
            region.present += usize::from(speaks && file.present);
        }
        Known { files, by_path, regions: in_regions }
    }

    pub fn region(&self, index: usize) -> &[&'a KnownFile] {
        self.regions.get(index).map_or(&[], |r| r.files.as_slice())
    }

    pub fn has(&self, path: &Path) -> bool {
        self.by_path.contains_key(path.as_os_str())
    }

    /// Returns the places of a region (see [`place_of_path`]) whose files are not exactly the known ones, unchanged. A
    /// model never extends beyond a place, so nothing of the other places need be loaded or grouped. Further entries of
    /// a file are not known here, so their places always count as changed. `found` is sorted by path.
    ///
    /// The repositories in `unchanged_places` are as they are known.
    pub fn changed_places<'f>(
        &self,
        index: usize,
        found: &'f [Found],
        unchanged_places: &[UnchangedPlace],
    ) -> HashSet<&'f Path>
    where
        'a: 'f,
    {
        let is_name = |f: &Found, k: &KnownFile| match (&f.name, &k.name_in_store) {
            (Some(now), Some(before)) => now == before,
            _ => true,
        };
        let as_known = |f: &Found| {
            // Repositories of a hub cache that are as known would be in `unchanged_places`.
            (f.repo.is_none() || f.store != StoreKind::Hf)
                && f.also.is_empty()
                && self.by_path.get(f.path.as_os_str()).is_some_and(|k| {
                    k.present && !k.again && k.identity == f.identity && k.target == f.target && is_name(f, k)
                })
        };
        let mut places: HashSet<&Path> = found.iter().filter(|f| !as_known(f)).map(place_of).collect();
        // Sorted by path; a projector that several models share occurs once for each of them.
        let is_first = |i: usize| {
            i.checked_sub(1).and_then(|before| found.get(before)).map(|f| &f.path) != found.get(i).map(|f| &f.path)
        };
        let again = found.iter().enumerate().filter(|(i, f)| is_first(*i) && as_known(f)).count();
        let unread: u64 = unchanged_places.iter().map(|s| s.files).sum();
        let as_before = unread.saturating_add(again as u64);
        if self.regions.get(index).is_some_and(|r| r.present as u64 > as_before) {
            let there: HashSet<&OsStr> = found.iter().map(|f| f.path.as_os_str()).collect();
            let lost = self.region(index).iter().filter(|k| k.present && !there.contains(k.path.as_os_str()));
            places.extend(lost.map(|k| place_of_path(&k.path)).filter(|place| !is_in(unchanged_places, place)));
        }
        places
    }

    /// Returns the number of models in the region that have all their files in unchanged places.
    pub fn unchanged_models(&self, index: usize, changed_places: &HashSet<&Path>) -> u64 {
        let mut closed: HashSet<&ModelId> = HashSet::with_capacity(self.region(index).len());
        let mut open: HashSet<&ModelId> = HashSet::new();
        for file in self.region(index).iter().filter(|f| f.present) {
            let is_open = !changed_places.is_empty() && changed_places.contains(place_of_path(&file.path));
            if is_open { &mut open } else { &mut closed }.insert(&file.model);
        }
        closed.difference(&open).count() as u64
    }

    /// Returns the recorded roots whose models a scan needs in full: those of the given regions, and those where a file
    /// of `found` is known under another path (it moved, or has a second name), so that no such model is missing.
    pub fn roots_to_load(&self, regions: &[usize], found: &[Found]) -> Vec<PathBuf> {
        let mut roots: BTreeSet<&Path> = BTreeSet::new();
        for index in regions {
            let files = self.region(*index);
            roots.extend(files.iter().map(|f| f.root.as_path()).collect::<HashSet<_>>());
        }
        let strangers: HashSet<FileIdentity> =
            found.iter().filter(|f| !self.has(&f.path)).map(|f| f.identity).collect();
        if !strangers.is_empty() {
            roots.extend(self.files.iter().filter(|f| strangers.contains(&f.identity)).map(|f| f.root.as_path()));
        }
        roots.into_iter().map(Path::to_owned).collect()
    }

    pub fn ids(&self) -> HashSet<ModelId> {
        self.files.iter().map(|f| f.model.clone()).collect()
    }
}

/// Returns whether a place is one of the repositories, which are sorted by the bytes of their paths.
pub(crate) fn is_in(unchanged_places: &[UnchangedPlace], place: &Path) -> bool {
    unchanged_places.binary_search_by(|s| s.folder.as_os_str().cmp(place.as_os_str())).is_ok()
}

/// Returns the folder or repository that a file's model cannot extend beyond.
pub(crate) fn place_of(found: &Found) -> &Path {
    match &found.repo {
        Some(repo) => &repo.folder,
        None => place_of_path(&found.path),
    }
}

/// Returns the place like [`place_of`], from the path of a file that may no longer exist.
pub(crate) fn place_of_path(path: &Path) -> &Path {
    stores::repository_of(path).or(path.parent()).unwrap_or(path)
}

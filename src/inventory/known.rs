//! What the database knows of files, arranged for a scan: by path, and by region.

use super::found::Found;
use super::roots::{Region, region_of};
use super::stores;
use super::walk::Settled;
use crate::model::{FileIdentity, KnownFile, ModelId, StoreKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub(crate) struct Known<'a> {
    files: &'a [KnownFile],
    /// A path may be known more than once (a projector of several models, a model that is gone): one that is present
    /// speaks for it.
    by_path: HashMap<&'a OsStr, &'a KnownFile>,
    regions: Vec<KnownInRegion<'a>>,
}

#[derive(Default)]
pub(crate) struct KnownInRegion<'a> {
    pub files: Vec<&'a KnownFile>,
    /// Different paths among those that are present.
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

    /// The places of a region (see [`place_of_path`]) that do not hold exactly what is known, untouched. Models do not
    /// reach beyond a place, so nothing of the other places need be loaded or grouped. Further entries of a file are
    /// not in what is known here, so their places take the longer way. `found` is in the order of its paths.
    ///
    /// Repositories in `settled` are as they are known.
    pub fn unsettled<'f>(&self, index: usize, found: &'f [Found], settled: &[Settled]) -> HashSet<&'f Path>
    where
        'a: 'f,
    {
        let is_name = |f: &Found, k: &KnownFile| match (&f.name, &k.name_in_store) {
            (Some(now), Some(before)) => now == before,
            _ => true,
        };
        let as_known = |f: &Found| {
            // Those of repositories of a hub cache would be settled if they were as known.
            (f.repo.is_none() || f.store != StoreKind::Hf)
                && f.also.is_empty()
                && self
                    .by_path
                    .get(f.path.as_os_str())
                    .is_some_and(|k| k.present && k.identity == f.identity && k.target == f.target && is_name(f, k))
        };
        let mut places: HashSet<&Path> = found.iter().filter(|f| !as_known(f)).map(place_of).collect();
        // In the order of their paths; a projector that several models share is there once for each of them.
        let is_first = |i: usize| {
            i.checked_sub(1).and_then(|before| found.get(before)).map(|f| &f.path) != found.get(i).map(|f| &f.path)
        };
        let again = found.iter().enumerate().filter(|(i, f)| is_first(*i) && as_known(f)).count();
        let unread: u64 = settled.iter().map(|s| s.files).sum();
        let as_before = unread.saturating_add(again as u64);
        if self.regions.get(index).is_some_and(|r| r.present as u64 > as_before) {
            let there: HashSet<&OsStr> = found.iter().map(|f| f.path.as_os_str()).collect();
            let lost = self.region(index).iter().filter(|k| k.present && !there.contains(k.path.as_os_str()));
            places.extend(lost.map(|k| place_of_path(&k.path)).filter(|place| !is_in(settled, place)));
        }
        places
    }

    /// The number of models in the region that have all their files in settled places.
    pub fn settled_models(&self, index: usize, unsettled: &HashSet<&Path>) -> u64 {
        let mut settled: HashSet<&ModelId> = HashSet::with_capacity(self.region(index).len());
        let mut open: HashSet<&ModelId> = HashSet::new();
        for file in self.region(index).iter().filter(|f| f.present) {
            let is_open = !unsettled.is_empty() && unsettled.contains(place_of_path(&file.path));
            if is_open { &mut open } else { &mut settled }.insert(&file.model);
        }
        settled.difference(&open).count() as u64
    }

    /// The recorded roots whose models a scan needs in full: those of the given regions, and those where a file of
    /// `found` is known under another path (it moved, or has a second name), so that it stays closed.
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

/// Whether a place is one of the repositories, which are in the order of their paths' bytes.
pub(crate) fn is_in(settled: &[Settled], place: &Path) -> bool {
    settled.binary_search_by(|s| s.folder.as_os_str().cmp(place.as_os_str())).is_ok()
}

/// The folder or repository that a file's model cannot reach beyond.
pub(crate) fn place_of(found: &Found) -> &Path {
    match &found.repo {
        Some(repo) => &repo.folder,
        None => place_of_path(&found.path),
    }
}

/// The same from the path of a file that is not there any more.
pub(crate) fn place_of_path(path: &Path) -> &Path {
    stores::repository_of(path).or(path.parent()).unwrap_or(path)
}

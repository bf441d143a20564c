//! Which places a scan can speak for.

use super::found::Skipped;
use super::roots::{Region, contains, region_of};
use super::stores::Folder;
use crate::model::{KnownFile, RootState};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a scan knows about a path that it did not find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// It was not asked to look there.
    Outside,
    /// It looked: what it did not find is not there.
    Read,
    /// It could not look, for this reason.
    Unavailable(String),
}

/// The regions of a scan with how reading them went.
pub(crate) struct Covered<'a> {
    pub regions: &'a [Region],
    /// In the order of the regions.
    pub states: Vec<RootState>,
    /// Places under the regions that could not be read.
    pub unread: Vec<Skipped>,
}

impl Covered<'_> {
    pub fn of(&self, path: &Path) -> Coverage {
        let Some(state) = region_of(self.regions, path).and_then(|i| self.states.get(i)) else {
            return Coverage::Outside;
        };
        if let RootState::Unavailable { reason } = state {
            return Coverage::Unavailable(reason.clone());
        }
        match self.unread.iter().find(|place| contains(&place.path, path)) {
            Some(place) => Coverage::Unavailable(format!("{}: {}", place.path.display(), place.reason)),
            None => Coverage::Read,
        }
    }
}

/// Folders inside a region where another file system was mounted when the missing files were last seen, and which are
/// empty now: an unmounted volume below a root looks exactly like deleted files, except for the device number.
pub(crate) fn unmounted(region: &Region, known: &[&KnownFile], found: &HashSet<&OsStr>) -> Vec<Skipped> {
    let mut seen: HashSet<PathBuf> = HashSet::new();
    let mut out = Vec::new();
    for file in known.iter().filter(|f| f.present && !found.contains(f.path.as_os_str())) {
        let nearest = file.path.ancestors().skip(1).find_map(|dir| Some((dir, std::fs::metadata(dir).ok()?)));
        let Some((dir, meta)) = nearest else { continue };
        if meta.dev() == file.identity.dev || dir == region.path || !contains(&region.path, dir) {
            continue;
        }
        let is_empty = || Folder::open(dir).and_then(|folder| folder.is_empty()).unwrap_or(false);
        if seen.insert(dir.to_owned()) && is_empty() {
            let reason = "is empty where another file system was mounted".to_owned();
            out.push(Skipped { path: dir.to_owned(), reason });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::RootSource;
    use crate::inventory::roots::Reach;

    #[test]
    fn the_deepest_region_speaks_and_an_unread_folder_silences_what_is_under_it() {
        let region = |path: &str| Region {
            path: path.into(),
            store: None,
            claims: Vec::new(),
            named_by: RootSource::Argument,
            reach: Reach::Open,
        };
        let regions = [region("/m"), region("/m/nas")];
        let covered = Covered {
            regions: &regions,
            states: vec![RootState::Read, RootState::Unavailable { reason: "not mounted".into() }],
            unread: vec![Skipped { path: "/m/shut".into(), reason: "cannot be read: no".into() }],
        };
        let of = |path: &str| covered.of(Path::new(path));
        assert_eq!(of("/m/a.gguf"), Coverage::Read);
        assert_eq!(of("/m/shutter/a.gguf"), Coverage::Read);
        assert_eq!(of("/m/shut/x/a.gguf"), Coverage::Unavailable("/m/shut: cannot be read: no".into()));
        assert_eq!(of("/m/nas/a.gguf"), Coverage::Unavailable("not mounted".into()));
        assert_eq!(of("/n/a.gguf"), Coverage::Outside);
    }
}

//! The places that the result of a scan covers.

use super::folder::Folder;
use super::found::Skipped;
use super::paths::contains;
use super::roots::{Region, region_of};
use crate::model::{KnownFile, RootState};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The meaning of a path that a scan did not find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// The scan was not asked to read this place.
    Outside,
    /// The place was read: a path that was not found does not exist.
    Read,
    /// The place could not be read, for this reason.
    Unavailable(String),
}

/// The regions of a scan with the results of reading them.
pub(crate) struct Covered<'a> {
    pub regions: &'a [Region],
    /// The results, in the order of the regions.
    pub states: Vec<RootState>,
    /// The places under the regions that could not be read.
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

/// Returns the folders inside a region where another file system was mounted when the missing files were last found,
/// and which are empty now: an unmounted volume below a root looks exactly like deleted files, except for the device
/// number.
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
            inner: Vec::new(),
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

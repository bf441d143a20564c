//! From the roots a person names to the regions that are walked: real paths, each place once.

use crate::failure::Failure;
use crate::inventory::stores::{self, Folder};
use crate::model::StoreKind;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// A place to look for models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootSpec {
    pub path: PathBuf,
    /// None: found out by looking.
    pub store: Option<StoreKind>,
    pub named_by: RootSource,
}

/// Who asked for a root; decides how loudly its absence is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootSource {
    /// On the command line: must be readable.
    Argument,
    /// This environment variable.
    Environment(&'static str),
    ConfigFile,
    /// A known place: may well not exist.
    Default,
}

/// One tree to walk. Its path is free of links, so that a place has one name whichever way it was reached.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    pub path: PathBuf,
    pub store: Option<StoreKind>,
    /// Folders in it that a person or a default place gave to a store.
    pub claims: Vec<(PathBuf, StoreKind)>,
    pub named_by: RootSource,
    pub reach: Reach,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    Open,
    /// A folder without any entry: an unmounted volume looks like this.
    Empty,
    /// Missing.
    Missing(String),
    /// There, and not readable as a folder.
    Unreadable(String),
}

impl Reach {
    /// Why there is nothing to see, in a sentence.
    pub fn reason(&self) -> Option<String> {
        match self {
            Reach::Open => None,
            Reach::Empty => Some("the root is empty, as an unmounted volume is".to_owned()),
            Reach::Missing(why) | Reach::Unreadable(why) => Some(format!("the root cannot be read: {why}")),
        }
    }
}

/// The regions that `specs` amount to, in the order of their paths. A root inside another one is walked with it; one
/// that cannot be read stays a region of its own, so that the outer one does not speak for what is in it.
pub(crate) fn regions(specs: &[RootSpec]) -> Vec<Region> {
    let mut all: Vec<Region> = specs.iter().map(look_at).collect();
    // The stronger source first, so that it survives among equals.
    let rank = |r: &Region| match r.named_by {
        RootSource::Argument => 0,
        RootSource::Environment(_) => 1,
        RootSource::ConfigFile => 2,
        RootSource::Default => 3,
    };
    all.sort_by(|a, b| a.path.cmp(&b.path).then_with(|| rank(a).cmp(&rank(b))));
    let mut kept: Vec<Region> = Vec::with_capacity(all.len());
    for region in all {
        let open = region.reach == Reach::Open;
        let walked_with = |k: &Region| open && k.reach == Reach::Open && contains(&k.path, &region.path);
        match kept.iter_mut().find(|k| k.path == region.path || walked_with(k)) {
            Some(outer) => outer.claims.extend(region.claims),
            None => kept.push(region),
        }
    }
    kept
}

fn look_at(spec: &RootSpec) -> Region {
    let (path, reach) = match spec.path.canonicalize() {
        Ok(path) => {
            let path = stores::enclosing(&path).unwrap_or(path);
            let reach = match Folder::open(&path).and_then(|folder| folder.is_empty()) {
                Ok(true) => Reach::Empty,
                Ok(false) => Reach::Open,
                Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
                    Reach::Unreadable("it is not a folder".to_owned())
                }
                Err(e) => Reach::Unreadable(e.to_string()),
            };
            (path, reach)
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            (where_it_was(&spec.path), Reach::Missing("it does not exist".to_owned()))
        }
        Err(e) => (where_it_was(&spec.path), Reach::Unreadable(e.to_string())),
    };
    let claims = spec.store.map(|store| (path.clone(), store)).into_iter().collect();
    Region { path, store: spec.store, claims, named_by: spec.named_by, reach }
}

/// The real path that a missing root had while it was there, as far as links still tell: `~/models -> /mnt/big/models`
/// leads to `/mnt/big/models` also when nothing is mounted there.
fn where_it_was(path: &Path) -> PathBuf {
    const HOPS: usize = 40;
    // Without a working directory a relative path can only be taken as it is.
    let mut rest = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for _ in 0..HOPS {
        let mut real = PathBuf::from("/");
        let mut link = None;
        let parts: Vec<Component<'_>> = rest.components().collect();
        for (i, part) in parts.iter().enumerate() {
            match part {
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
                Component::ParentDir => {
                    real.pop();
                }
                Component::Normal(name) => {
                    let next = real.join(name);
                    if let Ok(to) = std::fs::read_link(&next) {
                        let tail: PathBuf = parts.iter().skip(i + 1).collect();
                        link = Some(real.join(to).join(tail));
                        break;
                    }
                    real = next;
                }
            }
        }
        match link {
            Some(next) => rest = next,
            None => return real,
        }
    }
    rest
}

/// `inner` lies under `outer` or is it. Compares bytes: both are normal, absolute paths, and this runs once for each
/// known file.
pub(crate) fn contains(outer: &Path, inner: &Path) -> bool {
    let (outer, inner) = (outer.as_os_str().as_bytes(), inner.as_os_str().as_bytes());
    let outer = outer.strip_suffix(b"/").unwrap_or(outer);
    match inner.strip_prefix(outer) {
        Some(rest) => rest.is_empty() || rest.first() == Some(&b'/'),
        None => false,
    }
}

/// The deepest region that holds `path`.
pub(crate) fn region_of(regions: &[Region], path: &Path) -> Option<usize> {
    (0..regions.len())
        .filter(|i| regions.get(*i).is_some_and(|r| contains(&r.path, path)))
        .max_by_key(|i| regions.get(*i).map(|r| r.path.as_os_str().len()))
}

/// The failure for a root that a person named and that is not there to be read.
pub(crate) fn unreachable_root(region: &Region, why: &str) -> Failure {
    Failure::cannot_meet(format!("cannot read root {}: {why}", region.path.display()))
        .hint("name a folder that exists and that you may read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn spec(path: impl Into<PathBuf>) -> RootSpec {
        RootSpec { path: path.into(), store: None, named_by: RootSource::ConfigFile }
    }

    #[test]
    fn a_root_named_twice_inside_another_and_through_a_link_is_one_region() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(base.join("a/b/c")).unwrap();
        symlink(base.join("a"), base.join("link")).unwrap();
        let specs =
            [spec(base.join("a/b")), spec(base.join("link")), spec(base.join("a")), spec(base.join("a/./b/.."))];
        let got = regions(&specs);
        assert_eq!(got.iter().map(|r| r.path.clone()).collect::<Vec<_>>(), [base.join("a")]);
    }

    #[test]
    fn an_empty_or_missing_root_inside_another_is_not_spoken_for_by_it() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(base.join("a/mnt")).unwrap();
        let got = regions(&[spec(base.join("a")), spec(base.join("a/mnt")), spec(base.join("a/nas"))]);
        assert_eq!(got.len(), 3);
        assert_eq!(region_of(&got, &base.join("a/mnt/x.gguf")), Some(1));
        assert_eq!(region_of(&got, &base.join("a/mnt2/x.gguf")), Some(0));
        assert_eq!(region_of(&got, &base.join("b")), None);
    }

    #[test]
    fn a_dangling_root_link_still_says_which_place_it_meant() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        symlink(base.join("disk/models"), base.join("models")).unwrap();
        assert_eq!(where_it_was(&base.join("models/sub")), base.join("disk/models/sub"));
        symlink("loop", base.join("loop")).unwrap();
        where_it_was(&base.join("loop")); // ends
    }
}

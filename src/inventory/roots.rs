//! Turns the named roots into the regions that are walked: real paths, each place once.

use crate::failure::Failure;
use crate::inventory::folder::Folder;
use crate::inventory::paths::contains;
use crate::inventory::stores;
use crate::model::StoreKind;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// A place to search for models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootSpec {
    pub path: PathBuf,
    /// The store of the root. None: detected from its layout.
    pub store: Option<StoreKind>,
    pub named_by: RootSource,
}

/// The source of a root, which decides how prominently its absence is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootSource {
    /// The command line: the root must be readable.
    Argument,
    /// This environment variable.
    Environment(&'static str),
    ConfigFile,
    /// The command line of an earlier scan.
    Remembered,
    /// A known place, which need not exist.
    Default,
}

/// One tree to walk. Its path is free of links, so that a place has one name, whichever path led to it.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    pub path: PathBuf,
    pub store: Option<StoreKind>,
    /// Folders in it that the user or a known place assigned to a store.
    pub claims: Vec<(PathBuf, StoreKind)>,
    /// Plain folders in it that were named, too: roots of their own, which are walked with it.
    pub inner: Vec<PathBuf>,
    pub named_by: RootSource,
    pub reach: Reach,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    Open,
    /// A folder without any entry, as an unmounted volume is.
    Empty,
    /// Missing.
    Missing(String),
    /// Existing, but not readable as a folder.
    Unreadable(String),
}

impl Reach {
    /// Returns the reason why nothing can be read, as a sentence.
    pub fn reason(&self) -> Option<String> {
        match self {
            Reach::Open => None,
            Reach::Empty => Some("the root is empty, as an unmounted volume is".to_owned()),
            Reach::Missing(why) | Reach::Unreadable(why) => Some(format!("the root cannot be read: {why}")),
        }
    }
}

/// Returns the regions of `specs`, sorted by path. A root inside another one is walked with it; one that cannot be read
/// stays a region of its own, so that the outer one does not cover its content.
pub(crate) fn regions(specs: &[RootSpec]) -> Vec<Region> {
    let mut all: Vec<Region> = specs.iter().map(look_at).collect();
    // The stronger source first, so that it is kept among equals.
    let rank = |r: &Region| match r.named_by {
        RootSource::Argument => 0,
        RootSource::Environment(_) => 1,
        RootSource::ConfigFile => 2,
        RootSource::Remembered => 3,
        RootSource::Default => 4,
    };
    all.sort_by(|a, b| a.path.cmp(&b.path).then_with(|| rank(a).cmp(&rank(b))));
    let mut kept: Vec<Region> = Vec::with_capacity(all.len());
    for region in all {
        let open = region.reach == Reach::Open;
        let walked_with = |k: &Region| open && k.reach == Reach::Open && contains(&k.path, &region.path);
        match kept.iter_mut().find(|k| k.path == region.path || walked_with(k)) {
            Some(outer) => {
                let is_plain = region.path != outer.path && region.store.is_none();
                outer.inner.extend(is_plain.then_some(region.path));
                outer.claims.extend(region.claims);
            }
            None => kept.push(region),
        }
    }
    kept
}

fn look_at(spec: &RootSpec) -> Region {
    let (path, reach) = match folder_of(&spec.path).canonicalize() {
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
    Region { path, store: spec.store, claims, inner: Vec::new(), named_by: spec.named_by, reach }
}

/// Returns the folder of a file, by the name that was given: a link to a file belongs to the folder that it is in. Returns
/// any other path as it is.
pub fn folder_of(path: &Path) -> &Path {
    if path.is_file() { path.parent().unwrap_or(path) } else { path }
}

/// Returns whether a file is a model by its name or its first bytes. One that cannot be read is, by its name alone.
pub fn is_model_file(path: &Path) -> bool {
    let has_name = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    let mut magic = [0; 4];
    has_name || File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"GGUF"
}

/// Returns the real path that a missing root had while it existed, as far as its links still show it.
/// `~/models -> /mnt/big/models` leads to `/mnt/big/models` even when nothing is mounted there.
fn where_it_was(path: &Path) -> PathBuf {
    const HOPS: usize = 40;
    // Without a working directory, a relative path is used unchanged.
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

/// Returns the index of the deepest region that contains `path`.
pub(crate) fn region_of(regions: &[Region], path: &Path) -> Option<usize> {
    (0..regions.len())
        .filter(|i| regions.get(*i).is_some_and(|r| contains(&r.path, path)))
        .max_by_key(|i| regions.get(*i).map(|r| r.path.as_os_str().len()))
}

/// Returns the failure for a root that the user named and that cannot be read.
pub(crate) fn unreachable_root(region: &Region, why: &str) -> Failure {
    Failure::cannot_meet(format!("cannot scan {}: {why}", region.path.display()))
        .hint("give a folder that exists and is readable")
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

//! A small store, what it looks like to the last bit, and runs that die at a given point.

mod attacks;
mod changes;
mod kills;
pub(in crate::prune) mod places;
mod properties;
mod times;

use super::*;
use crate::clock::Timestamp;
use crate::model::StoreKind;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with a root in it.
pub(super) struct Shop {
    _dir: TempDir,
    pub above: PathBuf,
    pub root: PathBuf,
}

impl Shop {
    pub fn empty() -> Shop {
        let dir = tempfile::tempdir().unwrap();
        let above = dir.path().canonicalize().unwrap();
        let root = above.join("store");
        fs::create_dir(&root).unwrap();
        Shop { _dir: dir, above, root }
    }

    /// References, blobs, hard links, a name that is not UTF-8, a folder that goes whole and folders that get empty.
    pub fn new() -> Shop {
        let shop = Shop::empty();
        for dir in ["refs/deep/er", "blobs", "whole/a/b", "whole/none", "other"] {
            fs::create_dir_all(shop.root.join(dir)).unwrap();
        }
        for (file, bytes) in
            [("blobs/one", 5_000), ("blobs/two", 70_000), ("whole/a/b/three", 9_000), ("other/kept", 10)]
        {
            fs::write(shop.root.join(file), vec![7; bytes]).unwrap();
        }
        fs::hard_link(shop.root.join("blobs/two"), shop.root.join("other/two-again")).unwrap();
        fs::hard_link(shop.root.join("blobs/two"), shop.root.join("whole/two-more")).unwrap();
        symlink("../../../blobs/one", shop.root.join("refs/deep/er/main")).unwrap();
        symlink("a/b/three", shop.root.join("whole/link")).unwrap();
        fs::write(shop.root.join("blobs").join(strange()), "odd").unwrap();
        shop.mode("refs/deep", 0o2750);
        shop.mode("blobs/one", 0o440);
        shop.age();
        shop
    }

    pub fn mode(&self, path: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(self.root.join(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Gives everything an old time of its own.
    pub fn age(&self) {
        for (n, path) in below(&self.root).into_iter().enumerate() {
            set_mtime(&self.root.join(path), 1_600_000_000_000_000_123 + i64::try_from(n).unwrap() * 1_000_000_007);
        }
    }

    pub fn order(&self, steps: Vec<Step>) -> Order {
        let root = fs::metadata(&self.root).unwrap();
        Order {
            root: self.root.clone(),
            root_is: Inode { dev: root.dev(), ino: root.ino() },
            store: StoreKind::Dir,
            name: "a model".into(),
            models: Vec::new(),
            why: vec!["not used for long".into()],
            at: Timestamp(1_700_000_000_000),
            who: "me".into(),
            command: "modelctl prune".into(),
            actor: None,
            freed_bytes: 0,
            allocated_bytes: 0,
            apparent_bytes: 0,
            steps,
            shared: Vec::new(),
        }
    }

    /// Takes everything of the one model of [`Shop::new`].
    pub fn model(&self) -> Order {
        let refs = ["refs/deep/er", "refs/deep", "refs"].map(|d| Step::RemoveDir { path: d.into() });
        let mut steps = vec![self.mv("refs/deep/er/main"), self.tree("whole")];
        steps.extend(refs);
        steps.extend([self.mv("blobs/one"), self.mv("blobs/two"), self.mv(strange())]);
        steps.push(Step::RemoveDir { path: "other".into() });
        steps.push(Step::RemoveDir { path: "blobs".into() });
        self.order(steps)
    }

    pub fn mv(&self, path: impl AsRef<Path>) -> Step {
        let path = if path.as_ref() == strange() { Path::new("blobs").join(path) } else { path.as_ref().to_owned() };
        Step::Move { seen: Seen::at(&self.root.join(&path)).unwrap(), path }
    }

    pub fn tree(&self, path: &str) -> Step {
        let top = self.root.join(path);
        let listed = |path: PathBuf| Listed { seen: Seen::at(&top.join(&path)).unwrap(), path };
        let listing = below(&top).into_iter().filter(|p| !p.as_os_str().is_empty()).map(listed).collect();
        Step::Tree { path: path.into(), seen: Seen::at(&top).unwrap(), listing }
    }

    pub fn hold(&self) -> Held {
        Place::open_or_create(&self.root).unwrap().hold(Timestamp(1)).unwrap()
    }

    pub fn discard(&self, order: Order) -> String {
        match discard(&self.hold(), order, &mut go_on).unwrap() {
            Outcome::Trashed { id } => id,
            other => panic!("{other:?}"),
        }
    }

    pub fn restore(&self, id: &str) {
        restore(&self.hold(), id, &mut go_on).unwrap();
    }

    pub fn listed(&self) -> Vec<Trashed> {
        let places: Vec<_> = Place::all(&self.root).into_iter().map(Result::unwrap).collect();
        list(&places).unwrap()
    }

    pub fn picture(&self) -> Picture {
        picture(&self.root)
    }

    /// Nothing is beside the root any more.
    pub fn is_clean(&self) -> bool {
        below(&self.above).iter().all(|p| p.as_os_str().is_empty() || p.starts_with("store"))
    }
}

pub(super) fn strange() -> &'static Path {
    Path::new(OsStr::from_bytes(b"\xff\xfe blob"))
}

pub(in crate::prune) fn set_mtime(path: &Path, ns: i64) {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: ns / 1_000_000_000, tv_nsec: ns % 1_000_000_000 },
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Everything below `top`, itself included, relative to it and in order.
pub(in crate::prune) fn below(top: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(top).sort_by_file_name();
    entries.into_iter().map(|e| e.unwrap().path().strip_prefix(top).unwrap().to_owned()).collect()
}

/// (mode, owner, mtime, inode but of folders, content or target)
pub(in crate::prune) type Picture = BTreeMap<PathBuf, (u32, u32, i64, u64, Vec<u8>)>;

pub(in crate::prune) fn picture(top: &Path) -> Picture {
    let look = |path: PathBuf| {
        let at = top.join(&path);
        let meta = fs::symlink_metadata(&at).unwrap();
        let content = if meta.is_symlink() {
            fs::read_link(&at).unwrap().as_os_str().as_bytes().to_vec()
        } else if meta.is_file() {
            fs::read(&at).unwrap()
        } else {
            Vec::new()
        };
        let mtime = meta.mtime() * 1_000_000_000 + meta.mtime_nsec();
        let ino = if meta.is_dir() { 0 } else { meta.ino() };
        (path, (meta.mode(), meta.uid(), mtime, ino, content))
    };
    below(top).into_iter().map(look).collect()
}

/// Asserts without printing thousands of bytes.
pub(in crate::prune) fn same(before: &Picture, after: &Picture, when: &str) {
    let short = |p: &Picture| -> HashMap<_, _> {
        p.iter()
            .map(|(path, (mode, uid, mtime, ino, content))| (path.clone(), (*mode, *uid, *mtime, *ino, content.len())))
            .collect()
    };
    let (a, b) = (short(before), short(after));
    let wrong: Vec<_> = before.keys().chain(after.keys()).filter(|p| a.get(*p) != b.get(*p)).collect();
    let told: Vec<_> = wrong.iter().map(|p| format!("{p:?}: {:?} became {:?}", a.get(*p), b.get(*p))).collect();
    assert!(before == after, "{when}: {told:#?}");
}

/// Runs `work` with a hook that dies at its `n`th call. None when it came to its end before.
pub(in crate::prune) fn dies_at<T>(
    n: usize,
    work: impl FnOnce(&mut dyn FnMut(Point) -> anyhow::Result<()>) -> anyhow::Result<T>,
) -> Option<Point> {
    let (mut calls, mut died) = (0, None);
    let result = work(&mut |point| {
        assert!(died.is_none(), "it goes on after it died");
        calls += 1;
        if calls > n {
            died = Some(point);
            anyhow::bail!("killed");
        }
        Ok(())
    });
    assert_eq!(result.is_err(), died.is_some(), "{:?}", result.err());
    died
}

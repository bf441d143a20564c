//! The blobs of one repository, and the snapshots that lead to them.

use super::hf::promised_sha256;
use super::hf_refs::Standing;
use crate::inventory::collector::{SharedUse, StoreCollector};
use crate::inventory::folder::Folder;
use crate::inventory::inode::{Entity, Stamp, vanished};
use crate::inventory::kept::{Kept, Sum};
use crate::inventory::paths::is_partial;
use crate::model::{Class, Holding, StoreKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// One entry of `blobs/`.
pub(super) struct Blob {
    /// The stat result of the entry itself, which is a link if the payload is shared.
    pub look: Stamp,
    /// The snapshots that lead to the blob.
    pub snapshots: BTreeSet<OsString>,
    /// A name that a snapshot has for the blob, if it is the name of a model.
    pub model: Option<String>,
}

/// The target of the first step of a snapshot's link.
pub(super) enum Meant {
    /// The path that the link names.
    Here(PathBuf),
    /// The blob of this repository, because the link leads to the former location of a cache that was moved.
    Moved(PathBuf),
    /// The target in the cache that this one is a copy of, and the blob of that name in this repository.
    Copied(PathBuf, PathBuf),
}

pub(super) struct Blobs {
    pub folder: PathBuf,
    /// The folder with its links resolved, if a link leads to it: the bytes have that path.
    pub real: Option<PathBuf>,
    pub entries: HashMap<OsString, Blob>,
}

impl Blobs {
    /// Stats every entry once, so that the snapshots need no stat of their own.
    ///
    /// `is_linked`: the folder or its repository is a link that its owner follows.
    pub fn look(folder: PathBuf, is_linked: bool, collector: &mut StoreCollector<'_>) -> anyhow::Result<Blobs> {
        // If the real path cannot be resolved, the folder keeps its own.
        let real = is_linked.then(|| folder.canonicalize().ok()).flatten();
        let mut blobs = Blobs { folder, real, entries: HashMap::new() };
        let opened = if is_linked { Folder::open_through(&blobs.folder) } else { Folder::open(&blobs.folder) };
        let folder = match opened {
            Ok(folder) => folder,
            Err(e) => {
                if !vanished(&e) {
                    collector.cannot_read(&blobs.folder, &e);
                }
                return Ok(blobs);
            }
        };
        collector.stamping.folder(&folder);
        let names = match folder.names() {
            Ok(names) => names,
            Err(e) => {
                collector.cannot_read(&blobs.folder, &e);
                return Ok(blobs);
            }
        };
        for entry in names {
            collector.progress.entry()?;
            match folder.look(&entry.name) {
                Ok(look) => {
                    if look.entity == Entity::Link {
                        // The models that need the payload are known only after all its users were read.
                        collector.stamping.spoil();
                    }
                    blobs.entries.insert(entry.name, Blob { look, snapshots: BTreeSet::new(), model: None });
                }
                Err(e) if vanished(&e) => {}
                Err(e) => collector.cannot_read(&blobs.folder.join(&entry.name), &e),
            }
        }
        Ok(blobs)
    }

    /// Returns the blob of this repository that the first step of a link means.
    ///
    /// In a cache that was moved, links lead to the old location: if nothing is there any more, the blob of that name
    /// in the new location is meant. While a file exists there, the link leads to that file, and the blob here is a
    /// copy of it.
    pub fn meant(&self, first: PathBuf) -> Meant {
        if first.parent() == Some(&self.folder) {
            return Meant::Here(first);
        }
        let in_blobs = first.parent().and_then(Path::file_name).is_some_and(|folder| folder == "blobs");
        let beside = first.file_name().filter(|name| in_blobs && self.entries.contains_key(*name));
        match beside.map(|name| self.folder.join(name)) {
            Some(beside) if first.symlink_metadata().is_err_and(|e| vanished(&e)) => Meant::Moved(beside),
            Some(beside) => Meant::Copied(first, beside),
            None => Meant::Here(first),
        }
    }

    /// Returns the path of the bytes of the entry at `path`.
    pub fn real_path(&self, path: PathBuf) -> PathBuf {
        match (&self.real, path.strip_prefix(&self.folder)) {
            (Some(real), Ok(inside)) => real.join(inside),
            _ => path,
        }
    }

    /// Returns the blob at `path`, if that is in the folder of blobs.
    pub fn of(&self, path: &Path) -> Option<&Blob> {
        if path.parent() != Some(&self.folder) {
            return None;
        }
        self.entries.get(path.file_name()?)
    }

    /// Records that `snapshot` leads to the blob at `path`. False when there is no such blob.
    pub fn lead(&mut self, path: &Path, snapshot: Option<&OsStr>, model: Option<&OsStr>) -> bool {
        let Some(blob) = path.file_name().and_then(|name| self.entries.get_mut(name)) else { return false };
        blob.snapshots.extend(snapshot.map(OsStr::to_owned));
        if let (Some(name), None) = (model, &blob.model) {
            blob.model = Some(name.to_string_lossy().into_owned());
        }
        true
    }

    /// Adds the holdings of the repository's blobs. `whole`: every snapshot could be read.
    pub fn holdings(
        self,
        kept: Kept<'_>,
        standings: &BTreeMap<OsString, Standing>,
        whole: bool,
        collector: &mut StoreCollector<'_>,
    ) {
        let mut sums: BTreeMap<(Class, String), Sum> = BTreeMap::new();
        for (name, blob) in self.entries {
            let path = self.folder.join(&name);
            let expected_sha256 = promised_sha256(&name);
            if blob.snapshots.is_empty() && is_unfinished(&name) {
                collector.stamping.add(&path, &blob.look);
                let why = "unfinished download";
                collector.holdings.push(kept.file(&path, blob.look, Class::Partial, why));
                continue;
            }
            if !matches!(blob.look.entity, Entity::File | Entity::Link) {
                let why = format!("{} among the blobs", blob.look.entity.not_regular_reason());
                collector.stamping.add(&path, &blob.look);
                collector.holdings.push(kept.file(&path, blob.look, Class::Damaged, why));
                continue;
            }
            let (class, why) = judge(&blob, standings, whole);
            if blob.look.entity == Entity::Link {
                // The bytes belong to the shared payload.
                if let Ok(to) = std::fs::read_link(&path) {
                    let payload = super::hf::shared_payload(kept.root, super::hf::normal(&self.folder, &to));
                    let owner = kept.owner.unwrap_or_default().to_owned();
                    collector.shared.push(SharedUse { payload, owner, class, why, expected_sha256 });
                }
                continue;
            }
            if blob.model.is_some() || class == Class::Orphan {
                collector.stamping.add(&path, &blob.look);
                collector.holdings.push(Holding { expected_sha256, ..kept.file(&path, blob.look, class, why) });
            } else {
                sums.entry((class, why)).or_default().add(blob.look);
            }
        }
        for ((class, why), sum) in sums {
            collector.holdings.push(kept.sum(&self.folder, sum, class, format!("files next to models: {why}")));
        }
    }
}

/// Returns whether a name is that of an unfinished blob. A finished blob has no dot in its name. Unfinished ones are:
/// `<etag>.<8 hex>.incomplete`, `.<etag>.<8 hex>.shared`.
pub(super) fn is_unfinished(name: &OsStr) -> bool {
    is_partial(name) || Path::new(name).extension().is_some_and(|e| e == "shared" || e == "tmp")
}

fn judge(blob: &Blob, standings: &BTreeMap<OsString, Standing>, whole: bool) -> (Class, String) {
    let found = |pick: &dyn Fn(&Standing) -> bool| {
        blob.snapshots.iter().find_map(|s| standings.get(s).filter(|st| pick(st)).map(|st| (s, st)))
    };
    let file = blob.model.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
    let short = |commit: &OsString| commit.to_string_lossy().chars().take(7).collect::<String>();
    if let Some((commit, Standing::Named(names))) = found(&|s| matches!(s, Standing::Named(_))) {
        let names = names.join(", ");
        return (Class::Referenced, format!("snapshot {} ({names}) uses it{file}", short(commit)));
    }
    if let Some((commit, _)) = found(&|s| *s == Standing::ByCommit) {
        let why = format!(
            "snapshot {} uses it{file}; no reference names that snapshot, as after a download by commit",
            short(commit)
        );
        return (Class::Referenced, why);
    }
    if let Some((_, Standing::Superseded { by, now })) = found(&|_| true) {
        return (Class::Superseded, format!("old revision, {by} is {}", short(now)));
    }
    if whole {
        (Class::Orphan, "no snapshot references it".to_owned())
    } else {
        (Class::Referenced, "may be needed: not all snapshots could be read".to_owned())
    }
}

/// The store of the holdings of a repository's blobs.
pub(super) const STORE: StoreKind = StoreKind::Hf;

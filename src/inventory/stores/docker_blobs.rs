//! The blobs of a Docker Model Runner store and the bundles that were made of them.

use super::docker_held::Held;
use super::oci::{Algorithm, Digest};
use super::oci_images::{At, Place, Uses, Verdict, stray};
use super::ollama_blobs::behind;
use crate::inventory::collector::StoreCollector;
use crate::inventory::inode::{not_regular_reason, vanished};
use crate::inventory::kept::{Kept, Sum};
use crate::model::{Class, Holding, StoreKind};
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::WalkDir;

/// Path and metadata of a directory entry, and those of the file that it leads to if that is another one.
type Entry = (PathBuf, Metadata, Option<(PathBuf, Metadata)>);

pub(super) struct Blobs {
    root: PathBuf,
    entries: BTreeMap<Digest, Entry>,
    /// Whether all folders of blobs could be read to the end. If not, no blob can be called missing.
    is_whole: bool,
}

/// Returns path and metadata of the bytes of a blob that is a link or is reached through one.
fn target_of(path: &Path, meta: &Metadata, collector: &mut StoreCollector<'_>) -> Option<(PathBuf, Metadata)> {
    if meta.is_symlink() {
        return behind(path, collector);
    }
    let real = path.canonicalize().ok().filter(|real| real != path)?; // a file that vanished has not moved
    meta.is_file().then(|| (real, meta.clone()))
}

impl Blobs {
    pub fn look(root: &Path, kept: Kept<'_>, collector: &mut StoreCollector<'_>) -> anyhow::Result<Blobs> {
        let mut blobs = Blobs { root: root.to_owned(), entries: BTreeMap::new(), is_whole: true };
        for algorithm in Algorithm::ALL {
            let folder = root.join("blobs").join(algorithm.name());
            match std::fs::metadata(&folder) {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => {
                    blobs.is_whole = false;
                    collector.skip(&folder, "not a folder of blobs");
                    continue;
                }
                Err(e) => {
                    if !vanished(&e) {
                        blobs.is_whole = false;
                        collector.cannot_read(&folder, &e);
                    }
                    continue;
                }
            }
            match std::fs::read_dir(&folder) {
                Ok(entries) => blobs.list(algorithm, (&folder, entries), kept, collector)?,
                Err(e) => {
                    blobs.is_whole = false;
                    collector.cannot_read(&folder, &e);
                }
            }
        }
        Ok(blobs)
    }

    fn list(
        &mut self,
        algorithm: Algorithm,
        (folder, entries): (&Path, std::fs::ReadDir),
        kept: Kept<'_>,
        collector: &mut StoreCollector<'_>,
    ) -> anyhow::Result<()> {
        for entry in entries {
            collector.progress.entry()?;
            // DirEntry::metadata is an lstat.
            let (entry, meta) = match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
                Ok(both) => both,
                Err(e) if vanished(&e) => continue,
                Err(e) => {
                    self.is_whole = false;
                    collector.cannot_read(folder, &e);
                    continue;
                }
            };
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_str().unwrap_or_default();
            if let Some(digest) = Digest::new(algorithm, name) {
                let target = target_of(&path, &meta, collector);
                self.entries.insert(digest, (path, meta, target));
                continue;
            }
            let digits = name.split('.').next().unwrap_or_default();
            let (class, why) = match Digest::new(algorithm, digits) {
                _ if !meta.is_file() => {
                    (Class::Damaged, format!("{} among the blobs", not_regular_reason(meta.file_type())))
                }
                Some(_) => (Class::Partial, "unfinished download".to_owned()),
                None => (Class::Orphan, "a name that is not a blob name".to_owned()),
            };
            collector.holdings.push(kept.file(&path, &meta, class, why));
        }
        Ok(())
    }

    pub fn has(&self, digest: &Digest) -> bool {
        self.entries.contains_key(digest)
    }

    fn place(&self, digest: &Digest) -> Place<'_> {
        match self.entries.get(digest) {
            Some((path, _, Some((target, meta)))) => {
                Place::Here { path: path.clone(), target: Some(target.clone()), meta }
            }
            Some((path, meta, None)) if meta.is_file() => Place::Here { path: path.clone(), target: None, meta },
            None if self.is_whole => {
                Place::Gone(self.root.join("blobs").join(digest.algorithm.name()).join(&digest.hex))
            }
            Some(_) | None => Place::Refused,
        }
    }

    /// Adds the models, all blobs with their uses, and the bundles.
    pub fn keep(self, root: &Arc<Path>, held: &Held, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
        let kept = Kept { store: StoreKind::Docker, root, owner: None };
        let uses = Uses::new(&held.images);
        let at = At { store: StoreKind::Docker, root };
        uses.models(at, &|digest| self.place(digest), collector);
        if self.is_whole {
            uses.missing(kept, &|digest| self.has(digest), collector);
        }
        let mut strays = 0;
        let mut counted = HashSet::new();
        for (digest, (path, meta, target)) in &self.entries {
            let is_file = meta.is_file();
            if is_file && !counted.insert((meta.dev(), meta.ino())) {
                continue;
            }
            let bytes = is_file.then_some(meta.len());
            let verdict = uses.judge(digest, bytes, held.unknown.as_deref());
            let Verdict { owner, mut class, mut why, is_stray, .. } = verdict;
            if is_stray && is_file && (collector.is_known)(path) {
                collector.found.extend(stray(at, digest, (path.clone(), meta), strays));
                strays = strays.saturating_add(1);
            }
            if meta.is_symlink() {
                let to = target.as_ref().map(|(to, _)| to.display().to_string());
                why = format!("{why}; a link to {}", to.as_deref().unwrap_or("something that is not a file"));
            } else if !is_file {
                class = Class::Damaged;
                why = format!("{} where a blob belongs: {why}", not_regular_reason(meta.file_type()));
            }
            let expected_sha256 = is_file.then(|| digest.sha256()).flatten();
            let holding = Kept { owner, ..kept }.file(path, meta, class, why);
            collector.holdings.push(Holding { expected_sha256, ..holding });
        }
        bundles(root, held, &mut counted, collector)
    }
}

/// Adds one holding for each bundle: its files except hard links to blobs, which were already counted.
fn bundles(
    root: &Path,
    held: &Held,
    counted: &mut HashSet<(u64, u64)>,
    collector: &mut StoreCollector<'_>,
) -> anyhow::Result<()> {
    let top = root.join("bundles");
    if !top.is_dir() {
        return Ok(());
    }
    let mut sums: BTreeMap<PathBuf, Sum> = BTreeMap::new();
    // Depth 1 is the algorithm, depth 2 the manifest.
    for entry in WalkDir::new(&top).follow_root_links(false).max_open(16) {
        collector.progress.entry()?;
        let (entry, meta) = match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
            Ok(both) => both,
            Err(e) => {
                collector.walk_error(&e);
                continue;
            }
        };
        if meta.is_file() && counted.insert((meta.dev(), meta.ino())) {
            let folder: PathBuf = entry.path().strip_prefix(&top).unwrap_or(entry.path()).iter().take(2).collect();
            sums.entry(folder).or_default().add(&meta);
        }
    }
    for (folder, sum) in sums {
        let name = |part: &OsStr| part.to_str().map(str::to_owned);
        let parts: Vec<_> = folder.iter().map(name).collect();
        let digest = match parts.as_slice() {
            [Some(algorithm), Some(hex)] => Digest::parse(&format!("{algorithm}:{hex}")),
            _ => None,
        };
        let owner = digest.as_ref().and_then(|d| held.owner_of_bundle(d));
        let kept = Kept { store: StoreKind::Docker, root, owner };
        let (class, why) = match owner {
            None if held.has_index() => (Class::Orphan, "unpacked from a model that is no longer listed"),
            _ => (Class::SideCache, "unpacked for the runtime next to links to blobs; recreated when needed"),
        };
        collector.holdings.push(kept.sum(&top.join(&folder), sum, class, why));
    }
    Ok(())
}

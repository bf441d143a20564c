//! The blobs of a Docker Model Runner store and the bundles that were made of them.

use super::docker::Held;
use super::oci::{Algorithm, Digest};
use super::oci_images::{At, Place, Uses, Verdict, stray};
use crate::inventory::found::{Intake, Kept, Sum, odd_type, vanished};
use crate::model::{Class, Holding, StoreKind};
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::WalkDir;

pub(super) struct Blobs {
    root: PathBuf,
    entries: BTreeMap<Digest, (PathBuf, Metadata)>,
    /// False when a folder could not be read to its end: then nothing can be called missing.
    is_whole: bool,
}

impl Blobs {
    pub fn look(root: &Path, kept: Kept<'_>, intake: &mut Intake<'_>) -> anyhow::Result<Blobs> {
        let mut blobs = Blobs { root: root.to_owned(), entries: BTreeMap::new(), is_whole: true };
        for algorithm in Algorithm::ALL {
            let folder = root.join("blobs").join(algorithm.name());
            match std::fs::symlink_metadata(&folder) {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => {
                    blobs.is_whole = false;
                    intake.skip(&folder, "not a folder of blobs");
                    continue;
                }
                Err(e) => {
                    if !vanished(&e) {
                        blobs.is_whole = false;
                        intake.cannot_read(&folder, &e);
                    }
                    continue;
                }
            }
            match std::fs::read_dir(&folder) {
                Ok(entries) => blobs.list(algorithm, (&folder, entries), kept, intake)?,
                Err(e) => {
                    blobs.is_whole = false;
                    intake.cannot_read(&folder, &e);
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
        intake: &mut Intake<'_>,
    ) -> anyhow::Result<()> {
        for entry in entries {
            intake.pulse.entry()?;
            // DirEntry::metadata is an lstat.
            let (entry, meta) = match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
                Ok(both) => both,
                Err(e) if vanished(&e) => continue,
                Err(e) => {
                    self.is_whole = false;
                    intake.cannot_read(folder, &e);
                    continue;
                }
            };
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_str().unwrap_or_default();
            if let Some(digest) = Digest::new(algorithm, name) {
                self.entries.insert(digest, (path, meta));
                continue;
            }
            let digits = name.split('.').next().unwrap_or_default();
            let (class, why) = match Digest::new(algorithm, digits) {
                _ if !meta.is_file() => (Class::Damaged, format!("{} among the blobs", odd_type(meta.file_type()))),
                Some(_) => (Class::Partial, "a download that was not finished".to_owned()),
                None => (Class::Orphan, "a name that is no blob's".to_owned()),
            };
            intake.holdings.push(kept.file(&path, &meta, class, why));
        }
        Ok(())
    }

    pub fn has(&self, digest: &Digest) -> bool {
        self.entries.contains_key(digest)
    }

    fn place(&self, digest: &Digest) -> Place<'_> {
        match self.entries.get(digest) {
            Some((path, meta)) if meta.is_file() => Place::Here { path: path.clone(), target: None, meta },
            None if self.is_whole => {
                Place::Gone(self.root.join("blobs").join(digest.algorithm.name()).join(&digest.hex))
            }
            Some(_) | None => Place::Refused,
        }
    }

    /// The models, every blob with what it is needed for, and the bundles.
    pub fn keep(self, root: &Arc<Path>, held: &Held, intake: &mut Intake<'_>) -> anyhow::Result<()> {
        let kept = Kept { store: StoreKind::Docker, root, owner: None };
        let uses = Uses::new(&held.images);
        let at = At { store: StoreKind::Docker, root };
        uses.models(at, &|digest| self.place(digest), intake);
        if self.is_whole {
            uses.missing(kept, &|digest| self.has(digest), intake);
        }
        let mut strays = 0;
        let mut counted = HashSet::new();
        for (digest, (path, meta)) in &self.entries {
            let is_file = meta.is_file();
            if is_file && !counted.insert((meta.dev(), meta.ino())) {
                continue;
            }
            let bytes = is_file.then_some(meta.len());
            let verdict = uses.judge(digest, bytes, held.unknown.as_deref());
            let Verdict { owner, mut class, mut why, is_stray, .. } = verdict;
            if is_stray && is_file && (intake.is_known)(path) {
                intake.found.extend(stray(at, digest, (path.clone(), meta), strays));
                strays += 1;
            }
            if meta.is_symlink() {
                intake.skip(path, "a link among the blobs");
                why = format!("{why}; a link, which is not followed");
            } else if !is_file {
                class = Class::Damaged;
                why = format!("{} where a blob belongs: {why}", odd_type(meta.file_type()));
            }
            let expected_sha256 = is_file.then(|| digest.sha256()).flatten();
            let holding = Kept { owner, ..kept }.file(path, meta, class, why);
            intake.holdings.push(Holding { expected_sha256, ..holding });
        }
        bundles(root, held, &mut counted, intake)
    }
}

/// One holding for each bundle: what is in it beside hard links to blobs, which have been counted.
fn bundles(root: &Path, held: &Held, counted: &mut HashSet<(u64, u64)>, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let top = root.join("bundles");
    if !top.is_dir() {
        return Ok(());
    }
    let mut sums: BTreeMap<PathBuf, Sum> = BTreeMap::new();
    // Depth 1 is the algorithm, depth 2 the manifest.
    for entry in WalkDir::new(&top).follow_root_links(false).max_open(16) {
        intake.pulse.entry()?;
        let (entry, meta) = match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
            Ok(both) => both,
            Err(e) => {
                intake.walk_error(&e);
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
            None if held.has_index() => (Class::Orphan, "unpacked from a model that is not listed any more"),
            _ => (Class::SideCache, "unpacked for the runtime beside links to blobs; made again when it is needed"),
        };
        intake.holdings.push(kept.sum(&top.join(&folder), sum, class, why));
    }
    Ok(())
}

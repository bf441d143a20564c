//! The blobs of an Ollama store: their kinds by name, and their uses by the manifests.

use super::oci::{Algorithm, Digest, read_json};
use super::oci_images::{At, Image, Place, Uses, Verdict, stray};
use crate::inventory::collector::StoreCollector;
use crate::inventory::inode::{not_regular_reason, vanished};
use crate::inventory::kept::{Kept, Sum};
use crate::model::{Class, Holding, StoreKind, iec};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The uses of a store's blobs, from its manifests.
#[derive(Clone, Copy)]
pub(super) struct Needed<'a> {
    pub images: &'a [Image],
    /// Reason why blobs without an image may still be needed.
    pub unknown: Option<&'a str>,
    /// The config blobs of models that run elsewhere, with the host.
    pub clouds: &'a HashMap<Digest, String>,
}

pub(super) struct Blobs {
    pub folder: PathBuf,
    /// The folder with its links resolved, if that is another path: each blob has that path, too.
    real: Option<PathBuf>,
    entries: BTreeMap<Digest, Blob>,
    /// Device and inode of every file that has its holding already.
    counted: HashSet<(u64, u64)>,
    /// Device and inode of every blob.
    inodes: HashSet<(u64, u64)>,
    /// Whether the folder could be read to the end. If not, no blob can be called missing.
    is_whole: bool,
}

struct Blob {
    name: Box<OsStr>,
    /// The metadata of the entry itself.
    meta: Metadata,
    /// The file that a link leads to, wherever that is: the server opens it there.
    target: Option<Box<(PathBuf, Metadata)>>,
}

/// The progress of one part of a download.
#[derive(Deserialize)]
struct Progress {
    #[serde(rename = "Size", default)]
    size: u64,
    #[serde(rename = "Completed", default)]
    completed: u64,
}

impl Blobs {
    /// Stats every entry once. Adds the holdings of files that no manifest can name.
    pub fn look(folder: PathBuf, kept: Kept<'_>, collector: &mut StoreCollector<'_>) -> anyhow::Result<Blobs> {
        let (counted, inodes) = (HashSet::new(), HashSet::new());
        // If the real path cannot be resolved, the folder keeps its own.
        let real = folder.canonicalize().ok().filter(|real| *real != folder);
        let mut blobs = Blobs { folder, real, entries: BTreeMap::new(), counted, inodes, is_whole: true };
        let listing = match std::fs::read_dir(&blobs.folder) {
            Ok(listing) => listing,
            Err(e) => {
                blobs.is_whole = false;
                if !vanished(&e) {
                    collector.cannot_read(&blobs.folder, &e);
                }
                return Ok(blobs);
            }
        };
        let mut downloads = Vec::new();
        let mut notes = Notes::default();
        for entry in listing {
            collector.progress.entry()?;
            // DirEntry::metadata is an lstat.
            let (path, meta) = match entry.and_then(|e| e.metadata().map(|m| (e.path(), m))) {
                Ok(both) => both,
                Err(e) if vanished(&e) => continue,
                Err(e) => {
                    blobs.is_whole = false;
                    collector.cannot_read(&blobs.folder, &e);
                    continue;
                }
            };
            let name = path.file_name().map_or(Name::Unknown, Name::of);
            if let Name::Blob(digest) = name {
                blobs.add(digest, path, meta, kept, collector);
                continue;
            }
            if !meta.is_file() {
                let why = format!("{} among the blobs", not_regular_reason(meta.file_type()));
                collector.holdings.push(kept.file(&path, &meta, Class::Damaged, why));
                continue;
            }
            if !blobs.counted.insert((meta.dev(), meta.ino())) {
                continue;
            }
            match name {
                Name::Download(digest) => downloads.push((digest, path, meta)),
                Name::Note(digest) => notes.add(digest, &path, &meta),
                Name::Written => {
                    let why = "an incompletely written blob";
                    collector.holdings.push(kept.file(&path, &meta, Class::Partial, why));
                }
                _ => {
                    let why = "a name that is not a blob name; the server deletes such a file when it starts";
                    collector.holdings.push(kept.file(&path, &meta, Class::Orphan, why));
                }
            }
        }
        for (digest, path, meta) in downloads {
            let why = match notes.progress.get(&digest) {
                Some((done, all)) => format!("unfinished download: {} of {}", iec(*done), iec(*all)),
                None => "unfinished download".to_owned(),
            };
            let expected_sha256 = digest.sha256();
            collector.holdings.push(Holding { expected_sha256, ..kept.file(&path, &meta, Class::Partial, why) });
        }
        if !notes.sum.is_empty() {
            let why = "progress of the parts of downloads";
            collector.holdings.push(kept.sum(&blobs.folder, notes.sum, Class::Partial, why));
        }
        Ok(blobs)
    }

    fn add(
        &mut self,
        digest: Digest,
        path: PathBuf,
        meta: Metadata,
        kept: Kept<'_>,
        collector: &mut StoreCollector<'_>,
    ) {
        let target = if meta.is_symlink() { behind(&path, collector) } else { None };
        self.inodes.insert((meta.dev(), meta.ino()));
        let name: Box<OsStr> = path.file_name().unwrap_or_default().into();
        let is_new = !name.as_encoded_bytes().contains(&b':');
        let blob = Blob { name, meta, target: target.map(Box::new) };
        let other = match self.entries.remove(&digest) {
            // Current servers use the name with a dash.
            Some(there) if !is_new => {
                self.entries.insert(digest, there);
                Some(blob)
            }
            there => {
                self.entries.insert(digest, blob);
                there
            }
        };
        if let Some(Blob { name, meta, .. }) = other
            && self.counted.insert((meta.dev(), meta.ino()))
        {
            let why = "the blob also exists under another name";
            collector.holdings.push(kept.file(&self.folder.join(&*name), &meta, Class::Orphan, why));
        }
    }

    pub fn has(&self, digest: &Digest) -> bool {
        self.entries.contains_key(digest)
    }

    /// Returns whether an inode belongs to the blobs or has its holding already.
    pub fn is_blob(&self, meta: &Metadata) -> bool {
        let key = (meta.dev(), meta.ino());
        self.counted.contains(&key) || self.inodes.contains(&key)
    }

    /// Returns the path of a blob that is a regular file.
    pub fn file(&self, digest: &Digest) -> Option<PathBuf> {
        self.entries.get(digest).filter(|b| b.meta.is_file()).map(|b| self.folder.join(&*b.name))
    }

    /// Returns the path of a blob that is a file or a link to one.
    pub fn entry(&self, digest: &Digest) -> Option<PathBuf> {
        let blob = self.entries.get(digest).filter(|b| b.meta.is_file() || b.target.is_some());
        blob.map(|b| self.folder.join(&*b.name))
    }

    fn place(&self, digest: &Digest) -> Place<'_> {
        match self.entries.get(digest) {
            Some(Blob { name, meta, .. }) if meta.is_file() => {
                let target = self.real.as_ref().map(|real| real.join(&**name));
                Place::Here { path: self.folder.join(&**name), target, meta }
            }
            Some(Blob { name, target: Some(target), .. }) => {
                let (to, meta) = &**target;
                Place::Here { path: self.folder.join(&**name), target: Some(to.clone()), meta }
            }
            Some(_) => Place::Refused,
            None if self.is_whole => Place::Gone(self.folder.join(format!("sha256-{}", digest.hex))),
            None => Place::Refused,
        }
    }

    /// Adds the models, and every blob with its use; single tensors as sums.
    pub fn keep(mut self, root: &Arc<Path>, needed: Needed<'_>, collector: &mut StoreCollector<'_>) {
        let kept = Kept { store: StoreKind::Ollama, root, owner: None };
        let uses = Uses::new(needed.images);
        let at = At { store: StoreKind::Ollama, root };
        uses.models(at, &|digest| self.place(digest), collector);
        if self.is_whole {
            uses.missing(kept, &|digest| self.has(digest), collector);
        }
        let mut strays = 0;
        let mut sums: BTreeMap<(Option<&str>, Class, String), Sum> = BTreeMap::new();
        for (digest, blob) in std::mem::take(&mut self.entries) {
            if !self.counted.insert((blob.meta.dev(), blob.meta.ino())) {
                continue;
            }
            let bytes = match &blob.target {
                Some(target) => Some(target.1.len()),
                None => blob.meta.is_file().then_some(blob.meta.len()),
            };
            let verdict = uses.judge(&digest, bytes, needed.unknown);
            let Verdict { owner, mut class, mut why, is_minor, is_stray } = verdict;
            let path = self.folder.join(&*blob.name);
            if is_stray && blob.meta.is_file() && (collector.is_known)(&path) {
                collector.found.extend(stray(at, &digest, (path.clone(), &blob.meta), strays));
                strays = strays.saturating_add(1);
            }
            if is_minor && blob.meta.is_file() {
                sums.entry((owner, class, why)).or_default().add(&blob.meta);
                continue;
            }
            if blob.meta.is_symlink() {
                let to = blob.target.as_ref().map(|target| target.0.display().to_string());
                why = format!("{why}; a link to {}", to.as_deref().unwrap_or("something that is not a file"));
            } else if !blob.meta.is_file() {
                class = Class::Damaged;
                why = format!("{} where a blob belongs: {why}", not_regular_reason(blob.meta.file_type()));
            }
            if let Some(host) = needed.clouds.get(&digest) {
                why = format!("{why}; its weights are not local, it runs at {host}");
            }
            let expected_sha256 = blob.meta.is_file().then(|| digest.sha256()).flatten();
            let holding = Kept { owner, ..kept }.file(&path, &blob.meta, class, why);
            collector.holdings.push(Holding { expected_sha256, ..holding });
        }
        for ((owner, class, why), sum) in sums {
            let why = format!("each is {why}");
            collector.holdings.push(Kept { owner, ..kept }.sum(&self.folder, sum, class, why));
        }
    }
}

/// Returns path and metadata of the file that a link among the blobs leads to. Reports a link that leads to no file.
pub(super) fn behind(link: &Path, collector: &mut StoreCollector<'_>) -> Option<(PathBuf, Metadata)> {
    match link.canonicalize().and_then(|to| std::fs::symlink_metadata(&to).map(|meta| (to, meta))) {
        Ok((to, meta)) if meta.is_file() => Some((to, meta)),
        Ok((_, meta)) => {
            collector.skip(link, format!("a link to {}", not_regular_reason(meta.file_type())));
            None
        }
        Err(_) => {
            collector.skip(link, "a dangling link");
            None
        }
    }
}

#[derive(Default)]
struct Notes {
    /// The bytes downloaded so far, and the bytes of the whole file.
    progress: HashMap<Digest, (u64, u64)>,
    sum: Sum,
}

impl Notes {
    fn add(&mut self, digest: Digest, path: &Path, meta: &Metadata) {
        const MOST_BYTES: u64 = 4_096;
        self.sum.add(meta);
        // A note that is being written right now is left out of the figures.
        if let Ok(note) = read_json::<Progress>(path, MOST_BYTES) {
            let (done, all) = self.progress.entry(digest).or_default();
            *done = done.saturating_add(note.completed);
            *all = all.saturating_add(note.size);
        }
    }
}

/// Returns whether a file of that name is being written by the server, or was left unfinished.
pub(super) fn is_unfinished(name: &OsStr) -> bool {
    matches!(Name::of(name), Name::Download(_) | Name::Note(_) | Name::Written)
}

/// The kind of a file among the blobs, by its name.
#[derive(Debug, PartialEq, Eq)]
enum Name {
    Blob(Digest),
    Download(Digest),
    Note(Digest),
    /// A file with a temporary name that is being written.
    Written,
    Unknown,
}

impl Name {
    fn of(name: &OsStr) -> Name {
        Name::read(name).unwrap_or(Name::Unknown)
    }

    fn read(name: &OsStr) -> Option<Name> {
        let name = name.to_str()?;
        let rest = name.strip_prefix("sha256-").or_else(|| name.strip_prefix("sha256:"))?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let digest = rest.get(..64).and_then(|hex| Digest::new(Algorithm::Sha256, hex));
        match (digest, rest.get(64..).unwrap_or_default()) {
            (Some(digest), "") => Some(Name::Blob(digest)),
            (Some(digest), "-partial") => Some(Name::Download(digest)),
            (Some(_), ".tmp") => Some(Name::Written),
            (Some(digest), tail) if tail.strip_prefix("-partial-").is_some_and(is_number) => Some(Name::Note(digest)),
            // The name that Go gives to a temporary file.
            (None, _) if is_number(rest) => Some(Name::Written),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_the_server_wrote_it_for() {
        let hex = "0f".repeat(32);
        let digest = Digest::new(Algorithm::Sha256, &hex).unwrap();
        let of = |name: String| Name::of(OsStr::new(&name));
        assert_eq!(of(format!("sha256-{hex}")), Name::Blob(digest.clone()));
        assert_eq!(of(format!("sha256:{}", hex.to_uppercase())), Name::Blob(digest.clone()));
        assert_eq!(of(format!("sha256-{hex}-partial")), Name::Download(digest.clone()));
        assert_eq!(of(format!("sha256-{hex}-partial-15")), Name::Note(digest));
        assert_eq!(of(format!("sha256-{hex}.tmp")), Name::Written);
        assert_eq!(of("sha256-3141592653".into()), Name::Written);
        let odd = ["sha256-", "sha256-abc", "model.gguf", "sha512-00", "sha256-é"];
        for name in
            odd.iter().map(|s| (*s).to_owned()).chain([format!("sha256-{hex}0"), format!("sha256-{hex}-partial-x")])
        {
            assert_eq!(of(name.clone()), Name::Unknown, "{name}");
        }
    }
}

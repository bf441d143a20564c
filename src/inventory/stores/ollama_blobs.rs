//! The blobs of an Ollama store: what lies there by its name, and what the manifests need of it.

use super::oci::{Algorithm, Digest, read_json};
use super::oci_images::{At, Place, Uses, Verdict, stray};
use super::ollama_manifests::Manifests;
use crate::inventory::found::{Intake, Kept, Sum, odd_type, vanished};
use crate::inventory::roots::contains;
use crate::model::{Class, Holding, StoreKind};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) struct Blobs {
    pub folder: PathBuf,
    entries: BTreeMap<Digest, Blob>,
    /// Device and inode of everything that has its holding here.
    counted: HashSet<(u64, u64)>,
    /// The same of the blobs.
    inodes: HashSet<(u64, u64)>,
    /// False when the folder could not be read to its end: then nothing can be called missing.
    is_whole: bool,
}

struct Blob {
    name: Box<OsStr>,
    /// Of the entry itself.
    meta: Metadata,
    /// A link that stays in the store leads there.
    target: Option<Box<(PathBuf, Metadata)>>,
}

/// How far one part of a download is.
#[derive(Deserialize)]
struct Progress {
    #[serde(rename = "Size", default)]
    size: u64,
    #[serde(rename = "Completed", default)]
    completed: u64,
}

impl Blobs {
    /// Looks at every entry once. Holdings of what no manifest can lead to are told at once.
    pub fn look(folder: PathBuf, kept: Kept<'_>, intake: &mut Intake<'_>) -> anyhow::Result<Blobs> {
        let (counted, inodes) = (HashSet::new(), HashSet::new());
        let mut blobs = Blobs { folder, entries: BTreeMap::new(), counted, inodes, is_whole: true };
        let listing = match std::fs::read_dir(&blobs.folder) {
            Ok(listing) => listing,
            Err(e) => {
                blobs.is_whole = false;
                if !vanished(&e) {
                    intake.cannot_read(&blobs.folder, &e);
                }
                return Ok(blobs);
            }
        };
        let mut downloads = Vec::new();
        let mut notes = Notes::default();
        for entry in listing {
            intake.pulse.entry()?;
            // DirEntry::metadata is an lstat.
            let (path, meta) = match entry.and_then(|e| e.metadata().map(|m| (e.path(), m))) {
                Ok(both) => both,
                Err(e) if vanished(&e) => continue,
                Err(e) => {
                    blobs.is_whole = false;
                    intake.cannot_read(&blobs.folder, &e);
                    continue;
                }
            };
            let name = path.file_name().map_or(Name::Unknown, Name::of);
            if let Name::Blob(digest) = name {
                blobs.add(digest, path, meta, kept, intake);
                continue;
            }
            if !meta.is_file() {
                let why = format!("{} among the blobs", odd_type(meta.file_type()));
                intake.holdings.push(kept.file(&path, &meta, Class::Damaged, why));
                continue;
            }
            if !blobs.counted.insert((meta.dev(), meta.ino())) {
                continue;
            }
            match name {
                Name::Download(digest) => downloads.push((digest, path, meta)),
                Name::Note(digest) => notes.add(digest, &path, &meta),
                Name::Written => {
                    let why = "a blob that was not written to its end";
                    intake.holdings.push(kept.file(&path, &meta, Class::Partial, why));
                }
                _ => {
                    let why = "a name that is no blob's; the server deletes such a file when it starts";
                    intake.holdings.push(kept.file(&path, &meta, Class::Orphan, why));
                }
            }
        }
        for (digest, path, meta) in downloads {
            let why = match notes.progress.get(&digest) {
                Some((done, all)) => format!("a download that was not finished: {done} of {all} bytes are here"),
                None => "a download that was not finished".to_owned(),
            };
            let expected_sha256 = digest.sha256();
            intake.holdings.push(Holding { expected_sha256, ..kept.file(&path, &meta, Class::Partial, why) });
        }
        if !notes.sum.is_empty() {
            let why = "notes of how far the parts of downloads are";
            intake.holdings.push(kept.sum(&blobs.folder, notes.sum, Class::Partial, why));
        }
        Ok(blobs)
    }

    fn add(&mut self, digest: Digest, path: PathBuf, meta: Metadata, kept: Kept<'_>, intake: &mut Intake<'_>) {
        let target = if meta.is_symlink() { inside(kept.root, &path, intake) } else { None };
        self.inodes.insert((meta.dev(), meta.ino()));
        let name: Box<OsStr> = path.file_name().unwrap_or_default().into();
        let is_new = !name.as_encoded_bytes().contains(&b':');
        let blob = Blob { name, meta, target: target.map(Box::new) };
        let other = match self.entries.remove(&digest) {
            // The server of today goes by the name with a dash.
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
            let why = "the blob is here under another name as well";
            intake.holdings.push(kept.file(&self.folder.join(&*name), &meta, Class::Orphan, why));
        }
    }

    pub fn has(&self, digest: &Digest) -> bool {
        self.entries.contains_key(digest)
    }

    /// This inode has its place among the blobs.
    pub fn is_blob(&self, meta: &Metadata) -> bool {
        let key = (meta.dev(), meta.ino());
        self.counted.contains(&key) || self.inodes.contains(&key)
    }

    /// The path of a blob that is a file of its own.
    pub fn file(&self, digest: &Digest) -> Option<PathBuf> {
        self.entries.get(digest).filter(|b| b.meta.is_file()).map(|b| self.folder.join(&*b.name))
    }

    fn place(&self, digest: &Digest) -> Place<'_> {
        match self.entries.get(digest) {
            Some(Blob { name, meta, .. }) if meta.is_file() => {
                Place::Here { path: self.folder.join(&**name), target: None, meta }
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

    /// The models, and every blob with what it is needed for; single tensors together.
    pub fn keep(mut self, root: &Arc<Path>, manifests: &Manifests, intake: &mut Intake<'_>) {
        let kept = Kept { store: StoreKind::Ollama, root, owner: None };
        let uses = Uses::new(&manifests.images);
        let at = At { store: StoreKind::Ollama, root };
        uses.models(at, &|digest| self.place(digest), intake);
        if self.is_whole {
            uses.missing(kept, &|digest| self.has(digest), intake);
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
            let verdict = uses.judge(&digest, bytes, manifests.unknown.as_deref());
            let Verdict { owner, mut class, mut why, is_minor, is_stray } = verdict;
            let path = self.folder.join(&*blob.name);
            if is_stray && blob.meta.is_file() && (intake.is_known)(&path) {
                intake.found.extend(stray(at, &digest, (path.clone(), &blob.meta), strays));
                strays += 1;
            }
            if is_minor && blob.meta.is_file() {
                sums.entry((owner, class, why)).or_default().add(&blob.meta);
                continue;
            }
            if blob.meta.is_symlink() {
                let place = if blob.target.is_some() { "in the store" } else { "that is not the store's" };
                why = format!("{why}; a link to a place {place}");
            } else if !blob.meta.is_file() {
                class = Class::Damaged;
                why = format!("{} where a blob belongs: {why}", odd_type(blob.meta.file_type()));
            }
            if let Some(host) = manifests.clouds.get(&digest) {
                why = format!("{why}; its weights are not here, it runs at {host}");
            }
            let expected_sha256 = blob.meta.is_file().then(|| digest.sha256()).flatten();
            let holding = Kept { owner, ..kept }.file(&path, &blob.meta, class, why);
            intake.holdings.push(Holding { expected_sha256, ..holding });
        }
        for ((owner, class, why), sum) in sums {
            let why = format!("each is {why}");
            intake.holdings.push(Kept { owner, ..kept }.sum(&self.folder, sum, class, why));
        }
    }
}

/// Where a link among the blobs leads, when that is a file of the same store.
fn inside(root: &Path, link: &Path, intake: &mut Intake<'_>) -> Option<(PathBuf, Metadata)> {
    match link.canonicalize().and_then(|to| std::fs::symlink_metadata(&to).map(|meta| (to, meta))) {
        Ok((to, _)) if !contains(root, &to) => {
            intake.skip(link, "a link that leaves the root");
            None
        }
        Ok((to, meta)) if meta.is_file() => Some((to, meta)),
        Ok((_, meta)) => {
            intake.skip(link, format!("a link to {}", odd_type(meta.file_type())));
            None
        }
        Err(_) => {
            intake.skip(link, "a link that leads nowhere");
            None
        }
    }
}

#[derive(Default)]
struct Notes {
    /// Bytes that are here, and that there will be.
    progress: HashMap<Digest, (u64, u64)>,
    sum: Sum,
}

impl Notes {
    fn add(&mut self, digest: Digest, path: &Path, meta: &Metadata) {
        const MOST_BYTES: u64 = 4_096;
        self.sum.add(meta);
        // A note that is being written just now leaves the figure out.
        if let Ok(note) = read_json::<Progress>(path, MOST_BYTES) {
            let (done, all) = self.progress.entry(digest).or_default();
            *done = done.saturating_add(note.completed);
            *all = all.saturating_add(note.size);
        }
    }
}

/// What a name among the blobs says.
#[derive(Debug, PartialEq, Eq)]
enum Name {
    Blob(Digest),
    Download(Digest),
    Note(Digest),
    /// A file under a name for the time of its writing.
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

//! Reads one model of RamaLama: which blob each snapshot entry is, which tags lead to it, what is left over.

use super::hf::{is_other_kind, normal, starts_like_gguf};
use super::hf_blobs::Blobs;
use super::owned;
use super::ramalama_ref::{self, Named, Reference, Unclear};
use crate::inventory::found::{Entity, Intake, Kept, Stamp, Sum, gguf_stem, odd_type, vanished};
use crate::inventory::judge::clean;
use crate::inventory::names::plain_name;
use crate::model::{Class, StoreKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::WalkDir;

pub(super) struct Model<'a> {
    pub root: &'a Arc<Path>,
    pub folder: &'a Path,
    pub source: String,
    /// Without its tag.
    pub name: String,
    /// Inodes of the store that are accounted for, where they have several names.
    pub seen: &'a mut HashSet<(u64, u64)>,
}

pub(super) fn read(model: Model<'_>, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let mut reader = Reader {
        folder: model.folder,
        blobs: Blobs { folder: model.folder.join("blobs"), entries: HashMap::new() },
        refs: Vec::new(),
        entries: Vec::new(),
        index: Index::default(),
        whole: true,
        model,
    };
    let unread = intake.unread.len();
    if reader.has("blobs", intake) {
        reader.blobs = Blobs::look(reader.blobs.folder.clone(), intake)?;
    }
    if reader.has("refs", intake) {
        reader.read_refs(intake)?;
    }
    if reader.has("snapshots", intake) {
        reader.read_snapshots(intake)?;
    }
    reader.whole &= intake.unread.len() == unread;
    reader.hand_over(intake);
    reader.account(intake);
    Ok(())
}

pub(super) struct Reader<'a> {
    pub(super) folder: &'a Path,
    pub(super) model: Model<'a>,
    pub(super) blobs: Blobs,
    pub(super) refs: Vec<(PathBuf, Reference)>,
    pub(super) entries: Vec<Entry>,
    pub(super) index: Index,
    /// Every reference, snapshot and blob was seen and understood.
    pub(super) whole: bool,
}

/// Where what is said and what is there meet: a store may hold a great many of either.
#[derive(Default)]
pub(super) struct Index {
    /// The tags of each snapshot.
    pub(super) tags: HashMap<String, BTreeSet<String>>,
    /// What references say of a snapshot and a file in it: whether it is a model, and whether a projector.
    pub(super) named: HashMap<(String, String), (bool, bool)>,
    /// Which files of references each blob is.
    pub(super) by_ref: HashMap<String, Vec<(usize, usize)>>,
    /// Which entries lead to each blob.
    pub(super) by_blob: HashMap<OsString, Vec<usize>>,
    /// Snapshots and files in them that are there.
    pub(super) there: HashSet<(String, String)>,
    /// The models of each snapshot, projectors aside.
    pub(super) models: HashMap<String, BTreeSet<String>>,
}

/// One file of a snapshot.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// Its place below `snapshots`: the snapshot, and the rest.
    pub(super) snapshot: String,
    pub(super) inside: String,
    /// Of the entry itself.
    pub(super) look: Stamp,
    pub(super) is_model: bool,
    pub(super) leads: Leads,
}

pub(super) enum Leads {
    /// To this blob: a link, a hard link.
    Blob(OsString),
    /// A copy.
    Itself,
    /// To bytes that are not this model's.
    Elsewhere(PathBuf, Stamp),
    Nowhere,
}

impl Reader<'_> {
    /// A folder of the model; a link in its place would lead to somebody else's.
    fn has(&mut self, part: &str, intake: &mut Intake<'_>) -> bool {
        let path = self.folder.join(part);
        match std::fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => true,
            Ok(_) => {
                intake.skip(&path, "not a folder, where RamaLama keeps one");
                self.whole = false;
                false
            }
            Err(e) if vanished(&e) => false,
            Err(e) => {
                intake.cannot_read(&path, &e);
                false
            }
        }
    }

    pub(super) fn kept(&self) -> Kept<'_> {
        Kept { store: StoreKind::RamaLama, root: self.model.root, owner: Some(&self.model.name) }
    }

    fn read_refs(&mut self, intake: &mut Intake<'_>) -> anyhow::Result<()> {
        let folder = self.folder.join("refs");
        let mut sum = Sum::default();
        for entry in WalkDir::new(&folder).min_depth(1).sort_by_file_name() {
            intake.pulse.entry()?;
            let (entry, meta) = match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
                Ok(both) => both,
                Err(e) => {
                    intake.walk_error(&e);
                    continue;
                }
            };
            if meta.is_dir() {
                continue;
            }
            let path = entry.path();
            let read = if meta.is_file() { ramalama_ref::read(path) } else { Err(Unclear::Damaged("it is no file")) };
            self.whole &= read.is_ok();
            match read {
                Ok(reference) => self.refs.push((path.to_owned(), reference)),
                Err(Unclear::Version(v)) => {
                    intake.skip(path, format!("a reference in version {}, which is not known", clean(&v)));
                }
                Err(Unclear::Unreadable) => intake.skip(path, "cannot be read: the files it names are not known"),
                Err(Unclear::Damaged(why)) => {
                    let why = format!("a reference that is not understood: {why}");
                    intake.holdings.push(self.kept().file(path, &meta, Class::Damaged, why));
                    continue;
                }
            }
            sum.add(&meta);
        }
        self.index_refs();
        if !sum.is_empty() {
            let why = "references of the model, which RamaLama writes anew";
            intake.holdings.push(self.kept().sum(&folder, sum, Class::SideCache, why));
        }
        Ok(())
    }

    fn index_refs(&mut self) {
        for (r, (_, reference)) in self.refs.iter().enumerate() {
            self.index.tags.entry(reference.snapshot.clone()).or_default().insert(reference.tag.clone());
            for (f, file) in reference.files.iter().enumerate() {
                let key = (reference.snapshot.clone(), file.name.clone());
                let (is_model, is_projector) = self.index.named.entry(key).or_default();
                *is_model |= file.is_model;
                *is_projector |= file.is_projector;
                if let Some(blob) = &file.blob {
                    self.index.by_ref.entry(blob.clone()).or_default().push((r, f));
                }
            }
        }
    }

    fn index_entries(&mut self) {
        let mut index = std::mem::take(&mut self.index);
        for (i, entry) in self.entries.iter().enumerate() {
            if let Leads::Blob(blob) = &entry.leads {
                index.by_blob.entry(blob.clone()).or_default().push(i);
            }
            let key = (entry.snapshot.clone(), entry.inside.clone());
            let is_projector =
                owned::names_projector(OsStr::new(&entry.inside)) || index.named.get(&key).is_some_and(|n| n.1);
            if entry.is_model && !is_projector {
                index.models.entry(entry.snapshot.clone()).or_default().insert(plain_name(Path::new(&entry.inside)));
            }
            if !matches!(entry.leads, Leads::Nowhere) {
                index.there.insert(key);
            }
        }
        self.index = index;
    }

    fn read_snapshots(&mut self, intake: &mut Intake<'_>) -> anyhow::Result<()> {
        let inodes: HashMap<(u64, u64), &OsString> = self
            .blobs
            .entries
            .iter()
            .map(|(name, blob)| ((blob.look.identity.dev, blob.look.identity.ino), name))
            .collect();
        let snapshots = self.folder.join("snapshots");
        let mut entries = Vec::new();
        for entry in WalkDir::new(&snapshots).follow_root_links(false).max_open(64).sort_by_file_name() {
            intake.pulse.entry()?;
            let (entry, meta) = match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
                Ok(both) => both,
                Err(e) => {
                    intake.walk_error(&e);
                    continue;
                }
            };
            let path = entry.path();
            let by_name = gguf_stem(entry.file_name()).is_some();
            let mut inside = path.strip_prefix(&snapshots).unwrap_or(path).components();
            let snapshot = inside.next().map(|c| c.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
            let inside = inside.as_path().to_string_lossy().into_owned();
            if meta.is_dir() {
                continue;
            }
            let leads = if meta.is_file() {
                inodes.get(&(meta.dev(), meta.ino())).map_or(Leads::Itself, |blob| Leads::Blob((*blob).clone()))
            } else if meta.is_symlink() {
                match self.follow(path) {
                    Ok(leads) => leads,
                    Err(why) => {
                        intake.skip(path, why);
                        continue;
                    }
                }
            } else {
                if by_name {
                    intake.skip(path, odd_type(meta.file_type()));
                }
                continue;
            };
            let mut entry =
                Entry { path: path.to_owned(), snapshot, inside, look: Stamp::from(&meta), is_model: by_name, leads };
            entry.is_model |= self.is_named_model(&entry) || self.starts_like_one(&entry, intake);
            entries.push(entry);
        }
        self.entries = entries;
        self.index_entries();
        Ok(())
    }

    fn follow(&self, path: &Path) -> Result<Leads, String> {
        let unreadable = |e: std::io::Error| format!("cannot be read: {e}");
        let text = std::fs::read_link(path).map_err(unreadable)?;
        let first = normal(path.parent().unwrap_or(self.folder), &text);
        let blob = first.file_name().filter(|_| first.parent() == Some(&self.blobs.folder));
        if let Some(name) =
            blob.filter(|name| self.blobs.entries.get(*name).is_some_and(|b| b.look.entity == Entity::File))
        {
            return Ok(Leads::Blob(name.to_owned()));
        }
        match std::fs::metadata(path).and_then(|meta| Ok((path.canonicalize()?, meta))) {
            Ok((at, meta)) if meta.is_file() => Ok(Leads::Elsewhere(at, Stamp::from(&meta))),
            Ok((_, meta)) => Err(format!("a link to {}", odd_type(meta.file_type()))),
            Err(e) if vanished(&e) => Ok(Leads::Nowhere),
            Err(e) if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                Err("a link that leads to itself".to_owned())
            }
            Err(e) => Err(unreadable(e)),
        }
    }

    fn starts_like_one(&self, entry: &Entry, intake: &Intake<'_>) -> bool {
        let named = entry.path.file_name().is_none_or(is_other_kind);
        let at = match &entry.leads {
            Leads::Blob(name) => self.blobs.folder.join(name),
            Leads::Itself => entry.path.clone(),
            Leads::Elsewhere(at, _) => at.clone(),
            Leads::Nowhere => return false,
        };
        !named && ((intake.is_known)(&entry.path) || starts_like_gguf(&at))
    }

    fn is_named_model(&self, entry: &Entry) -> bool {
        self.index.named.get(&(entry.snapshot.clone(), entry.inside.clone())).is_some_and(|n| n.0)
    }

    pub(super) fn tags_of_snapshot(&self, snapshot: &str) -> impl Iterator<Item = &str> {
        self.index.tags.get(snapshot).into_iter().flatten().map(String::as_str)
    }

    pub(super) fn is_live(&self, snapshot: &str) -> bool {
        self.index.tags.contains_key(snapshot)
    }

    /// The entries that lead to a blob.
    pub(super) fn entries_of(&self, blob: &OsStr) -> impl Iterator<Item = &Entry> {
        self.index.by_blob.get(blob).into_iter().flatten().filter_map(|i| self.entries.get(*i))
    }

    /// What references say of a blob.
    pub(super) fn named(&self, blob: &OsStr) -> impl Iterator<Item = (&Reference, &Named)> {
        let hits = blob.to_str().and_then(|b| self.index.by_ref.get(b)).into_iter().flatten();
        hits.filter_map(|(r, f)| self.refs.get(*r).and_then(|(_, r)| Some((r, r.files.get(*f)?))))
    }
}

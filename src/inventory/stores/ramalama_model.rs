//! Reads one model of RamaLama: the blob of each snapshot entry, the tags that lead to it, and the files without a use.

use super::hf::{is_other_kind, normal, starts_like_gguf};
use super::hf_blobs::{Blobs, Meant};
use super::owned;
use super::ramalama_ref::{self, Named, Reference, Unclear};
use crate::inventory::classify::clean;
use crate::inventory::collector::StoreCollector;
use crate::inventory::inode::{Entity, Stamp, not_regular_reason, vanished};
use crate::inventory::kept::{Kept, Sum};
use crate::inventory::names::plain_name;
use crate::inventory::paths::gguf_stem;
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
    /// The name without its tag.
    pub name: String,
    /// Inodes of the store with several names that already have a holding.
    pub seen: &'a mut HashSet<(u64, u64)>,
}

pub(super) fn read(model: Model<'_>, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let mut reader = Reader {
        folder: model.folder,
        blobs: Blobs { folder: model.folder.join("blobs"), real: None, entries: HashMap::new() },
        refs: Vec::new(),
        entries: Vec::new(),
        index: Index::default(),
        whole: true,
        model,
    };
    let unread = collector.unread.len();
    if reader.has("blobs", collector) {
        reader.blobs = Blobs::look(reader.blobs.folder.clone(), false, collector)?;
    }
    if reader.has("refs", collector) {
        reader.read_refs(collector)?;
    }
    if reader.has("snapshots", collector) {
        reader.read_snapshots(collector)?;
    }
    reader.whole &= collector.unread.len() == unread;
    reader.hand_over(collector);
    reader.account(collector);
    Ok(())
}

pub(super) struct Reader<'a> {
    pub(super) folder: &'a Path,
    pub(super) model: Model<'a>,
    pub(super) blobs: Blobs,
    pub(super) refs: Vec<(PathBuf, Reference)>,
    pub(super) entries: Vec<Entry>,
    pub(super) index: Index,
    /// Whether every reference, snapshot and blob was read and understood.
    pub(super) whole: bool,
}

/// Indexes over references, snapshot entries and blobs: a store may hold very many of each.
#[derive(Default)]
pub(super) struct Index {
    /// The tags of each snapshot.
    pub(super) tags: HashMap<String, BTreeSet<String>>,
    /// For each snapshot and file in it, from the references: whether it is a model, and whether a projector.
    pub(super) named: HashMap<(String, String), (bool, bool)>,
    /// For each blob, the files of references that name it: indexes of the reference and of the file in it.
    pub(super) by_ref: HashMap<String, Vec<(usize, usize)>>,
    /// For each blob, the entries that lead to it.
    pub(super) by_blob: HashMap<OsString, Vec<usize>>,
    /// The snapshots and files in them that exist.
    pub(super) there: HashSet<(String, String)>,
    /// The models of each snapshot, without projectors.
    pub(super) models: HashMap<String, BTreeSet<String>>,
}

/// One file of a snapshot.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// The snapshot, which is the first part of the path below `snapshots`; `inside` is the rest.
    pub(super) snapshot: String,
    pub(super) inside: String,
    /// The stat result of the entry itself.
    pub(super) look: Stamp,
    pub(super) is_model: bool,
    pub(super) leads: Leads,
}

pub(super) enum Leads {
    /// A link or a hard link to this blob.
    Blob(OsString),
    /// A copy, with bytes of its own.
    Itself,
    /// A link to bytes that are not this model's.
    Elsewhere(PathBuf, Stamp),
    Nowhere,
}

impl Reader<'_> {
    /// Returns whether a folder of the model exists. A link in its place is not followed, because its target may belong
    /// to another owner.
    fn has(&mut self, part: &str, collector: &mut StoreCollector<'_>) -> bool {
        let path = self.folder.join(part);
        match std::fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => true,
            Ok(_) => {
                collector.skip(&path, "not a folder, where RamaLama keeps one");
                self.whole = false;
                false
            }
            Err(e) if vanished(&e) => false,
            Err(e) => {
                collector.cannot_read(&path, &e);
                false
            }
        }
    }

    pub(super) fn kept(&self) -> Kept<'_> {
        Kept { store: StoreKind::RamaLama, root: self.model.root, owner: Some(&self.model.name) }
    }

    fn read_refs(&mut self, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
        let folder = self.folder.join("refs");
        let mut sum = Sum::default();
        for entry in WalkDir::new(&folder).min_depth(1).sort_by_file_name() {
            collector.progress.entry()?;
            let (entry, meta) = match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
                Ok(both) => both,
                Err(e) => {
                    collector.walk_error(&e);
                    continue;
                }
            };
            if meta.is_dir() {
                continue;
            }
            let path = entry.path();
            let read =
                if meta.is_file() { ramalama_ref::read(path) } else { Err(Unclear::Damaged("it is not a file")) };
            self.whole &= read.is_ok();
            match read {
                Ok(reference) => self.refs.push((path.to_owned(), reference)),
                Err(Unclear::Version(v)) => {
                    collector.skip(path, format!("a reference in version {}, which is not known", clean(&v)));
                }
                Err(Unclear::Unreadable) => collector.skip(path, "cannot be read: the files it names are not known"),
                Err(Unclear::Damaged(why)) => {
                    let why = format!("a reference that is not understood: {why}");
                    collector.holdings.push(self.kept().file(path, &meta, Class::Damaged, why));
                    continue;
                }
            }
            sum.add(&meta);
        }
        self.index_refs();
        if !sum.is_empty() {
            let why = "references of the model, which RamaLama rewrites";
            collector.holdings.push(self.kept().sum(&folder, sum, Class::SideCache, why));
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

    fn read_snapshots(&mut self, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
        let inodes: HashMap<(u64, u64), &OsString> = self
            .blobs
            .entries
            .iter()
            .map(|(name, blob)| ((blob.look.identity.dev, blob.look.identity.ino), name))
            .collect();
        let snapshots = self.folder.join("snapshots");
        let mut entries = Vec::new();
        for entry in WalkDir::new(&snapshots).follow_root_links(false).max_open(64).sort_by_file_name() {
            collector.progress.entry()?;
            let (entry, meta) = match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
                Ok(both) => both,
                Err(e) => {
                    collector.walk_error(&e);
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
                        collector.skip(path, why);
                        continue;
                    }
                }
            } else {
                if by_name {
                    collector.skip(path, not_regular_reason(meta.file_type()));
                }
                continue;
            };
            let mut entry =
                Entry { path: path.to_owned(), snapshot, inside, look: Stamp::from(&meta), is_model: by_name, leads };
            entry.is_model |= self.is_named_model(&entry) || self.starts_like_one(&entry, collector);
            entries.push(entry);
        }
        self.entries = entries;
        self.index_entries();
        Ok(())
    }

    fn follow(&self, path: &Path) -> Result<Leads, String> {
        let unreadable = |e: std::io::Error| format!("cannot be read: {e}");
        let text = std::fs::read_link(path).map_err(unreadable)?;
        let first = match self.blobs.meant(normal(path.parent().unwrap_or(self.folder), &text)) {
            // Links in a store that was moved mean the blob of that name in the new location.
            Meant::Here(first) | Meant::Moved(first) | Meant::Copied(first, _) => first,
        };
        let blob = first.file_name().filter(|_| first.parent() == Some(&self.blobs.folder));
        if let Some(name) =
            blob.filter(|name| self.blobs.entries.get(*name).is_some_and(|b| b.look.entity == Entity::File))
        {
            return Ok(Leads::Blob(name.to_owned()));
        }
        match std::fs::metadata(path).and_then(|meta| Ok((path.canonicalize()?, meta))) {
            Ok((at, meta)) if meta.is_file() => Ok(Leads::Elsewhere(at, Stamp::from(&meta))),
            Ok((_, meta)) => Err(format!("a link to {}", not_regular_reason(meta.file_type()))),
            Err(e) if vanished(&e) => Ok(Leads::Nowhere),
            Err(e) if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                Err("a link that points to itself".to_owned())
            }
            Err(e) => Err(unreadable(e)),
        }
    }

    fn starts_like_one(&self, entry: &Entry, collector: &StoreCollector<'_>) -> bool {
        let named = entry.path.file_name().is_none_or(is_other_kind);
        let at = match &entry.leads {
            Leads::Blob(name) => self.blobs.folder.join(name),
            Leads::Itself => entry.path.clone(),
            Leads::Elsewhere(at, _) => at.clone(),
            Leads::Nowhere => return false,
        };
        !named && ((collector.is_known)(&entry.path) || starts_like_gguf(&at))
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

    /// Returns the entries that lead to a blob.
    pub(super) fn entries_of(&self, blob: &OsStr) -> impl Iterator<Item = &Entry> {
        self.index.by_blob.get(blob).into_iter().flatten().filter_map(|i| self.entries.get(*i))
    }

    /// Returns the references that name a blob, each with the file in it.
    pub(super) fn named(&self, blob: &OsStr) -> impl Iterator<Item = (&Reference, &Named)> {
        let hits = blob.to_str().and_then(|b| self.index.by_ref.get(b)).into_iter().flatten();
        hits.filter_map(|(r, f)| self.refs.get(*r).and_then(|(_, r)| Some((r, r.files.get(*f)?))))
    }
}

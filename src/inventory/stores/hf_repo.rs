//! Reads one repository of a Hugging Face cache: finds the blob of each snapshot entry, and chooses the entry that
//! names a blob when several snapshots have it.
//!
//! Everything that is read here and affects the result is added to the stamp of the repository; a change of the rules
//! raises the format of stamps (see `inventory::stamps`).

use super::files::sum_of;
use super::hf::{is_other_kind, normal, repo_name, starts_like_gguf, tree};
use super::hf_blobs::{Blobs, Meant, STORE};
use super::hf_order::{RepoFile, SnapshotOrder, snapshot_of};
use super::hf_refs::{Refs, Standing, standings};
use super::hf_trace::Trace;
use crate::inventory::collector::StoreCollector;
use crate::inventory::folder::{Folder, Name};
use crate::inventory::found::{Found, Repo};
use crate::inventory::inode::{Entity, Stamp, vanished};
use crate::inventory::kept::{Kept, Sum};
use crate::inventory::paths::gguf_stem;
use crate::model::{Class, Holding};
use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest depth of nested folders in a snapshot; each one is open while those below it are read.
const DEEPEST: usize = 64;

/// Reads the repository in `folder`, a direct child of the cache's root.
pub(super) fn read(folder: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let Some(root) = folder.parent() else { return Ok(()) };
    let is_link = folder.is_symlink();
    let opened = if is_link { Folder::open_through(folder) } else { Folder::open(folder) };
    let repo = match opened {
        Ok(repo) => repo,
        Err(e) if vanished(&e) => return Ok(()),
        Err(e) => {
            collector.cannot_read(folder, &e);
            return Ok(());
        }
    };
    collector.stamping.folder(&repo);
    let parts = match repo.names() {
        Ok(parts) => parts,
        Err(e) => {
            collector.cannot_read(folder, &e);
            return Ok(());
        }
    };
    let has = |name: &str| parts.iter().any(|p| p.name == name);
    // The owner of the cache follows links to any of these folders.
    let linked = |name: &str| parts.iter().any(|p| p.name == name && p.entity == Some(Entity::Link));
    if ["blobs", "snapshots", "refs"].iter().any(|name| linked(name)) {
        collector.stamping.spoil();
    }
    let name = repo_name(folder.file_name().unwrap_or_default());
    let unread = collector.unread.len();
    let mut reader = Reader {
        root: Arc::from(root),
        snapshots: folder.join("snapshots"),
        blobs: Blobs::look(folder.join("blobs"), is_link || linked("blobs"), collector)?,
        by_inode: HashMap::new(),
        files: Vec::new(),
        made: BTreeMap::new(),
        own: Vec::new(),
        others: BTreeMap::new(),
        missing: Vec::new(),
    };
    match repo.inner_through(OsStr::new("snapshots")) {
        Ok(top) => reader.snapshots(&top, collector)?,
        Err(e) if vanished(&e) => {}
        Err(e) => collector.cannot_read(&reader.snapshots, &e),
    }
    let refs = if has("refs") { Refs::read(&repo, collector)? } else { Refs::default() };
    let whole = collector.unread.len() == unread;
    let beside: Vec<PathBuf> = ["trees", ".no_exist"].iter().filter(|p| has(p)).map(|p| folder.join(p)).collect();
    reader.account(folder, &name, &refs, &beside, whole, collector)?;
    let order = SnapshotOrder::new(reader.snapshots, reader.made, &refs, &reader.files);
    let repo = Arc::new(Repo { folder: folder.to_owned(), name, current: order.current() });
    for file in reader.files {
        let found = file.choose(&order);
        collector.found.push(Found { repo: Some(Arc::clone(&repo)), ..found });
    }
    Ok(())
}

/// Returns the names in an open folder. Reports a folder that cannot be read, and returns no names of it.
fn names_of(folder: &Folder, collector: &mut StoreCollector<'_>) -> Vec<Name> {
    folder.names().unwrap_or_else(|e| {
        collector.cannot_read(&folder.path, &e);
        Vec::new()
    })
}

struct Reader {
    root: Arc<Path>,
    snapshots: PathBuf,
    blobs: Blobs,
    by_inode: HashMap<(u64, u64), usize>,
    files: Vec<RepoFile>,
    /// The snapshots, and the time when the folder of each last changed (nanoseconds since the epoch).
    made: BTreeMap<OsString, i64>,
    /// The models that are regular files in a snapshot, without a blob.
    own: Vec<(PathBuf, Stamp)>,
    /// The other regular files in snapshots, by snapshot.
    others: BTreeMap<OsString, Sum>,
    /// The entries that lead to a missing blob, each with the path of that blob.
    missing: Vec<(PathBuf, PathBuf)>,
}

impl Reader {
    fn snapshots(&mut self, top: &Folder, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
        collector.stamping.folder(top);
        for Name { name, entity } in names_of(top, collector) {
            collector.progress.entry()?;
            let path = top.path.join(&name);
            if entity != Some(Entity::Folder) {
                self.entry(top, None, (name, entity), collector);
                continue;
            }
            match top.inner(&name) {
                Ok(snapshot) => {
                    // The age of a folder that vanished does not matter, because the folder has no entries.
                    let time = snapshot.stamp().map_or(i64::MIN, |s| s.identity.mtime_ns);
                    self.made.insert(name.clone(), time);
                    self.snapshot(&snapshot, &name, 0, collector)?;
                }
                Err(e) if vanished(&e) => {}
                Err(e) => collector.cannot_read(&path, &e),
            }
        }
        Ok(())
    }

    fn snapshot(
        &mut self,
        folder: &Folder,
        commit: &OsStr,
        depth: usize,
        collector: &mut StoreCollector<'_>,
    ) -> anyhow::Result<()> {
        collector.stamping.folder(folder);
        for Name { name, entity } in names_of(folder, collector) {
            collector.progress.entry()?;
            if entity != Some(Entity::Folder) {
                self.entry(folder, Some(commit), (name, entity), collector);
                continue;
            }
            let path = folder.path.join(&name);
            match folder.inner(&name) {
                Ok(inner) if depth < DEEPEST => self.snapshot(&inner, commit, depth.saturating_add(1), collector)?,
                Ok(_) => collector.cannot_read(&path, &std::io::Error::other("its folders are nested too deep")),
                Err(e) if vanished(&e) => {}
                Err(e) => collector.cannot_read(&path, &e),
            }
        }
        Ok(())
    }

    /// Reads one entry of a snapshot that is not a folder.
    fn entry(
        &mut self,
        folder: &Folder,
        commit: Option<&OsStr>,
        (name, entity): (OsString, Option<Entity>),
        collector: &mut StoreCollector<'_>,
    ) {
        let path = folder.path.join(&name);
        let by_name = gguf_stem(&name).is_some();
        let looked = match entity {
            Some(Entity::Link) => return self.link(folder, (&path, &name), commit, by_name, collector),
            Some(Entity::File) | None => folder.look(&name),
            Some(other) => {
                if by_name {
                    collector.skip(&path, other.not_regular_reason());
                }
                return;
            }
        };
        match looked {
            Ok(look) if look.entity == Entity::Link => self.link(folder, (&path, &name), commit, by_name, collector),
            // The no-symlink mode keeps the file itself here.
            Ok(look) if look.entity == Entity::File && by_name => {
                self.take(&path, None, &look, None);
                self.own.push((path, look));
            }
            Ok(look) if look.entity == Entity::File => {
                self.others.entry(commit.map(OsStr::to_owned).unwrap_or_default()).or_default().add(look);
            }
            Ok(_) => {}
            Err(e) if vanished(&e) => {}
            Err(e) => collector.cannot_read(&path, &e),
        }
    }

    fn link(
        &mut self,
        folder: &Folder,
        (path, name): (&Path, &OsStr),
        commit: Option<&OsStr>,
        by_name: bool,
        collector: &mut StoreCollector<'_>,
    ) {
        let text = match folder.link(name) {
            Ok(text) => text,
            Err(e) if vanished(&e) => return,
            Err(e) => {
                collector.cannot_read(path, &e);
                return;
            }
        };
        let meant = self.blobs.meant(normal(path.parent().unwrap_or(&self.root), &text));
        let first = match meant {
            Meant::Here(first) => first,
            Meant::Moved(beside) => {
                // Valid only while the target of the link is missing.
                collector.stamping.spoil();
                beside
            }
            Meant::Copied(first, beside) => {
                collector.stamping.spoil();
                self.blobs.lead(&beside, commit, by_name.then_some(name));
                first
            }
        };
        let is_model = if !by_name && is_other_kind(name) {
            false
        } else {
            match Trace::follow(&self.root, &self.blobs, path, &first) {
                Trace::Bytes { at, look, sha256 } => {
                    // Bytes elsewhere can change without a trace in this repository. Blobs whose content was checked
                    // count.
                    match self.blobs.of(&at) {
                        None => collector.stamping.spoil(),
                        Some(_) if by_name || sha256.is_some() => collector.stamping.add(&at, &look),
                        Some(_) => {}
                    }
                    let is_model =
                        by_name || (sha256.is_some() && ((collector.is_known)(path) || starts_like_gguf(&at)));
                    if is_model {
                        let at = self.blobs.real_path(at);
                        self.take(path, Some(at), &look, sha256);
                    }
                    is_model
                }
                Trace::Missing if by_name => {
                    self.push_missing(path);
                    true
                }
                Trace::Refused(why) => {
                    collector.stamping.spoil();
                    if by_name || path.is_dir() {
                        collector.skip(path, why);
                    }
                    // A blob that this link names is not an orphan.
                    self.blobs.lead(&first, commit, None);
                    return;
                }
                Trace::Unreadable(e) if by_name => {
                    collector.cannot_read(path, &e);
                    return;
                }
                Trace::Missing | Trace::Unreadable(_) => {
                    collector.stamping.spoil();
                    false
                }
            }
        };
        let is_there = self.blobs.lead(&first, commit, is_model.then_some(name));
        if !is_there && first.parent() == Some(&self.blobs.folder) && std::fs::metadata(path).is_err() {
            collector.stamping.spoil();
            self.missing.push((path.to_owned(), first));
        }
    }

    /// Adds everything that the repository holds, models included.
    fn account(
        &mut self,
        folder: &Path,
        name: &str,
        refs: &Refs,
        beside: &[PathBuf],
        whole: bool,
        collector: &mut StoreCollector<'_>,
    ) -> anyhow::Result<()> {
        let root = Arc::clone(&self.root);
        let kept = Kept { store: STORE, root: &root, owner: Some(name) };
        let standings = standings(refs, &self.made);
        self.own_files(folder, kept, &standings, collector);
        for (path, blob) in std::mem::take(&mut self.missing) {
            let why = format!("points to the blob {}, which does not exist", short(&blob));
            collector.holdings.push(kept.missing(&path, why));
        }
        for (commit, names) in refs.names.iter().filter(|(commit, _)| !self.made.contains_key(*commit)) {
            let names = names.join(", ");
            let why = format!("`{names}` names snapshot {}, which is not here", short(Path::new(commit)));
            collector.holdings.push(kept.missing(&folder.join("refs"), why));
        }
        for path in &refs.odd {
            match std::fs::symlink_metadata(path) {
                Ok(meta) => {
                    collector.stamping.add(path, &Stamp::from(&meta));
                    let why = "a reference without a commit";
                    collector.holdings.push(kept.file(path, &meta, Class::Damaged, why));
                }
                Err(e) if vanished(&e) => {}
                Err(e) => collector.cannot_read(path, &e),
            }
        }
        let empty = Blobs { folder: self.blobs.folder.clone(), real: None, entries: HashMap::new() };
        let blobs = std::mem::replace(&mut self.blobs, empty);
        blobs.holdings(kept, &standings, whole, collector);
        let odd = refs.odd.len() as u64;
        let mut sum = Sum { files: refs.files.saturating_sub(odd), size: refs.bytes, allocated: 0 };
        for part in beside {
            let more = sum_of(part, collector)?;
            sum.files = sum.files.saturating_add(more.files);
            sum.size = sum.size.saturating_add(more.size);
            sum.allocated = sum.allocated.saturating_add(more.allocated);
        }
        if !sum.is_empty() {
            let why = "references, trees and markers of the repository";
            collector.holdings.push(kept.sum(folder, sum, Class::SideCache, why));
        }
        Ok(())
    }

    /// Adds the regular files in snapshots. Their promise is in the tree of the commit, if there is one.
    fn own_files(
        &mut self,
        folder: &Path,
        kept: Kept<'_>,
        standings: &BTreeMap<OsString, Standing>,
        collector: &mut StoreCollector<'_>,
    ) {
        let mut trees: BTreeMap<OsString, BTreeMap<String, String>> = BTreeMap::new();
        for (path, look) in std::mem::take(&mut self.own) {
            let commit = snapshot_of(&self.snapshots, &path).unwrap_or_default();
            collector.stamping.add(&path, &look);
            let promised = trees.entry(commit.clone()).or_insert_with(|| promises(folder, &commit, collector));
            let inside = path.strip_prefix(self.snapshots.join(&commit)).ok(); // the path is below it
            let sha256 = inside.and_then(|p| p.to_str()).and_then(|p| promised.get(p)).cloned();
            if let Some(file) = self.files.iter_mut().find(|f| f.found.path == path) {
                file.found.expected_sha256 = sha256.clone();
            }
            let (class, why) = of_snapshot(&commit, standings.get(&commit));
            collector.holdings.push(Holding { expected_sha256: sha256, ..kept.file(&path, look, class, why) });
        }
        for (commit, sum) in std::mem::take(&mut self.others) {
            let (class, why) = of_snapshot(&commit, standings.get(&commit));
            let why = format!("files next to models: {why}");
            collector.holdings.push(kept.sum(&self.snapshots.join(&commit), sum, class, why));
        }
    }

    fn take(&mut self, entry: &Path, target: Option<PathBuf>, look: &Stamp, sha256: Option<String>) {
        let identity = look.identity;
        let index = *self.by_inode.entry((identity.dev, identity.ino)).or_insert(self.files.len());
        if let Some(file) = self.files.get_mut(index) {
            file.entries.push(entry.to_owned());
            return;
        }
        self.push(entry, target, look, sha256, None);
    }

    /// Adds a model whose blob is missing. It is listed as damaged instead of omitted, because the user must learn of
    /// the loss.
    fn push_missing(&mut self, entry: &Path) {
        // If the link vanished meanwhile, nothing is left to list.
        if let Ok(meta) = std::fs::symlink_metadata(entry) {
            self.push(entry, None, &Stamp::from(&meta), None, Some("a link to a missing blob".to_owned()));
        }
    }

    fn push(
        &mut self,
        entry: &Path,
        target: Option<PathBuf>,
        look: &Stamp,
        sha256: Option<String>,
        fault: Option<String>,
    ) {
        let found = Found {
            store: STORE,
            root: Arc::clone(&self.root),
            repo: None, // one value for all files, set at the end
            name: None,
            set: None,
            path: entry.to_owned(),
            target,
            also: Vec::new(),
            identity: look.identity,
            allocated: if fault.is_some() { 0 } else { look.allocated },
            expected_sha256: sha256,
            fault,
        };
        self.files.push(RepoFile { found, entries: vec![entry.to_owned()] });
    }
}

impl RepoFile {
    fn choose(self, order: &SnapshotOrder) -> Found {
        let RepoFile { mut found, mut entries } = self;
        entries.sort();
        if let Some(best) = (0..entries.len()).max_by_key(|i| entries.get(*i).map(|e| order.rank(e))) {
            found.path = entries.remove(best);
        }
        found.also = entries;
        found
    }
}

/// Returns the promises of the tree of a commit.
fn promises(repo: &Path, commit: &OsStr, collector: &mut StoreCollector<'_>) -> BTreeMap<String, String> {
    let mut name = commit.to_owned();
    name.push(".json");
    let path = repo.join("trees").join(name);
    match std::fs::symlink_metadata(&path) {
        Ok(meta) => collector.stamping.add(&path, &Stamp::from(&meta)),
        // If the tree appears, the stamp of its folder changes.
        Err(e) if vanished(&e) => {}
        Err(_) => collector.stamping.spoil(),
    }
    tree(repo, commit)
}

/// Returns the first 7 characters of the last part of a path: enough to recognize a hash.
fn short(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().chars().take(7).collect()
}

fn of_snapshot(commit: &OsStr, standing: Option<&Standing>) -> (Class, String) {
    let commit = short(Path::new(commit));
    match standing {
        Some(Standing::Named(names)) => (Class::Referenced, format!("in snapshot {commit} ({})", names.join(", "))),
        Some(Standing::Superseded { by, now }) => {
            (Class::Superseded, format!("old revision, {by} is {}", short(Path::new(now))))
        }
        Some(Standing::ByCommit) => {
            let why = format!("in snapshot {commit}; no reference names it, as after a download by commit");
            (Class::Referenced, why)
        }
        None => (Class::Damaged, "a file where only snapshots belong".to_owned()),
    }
}

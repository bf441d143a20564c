//! Reads one repository of a Hugging Face cache: which blob each snapshot entry leads to, and which entry is the one
//! to name when several snapshots hold the same blob.
//!
//! Whatever is looked at here and decides something is added to the stamp of the repository; a change of the rules
//! raises the format of stamps (see `inventory::stamps`).

use super::folder::{Folder, Name};
use super::hf::{is_other_kind, normal, repo_name, starts_like_gguf, tree};
use super::hf_blobs::{Blobs, STORE};
use super::hf_order::{SnapshotOrder, snapshot_of};
use super::hf_refs::{Refs, Standing, standings};
use super::hf_trace::Trace;
use crate::inventory::found::{Entity, Found, Intake, Kept, Repo, Stamp, Sum, gguf_stem, sum_of, vanished};
use crate::inventory::roots::contains;
use crate::model::{Class, Holding};
use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folders within folders of a snapshot; each is open while those below it are read.
const DEEPEST: usize = 64;

/// Reads the repository in `folder`, a direct child of the cache's root.
pub(super) fn read(folder: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let Some(root) = folder.parent() else { return Ok(()) };
    let repo = match Folder::open(folder) {
        Ok(repo) => repo,
        Err(e) if vanished(&e) => return Ok(()),
        Err(e) => {
            intake.cannot_read(folder, &e);
            return Ok(());
        }
    };
    intake.stamping.folder(&repo);
    let parts = match repo.names() {
        Ok(parts) => parts,
        Err(e) => {
            intake.cannot_read(folder, &e);
            return Ok(());
        }
    };
    let has = |name: &str| parts.iter().any(|p| p.name == name);
    if parts.iter().any(|p| p.name == "blobs" && p.entity == Some(Entity::Link)) {
        let blobs = folder.join("blobs");
        let leaves = !blobs.canonicalize().is_ok_and(|real| contains(root, &real));
        intake.skip(&blobs, if leaves { "a link that leaves the root" } else { "a link where a folder belongs" });
        return Ok(());
    }
    let name = repo_name(folder.file_name().unwrap_or_default());
    let unread = intake.unread.len();
    let mut reader = Reader {
        root: Arc::from(root),
        snapshots: folder.join("snapshots"),
        blobs: Blobs::look(folder.join("blobs"), intake)?,
        by_inode: HashMap::new(),
        files: Vec::new(),
        made: BTreeMap::new(),
        own: Vec::new(),
        others: BTreeMap::new(),
        missing: Vec::new(),
    };
    match repo.inner(OsStr::new("snapshots")) {
        Ok(top) => reader.snapshots(&top, intake)?,
        Err(e) if vanished(&e) => {}
        Err(e) => intake.cannot_read(&reader.snapshots, &e),
    }
    let refs = if has("refs") { Refs::read(&repo, intake)? } else { Refs::default() };
    let whole = intake.unread.len() == unread;
    let beside: Vec<PathBuf> = ["trees", ".no_exist"].iter().filter(|p| has(p)).map(|p| folder.join(p)).collect();
    reader.account(folder, &name, &refs, &beside, whole, intake)?;
    let order = SnapshotOrder::new(reader.snapshots, reader.made, &refs, &reader.files);
    let repo = Arc::new(Repo { folder: folder.to_owned(), name, current: order.current() });
    for file in reader.files {
        let found = file.choose(&order);
        intake.found.push(Found { repo: Some(Arc::clone(&repo)), ..found });
    }
    Ok(())
}

/// The names in an open folder; none of one that cannot be read, which is then told.
fn names_of(folder: &Folder, intake: &mut Intake<'_>) -> Vec<Name> {
    folder.names().unwrap_or_else(|e| {
        intake.cannot_read(&folder.path, &e);
        Vec::new()
    })
}

struct Reader {
    root: Arc<Path>,
    snapshots: PathBuf,
    blobs: Blobs,
    by_inode: HashMap<(u64, u64), usize>,
    files: Vec<RepoFile>,
    /// Snapshots, and when the folder of each last changed (nanoseconds since the epoch).
    made: BTreeMap<OsString, i64>,
    /// Models that lie in a snapshot themselves, without a blob.
    own: Vec<(PathBuf, Stamp)>,
    /// Other files that do, by snapshot.
    others: BTreeMap<OsString, Sum>,
    /// Entries that lead to a blob that is not there.
    missing: Vec<(PathBuf, PathBuf)>,
}

/// One file of the repository with all its entries.
pub(super) struct RepoFile {
    pub found: Found,
    pub entries: Vec<PathBuf>,
}

impl Reader {
    fn snapshots(&mut self, top: &Folder, intake: &mut Intake<'_>) -> anyhow::Result<()> {
        intake.stamping.folder(top);
        for Name { name, entity } in names_of(top, intake) {
            intake.pulse.entry()?;
            let path = top.path.join(&name);
            if entity != Some(Entity::Folder) {
                self.entry(top, None, (name, entity), intake);
                continue;
            }
            match top.inner(&name) {
                Ok(snapshot) => {
                    // A folder that vanished holds nothing that its age would matter for.
                    let time = snapshot.stamp().map_or(i64::MIN, |s| s.identity.mtime_ns);
                    self.made.insert(name.clone(), time);
                    self.snapshot(&snapshot, &name, 0, intake)?;
                }
                Err(e) if vanished(&e) => {}
                Err(e) => intake.cannot_read(&path, &e),
            }
        }
        Ok(())
    }

    fn snapshot(
        &mut self,
        folder: &Folder,
        commit: &OsStr,
        depth: usize,
        intake: &mut Intake<'_>,
    ) -> anyhow::Result<()> {
        intake.stamping.folder(folder);
        for Name { name, entity } in names_of(folder, intake) {
            intake.pulse.entry()?;
            if entity != Some(Entity::Folder) {
                self.entry(folder, Some(commit), (name, entity), intake);
                continue;
            }
            let path = folder.path.join(&name);
            match folder.inner(&name) {
                Ok(inner) if depth < DEEPEST => self.snapshot(&inner, commit, depth + 1, intake)?,
                Ok(_) => intake.cannot_read(&path, &std::io::Error::other("its folders are nested too deep")),
                Err(e) if vanished(&e) => {}
                Err(e) => intake.cannot_read(&path, &e),
            }
        }
        Ok(())
    }

    /// Whatever is in a snapshot and is no folder.
    fn entry(
        &mut self,
        folder: &Folder,
        commit: Option<&OsStr>,
        (name, entity): (OsString, Option<Entity>),
        intake: &mut Intake<'_>,
    ) {
        let path = folder.path.join(&name);
        let by_name = gguf_stem(&name).is_some();
        let looked = match entity {
            Some(Entity::Link) => return self.link(folder, (&path, &name), commit, by_name, intake),
            Some(Entity::File) | None => folder.look(&name),
            Some(other) => {
                if by_name {
                    intake.skip(&path, other.odd());
                }
                return;
            }
        };
        match looked {
            Ok(look) if look.entity == Entity::Link => self.link(folder, (&path, &name), commit, by_name, intake),
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
            Err(e) => intake.cannot_read(&path, &e),
        }
    }

    fn link(
        &mut self,
        folder: &Folder,
        (path, name): (&Path, &OsStr),
        commit: Option<&OsStr>,
        by_name: bool,
        intake: &mut Intake<'_>,
    ) {
        let text = match folder.link(name) {
            Ok(text) => text,
            Err(e) if vanished(&e) => return,
            Err(e) => {
                intake.cannot_read(path, &e);
                return;
            }
        };
        let first = normal(path.parent().unwrap_or(&self.root), &text);
        let is_model = if !by_name && is_other_kind(name) {
            false
        } else {
            match Trace::follow(&self.root, &self.blobs, path, &first) {
                Trace::Bytes { at, look, sha256 } => {
                    // Bytes elsewhere can change without a trace here; those that were looked into count.
                    match self.blobs.of(&at) {
                        None => intake.stamping.spoil(),
                        Some(_) if by_name || sha256.is_some() => intake.stamping.add(&at, &look),
                        Some(_) => {}
                    }
                    let is_model = by_name || (sha256.is_some() && ((intake.is_known)(path) || starts_like_gguf(&at)));
                    if is_model {
                        self.take(path, Some(at), &look, sha256);
                    }
                    is_model
                }
                Trace::Missing if by_name => {
                    self.push_missing(path);
                    true
                }
                Trace::Refused(why) => {
                    intake.stamping.spoil();
                    if by_name || path.is_dir() {
                        intake.skip(path, why);
                    }
                    return;
                }
                Trace::Unreadable(e) if by_name => {
                    intake.cannot_read(path, &e);
                    return;
                }
                Trace::Missing | Trace::Unreadable(_) => {
                    intake.stamping.spoil();
                    false
                }
            }
        };
        let is_there = self.blobs.lead(&first, commit, is_model.then_some(name));
        if !is_there && first.parent() == Some(&self.blobs.folder) && std::fs::metadata(path).is_err() {
            intake.stamping.spoil();
            self.missing.push((path.to_owned(), first));
        }
    }

    /// Everything that the repository holds, models included.
    fn account(
        &mut self,
        folder: &Path,
        name: &str,
        refs: &Refs,
        beside: &[PathBuf],
        whole: bool,
        intake: &mut Intake<'_>,
    ) -> anyhow::Result<()> {
        let root = Arc::clone(&self.root);
        let kept = Kept { store: STORE, root: &root, owner: Some(name) };
        let standings = standings(refs, &self.made);
        self.own_files(folder, kept, &standings, intake);
        for (path, blob) in std::mem::take(&mut self.missing) {
            let why = format!("leads to the blob {}, which is not there", short(&blob));
            intake.holdings.push(kept.missing(&path, why));
        }
        for (commit, names) in refs.names.iter().filter(|(commit, _)| !self.made.contains_key(*commit)) {
            let names = names.join(", ");
            let why = format!("`{names}` names snapshot {}, of which nothing is here", short(Path::new(commit)));
            intake.holdings.push(kept.missing(&folder.join("refs"), why));
        }
        for path in &refs.odd {
            match std::fs::symlink_metadata(path) {
                Ok(meta) => {
                    intake.stamping.add(path, &Stamp::from(&meta));
                    let why = "a reference that names no commit";
                    intake.holdings.push(kept.file(path, &meta, Class::Damaged, why));
                }
                Err(e) if vanished(&e) => {}
                Err(e) => intake.cannot_read(path, &e),
            }
        }
        let empty = Blobs { folder: self.blobs.folder.clone(), entries: HashMap::new() };
        let blobs = std::mem::replace(&mut self.blobs, empty);
        blobs.holdings(kept, &standings, whole, intake);
        let odd = refs.odd.len() as u64;
        let mut sum = Sum { files: refs.files.saturating_sub(odd), size: refs.bytes, allocated: 0 };
        for part in beside {
            let more = sum_of(part, intake)?;
            sum.files += more.files;
            sum.size = sum.size.saturating_add(more.size);
            sum.allocated = sum.allocated.saturating_add(more.allocated);
        }
        if !sum.is_empty() {
            let why = "references, trees and markers of the repository";
            intake.holdings.push(kept.sum(folder, sum, Class::SideCache, why));
        }
        Ok(())
    }

    /// Files that lie in a snapshot themselves. Their promise is in the tree of the commit, if there is one.
    fn own_files(
        &mut self,
        folder: &Path,
        kept: Kept<'_>,
        standings: &BTreeMap<OsString, Standing>,
        intake: &mut Intake<'_>,
    ) {
        let mut trees: BTreeMap<OsString, BTreeMap<String, String>> = BTreeMap::new();
        for (path, look) in std::mem::take(&mut self.own) {
            let commit = snapshot_of(&self.snapshots, &path).unwrap_or_default();
            intake.stamping.add(&path, &look);
            let promised = trees.entry(commit.clone()).or_insert_with(|| promises(folder, &commit, intake));
            let inside = path.strip_prefix(self.snapshots.join(&commit)).ok(); // it lies there
            let sha256 = inside.and_then(|p| p.to_str()).and_then(|p| promised.get(p)).cloned();
            if let Some(file) = self.files.iter_mut().find(|f| f.found.path == path) {
                file.found.expected_sha256 = sha256.clone();
            }
            let (class, why) = of_snapshot(&commit, standings.get(&commit));
            intake.holdings.push(Holding { expected_sha256: sha256, ..kept.file(&path, look, class, why) });
        }
        for (commit, sum) in std::mem::take(&mut self.others) {
            let (class, why) = of_snapshot(&commit, standings.get(&commit));
            let why = format!("files beside models: {why}");
            intake.holdings.push(kept.sum(&self.snapshots.join(&commit), sum, class, why));
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

    /// Listed as damaged rather than dropped: a person must learn that the blob is gone.
    fn push_missing(&mut self, entry: &Path) {
        // The link vanished meanwhile: nothing is left to list.
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
            repo: None, // the same for all, known at the end
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

/// What the tree of a commit promises.
fn promises(repo: &Path, commit: &OsStr, intake: &mut Intake<'_>) -> BTreeMap<String, String> {
    let mut name = commit.to_owned();
    name.push(".json");
    let path = repo.join("trees").join(name);
    match std::fs::symlink_metadata(&path) {
        Ok(meta) => intake.stamping.add(&path, &Stamp::from(&meta)),
        // The folder tells when it comes.
        Err(e) if vanished(&e) => {}
        Err(_) => intake.stamping.spoil(),
    }
    tree(repo, commit)
}

/// The beginning of the last part of a path: enough of a hash to tell it from others.
fn short(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().chars().take(7).collect()
}

fn of_snapshot(commit: &OsStr, standing: Option<&Standing>) -> (Class, String) {
    let commit = short(Path::new(commit));
    match standing {
        Some(Standing::Named(names)) => (Class::Referenced, format!("in snapshot {commit} ({})", names.join(", "))),
        Some(Standing::Superseded { by }) => {
            (Class::Superseded, format!("in snapshot {commit}, and `{by}` has moved on"))
        }
        Some(Standing::ByCommit) => {
            let why = format!("in snapshot {commit}; no reference names that, as after a download by commit");
            (Class::Referenced, why)
        }
        None => (Class::Damaged, "a file where only snapshots belong".to_owned()),
    }
}

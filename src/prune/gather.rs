//! Gathers the recorded facts and the present state of the disk into candidates.

use super::candidate::{Candidate, Here, Piece, Traces};
use super::download::Downloads;
use super::wide::{Roots, Surroundings};
use crate::clock::Timestamp;
use crate::db::Db;
use crate::host::file_system;
use crate::inventory::{self, Download};
use crate::model::{
    Aside, Class, Damage, FileIdentity, Holding, KeepHint, Kind, ModelId, ModelRow, OneFile, Pick, PlacedFile, Role,
    RootState, Selector, State, StoreKind, pick,
};
use rustix::fs::{Access, AtFlags, CWD, StatVfsMountFlags, accessat, statvfs};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::Metadata;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The facts of the database about everything that could be removed.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub rows: Vec<ModelRow>,
    pub files: Vec<PlacedFile>,
    pub holdings: Vec<Holding>,
    /// Names in unfinished tasks, each with the number of tasks.
    pub tasks: Vec<(String, u64)>,
    /// Roots that could not be inspected in the last scan.
    pub unreachable: HashSet<PathBuf>,
    /// The folders that make a root too wide to be pruned as a whole.
    pub around: Surroundings,
}

impl Known {
    pub fn read(db: &Db) -> anyhow::Result<Known> {
        let roots = db.roots()?;
        let mut known = Known {
            rows: db.rows()?,
            files: db.placed_files()?,
            holdings: db.holdings()?,
            tasks: db.models_of_tasks()?,
            unreachable: HashSet::new(),
            around: Surroundings::default(),
        };
        let plain = roots.iter().filter(|root| root.store == StoreKind::Dir).map(|root| root.path.as_path());
        known.assign_to_innermost(&plain.collect::<Vec<_>>());
        known.unreachable =
            roots.into_iter().filter(|root| root.state != RootState::Read).map(|root| root.path).collect();
        Ok(known)
    }

    /// Assigns files in nested plain roots to the innermost root. A scan records a file under the root through which it
    /// was first found, which may be one that is too wide to be pruned.
    fn assign_to_innermost(&mut self, plain: &[&Path]) {
        let is_nested = |root: &Path| plain.iter().any(|inner| *inner != root && inner.starts_with(root));
        let around: HashSet<PathBuf> =
            plain.iter().filter(|root| is_nested(root)).map(|root| (*root).to_owned()).collect();
        if around.is_empty() {
            return;
        }
        let innermost = |path: &Path| {
            let holding = plain.iter().filter(|root| path.starts_with(root));
            holding.max_by_key(|root| root.as_os_str().len()).map(|root| (*root).to_owned())
        };
        let rows = self.rows.iter_mut().map(|row| (&mut row.root, &row.path));
        for (root, path) in rows.chain(self.holdings.iter_mut().map(|held| (&mut held.root, &held.path))) {
            if let Some(inner) = around.contains(root).then(|| innermost(path)).flatten() {
                *root = inner;
            }
        }
    }
}

/// Returns everything that could be removed, with the present state of each of its entries. Models first, in the order
/// of the database.
///
/// `hints`: keep hints and the globs of this run, each with its text.
pub fn candidates(known: &Known, hints: &[KeepHint], now: Timestamp) -> Vec<Candidate> {
    let mut looks = Looks::default();
    let mut roots = Roots::new(known.around.clone());
    let by_inode: HashMap<Place<'_>, &Holding> =
        known.holdings.iter().filter_map(|h| h.identity.map(|i| (Place::of(&h.root, i), h))).collect();
    let mut files: HashMap<&ModelId, Vec<&PlacedFile>> = HashMap::new();
    for file in &known.files {
        files.entry(&file.model).or_default().push(file);
    }
    let tasks = tasks_of(known);
    let mut of_models: HashSet<(u64, u64)> = HashSet::new();
    let mut all = Vec::new();
    // A model that was recorded in a trash or a snapshot, before those were recognized, is no model.
    let mut downloads: HashMap<usize, Download> = HashMap::new();
    let is_aside = |path: &Path| Aside::of(path).is_some();
    for row in known.rows.iter().filter(|row| row.state != State::Gone && !is_aside(&row.path)) {
        let own = files.get(&row.id).map_or(&[][..], Vec::as_slice);
        of_models.extend(own.iter().map(|f| (f.identity.dev, f.identity.ino)));
        let holdings: Vec<&Holding> = own
            .iter()
            .filter(|f| f.role != Role::Mmproj)
            .filter_map(|f| by_inode.get(&Place::of(&row.root, f.identity)).copied())
            .collect();
        let tasks = tasks.get(&row.id).copied().unwrap_or(0);
        let kept_by: Vec<String> = hints.iter().filter(|h| h.matches(row)).map(|h| h.text.clone()).collect();
        if is_part(row, own, &by_inode) && !row.pinned && kept_by.is_empty() && tasks == 0 {
            continue;
        }
        if row.state == State::Incomplete {
            downloads.insert(all.len(), Download::of(row.store, &row.root, &row.path, true));
        }
        let barred = roots.barred(&row.root);
        let found = model(row, own, &holdings, Wanted { tasks, kept_by }, known, &mut looks);
        all.push(Candidate { barred, ..found });
    }
    // Bytes that another root refers to are of use to that one, whatever their class in their own root.
    let referenced = known.holdings.iter().filter(|h| h.class == Class::Referenced);
    let referenced: HashSet<(u64, u64)> = referenced.filter_map(|h| h.identity.map(|i| (i.dev, i.ino))).collect();
    for holding in &known.holdings {
        let Some(identity) = holding.identity else { continue };
        let is_bytes = matches!(holding.class, Class::Orphan | Class::Partial | Class::Superseded | Class::Damaged);
        let inode = (identity.dev, identity.ino);
        let is_needed = of_models.contains(&inode) || referenced.contains(&inode);
        if is_bytes && !is_aside(&holding.path) && !is_needed {
            if matches!(holding.class, Class::Orphan | Class::Partial) {
                downloads.insert(all.len(), Download::of(holding.store, &holding.root, &holding.path, false));
            }
            let barred = roots.barred(&holding.root);
            all.push(Candidate { barred, ..bytes(holding, identity, hints, known, now, &mut looks) });
        }
    }
    together(&mut all, &downloads);
    looks.name_files(&mut all);
    all
}

/// Sets, for each candidate that may be a part of a download, the facts of that download.
fn together(all: &mut [Candidate], downloads: &HashMap<usize, Download>) {
    let mut found = Downloads::default();
    for (at, download) in downloads {
        let Some(c) = all.get(*at) else { continue };
        // A finished blob without a reference may be the one that its client has just completed.
        let is_finished = c.class == Class::Orphan && c.stale.is_none();
        found.note(download, is_finished.then_some((c.changed, c.path.as_path())));
    }
    let found = found.all();
    for (at, download) in downloads {
        if let Some(c) = all.get_mut(*at) {
            c.download = found.get(download).cloned();
        }
    }
}

/// An inode of a root.
#[derive(PartialEq, Eq)]
struct Place<'a> {
    inode: (u64, u64),
    root: &'a Path,
}

impl Place<'_> {
    fn of(root: &Path, identity: FileIdentity) -> Place<'_> {
        Place { inode: (identity.dev, identity.ino), root }
    }
}

impl Hash for Place<'_> {
    /// Hashes the inode alone: it differs for nearly all of them, and hashing a path takes long.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inode.hash(state);
    }
}

/// Returns whether a model is a projector or an adapter that a name of Ollama has in addition to its model: it is
/// removed with that name and never alone.
fn is_part(row: &ModelRow, files: &[&PlacedFile], by_inode: &HashMap<Place<'_>, &Holding>) -> bool {
    let class = |f: &&PlacedFile| by_inode.get(&Place::of(&row.root, f.identity)).map(|h| h.class);
    row.store == StoreKind::Ollama
        && matches!(row.kind, Kind::Mmproj | Kind::Adapter)
        && files.iter().all(|f| class(f) == Some(Class::Referenced))
}

/// Counts the tasks that name each model. A text that matches several models protects them all.
fn tasks_of(known: &Known) -> HashMap<ModelId, u64> {
    let mut of: HashMap<ModelId, u64> = HashMap::new();
    if known.tasks.is_empty() {
        return of;
    }
    // A removed model must not match for another one that has the same name in its store.
    let rows: Vec<ModelRow> = known.rows.iter().filter(|row| row.state != State::Gone).cloned().collect();
    for (text, count) in &known.tasks {
        let hits = match pick(&Selector(text.clone()), Some(&PathBuf::from(text)), &rows) {
            Pick::One(at) => vec![at],
            Pick::Ambiguous(hits) => hits,
            Pick::None => Vec::new(),
        };
        for row in hits.into_iter().filter_map(|at| rows.get(at)) {
            *of.entry(row.id.clone()).or_default() += count;
        }
    }
    of
}

struct Wanted {
    tasks: u64,
    kept_by: Vec<String>,
}

fn model(
    row: &ModelRow,
    files: &[&PlacedFile],
    holdings: &[&Holding],
    wanted: Wanted,
    known: &Known,
    looks: &mut Looks,
) -> Candidate {
    let mut seen = Seen::default();
    let mut pieces: Vec<Piece> = Vec::new();
    for file in files {
        let piece = looks.piece(file.identity, file.allocated, &file.entries, &file.path, &mut seen);
        pieces.push(Piece { is_projector: file.role == Role::Mmproj, ..piece });
    }
    // A model is waste only when all of its files are.
    let best = holdings.iter().min_by_key(|h| rank(h.class));
    let whole = holdings.len() == files.iter().filter(|f| f.role != Role::Mmproj).count();
    let (class, why) = match best.filter(|_| whole) {
        Some(holding) => (holding.class, holding.why.clone()),
        None => (Class::Referenced, row.reason.clone().unwrap_or_default()),
    };
    let class = if matches!(row.state, State::Damaged | State::Truncated) { Class::Damaged } else { class };
    let why = row.reason.clone().filter(|_| class == Class::Damaged || row.state == State::Incomplete).unwrap_or(why);
    let traces = seen.traces(row.last_used, row.first_seen);
    let is_usable = row.state == State::Ready && row.kind.is_served();
    let stale = stale(row.state == State::Unavailable || known.unreachable.contains(&row.root), &seen);
    Candidate {
        id: Some(row.id.clone()),
        name: row.name.clone(),
        store: row.store,
        root: row.root.clone(),
        path: row.path.clone(),
        state: Some(row.state),
        class,
        why,
        damage: row.damage,
        pieces,
        last_use: traces.last_use(),
        written: traces.written,
        changed: seen.changed.unwrap_or(row.first_seen),
        pinned: row.pinned,
        kept_by: wanted.kept_by,
        tasks: wanted.tasks,
        is_usable,
        content: content(files).filter(|_| row.state == State::Ready),
        stood_for_by: looks.virtual_models(row),
        is_read: is_read(files, &seen),
        download: None,
        stale,
        barred: None,
        also_named: row.also_named.clone(),
    }
}

/// Returns the rank of a class, from bytes that must stay to bytes that need not.
fn rank(class: Class) -> u8 {
    match class {
        Class::Referenced => 0,
        Class::SideCache => 1,
        Class::Missing => 2,
        Class::Damaged => 3,
        Class::Superseded => 4,
        Class::Orphan => 5,
        Class::Partial => 6,
        // Neither class is that of a model.
        Class::Trash | Class::Snapshot => 7,
    }
}

fn bytes(
    holding: &Holding,
    identity: FileIdentity,
    hints: &[KeepHint],
    known: &Known,
    now: Timestamp,
    looks: &mut Looks,
) -> Candidate {
    let mut seen = Seen::default();
    let entries = [holding.path.clone()];
    let piece = looks.piece(identity, holding.allocated, &entries, &holding.path, &mut seen);
    // Only its own times show when it appeared; without any it counts as new.
    let traces = seen.traces(None, seen.changed.unwrap_or(now));
    let file = holding.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = match &holding.owner {
        Some(owner) => format!("{owner}: {file}"),
        None => file,
    };
    // A file that could not be read is not known to be damaged.
    let can_read = || accessat(CWD, &holding.path, Access::READ_OK, AtFlags::EACCESS).is_ok();
    let is_damaged = holding.class == Class::Damaged && can_read();
    let names: Vec<&str> = holding.owner.as_deref().into_iter().chain([name.as_str()]).collect();
    let kept_by = hints.iter().filter(|h| h.fits(&names, &holding.path)).map(|h| h.text.clone()).collect();
    Candidate {
        id: None,
        name,
        store: holding.store,
        root: holding.root.clone(),
        path: holding.path.clone(),
        state: None,
        class: holding.class,
        why: holding.why.clone(),
        damage: is_damaged.then_some(Damage::Structure),
        pieces: vec![piece],
        last_use: traces.last_use(),
        written: traces.written,
        changed: seen.changed.unwrap_or(now),
        pinned: false,
        kept_by,
        tasks: 0,
        is_usable: false,
        content: None,
        stood_for_by: Vec::new(),
        is_read: false,
        download: None,
        barred: None,
        also_named: Vec::new(),
        stale: stale(known.unreachable.contains(&holding.root), &seen),
    }
}

fn stale(is_unreachable: bool, seen: &Seen) -> Option<String> {
    if is_unreachable {
        return Some("its root could not be read in the last scan".to_owned());
    }
    seen.odd.clone().map(|what| format!("{what} since the last scan: run `modelctl scan` to check again"))
}

/// The times and changes that were found on the files of a candidate.
#[derive(Default)]
struct Seen {
    accessed: Option<i64>,
    /// Whether a file is on a file system that keeps no access times.
    is_unwatched: bool,
    written: Option<i64>,
    born: Option<i64>,
    changed: Option<Timestamp>,
    odd: Option<String>,
}

impl Seen {
    /// Converts to traces. All times are milliseconds since the epoch.
    fn traces(&self, journal: Option<Timestamp>, first_seen: Timestamp) -> Traces {
        Traces {
            journal,
            accessed: self.accessed.filter(|_| !self.is_unwatched).map(Timestamp),
            written: self.written.map_or(first_seen, Timestamp),
            born: self.born.map(Timestamp),
            changed: self.changed,
            first_seen,
        }
    }
}

#[derive(Default)]
struct Looks {
    /// Every file that was found, as it is now.
    found: Vec<FileIdentity>,
    /// Whether a device may show files of another one. Files of two disks may have the same size and times by chance.
    layered: HashMap<u64, bool>,
    /// Whether a device keeps access times.
    watched: HashMap<u64, bool>,
    /// The virtual models of each root of LM Studio, by repository.
    virtual_models: HashMap<PathBuf, BTreeMap<String, Vec<String>>>,
}

impl Looks {
    /// Sets, for pieces that several mounts show, the device and inode of the first view of their file.
    fn name_files(&self, candidates: &mut [Candidate]) {
        let is_layered = |dev: u64| self.layered.get(&dev).copied().unwrap_or(true);
        if !self.layered.values().any(|is_layered| *is_layered) {
            return;
        }
        let mut one_file = OneFile::default();
        let mut other: HashMap<(u64, u64), (u64, u64)> = HashMap::new();
        for now in &self.found {
            let file = one_file.key(now);
            if is_layered(now.dev) || is_layered(file.0) {
                other.insert((now.dev, now.ino), file);
            }
        }
        for piece in candidates.iter_mut().flat_map(|c| &mut c.pieces) {
            piece.file = other.get(&piece.inode()).copied().unwrap_or(piece.file);
        }
    }

    /// Returns the virtual models that stand for the repository of a model.
    fn virtual_models(&mut self, row: &ModelRow) -> Vec<String> {
        // A model outside of its root is in no repository.
        let folder = row.path.parent().and_then(|folder| folder.strip_prefix(&row.root).ok());
        let Some(folder) = folder.filter(|_| row.store == StoreKind::LmStudio) else { return Vec::new() };
        let read = |root: &PathBuf| inventory::virtual_models(root).unwrap_or_default();
        let all = self.virtual_models.entry(row.root.clone()).or_insert_with_key(read);
        all.get(&folder.to_string_lossy().to_lowercase()).cloned().unwrap_or_default()
    }

    fn piece(
        &mut self,
        identity: FileIdentity,
        allocated: u64,
        entries: &[PathBuf],
        bytes: &Path,
        seen: &mut Seen,
    ) -> Piece {
        let mut piece = Piece {
            identity,
            file: (identity.dev, identity.ino),
            entries: entries.to_vec(),
            allocated,
            links: 1,
            own_links: 0,
            is_projector: false,
            here: None,
        };
        for (at, entry) in entries.iter().enumerate() {
            match std::fs::symlink_metadata(entry) {
                Ok(meta) if meta.is_symlink() => {}
                Ok(meta) => {
                    let here = meta.is_file().then(|| Here { entry: at, inode: (meta.dev(), meta.ino()) });
                    piece.here = piece.here.or(here);
                    let now = FileIdentity::of(&meta);
                    if now.same_content(&identity) {
                        piece.own_links += 1;
                        self.layered.entry(now.dev).or_insert_with(|| file_system::is_layered(entry));
                        self.found.push(now);
                        self.take(&meta, entry, &mut piece, seen);
                    } else {
                        seen.odd = Some(format!("`{}` has changed", entry.display()));
                    }
                }
                Err(e) if entry == bytes && e.kind() == std::io::ErrorKind::NotFound => {
                    seen.odd = Some(format!("`{}` was removed", entry.display()));
                }
                Err(e) if entry == bytes => seen.odd = Some(format!("`{}` cannot be read ({e})", entry.display())),
                // Another missing entry leads nowhere.
                Err(_) => {}
            }
        }
        piece
    }

    fn take(&mut self, meta: &Metadata, path: &Path, piece: &mut Piece, seen: &mut Seen) {
        piece.links = meta.nlink();
        piece.allocated = meta.blocks().saturating_mul(512);
        let ms = |secs: i64, ns: i64| secs.saturating_mul(1_000).saturating_add(ns / 1_000_000);
        seen.accessed = seen.accessed.max(Some(ms(meta.atime(), meta.atime_nsec())));
        seen.written = seen.written.max(Some(ms(meta.mtime(), meta.mtime_nsec())));
        seen.changed = seen.changed.max(Some(Timestamp(ms(meta.ctime(), meta.ctime_nsec()))));
        // A file system that keeps no creation time leaves it unknown.
        let born = meta.created().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        seen.born = seen.born.max(born.and_then(|d| i64::try_from(d.as_millis()).ok()));
        let watched = self.watched.entry(meta.dev()).or_insert_with(|| keeps_access_times(path));
        seen.is_unwatched |= !*watched;
    }
}

/// Returns whether a file system keeps access times. False where that is unknown.
fn keeps_access_times(path: &Path) -> bool {
    statvfs(path).is_ok_and(|fs| !fs.f_flag.intersects(StatVfsMountFlags::NOATIME | StatVfsMountFlags::RDONLY))
}

/// Returns whether all files of a model were read whole, and have not changed since.
fn is_read(files: &[&PlacedFile], seen: &Seen) -> bool {
    let newest = files.iter().map(|f| f.identity.ctime_ns / 1_000_000).max();
    newest.is_some_and(|known| seen.changed == Some(Timestamp(known)))
        && files.iter().filter(|f| f.role != Role::Mmproj).all(|f| f.verified_sha256.is_some())
}

/// Returns the hashes of all files of a sound model, computed or promised; never a hash of its headers alone.
fn content(files: &[&PlacedFile]) -> Option<String> {
    let weights = files.iter().filter(|f| f.role != Role::Mmproj);
    // A file whose computed hash is not the promised one is a copy of nothing.
    let hashes: Option<Vec<&str>> = weights
        .map(|f| match (f.verified_sha256.as_deref(), f.expected_sha256.as_deref()) {
            (Some(read), Some(promised)) if read != promised => None,
            (read, promised) => read.or(promised),
        })
        .collect();
    hashes.filter(|h| !h.is_empty()).map(|h| h.join(" "))
}

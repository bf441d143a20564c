//! What is known and what is there now, brought together into candidates.

use super::candidate::{Candidate, Here, Piece, Traces};
use super::decide::Space;
use crate::clock::Timestamp;
use crate::db::Db;
use crate::inventory;
use crate::model::{
    Class, FileIdentity, Holding, KeepHint, Kind, ModelId, ModelRow, Pick, PlacedFile, Role, RootState, Selector,
    State, StoreKind, pick,
};
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::Metadata;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What the database knows of everything that could go.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub rows: Vec<ModelRow>,
    pub files: Vec<PlacedFile>,
    pub holdings: Vec<Holding>,
    /// What unfinished tasks name, and how many do.
    pub tasks: Vec<(String, u64)>,
    /// Roots that could not be looked at in the last scan.
    pub unreachable: HashSet<PathBuf>,
}

impl Known {
    pub fn read(db: &Db) -> anyhow::Result<Known> {
        let roots = db.roots()?.into_iter();
        let unreachable = roots.filter(|root| root.state != RootState::Read).map(|root| root.path).collect();
        Ok(Known {
            rows: db.rows()?,
            files: db.placed_files()?,
            holdings: db.holdings()?,
            tasks: db.models_of_tasks()?,
            unreachable,
        })
    }
}

/// Everything that could go, with a look at each of its entries. Models first, in the order of the database.
///
/// `hints`: keep hints and the globs of this run, each with its text.
pub fn candidates(known: &Known, hints: &[KeepHint], now: Timestamp) -> Vec<Candidate> {
    let mut looks = Looks::default();
    let by_inode: HashMap<Place<'_>, &Holding> =
        known.holdings.iter().filter_map(|h| h.identity.map(|i| (Place::of(&h.root, i), h))).collect();
    let mut files: HashMap<&ModelId, Vec<&PlacedFile>> = HashMap::new();
    for file in &known.files {
        files.entry(&file.model).or_default().push(file);
    }
    let tasks = tasks_of(known);
    let mut of_models: HashSet<(u64, u64)> = HashSet::new();
    let mut all = Vec::new();
    for row in known.rows.iter().filter(|row| row.state != State::Gone) {
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
        all.push(model(row, own, &holdings, Wanted { tasks, kept_by }, known, &mut looks));
    }
    for holding in &known.holdings {
        let Some(identity) = holding.identity else { continue };
        let is_bytes = matches!(holding.class, Class::Orphan | Class::Partial | Class::Superseded | Class::Damaged);
        if is_bytes && !of_models.contains(&(identity.dev, identity.ino)) {
            all.push(bytes(holding, identity, hints, known, now, &mut looks));
        }
    }
    all
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
    /// The inode tells nearly all of them apart, and a path is long.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inode.hash(state);
    }
}

/// A projector or an adapter that a name of Ollama has beside its model: it goes with that name and never by itself.
fn is_part(row: &ModelRow, files: &[&PlacedFile], by_inode: &HashMap<Place<'_>, &Holding>) -> bool {
    let class = |f: &&PlacedFile| by_inode.get(&Place::of(&row.root, f.identity)).map(|h| h.class);
    row.store == StoreKind::Ollama
        && matches!(row.kind, Kind::Mmproj | Kind::Adapter)
        && files.iter().all(|f| class(f) == Some(Class::Referenced))
}

/// How many tasks name each model. A text that fits several models protects them all.
fn tasks_of(known: &Known) -> HashMap<ModelId, u64> {
    let mut of: HashMap<ModelId, u64> = HashMap::new();
    if known.tasks.is_empty() {
        return of;
    }
    // One that is gone must not stand for one that is called the same by its store.
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
    // All of its files must be waste for it to be waste.
    let best = holdings.iter().min_by_key(|h| rank(h.class));
    let whole = holdings.len() == files.iter().filter(|f| f.role != Role::Mmproj).count();
    let (class, why) = match best.filter(|_| whole) {
        Some(holding) => (holding.class, holding.why.clone()),
        None => (Class::Referenced, row.reason.clone().unwrap_or_default()),
    };
    let class = if matches!(row.state, State::Damaged | State::Truncated) { Class::Damaged } else { class };
    let why = row.reason.clone().filter(|_| class == Class::Damaged || row.state == State::Incomplete).unwrap_or(why);
    let traces = seen.traces(row.last_used, row.first_seen);
    let is_usable = row.state == State::Ready && matches!(row.kind, Kind::Generative | Kind::Embedding);
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
        stale,
    }
}

/// From what must stay to what need not.
fn rank(class: Class) -> u8 {
    match class {
        Class::Referenced => 0,
        Class::SideCache => 1,
        Class::Missing => 2,
        Class::Damaged => 3,
        Class::Superseded => 4,
        Class::Orphan => 5,
        Class::Partial => 6,
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
    // Nothing says when it appeared but its own times; without any it counts as new.
    let traces = seen.traces(None, seen.changed.unwrap_or(now));
    let file = holding.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = match &holding.owner {
        Some(owner) => format!("{owner}: {file}"),
        None => file,
    };
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
        stale: stale(known.unreachable.contains(&holding.root), &seen),
    }
}

fn stale(is_unreachable: bool, seen: &Seen) -> Option<String> {
    if is_unreachable {
        return Some("its root could not be looked at in the last scan".to_owned());
    }
    seen.odd.clone().map(|what| format!("{what} since the last scan: `modelctl scan` looks again"))
}

/// What the looks at its files told.
#[derive(Default)]
struct Seen {
    accessed: Option<i64>,
    /// A file lies where no access times are kept.
    is_unwatched: bool,
    written: Option<i64>,
    born: Option<i64>,
    changed: Option<Timestamp>,
    odd: Option<String>,
}

impl Seen {
    /// `ms` since the epoch throughout.
    fn traces(&self, journal: Option<Timestamp>, first_seen: Timestamp) -> Traces {
        Traces {
            journal,
            accessed: self.accessed.filter(|_| !self.is_unwatched).map(Timestamp),
            written: self.written.map_or(first_seen, Timestamp),
            born: self.born.map(Timestamp),
            first_seen,
        }
    }
}

#[derive(Default)]
struct Looks {
    /// Whether a device keeps access times.
    watched: HashMap<u64, bool>,
    /// Of each root of LM Studio, by repository.
    virtual_models: HashMap<PathBuf, BTreeMap<String, Vec<String>>>,
}

impl Looks {
    /// Those that stand for the repository that it lies in.
    fn virtual_models(&mut self, row: &ModelRow) -> Vec<String> {
        // What lies outside of its root is in no repository.
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
                        self.take(&meta, entry, &mut piece, seen);
                    } else {
                        seen.odd = Some(format!("`{}` has changed", entry.display()));
                    }
                }
                Err(e) if entry == bytes => seen.odd = Some(format!("`{}` cannot be looked at ({e})", entry.display())),
                // Another entry that is gone leads nowhere.
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
        // A file system that keeps no time of birth leaves it unknown.
        let born = meta.created().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        seen.born = seen.born.max(born.and_then(|d| i64::try_from(d.as_millis()).ok()));
        let watched = self.watched.entry(meta.dev()).or_insert_with(|| keeps_access_times(path));
        seen.is_unwatched |= !*watched;
    }
}

/// False where it cannot be told.
fn keeps_access_times(path: &Path) -> bool {
    statvfs(path).is_ok_and(|fs| !fs.f_flag.intersects(StatVfsMountFlags::NOATIME | StatVfsMountFlags::RDONLY))
}

/// The room on each file system that holds any of the candidates.
pub fn space(candidates: &[Candidate]) -> Space {
    let mut space = Space::default();
    for piece in candidates.iter().flat_map(|c| &c.pieces) {
        let dev = piece.identity.dev;
        if space.free.contains_key(&dev) {
            continue;
        }
        // A file that vanished says nothing; another one on the device will.
        if let Some(fs) = piece.entries.first().and_then(|path| statvfs(path).ok()) {
            space.free.insert(dev, fs.f_bavail.saturating_mul(fs.f_frsize));
        }
    }
    space
}

/// Whether all files of a model were read whole, and nothing was done to any of them since.
fn is_read(files: &[&PlacedFile], seen: &Seen) -> bool {
    let newest = files.iter().map(|f| f.identity.ctime_ns / 1_000_000).max();
    newest.is_some_and(|known| seen.changed == Some(Timestamp(known)))
        && files.iter().filter(|f| f.role != Role::Mmproj).all(|f| f.verified_sha256.is_some())
}

/// The hashes of all files of a sound model, computed or promised, and never its headers alone.
fn content(files: &[&PlacedFile]) -> Option<String> {
    let weights = files.iter().filter(|f| f.role != Role::Mmproj);
    // What was read and is not what was promised is a copy of nothing.
    let hashes: Option<Vec<&str>> = weights
        .map(|f| match (f.verified_sha256.as_deref(), f.expected_sha256.as_deref()) {
            (Some(read), Some(promised)) if read != promised => None,
            (read, promised) => read.or(promised),
        })
        .collect();
    hashes.filter(|h| !h.is_empty()).map(|h| h.join(" "))
}

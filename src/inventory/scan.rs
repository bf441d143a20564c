//! Runs a whole scan: walks, skips unchanged places, reads new headers, groups files, compares.

use super::changes::Change;
use super::coverage::{Coverage, Covered, unmounted};
use super::diff::{Diff, DiffInput, diff};
use super::found::{Found, Skipped};
use super::group::{Entry, group};
use super::headers::{Header, ReadHeader, read_all};
use super::inode::vanished;
use super::known::{Known, is_in, place_of, place_of_path};
use super::paths::contains;
use super::progress::ScanEvent;
use super::progress::ScanProgress;
use super::roots::{Reach, Region, RootSource, RootSpec, regions, unreachable_root};
use super::stamps::Stamps;
use super::walk::{WalkOptions, Walked, walk};
use crate::clock::Timestamp;
use crate::model::{
    Artifact, Fault, FileIdentity, FolderStamp, Integrity, KnownFile, Model, RootState, ScanCounts, ScanOutcome, State,
    StoreKind, Surveyed,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Loads the full models of the listed recorded roots, gone ones included.
pub type LoadModels<'a> = &'a mut dyn FnMut(&[PathBuf]) -> anyhow::Result<Vec<Model>>;

/// The input of a scan.
pub struct ScanRequest<'a> {
    pub roots: &'a [RootSpec],
    /// Every file in the database.
    pub known: &'a [KnownFile],
    /// The stamps of repositories when they were last read: one with the same stamp is not read again. An empty slice
    /// makes the scan read everything.
    pub stamps: &'a [FolderStamp],
    pub now: Timestamp,
    /// The number of headers that are read at the same time, at least 1.
    pub threads: usize,
    pub read: ReadHeader<'a>,
    /// Called at most once, and only when something changed.
    pub load: LoadModels<'a>,
    /// Called from several threads.
    pub progress: &'a (dyn Fn(ScanEvent) + Sync),
    /// Set from a signal handler: the scan then fails as interrupted.
    pub cancel: &'a AtomicBool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanReport {
    /// The result to write to the database.
    pub outcome: ScanOutcome,
    /// One entry for each model that changed.
    pub changes: Vec<Change>,
    pub skipped: Vec<Skipped>,
    /// The scanned roots, sorted by path.
    pub roots: Vec<RootReport>,
}

impl ScanReport {
    /// Returns the roots that were named and could not be read, and are therefore not recorded.
    pub fn refused(&self) -> impl Iterator<Item = &RootReport> {
        let is_recorded = |root: &RootReport| self.outcome.roots.iter().any(|(path, _, _)| *path == root.path);
        self.roots.iter().filter(move |root| !is_recorded(root))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootReport {
    pub path: PathBuf,
    pub store: StoreKind,
    pub named_by: RootSource,
    pub state: RootState,
    /// The number of model files found in it; 0 when it could not be read.
    pub files: u64,
}

/// Scans. Writes nothing: the caller records the outcome in the database.
///
/// # Errors
/// When no root given as an argument can be read and nothing is known in them (exit 3), when `cancel` is set (exit 130),
/// and when `load` fails.
pub fn scan(request: ScanRequest<'_>) -> anyhow::Result<ScanReport> {
    let progress = ScanProgress {
        progress: request.progress,
        cancel: request.cancel,
        entries: std::sync::atomic::AtomicU64::new(0),
    };
    let mut regions = regions(request.roots);
    drop_absent_defaults(&mut regions, request.known);
    let refused = take_unreachable(&mut regions, request.known)?;
    let known = Known::new(request.known, &regions);
    let options = WalkOptions {
        threads: request.threads.saturating_sub(1),
        is_known: &|path| known.has(path),
        stamps: &Stamps::new(request.stamps, request.known),
        started_ns: request.now.millis().saturating_mul(1_000_000),
        progress: &progress,
    };
    let mut walks = Vec::with_capacity(regions.len());
    for (i, region) in regions.iter().enumerate() {
        (request.progress)(ScanEvent::Root { path: region.path.clone() });
        let walked = walk(region, &options)?;
        if let Some(why) = &walked.failed
            && region.named_by == RootSource::Argument
            && known.region(i).is_empty()
        {
            return Err(unreachable_root(region, why).into());
        }
        walks.push(walked);
    }
    let mut report = Survey::new(&regions, &known, &mut walks);
    report.roots.extend(refused.iter().map(|region| RootReport {
        path: region.path.clone(),
        store: region.store.unwrap_or(StoreKind::Dir),
        named_by: region.named_by,
        state: RootState::Unavailable { reason: region.reach.reason().unwrap_or_default() },
        files: 0,
    }));
    let open = report.open_places(&regions, &known, &walks);
    if !open.regions.is_empty() {
        let mut found = Vec::new();
        for (_, walked) in walks.iter_mut().enumerate().filter(|(i, _)| open.regions.contains(i)) {
            found.extend(walked.found.drain(..).filter(|f| open.places.contains(place_of(f))));
        }
        report.compare(request, &known, &open, found, &progress)?;
    }
    Ok(report.finish())
}

/// Removes default places that do not exist, unless models are known in them.
fn drop_absent_defaults(regions: &mut Vec<Region>, known: &[KnownFile]) {
    regions.retain(|r| {
        let absent = r.named_by == RootSource::Default && matches!(r.reach, Reach::Missing(_));
        !absent || known.iter().any(|k| contains(&r.path, &k.path))
    });
}

/// Removes the roots that were given as an argument, cannot be read, and have nothing known in them: most likely a slip,
/// which must not become a known root. Returns them.
///
/// # Errors
/// When no other root is left.
fn take_unreachable(regions: &mut Vec<Region>, known: &[KnownFile]) -> anyhow::Result<Vec<Region>> {
    let (refused, kept): (Vec<Region>, Vec<Region>) = regions.drain(..).partition(|r| {
        let is_unread = matches!(r.reach, Reach::Missing(_) | Reach::Unreadable(_));
        is_unread && r.named_by == RootSource::Argument && !known.iter().any(|k| contains(&r.path, &k.path))
    });
    if let (true, Some(first)) = (kept.is_empty(), refused.first()) {
        return Err(unreachable_root(first, &first.reach.reason().unwrap_or_default()).into());
    }
    *regions = kept;
    Ok(refused)
}

/// The results of the walks, before any comparison.
struct Survey<'a> {
    covered: Covered<'a>,
    outcome: ScanOutcome,
    changes: Vec<Change>,
    skipped: Vec<Skipped>,
    roots: Vec<RootReport>,
}

impl<'a> Survey<'a> {
    fn new(regions: &'a [Region], known: &Known<'_>, walks: &mut [Walked]) -> Self {
        let mut survey = Survey {
            covered: Covered { regions, states: Vec::new(), unread: Vec::new() },
            outcome: ScanOutcome::default(),
            changes: Vec::new(),
            skipped: Vec::new(),
            roots: Vec::new(),
        };
        let mut places: BTreeMap<PathBuf, (StoreKind, RootState)> = BTreeMap::new();
        for (i, (region, walked)) in regions.iter().zip(walks.iter_mut()).enumerate() {
            let files = known.region(i);
            let failed = walked.failed.clone().map(Reach::Unreadable);
            let reach = failed.as_ref().unwrap_or(&region.reach);
            let state = match reach.reason() {
                // No file is known there: the folder is simply empty.
                Some(_) if *reach == Reach::Empty && files.is_empty() => RootState::Read,
                Some(reason) => RootState::Unavailable { reason },
                None => RootState::Read,
            };
            if let (RootState::Unavailable { reason }, true) = (&state, files.is_empty()) {
                survey.skipped.push(Skipped { path: region.path.clone(), reason: reason.clone() });
            }
            survey.skipped.append(&mut walked.skipped);
            // A folder of llama.cpp may also hold repositories of the hub, but still belongs to llama.cpp.
            let owner = walked.stores.iter().rfind(|(at, _)| *at == region.path).map(|(_, store)| *store);
            let store = region.store.or(owner).unwrap_or(StoreKind::Dir);
            places.insert(region.path.clone(), (store, state.clone()));
            for (at, store) in walked.stores.iter().rev() {
                places.entry(at.clone()).or_insert_with(|| (*store, RootState::Read));
            }
            for at in &region.inner {
                places.entry(at.clone()).or_insert_with(|| (StoreKind::Dir, RootState::Read));
            }
            let claimed = region.claims.iter().map(|(at, _)| at).chain(&region.inner).chain([&region.path]);
            if region.named_by == RootSource::Argument {
                survey.outcome.remembered.extend(claimed.clone().cloned());
            }
            survey.outcome.named.extend(claimed.cloned());
            survey.roots.push(RootReport {
                path: region.path.clone(),
                store,
                named_by: region.named_by,
                state: state.clone(),
                files: walked
                    .unchanged_places
                    .iter()
                    .map(|s| s.files)
                    .sum::<u64>()
                    .saturating_add(walked.found.len() as u64),
            });
            if state == RootState::Read {
                survey.outcome.surveys.extend(surveys(region, walked));
            }
            survey.covered.states.push(state);
            survey.covered.unread.append(&mut walked.unread);
        }
        survey.outcome.roots = places.into_iter().map(|(path, (store, state))| (path, store, state)).collect();
        survey
    }

    /// Returns the places that are not exactly as known. Counts the models of all other places as unchanged.
    fn open_places(&mut self, regions: &[Region], known: &Known<'_>, walks: &[Walked]) -> Open {
        let mut open = Open::default();
        for (i, (region, walked)) in regions.iter().zip(walks).enumerate() {
            if self.covered.states.get(i) != Some(&RootState::Read) {
                if !known.region(i).is_empty() {
                    open.regions.push(i);
                }
                continue;
            }
            let places = known.changed_places(i, &walked.found, &walked.unchanged_places);
            self.outcome.counts.unchanged += known.unchanged_models(i, &places);
            let whole = !self.covered.unread.iter().any(|u| contains(&region.path, &u.path));
            if whole && places.is_empty() {
                continue;
            }
            let found: HashSet<_> = walked.found.iter().map(|f| f.path.as_os_str()).collect();
            let is_in_unchanged_place = |f: &&KnownFile| is_in(&walked.unchanged_places, place_of_path(&f.path));
            let files: Vec<&KnownFile> =
                known.region(i).iter().copied().filter(|f| !is_in_unchanged_place(f)).collect();
            let lost = unmounted(region, &files, &found);
            self.skipped.extend(lost.iter().cloned());
            self.covered.unread.extend(lost);
            open.regions.push(i);
            open.places.extend(places.into_iter().map(Path::to_owned));
        }
        open
    }

    fn compare(
        &mut self,
        request: ScanRequest<'_>,
        known: &Known<'_>,
        open: &Open,
        found: Vec<Found>,
        progress: &ScanProgress<'_>,
    ) -> anyhow::Result<()> {
        let roots = known.roots_to_load(&open.regions, &found);
        let mut models = if roots.is_empty() { Vec::new() } else { (request.load)(&roots)? };
        let entries = with_headers(found, &models, &request, progress)?;
        // Unchanged models are counted already, and must not be compared again.
        models.retain(|m| !is_in_unchanged_place(m, open, &self.covered));
        self.name_unavailable_roots(&models);
        let Diff { write, gone, unavailable, counts, changes } = diff(DiffInput {
            known: models,
            found: group(entries),
            coverage: &|path| self.covered.of(path),
            taken: known.ids(),
            now: request.now,
        });
        let unchanged = self.outcome.counts.unchanged + counts.unchanged;
        self.outcome.counts = ScanCounts { unchanged, ..counts };
        (self.outcome.write, self.outcome.gone, self.outcome.unavailable) = (write, gone, unavailable);
        self.changes = changes;
        Ok(())
    }

    /// Adds the stores below an unreadable root: they are as unavailable as that root, for the same reason.
    fn name_unavailable_roots(&mut self, models: &[Model]) {
        let mut unnamed: BTreeMap<PathBuf, (StoreKind, RootState)> = BTreeMap::new();
        for model in models {
            let index = super::roots::region_of(self.covered.regions, &model.root);
            if let Some(state @ RootState::Unavailable { .. }) = index.and_then(|i| self.covered.states.get(i)) {
                unnamed.entry(model.root.clone()).or_insert_with(|| (model.store, state.clone()));
            }
        }
        for (path, _, _) in &self.outcome.roots {
            unnamed.remove(path);
        }
        self.outcome.roots.extend(unnamed.into_iter().map(|(path, (store, state))| (path, store, state)));
    }

    fn finish(mut self) -> ScanReport {
        self.skipped.sort_by(|a, b| (&a.path, &a.reason).cmp(&(&b.path, &b.reason)));
        self.skipped.dedup();
        self.outcome.counts.skipped = self.skipped.len() as u64;
        // A model must not refer to a root that the database does not know.
        let named: HashSet<&Path> = self.outcome.roots.iter().map(|(path, _, _)| path.as_path()).collect();
        let unnamed: BTreeMap<&Path, StoreKind> = self
            .outcome
            .write
            .iter()
            .filter(|m| !named.contains(m.root.as_path()))
            .map(|m| (m.root.as_path(), m.store))
            .collect();
        let unnamed: Vec<_> = unnamed.into_iter().map(|(p, s)| (p.to_owned(), s, RootState::Read)).collect();
        self.outcome.roots.extend(unnamed);
        ScanReport { outcome: self.outcome, changes: self.changes, skipped: self.skipped, roots: self.roots }
    }
}

/// Returns the surveys of a region and of each repository in it that was read.
fn surveys(region: &Region, walked: &mut Walked) -> Vec<Surveyed> {
    let read = std::mem::take(&mut walked.apart);
    let mut apart: Vec<PathBuf> = read.iter().map(|s| s.folder.clone()).collect();
    apart.extend(walked.unchanged_places.iter().map(|s| s.folder.clone()));
    apart.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    apart.dedup();
    let in_them = |path: &Path| read.iter().any(|s| s.unread.iter().any(|u| u == path));
    let around = Surveyed {
        folder: region.path.clone(),
        unread: walked.unread.iter().map(|u| u.path.clone()).filter(|u| !in_them(u)).collect(),
        holdings: std::mem::take(&mut walked.holdings),
        apart,
        is_apart: false,
        stamp: None,
    };
    // If the region is a repository itself, its own survey covers everything.
    let around = Some(around).filter(|s| s.apart.first() != Some(&region.path));
    around.into_iter().chain(read).collect()
}

/// The parts of a scan that need a comparison.
#[derive(Default)]
struct Open {
    regions: Vec<usize>,
    /// Folders and repositories in regions that were read.
    places: HashSet<PathBuf>,
}

/// Returns whether a model was counted as unchanged: it is present, and all its files are in unchanged places.
fn is_in_unchanged_place(model: &Model, open: &Open, covered: &Covered<'_>) -> bool {
    !matches!(model.state, State::Gone | State::Unavailable)
        && model
            .artifacts
            .iter()
            .all(|a| covered.of(&a.path) == Coverage::Read && !open.places.contains(place_of_path(&a.path)))
}

/// Returns each file with its header: from a known model with the same identity, otherwise by opening the file.
fn with_headers(
    found: Vec<Found>,
    models: &[Model],
    request: &ScanRequest<'_>,
    progress: &ScanProgress<'_>,
) -> anyhow::Result<Vec<Entry>> {
    let kept: HashMap<FileIdentity, _> = models.iter().flat_map(|m| &m.artifacts).map(|a| (a.identity, a)).collect();
    let again: HashSet<FileIdentity> = request.known.iter().filter(|k| k.again).map(|k| k.identity).collect();
    let keep = |f: &Found| {
        let known = kept.get(&f.identity).copied();
        known.filter(|a| !again.contains(&a.identity) && is_still_true(a, f))
    };
    let is_new = |f: &Found| f.fault.is_none() && keep(f).is_none();
    let open_path = |f: &Found| f.target.clone().unwrap_or_else(|| f.path.clone());
    let paths: Vec<PathBuf> = found.iter().filter(|f| is_new(f)).map(open_path).collect();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let mut fresh = read_all(&paths, request.threads, request.read, progress)?.into_iter();
    let mut entries = Vec::with_capacity(found.len());
    for mut file in found {
        let header = if let Some(fault) = file.fault.take() {
            Err(Fault::damaged(fault))
        } else if let Some(artifact) = keep(&file) {
            let (identity, allocated) = (file.identity, file.allocated);
            artifact.header.clone().map(|facts| Header { identity, allocated, facts })
        } else {
            match fresh.next() {
                Some(Err(why)) if !is_gone(&file) => Err(why),
                Some(Ok(header)) => Ok(header),
                // The file was deleted between the walk and the read.
                Some(Err(_)) | None => continue,
            }
        };
        entries.push(Entry::new(file, header));
    }
    Ok(entries)
}

/// Returns whether a known header still applies. Some file systems account for blocks only after a while: a file that
/// seemed to have holes may be whole by now.
fn is_still_true(artifact: &Artifact, file: &Found) -> bool {
    let sparse = artifact.header.as_ref().is_ok_and(|f| matches!(f.integrity, Integrity::Sparse { .. }));
    !sparse || artifact.allocated == file.allocated
}

fn is_gone(file: &Found) -> bool {
    let path = file.target.as_ref().unwrap_or(&file.path);
    std::fs::symlink_metadata(path).is_err_and(|e| vanished(&e))
}

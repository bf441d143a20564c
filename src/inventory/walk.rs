//! Walks one region: plain folders itself, everything else by handing it to its store.

use super::found::{Entity, Found, Intake, Pulse, Skipped, gguf_stem, vanished};
use super::looks::{self, Lookers};
use super::roots::{Reach, Region, contains};
use super::stamps::{Stamping, Stamps};
use super::stores::{self, Enter, Folder, Reader, Step, Visit};
use crate::model::{Holding, StoreKind, Surveyed};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a region holds.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// In the order of their paths.
    pub found: Vec<Found>,
    /// What is held outside of repositories, in the order of the paths.
    pub holdings: Vec<Holding>,
    pub skipped: Vec<Skipped>,
    /// Places under the region that could not be read.
    pub unread: Vec<Skipped>,
    /// Repositories that were read, each with what it holds.
    pub apart: Vec<Surveyed>,
    /// Repositories in which the models are as they are known, whether or not that took reading them, in order.
    pub settled: Vec<Settled>,
    /// Stores that own folders in it, with their roots.
    pub stores: BTreeSet<(PathBuf, StoreKind)>,
    /// Set when the region itself could not be read after all.
    pub failed: Option<String>,
}

/// A repository with the models that it had when it was last read. They are not among those found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Settled {
    pub folder: PathBuf,
    /// Models' files in it.
    pub files: u64,
}

/// What a walk goes by beside its region.
pub(crate) struct Means<'a> {
    /// So many look at files beside the one that reads the directories.
    pub threads: usize,
    pub is_known: &'a (dyn Fn(&Path) -> bool + Sync),
    pub stamps: &'a Stamps<'a>,
    /// When the scan began, in nanoseconds since the epoch.
    pub started_ns: i64,
    pub pulse: &'a Pulse<'a>,
}

pub(crate) fn walk(region: &Region, means: &Means<'_>) -> anyhow::Result<Walked> {
    let &Means { threads, is_known, pulse, .. } = means;
    let mut walked = Walked::default();
    if region.reach != Reach::Open {
        return Ok(walked);
    }
    let mut intake = Intake::new(Arc::from(region.path.as_path()), is_known, pulse);
    let (sender, receiver) = looks::queue();
    let looks = std::thread::scope(|scope| {
        let mut lookers = Lookers::start(scope, threads, (sender, &receiver));
        let mut descent = Descent::new(region, &mut intake, &mut walked, &mut lookers);
        let mut repos = descent.down(&region.path, Some(means.stamps))?;
        while !repos.is_empty() {
            let others = read_together(&repos, means, descent.intake, descent.walked)?;
            repos.clear();
            for folder in others {
                repos.extend(descent.down(&folder, None)?);
            }
        }
        anyhow::Ok(lookers.finish(std::mem::take(&mut intake.pending)))
    })?;
    for look in looks {
        stores::looked_at(look, &mut intake);
    }
    let roots: Vec<(PathBuf, StoreKind)> = walked.stores.iter().cloned().collect();
    for (root, store) in roots {
        // A store that was entered from within is not seen whole, and must not be judged as if it were.
        if contains(&region.path, &root) {
            stores::conclude(store, &root, &mut intake)?;
        }
    }
    for file in intake.found.iter_mut().filter(|f| f.expected_sha256.is_none()) {
        let promise = intake.promises.get(&file.path).filter(|p| file.identity.mtime_ns <= p.written_by_ns);
        file.expected_sha256 = promise.map(|p| p.sha256.clone());
    }
    walked.found = once_each(intake.found);
    walked.holdings = intake.holdings;
    walked.holdings.sort_by(in_order);
    walked.skipped = intake.skipped;
    walked.unread = intake.unread;
    Ok(walked)
}

/// The way down through the plain folders of a region.
struct Descent<'d, 'i, 'l> {
    region: &'d Region,
    intake: &'d mut Intake<'i>,
    walked: &'d mut Walked,
    lookers: &'d mut Lookers<'l>,
    /// Folders that were repositories when they were stamped are taken for such without a look.
    stamps: Option<&'d Stamps<'d>>,
    repos: Vec<PathBuf>,
    handed: HashSet<(Reader, PathBuf)>,
}

impl<'d, 'i, 'l> Descent<'d, 'i, 'l> {
    fn new(
        region: &'d Region,
        intake: &'d mut Intake<'i>,
        walked: &'d mut Walked,
        lookers: &'d mut Lookers<'l>,
    ) -> Self {
        Descent { region, intake, walked, lookers, stamps: None, repos: Vec::new(), handed: HashSet::new() }
    }

    /// Goes down from `top`, and gives the repositories that it came to.
    fn down(&mut self, top: &Path, stamps: Option<&'d Stamps<'d>>) -> anyhow::Result<Vec<PathBuf>> {
        self.stamps = stamps;
        let depth = usize::from(top != self.region.path);
        let open = match Folder::open(top) {
            Ok(open) => open,
            Err(e) if depth == 0 => {
                self.walked.failed = Some(e.to_string());
                return Ok(Vec::new());
            }
            Err(e) => {
                if !vanished(&e) {
                    self.intake.cannot_read(top, &e);
                }
                return Ok(Vec::new());
            }
        };
        if self.folder(top, top.file_name().unwrap_or_default(), depth)? == Step::Into {
            open.walk(&mut |visit| self.visit(visit))?;
        }
        Ok(std::mem::take(&mut self.repos))
    }

    fn visit(&mut self, visit: Visit<'_>) -> anyhow::Result<Step> {
        match visit {
            Visit::Open(_) => {}
            Visit::Unread(path, e) => self.intake.cannot_read(path, &e),
            Visit::Entry(entry) => {
                self.intake.pulse.entry()?;
                if entry.entity == Entity::Folder {
                    return self.folder(entry.path, entry.name, entry.depth);
                }
                stores::loose(entry.path, entry.entity, self.intake);
                self.lookers.offer(&mut self.intake.pending);
            }
        }
        Ok(Step::Past)
    }

    fn folder(&mut self, path: &Path, name: &OsStr, depth: usize) -> anyhow::Result<Step> {
        if is_kernel_fs(path) {
            return Ok(Step::Past);
        }
        let claim = self.region.claims.iter().find(|(claimed, _)| claimed == path).map(|(_, store)| *store);
        if self.stamps.is_some_and(|s| s.has(path)) && claim.is_none_or(|c| matches!(c, StoreKind::Dir | StoreKind::Hf))
        {
            self.repos.push(path.to_owned());
            return Ok(Step::Past);
        }
        match stores::enter(path, name, claim) {
            Enter::Walk => {
                if gguf_stem(name).is_some() && depth > 0 {
                    self.intake.skip(path, "a directory");
                }
            }
            Enter::Leave => return Ok(Step::Past),
            Enter::Own(store) => {
                self.walked.stores.insert((path.to_owned(), store));
                self.intake.owners.push((Arc::from(path), store));
            }
            Enter::Hand(reader, root) => {
                let unit = if reader.reads_whole_root() { &root } else { path };
                if reader == Reader::HfRepo {
                    self.repos.push(unit.to_owned());
                    return Ok(Step::Past);
                }
                self.walked.stores.extend(stores::root_of(reader, &root));
                if self.handed.insert((reader, unit.to_owned())) {
                    stores::read(reader, unit, self.intake)?;
                }
                return Ok(Step::Past);
            }
            Enter::Unknown(why) => self.intake.skip(path, why),
        }
        Ok(Step::Into)
    }
}

/// Reads the repositories that have changed on this thread and others: they know nothing of each other. Gives the
/// folders that are none any more.
fn read_together(
    repos: &[PathBuf],
    means: &Means<'_>,
    intake: &mut Intake<'_>,
    walked: &mut Walked,
) -> anyhow::Result<Vec<PathBuf>> {
    /// Fewer are read before a thread is there.
    const WORTH_A_THREAD: usize = 16;
    let region = intake.owners.first().map(|(root, _)| Arc::clone(root)).unwrap_or_else(|| Arc::from(Path::new("/")));
    let (is_known, pulse) = (intake.is_known, intake.pulse);
    // llama.cpp's flat files are judged by what the repositories beside them promise: those are read each time.
    let mixed = walked.stores.iter().filter(|(_, store)| *store == StoreKind::LlamaCpp);
    let mixed: HashSet<PathBuf> = mixed.map(|(root, _)| root.clone()).collect();
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<Part<'_>> {
        let intake = Intake::new(Arc::clone(&region), is_known, pulse);
        let mut part = Part { intake, root: None, apart: Vec::new(), settled: Vec::new(), others: Vec::new() };
        while let Some(repo) = repos.get(next.fetch_add(1, Ordering::Relaxed)) {
            part.take(repo, means, repo.parent().is_some_and(|root| mixed.contains(root)))?;
        }
        Ok(part)
    };
    let parts = std::thread::scope(|scope| {
        let more = means.threads.min(repos.len() / WORTH_A_THREAD);
        let others: Vec<_> = (0..more).map(|_| scope.spawn(work)).collect();
        let mut parts = vec![work()];
        for other in others {
            match other.join() {
                Ok(part) => parts.push(part),
                // A panic in a reader is a bug and must look like one.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        parts
    });
    let mut others = Vec::new();
    for part in parts {
        let part = part?;
        let mut last = None;
        for folder in part.apart.iter().map(|s| &s.folder).chain(part.settled.iter().map(|s| &s.folder)) {
            let root = folder.parent().filter(|root| last != Some(root.as_os_str()));
            last = root.map(Path::as_os_str).or(last);
            walked.stores.extend(root.and_then(|root| stores::root_of(Reader::HfRepo, root)));
        }
        intake.take_over(part.intake);
        walked.apart.extend(part.apart);
        walked.settled.extend(part.settled);
        others.extend(part.others);
    }
    walked.settled.sort_unstable_by(|a, b| a.folder.as_os_str().cmp(b.folder.as_os_str()));
    Ok(others)
}

/// What one thread made of the repositories that it came to.
struct Part<'a> {
    intake: Intake<'a>,
    /// The cache that the last one lies in.
    root: Option<Folder>,
    apart: Vec<Surveyed>,
    settled: Vec<Settled>,
    /// Folders that were repositories once.
    others: Vec<PathBuf>,
}

impl Part<'_> {
    /// `is_needed`: others want to know what is in it, changed or not.
    fn take(&mut self, repo: &Path, means: &Means<'_>, is_needed: bool) -> anyhow::Result<()> {
        if !is_needed && let Some(files) = self.unchanged(repo, means.stamps) {
            self.settled.push(Settled { folder: repo.to_owned(), files });
            return self.intake.pulse.entry();
        }
        if means.stamps.has(repo) && !stores::is_repository(repo) {
            self.others.push(repo.to_owned());
            return Ok(());
        }
        let all = &mut self.intake;
        let before = (all.found.len(), all.skipped.len(), all.unread.len(), all.shared.len(), all.holdings.len());
        all.stamping = Stamping::of(repo, means.started_ns);
        stores::read(Reader::HfRepo, repo, all)?;
        let (found, skipped, unread, shared, holdings) = before;
        let mut stamping = std::mem::take(&mut all.stamping);
        let sound = (skipped, unread, shared) == (all.skipped.len(), all.unread.len(), all.shared.len());
        if !sound {
            stamping.spoil();
        }
        let stamp = stamping.finish(repo, all.found.get(found..).unwrap_or_default());
        if !is_needed && means.stamps.has_same_models(&stamp) {
            all.found.truncate(found);
            self.settled.push(Settled { folder: repo.to_owned(), files: stamp.files });
        }
        let mut holdings = all.holdings.split_off(holdings);
        holdings.sort_by(in_order);
        self.apart.push(Surveyed {
            folder: repo.to_owned(),
            unread: all.unread.iter().skip(unread).map(|u| u.path.clone()).collect(),
            holdings,
            apart: Vec::new(),
            is_apart: true,
            stamp: Some(stamp),
        });
        Ok(())
    }

    fn unchanged(&mut self, repo: &Path, stamps: &Stamps<'_>) -> Option<u64> {
        let root = repo.parent()?;
        if self.root.as_ref().is_none_or(|open| open.path.as_os_str() != root.as_os_str()) {
            self.root = Folder::open(root).ok(); // what cannot be opened is read, which says why
        }
        stamps.unchanged(repo, self.root.as_ref()?)
    }
}

fn in_order(a: &Holding, b: &Holding) -> std::cmp::Ordering {
    (&a.path, a.class).cmp(&(&b.path, b.class))
}

/// Files there are not files on a disk, and reading some of them has effects.
fn is_kernel_fs(path: &Path) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|p| path.as_os_str() == *p)
}

/// Loose files with several entries (links, hard links) become one: an entry that is no link speaks for it, else the
/// first by name. Stores with repositories have done this by their own rules.
pub(crate) fn once_each(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()).then(a.set.cmp(&b.set)));
    let key = |f: &Found| {
        let loose = f.repo.is_none() && f.set.is_none() && f.fault.is_none();
        loose.then_some((f.store, f.identity.dev, f.identity.ino))
    };
    let mut speakers: HashMap<_, (bool, usize)> = HashMap::with_capacity(found.len());
    let mut several = false;
    for (i, file) in found.iter().enumerate() {
        let Some(key) = key(file) else { continue };
        let this = (file.target.is_some(), i);
        speakers.entry(key).and_modify(|best| (several, *best) = (true, this.min(*best))).or_insert(this);
    }
    if !several {
        return found;
    }
    let mut kept: Vec<Found> = Vec::with_capacity(found.len());
    let mut places: HashMap<usize, usize> = HashMap::new(); // index in `found` → index in `kept`
    let mut others: Vec<(usize, PathBuf)> = Vec::new();
    for (i, file) in found.into_iter().enumerate() {
        match key(&file).and_then(|k| speakers.get(&k)) {
            Some((_, speaker)) if *speaker != i => others.push((*speaker, file.path)),
            _ => {
                places.insert(i, kept.len());
                kept.push(file);
            }
        }
    }
    for (speaker, path) in others {
        if let Some(file) = places.get(&speaker).and_then(|place| kept.get_mut(*place)) {
            file.also.push(path);
        }
    }
    kept
}

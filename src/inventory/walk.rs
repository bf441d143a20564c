//! Walks one region: reads plain folders itself, and passes all others to the readers of their stores.

use super::found::{Found, Skipped};

use super::inode::{Entity, vanished};

use super::collector::StoreCollector;

use super::paths::gguf_stem;

use super::folder::{Folder, Step, Visit};
use super::paths::contains;
use super::progress::ScanProgress;
use super::roots::{Reach, Region};
use super::stamping::Stamping;
use super::stamps::Stamps;
use super::stat_pool::{self, StatPool};
use super::stores::{self, Enter, Reader};
use crate::model::{Aside, Holding, StoreKind, Surveyed};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The result of walking a region.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// The found files, sorted by path.
    pub found: Vec<Found>,
    /// The holdings outside of repositories, sorted by path.
    pub holdings: Vec<Holding>,
    pub skipped: Vec<Skipped>,
    /// The places under the region that could not be read.
    pub unread: Vec<Skipped>,
    /// The repositories that were read, each with its holdings.
    pub apart: Vec<Surveyed>,
    /// The repositories whose models are as they are known, whether they were read or not, sorted by path.
    pub unchanged_places: Vec<UnchangedPlace>,
    /// The stores that own folders in the region, with their roots.
    pub stores: BTreeSet<(PathBuf, StoreKind)>,
    /// Set when the region itself could not be read after all.
    pub failed: Option<String>,
}

/// A repository with the same models as when it was last read. They are not among those found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnchangedPlace {
    pub folder: PathBuf,
    /// The number of models' files in it.
    pub files: u64,
}

/// The settings and data of a walk, in addition to its region.
pub(crate) struct WalkOptions<'a> {
    /// The number of threads that stat files, in addition to the one that reads the directories.
    pub threads: usize,
    pub is_known: &'a (dyn Fn(&Path) -> bool + Sync),
    pub stamps: &'a Stamps<'a>,
    /// The start of the scan, in nanoseconds since the epoch.
    pub started_ns: i64,
    pub progress: &'a ScanProgress<'a>,
}

pub(crate) fn walk(region: &Region, options: &WalkOptions<'_>) -> anyhow::Result<Walked> {
    let &WalkOptions { threads, is_known, progress, .. } = options;
    let mut walked = Walked::default();
    if region.reach != Reach::Open {
        return Ok(walked);
    }
    let mut collector = StoreCollector::new(Arc::from(region.path.as_path()), is_known, progress);
    let (sender, receiver) = stat_pool::queue();
    let looks = std::thread::scope(|scope| {
        let mut stat_pool = StatPool::start(scope, threads, (sender, &receiver));
        let mut descent = Descent::new(region, &mut collector, &mut walked, &mut stat_pool);
        let mut repos = descent.down(&region.path, Some(options.stamps))?;
        while !repos.is_empty() {
            let others = read_together(&repos, options, descent.collector, descent.walked)?;
            repos.clear();
            for folder in others {
                repos.extend(descent.down(&folder, None)?);
            }
        }
        anyhow::Ok(stat_pool.finish(std::mem::take(&mut collector.pending)))
    })?;
    for look in looks {
        stores::looked_at(look, &mut collector);
    }
    stores::classify_downloads(&mut collector);
    let roots: Vec<(PathBuf, StoreKind)> = walked.stores.iter().cloned().collect();
    for (root, store) in roots {
        // A store of which only an inner folder was walked is not known whole, and must not be concluded.
        if contains(&region.path, &root) {
            stores::conclude(store, &root, &mut collector)?;
        }
    }
    for file in collector.found.iter_mut().filter(|f| f.expected_sha256.is_none()) {
        let promise = collector.promises.get(&file.path).filter(|p| file.identity.mtime_ns <= p.written_by_ns);
        file.expected_sha256 = promise.map(|p| p.sha256.clone());
    }
    walked.found = once_each(collector.found);
    walked.holdings = collector.holdings;
    walked.holdings.sort_by(in_order);
    walked.skipped = collector.skipped;
    walked.unread = collector.unread;
    Ok(walked)
}

/// The walk through the plain folders of a region.
struct Descent<'d, 'i, 'l> {
    region: &'d Region,
    collector: &'d mut StoreCollector<'i>,
    walked: &'d mut Walked,
    stat_pool: &'d mut StatPool<'l>,
    /// Folders that were repositories when they were stamped are taken for repositories unchecked.
    stamps: Option<&'d Stamps<'d>>,
    repos: Vec<PathBuf>,
    handed: HashSet<(Reader, PathBuf)>,
}

impl<'d, 'i, 'l> Descent<'d, 'i, 'l> {
    fn new(
        region: &'d Region,
        collector: &'d mut StoreCollector<'i>,
        walked: &'d mut Walked,
        stat_pool: &'d mut StatPool<'l>,
    ) -> Self {
        Descent { region, collector, walked, stat_pool, stamps: None, repos: Vec::new(), handed: HashSet::new() }
    }

    /// Walks from `top` downwards, and returns the repositories that it found.
    fn down(&mut self, top: &Path, stamps: Option<&'d Stamps<'d>>) -> anyhow::Result<Vec<PathBuf>> {
        self.stamps = stamps;
        let depth = usize::from(top != self.region.path);
        if let (0, Some(aside)) = (depth, Aside::of(top)) {
            let class = aside.class().name();
            let reason = format!("{}; `modelctl list --files --class {class}` shows its files", aside.why());
            self.collector.skip(top, reason);
            stores::read_aside(top, aside, self.collector)?;
            return Ok(Vec::new());
        }
        let open = match Folder::open(top) {
            Ok(open) => open,
            Err(e) if depth == 0 => {
                self.walked.failed = Some(e.to_string());
                return Ok(Vec::new());
            }
            Err(e) => {
                if !vanished(&e) {
                    self.collector.cannot_read(top, &e);
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
            Visit::Unread(path, e) => self.collector.cannot_read(path, &e),
            Visit::Entry(entry) => {
                self.collector.progress.entry()?;
                if entry.entity == Entity::Folder {
                    return self.folder(entry.path, entry.name, entry.depth);
                }
                if entry.entity == Entity::Link
                    && let Some(enter) = stores::enter_link(entry.path, entry.name, self.collector)
                {
                    self.link(entry.path, enter)?;
                    return Ok(Step::Past);
                }
                stores::loose(entry.path, entry.entity, self.collector);
                self.stat_pool.offer(&mut self.collector.pending);
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
                    self.collector.skip(path, "a directory");
                }
            }
            Enter::Leave => return Ok(Step::Past),
            Enter::Aside(aside) => {
                stores::read_aside(path, aside, self.collector)?;
                return Ok(Step::Past);
            }
            Enter::Own(store) => {
                self.walked.stores.insert((path.to_owned(), store));
                self.collector.owners.push((Arc::from(path), store));
            }
            Enter::Hand(reader, root) => {
                self.hand(reader, path, &root)?;
                return Ok(Step::Past);
            }
            // Only links are followed.
            Enter::Through(_) => return Ok(Step::Past),
            Enter::Unknown(why) => self.collector.skip(path, why),
        }
        Ok(Step::Into)
    }

    fn hand(&mut self, reader: Reader, path: &Path, root: &Path) -> anyhow::Result<()> {
        let unit = if reader.reads_whole_root() { root } else { path };
        if reader == Reader::HfRepo {
            self.repos.push(unit.to_owned());
            return Ok(());
        }
        self.walked.stores.extend(stores::root_of(reader, root));
        if self.handed.insert((reader, unit.to_owned())) {
            stores::read(reader, unit, self.collector)?;
        }
        Ok(())
    }

    /// Follows a link to a folder that belongs to a store.
    fn link(&mut self, path: &Path, enter: Enter) -> anyhow::Result<()> {
        match enter {
            Enter::Hand(reader, root) => self.hand(reader, path, &root),
            Enter::Through(target) => match Folder::open_through(path) {
                Ok(folder) => {
                    self.collector.through.push((path.to_owned(), target));
                    folder.walk(&mut |visit| match visit {
                        // The owner shows nothing at deeper levels, and the link may lead to half a disk.
                        Visit::Entry(entry)
                            if entry.entity == Entity::Folder && !stores::is_gone_into(entry.path, self.collector) =>
                        {
                            Ok(Step::Past)
                        }
                        visit => self.visit(visit),
                    })
                }
                Err(e) if vanished(&e) => Ok(()),
                Err(e) => {
                    self.collector.cannot_read(path, &e);
                    Ok(())
                }
            },
            _ => Ok(()),
        }
    }
}

/// Reads the changed repositories on this thread and others, because they are independent of each other. Returns the
/// folders that are no longer repositories.
fn read_together(
    repos: &[PathBuf],
    options: &WalkOptions<'_>,
    collector: &mut StoreCollector<'_>,
    walked: &mut Walked,
) -> anyhow::Result<Vec<PathBuf>> {
    /// The number of repositories that are read in the time that a thread takes to start.
    const WORTH_A_THREAD: usize = 16;
    let region =
        collector.owners.first().map(|(root, _)| Arc::clone(root)).unwrap_or_else(|| Arc::from(Path::new("/")));
    let (is_known, progress) = (collector.is_known, collector.progress);
    // llama.cpp's flat files are classified by the promises of the repositories in the same root: those are read each
    // time.
    let mixed = walked.stores.iter().filter(|(_, store)| *store == StoreKind::LlamaCpp);
    let mixed: HashSet<PathBuf> = mixed.map(|(root, _)| root.clone()).collect();
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<Part<'_>> {
        let collector = StoreCollector::new(Arc::clone(&region), is_known, progress);
        let mut part =
            Part { collector, root: None, apart: Vec::new(), unchanged_places: Vec::new(), others: Vec::new() };
        while let Some(repo) = repos.get(next.fetch_add(1, Ordering::Relaxed)) {
            part.take(repo, options, repo.parent().is_some_and(|root| mixed.contains(root)))?;
        }
        Ok(part)
    };
    let parts = std::thread::scope(|scope| {
        let more = options.threads.min(repos.len() / WORTH_A_THREAD);
        let others: Vec<_> = (0..more).map(|_| scope.spawn(work)).collect();
        let mut parts = vec![work()];
        for other in others {
            match other.join() {
                Ok(part) => parts.push(part),
                // A panic in a reader is a bug and must surface as one.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        parts
    });
    let mut others = Vec::new();
    for part in parts {
        let part = part?;
        let mut last = None;
        for folder in part.apart.iter().map(|s| &s.folder).chain(part.unchanged_places.iter().map(|s| &s.folder)) {
            let root = folder.parent().filter(|root| last != Some(root.as_os_str()));
            last = root.map(Path::as_os_str).or(last);
            walked.stores.extend(root.and_then(|root| stores::root_of(Reader::HfRepo, root)));
        }
        collector.take_over(part.collector);
        walked.apart.extend(part.apart);
        walked.unchanged_places.extend(part.unchanged_places);
        others.extend(part.others);
    }
    walked.unchanged_places.sort_unstable_by(|a, b| a.folder.as_os_str().cmp(b.folder.as_os_str()));
    Ok(others)
}

/// The results of one thread for its repositories.
struct Part<'a> {
    collector: StoreCollector<'a>,
    /// The cache that the last repository is in.
    root: Option<Folder>,
    apart: Vec<Surveyed>,
    unchanged_places: Vec<UnchangedPlace>,
    /// Folders that were repositories once.
    others: Vec<PathBuf>,
}

impl Part<'_> {
    /// Reads one repository, or skips it if it is unchanged. `is_needed`: its content is needed, changed or not.
    fn take(&mut self, repo: &Path, options: &WalkOptions<'_>, is_needed: bool) -> anyhow::Result<()> {
        if !is_needed && let Some(files) = self.unchanged(repo, options.stamps) {
            self.unchanged_places.push(UnchangedPlace { folder: repo.to_owned(), files });
            return self.collector.progress.entry();
        }
        if options.stamps.has(repo) && !stores::is_repository(repo) {
            self.others.push(repo.to_owned());
            return Ok(());
        }
        let all = &mut self.collector;
        let before = (all.found.len(), all.skipped.len(), all.unread.len(), all.shared.len(), all.holdings.len());
        all.stamping = Stamping::of(repo, options.started_ns);
        stores::read(Reader::HfRepo, repo, all)?;
        let (found, skipped, unread, shared, holdings) = before;
        let mut stamping = std::mem::take(&mut all.stamping);
        let sound = (skipped, unread, shared) == (all.skipped.len(), all.unread.len(), all.shared.len());
        if !sound {
            stamping.spoil();
        }
        let stamp = stamping.finish(repo, all.found.get(found..).unwrap_or_default());
        if !is_needed && options.stamps.has_same_models(&stamp) {
            all.found.truncate(found);
            self.unchanged_places.push(UnchangedPlace { folder: repo.to_owned(), files: stamp.files });
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
            self.root = Folder::open(root).ok(); // if this fails, the repository is read, which reports the error
        }
        stamps.unchanged(repo, self.root.as_ref()?)
    }
}

fn in_order(a: &Holding, b: &Holding) -> std::cmp::Ordering {
    (&a.path, a.class).cmp(&(&b.path, b.class))
}

/// Returns whether a folder is a file system of the kernel: its files are not on a disk, and reading some of them has
/// effects.
fn is_kernel_fs(path: &Path) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|p| path.as_os_str() == *p)
}

/// Merges loose files with several entries (links, hard links) into one: an entry that is no link is preferred,
/// otherwise the first by name. Stores with repositories have done this by their own rules.
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

//! Walks one region: plain folders itself, everything else by handing it to its store.

use super::found::{Found, Intake, Pulse, Skipped, gguf_stem};
use super::looks::{self, Lookers};
use super::roots::{Reach, Region, contains};
use super::stores::{self, Enter, Reader};
use crate::model::{Holding, StoreKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use walkdir::WalkDir;

/// Directories that may be open at once. Above it walkdir reads a folder into memory before it goes deeper.
const MAX_OPEN: usize = 128;

/// What a region holds.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// In the order of their paths.
    pub found: Vec<Found>,
    /// In the order of their paths.
    pub holdings: Vec<Holding>,
    pub skipped: Vec<Skipped>,
    /// Places under the region that could not be read.
    pub unread: Vec<Skipped>,
    /// Stores that own folders in it, with their roots.
    pub stores: BTreeSet<(PathBuf, StoreKind)>,
    /// Set when the region itself could not be read after all.
    pub failed: Option<String>,
}

/// `threads` look at files beside this one, which reads the directories.
pub(crate) fn walk(
    region: &Region,
    threads: usize,
    is_known: &(dyn Fn(&Path) -> bool + Sync),
    pulse: &Pulse<'_>,
) -> anyhow::Result<Walked> {
    let mut walked = Walked::default();
    if region.reach != Reach::Open {
        return Ok(walked);
    }
    let mut intake = Intake::new(Arc::from(region.path.as_path()), is_known, pulse);
    let (sender, receiver) = looks::queue();
    let mut repos = Vec::new();
    let looks = std::thread::scope(|scope| {
        let mut lookers = Lookers::start(scope, threads, (sender, &receiver));
        repos = descend(region, &mut intake, &mut walked, &mut lookers)?;
        anyhow::Ok(lookers.finish(std::mem::take(&mut intake.pending)))
    })?;
    for look in looks {
        stores::looked_at(look, &mut intake);
    }
    read_together(&repos, threads, &mut intake)?;
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
    walked.holdings.sort_by(|a, b| (&a.path, a.class).cmp(&(&b.path, b.class)));
    walked.skipped = intake.skipped;
    walked.unread = intake.unread;
    Ok(walked)
}

fn descend(
    region: &Region,
    intake: &mut Intake<'_>,
    walked: &mut Walked,
    lookers: &mut Lookers<'_>,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut repos = Vec::new();
    let mut handed: HashSet<(Reader, PathBuf)> = HashSet::new();
    let mut entries = WalkDir::new(&region.path).max_open(MAX_OPEN).into_iter();
    while let Some(entry) = entries.next() {
        intake.pulse.entry()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) if e.depth() == 0 => {
                walked.failed = Some(e.io_error().map_or_else(|| e.to_string(), ToString::to_string));
                break;
            }
            Err(e) => {
                intake.walk_error(&e);
                continue;
            }
        };
        let path = entry.path();
        if !entry.file_type().is_dir() {
            stores::loose(path, entry.file_type(), intake);
            lookers.offer(&mut intake.pending);
            continue;
        }
        if is_kernel_fs(path) {
            entries.skip_current_dir();
            continue;
        }
        let claim = region.claims.iter().find(|(claimed, _)| claimed == path).map(|(_, store)| *store);
        match stores::enter(path, entry.file_name(), claim) {
            Enter::Walk => {
                if gguf_stem(entry.file_name()).is_some() && entry.depth() > 0 {
                    intake.skip(path, "a directory");
                }
            }
            Enter::Leave => entries.skip_current_dir(),
            Enter::Own(store) => {
                walked.stores.insert((path.to_owned(), store));
                intake.owners.push((Arc::from(path), store));
            }
            Enter::Hand(reader, root) => {
                entries.skip_current_dir();
                walked.stores.extend(stores::root_of(reader, &root));
                let unit = if reader.reads_whole_root() { &root } else { path };
                if reader == Reader::HfRepo {
                    repos.push(unit.to_owned());
                } else if handed.insert((reader, unit.to_owned())) {
                    stores::read(reader, unit, intake)?;
                }
            }
            Enter::Unknown(why) => intake.skip(path, why),
        }
    }
    Ok(repos)
}

/// Reads repositories, which know nothing of each other, on this thread and `threads` more.
fn read_together(repos: &[PathBuf], threads: usize, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    /// Fewer are read before a thread is there.
    const WORTH_A_THREAD: usize = 16;
    let region = intake.owners.first().map(|(root, _)| Arc::clone(root)).unwrap_or_else(|| Arc::from(Path::new("/")));
    let (is_known, pulse) = (intake.is_known, intake.pulse);
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<Intake<'_>> {
        let mut mine = Intake::new(Arc::clone(&region), is_known, pulse);
        while let Some(repo) = repos.get(next.fetch_add(1, Ordering::Relaxed)) {
            stores::read(Reader::HfRepo, repo, &mut mine)?;
        }
        Ok(mine)
    };
    let parts = std::thread::scope(|scope| {
        let more = threads.min(repos.len() / WORTH_A_THREAD);
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
    for part in parts {
        intake.take_over(part?);
    }
    Ok(())
}

/// Files there are not files on a disk, and reading some of them has effects.
fn is_kernel_fs(path: &Path) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|p| path == Path::new(p))
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

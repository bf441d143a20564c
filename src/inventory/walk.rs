//! Walks one region: plain folders itself, everything else by handing it to its store.

use super::found::{Found, Intake, Pulse, Skipped, gguf_stem};
use super::looks::{self, Lookers};
use super::roots::{Reach, Region};
use super::stores::{self, Enter};
use crate::model::StoreKind;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::WalkDir;

/// Directories that may be open at once. Above it walkdir reads a folder into memory before it goes deeper.
const MAX_OPEN: usize = 128;

/// What a region holds.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// In the order of their paths.
    pub found: Vec<Found>,
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
    is_known: &dyn Fn(&Path) -> bool,
    pulse: &Pulse<'_>,
) -> anyhow::Result<Walked> {
    let mut walked = Walked::default();
    if region.reach != Reach::Open {
        return Ok(walked);
    }
    let root: Arc<Path> = Arc::from(region.path.as_path());
    let (found, skipped, unread) = (Vec::new(), Vec::new(), Vec::new());
    let mut intake = Intake { found, pending: Vec::new(), skipped, unread, is_known, pulse };
    let (sender, receiver) = looks::queue();
    let looks = std::thread::scope(|scope| {
        let mut lookers = Lookers::start(scope, threads, (sender, &receiver));
        descend(region, &root, &mut intake, &mut walked, &mut lookers)?;
        anyhow::Ok(lookers.finish(std::mem::take(&mut intake.pending)))
    })?;
    for look in looks {
        stores::looked_at(look, &root, &mut intake);
    }
    walked.found = once_each(intake.found);
    walked.skipped = intake.skipped;
    walked.unread = intake.unread;
    Ok(walked)
}

fn descend(
    region: &Region,
    root: &Arc<Path>,
    intake: &mut Intake<'_>,
    walked: &mut Walked,
    lookers: &mut Lookers<'_>,
) -> anyhow::Result<()> {
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
            stores::loose(path, entry.file_type(), root, intake);
            lookers.offer(&mut intake.pending);
        } else if is_kernel_fs(path) {
            entries.skip_current_dir();
        } else {
            match stores::enter(path, entry.file_name()) {
                Enter::Walk => {
                    if gguf_stem(entry.file_name()).is_some() && entry.depth() > 0 {
                        intake.skip(path, "a directory");
                    }
                }
                Enter::Leave => entries.skip_current_dir(),
                Enter::Hand(store) => {
                    entries.skip_current_dir();
                    if let Some(at) = stores::store_root(store, path) {
                        walked.stores.insert((at.to_path_buf(), store));
                    }
                    stores::read(store, path, intake)?;
                }
            }
        }
    }
    Ok(())
}

/// Files there are not files on a disk, and reading some of them has effects.
fn is_kernel_fs(path: &Path) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|p| path == Path::new(p))
}

/// Loose files with several entries (links, hard links) become one: an entry that is no link speaks for it, else the
/// first by name. Stores with repositories have done this by their own rules.
fn once_each(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    let key = |f: &Found| {
        let loose = f.repo.is_none() && f.fault.is_none();
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

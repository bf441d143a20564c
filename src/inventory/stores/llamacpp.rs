//! llama.cpp's cache before it adopted the layout of the hub, which may be in the same folder:
//!
//! ```text
//! manifest=<owner>=<repo>=<tag>.json
//! <owner>_<repo>_<path with / made _>.gguf     only the manifest gives the repository
//! <file>.gguf.etag                             older: <file>.gguf.json
//! <file>.gguf.downloadInProgress
//! <repository>_<tag>.gguf                      from Docker, without a manifest
//! <file>.gguf                                  by --model-url, without a manifest
//! ```

use super::llamacpp_manifest::{Claim, Key, is_manifest, key, read};
use super::owned;
use crate::inventory::collector::StoreCollector;
use crate::inventory::found::{Found, Repo};
use crate::inventory::kept::{Kept, Sum};
use crate::inventory::names::plain_name;
use crate::inventory::paths::is_partial;
use crate::inventory::shards::shard_name;
use crate::model::{Class, Holding, StoreKind};
use crate::model::{iec, percent};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const STORE: StoreKind = StoreKind::LlamaCpp;

/// Returns whether llama.cpp has downloaded into a folder. The folder's name alone proves nothing: a checkout of the
/// source has the same.
pub(super) fn is_cache(folder: &Path) -> bool {
    // An unreadable folder counts as no cache; the walk reports the reason.
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|e| is_manifest(&e.file_name()) || is_side_file(&e.file_name()))
}

fn is_side_file(name: &OsStr) -> bool {
    name.as_bytes().ends_with(b".gguf.etag") || name.as_bytes().ends_with(b".gguf.json")
}

/// Adds the models and files of the cache. Called after everything under `root` was scanned, repositories in the layout
/// of the hub included.
pub(super) fn conclude(root: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let mut found = owned::take(STORE, root, collector);
    let claims = Claims::read(root, collector)?;
    claims.name_all(root, &mut found);
    let moved = moved(root, &collector.found);
    let mut there: HashSet<OsString> = HashSet::with_capacity(found.len());
    for file in &found {
        if file.path.parent() == Some(root) {
            there.extend(file.path.file_name().map(OsStr::to_owned));
        }
        let Some(meta) = owned::entry_of(&file.path, collector) else { continue };
        let (class, why) = judge(file, claims.of(root, &file.path), &moved);
        let kept = Kept { store: STORE, root, owner: file.repo.as_ref().map(|r| r.name.as_str()) };
        let expected_sha256 = file.expected_sha256.clone();
        collector.holdings.push(Holding { expected_sha256, ..kept.file(&file.path, &meta, class, why) });
    }
    for file in &found {
        // A second name of a file exists, too.
        there.extend(
            file.also.iter().filter(|p| p.parent() == Some(root)).filter_map(|p| p.file_name()).map(Into::into),
        );
    }
    there.extend(claims.partials(root, &mut collector.holdings));
    for unread in collector.unread.iter().filter(|u| u.path.parent() == Some(root)) {
        there.extend(unread.path.file_name().map(OsStr::to_owned));
    }
    let missing = claims.missing(root, &there, &moved);
    collector.holdings.extend(missing);
    collector.found.extend(found);
    Ok(())
}

/// Returns the repository of each model that the same root has in the hub's layout, by the sha256 that its blob
/// promises.
fn moved(root: &Path, found: &[Found]) -> HashMap<String, String> {
    let of_hub = found.iter().filter(|f| f.store == StoreKind::Hf && *f.root == *root && f.fault.is_none());
    of_hub
        .filter_map(|f| Some((f.expected_sha256.clone()?, f.repo.as_ref().map(|r| r.name.clone()).unwrap_or_default())))
        .collect()
}

fn judge(file: &Found, claims: &[(Claim, PathBuf)], moved: &HashMap<String, String>) -> (Class, String) {
    let (Some((first, _)), sha256) = (claims.first(), &file.expected_sha256) else {
        let why = "no manifest names it, as after a download by URL (--model-url) or from Docker";
        return (Class::Referenced, why.to_owned());
    };
    if let Some(repo) = sha256.as_ref().and_then(|s| moved.get(s)) {
        let why = format!("llama.cpp migrated to the layout of the hub, where {repo} declares the same sha256");
        return (Class::Superseded, why);
    }
    let tags: BTreeSet<&str> = claims.iter().map(|(c, _)| c.tag.as_str()).collect();
    let tags = tags.into_iter().collect::<Vec<_>>().join(", ");
    let part = file.path.file_name().and_then(shard_name).filter(|s| s.count > 1);
    let why = match part {
        Some(shard) => format!("part {} of what {}:{tags} names", shard.no, first.repo),
        None => format!("the manifest of {}:{tags} names it", first.repo),
    };
    (Class::Referenced, why)
}

/// The claims of all manifests of a cache, each with the path of its manifest. Specific tags first: `latest` says
/// least.
struct Claims(HashMap<Key, Vec<(Claim, PathBuf)>>);

impl Claims {
    /// Reads the manifests, and adds holdings for all other files that are no models.
    fn read(root: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<Claims> {
        let kept = Kept { store: STORE, root, owner: None };
        let mut claims: HashMap<Key, Vec<(Claim, PathBuf)>> = HashMap::new();
        let (mut side, mut unknown) = (Sum::default(), Sum::default());
        owned::beside(root, collector, &mut |path, meta, collector| {
            let name = path.file_name().unwrap_or_default();
            let is_top = path.parent() == Some(root);
            if is_top && is_manifest(name) {
                match read(path) {
                    Ok(named) => {
                        side.add(meta);
                        for claim in named {
                            claims.entry(key(OsStr::new(&claim.file))).or_default().push((claim, path.to_owned()));
                        }
                    }
                    Err(why) => {
                        let why = format!("a manifest that {why}: the files it is about are not known");
                        collector.holdings.push(kept.file(path, meta, Class::Damaged, why));
                    }
                }
            } else if is_partial(name) {
                collector.holdings.push(kept.file(path, meta, Class::Partial, UNFINISHED));
            } else if is_top && (is_side_file(name) || name == "CACHEDIR.TAG") {
                side.add(meta);
            } else {
                unknown.add(meta);
            }
        })?;
        for named in claims.values_mut() {
            named.sort_by(|(a, _), (b, _)| {
                (a.tag == "latest", &a.repo, &a.tag).cmp(&(b.tag == "latest", &b.repo, &b.tag))
            });
        }
        if !side.is_empty() {
            let why = "manifests and etags, which llama.cpp asks the hub for again";
            collector.holdings.push(kept.sum(root, side, Class::SideCache, why));
        }
        if !unknown.is_empty() {
            let why = "other files in the cache, of unknown use";
            collector.holdings.push(kept.sum(root, unknown, Class::Referenced, why));
        }
        Ok(Claims(claims))
    }

    fn of(&self, root: &Path, path: &Path) -> &[(Claim, PathBuf)] {
        let name = path.file_name().filter(|_| path.parent() == Some(root));
        name.and_then(|n| self.0.get(&key(n))).map_or(&[], Vec::as_slice)
    }

    /// Sets the name, the repository and the promised hash of each model that a manifest names.
    fn name_all(&self, root: &Path, found: &mut [Found]) {
        let mut repos: BTreeMap<&str, (u32, Arc<Repo>)> = BTreeMap::new();
        for file in found {
            let claims = self.of(root, &file.path);
            let Some((claim, _)) = claims.first() else { continue };
            // One set for each repository: a projector must not be paired with another repository's model.
            let next = u32::try_from(repos.len()).unwrap_or(u32::MAX);
            let (set, repo) = repos.entry(claim.repo.as_str()).or_insert_with(|| {
                (next, Arc::new(Repo { folder: root.to_owned(), name: claim.repo.clone(), current: None }))
            });
            (file.set, file.repo) = (Some(*set), Some(Arc::clone(repo)));
            let label = if claim.is_projector { plain_name(&file.path) } else { claim.tag.clone() };
            file.name = Some(format!("{}:{label}", claim.repo));
            let own = |c: &&Claim| file.path.file_name().is_some_and(|n| n == OsStr::new(&c.file));
            let promises: BTreeSet<&str> =
                claims.iter().map(|(c, _)| c).filter(own).filter_map(|c| c.sha256.as_deref()).collect();
            // Manifests that contradict each other promise nothing.
            if let (Some(sha256), 1) = (promises.first(), promises.len()) {
                file.expected_sha256 = Some((*sha256).to_owned());
            }
        }
    }

    /// Describes each unfinished download by the model that it belongs to. Returns the names of the files that are
    /// being downloaded.
    fn partials(&self, root: &Path, holdings: &mut [Holding]) -> Vec<OsString> {
        let mut names = Vec::new();
        let own = |h: &&mut Holding| h.class == Class::Partial && h.store == STORE && h.root == root;
        for holding in holdings.iter_mut().filter(own) {
            let bytes = holding.path.file_name().unwrap_or_default().as_bytes();
            let Some(file) = bytes.strip_suffix(b".downloadInProgress").map(OsStr::from_bytes) else { continue };
            names.push(file.to_owned());
            let Some((claim, _)) = self.of(root, &root.join(file)).first() else { continue };
            holding.owner = Some(claim.repo.clone());
            let size = claim.size.filter(|_| OsStr::new(&claim.file) == file);
            let progress = match size {
                Some(size) => format!(": {} of {} ({}%)", iec(holding.size), iec(size), percent(holding.size, size)),
                None => String::new(),
            };
            holding.why = format!("{UNFINISHED}, of {}:{}{progress}", claim.repo, claim.tag);
        }
        names
    }

    /// Returns a holding for each file that a manifest names and that is missing. `there`: the names of the files in
    /// the root, including those that are being downloaded.
    fn missing(&self, root: &Path, there: &HashSet<OsString>, moved: &HashMap<String, String>) -> Vec<Holding> {
        let mut parts: HashMap<Key, BTreeSet<u32>> = HashMap::new();
        for name in there {
            if let Some(shard) = shard_name(name) {
                parts.entry(key(name)).or_default().insert(shard.no);
            }
        }
        let mut out = Vec::new();
        for (key, claims) in &self.0 {
            for (claim, manifest) in claims {
                let has_moved = claim.sha256.as_ref().is_some_and(|s| moved.contains_key(s));
                let lacking = match key {
                    _ if has_moved => None,
                    Key::File(name) => (!there.contains(name)).then(|| format!("{}, which is not here", claim.file)),
                    Key::Set(_, count) => {
                        let have = parts.get(key).map_or(0, |p| p.range(1..=*count).count() as u64);
                        let lack = u64::from(*count).saturating_sub(have);
                        (lack > 0).then(|| format!("{}, and {lack} of its {count} parts are missing", claim.file))
                    }
                };
                if let Some(what) = lacking {
                    let kept = Kept { store: STORE, root, owner: Some(&claim.repo) };
                    out.push(kept.missing(manifest, format!("names {what}")));
                }
            }
        }
        out
    }
}

const UNFINISHED: &str = "unfinished download";

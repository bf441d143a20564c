//! Groups files into models: split sets, projectors with their models, every other file alone. Pure.

use super::classify::{clean, model_state};
use super::found::{Found, Repo};
use super::headers::Header;
use super::ids::content_of_set;
use super::names::{plain_name, repo_names};
use super::projectors;
use super::shards::{faults, shard_name};
use crate::clock::Timestamp;
use crate::gguf;
use crate::model::{Artifact, Facts, Fault, Kind, Model, ModelId, Role, Settings, StoreKind, Usage};
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file with its header and its store.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub store: StoreKind,
    pub root: Arc<Path>,
    pub repo: Option<Arc<Repo>>,
    /// See [`Found::name`] and [`Found::set`].
    pub name: Option<String>,
    pub set: Option<u32>,
    pub artifact: Artifact,
}

impl Entry {
    /// Returns a found file with its header: just read, or kept from an earlier scan.
    pub fn new(found: Found, header: Result<Header, Fault>) -> Entry {
        let (identity, allocated, header) = match header {
            Ok(h) => (h.identity, h.allocated, Ok(h.facts)),
            Err(why) => (found.identity, found.allocated, Err(why)),
        };
        Entry {
            store: found.store,
            root: found.root,
            repo: found.repo,
            name: found.name,
            set: found.set,
            artifact: Artifact {
                path: found.path,
                target: found.target,
                also: found.also,
                identity,
                allocated,
                role: Role::Main,
                shard_no: None,
                expected_sha256: found.expected_sha256,
                header,
            },
        }
    }
}

/// Returns the models that `entries` make up, sorted by main path. Ids and first-seen times are left empty: the diff
/// sets them, because it knows which models are known already.
pub fn group(entries: Vec<Entry>) -> Vec<Model> {
    let mut drafts = drafts(entries);
    pair_projectors(&mut drafts);
    once_each(&mut drafts);
    name_repos(&mut drafts);
    let mut models: Vec<Model> = drafts.into_iter().map(|d| d.model).collect();
    models.sort_by(|a, b| main_path(a).cmp(main_path(b)));
    models
}

/// Returns the path by which models are sorted.
pub(crate) fn main_path(model: &Model) -> &std::ffi::OsStr {
    model.main().or(model.artifacts.first()).map_or(model.root.as_os_str(), |a| a.path.as_os_str())
}

struct Draft {
    model: Model,
    repo: Option<Arc<Repo>>,
    set: Option<u32>,
    /// Whether the store gave the name.
    is_named: bool,
}

/// The common key of the shards of one set: folder, prefix and promised count.
type SetKey = (PathBuf, OsString, u32);

fn drafts(entries: Vec<Entry>) -> Vec<Draft> {
    let mut sets: BTreeMap<SetKey, Vec<Entry>> = BTreeMap::new();
    let mut drafts = Vec::with_capacity(entries.len());
    for mut entry in entries {
        let path = &entry.artifact.path;
        let shard = path.file_name().and_then(shard_name).map(|s| (s.prefix.to_owned(), s.no, s.count));
        let shard = shard.or_else(|| shard_of_store(&entry));
        match shard {
            // A set of one is a whole file with a long name.
            Some((prefix, no, count)) if (no, count) != (1, 1) => {
                let dir = path.parent().map(Path::to_owned).unwrap_or_default();
                entry.artifact.role = Role::Shard;
                entry.artifact.shard_no = Some(no);
                sets.entry((dir, prefix, count)).or_default().push(entry);
            }
            _ => drafts.push(single(entry)),
        }
    }
    drafts.extend(sets.into_iter().filter_map(|((_, _, count), parts)| set(parts, count)));
    drafts
}

/// Returns set, number and count of a shard in a store whose blobs have no names: the store gives the set, the header
/// the number.
fn shard_of_store(entry: &Entry) -> Option<(OsString, u32, u32)> {
    let set = entry.set?;
    let split = entry.artifact.header.as_ref().ok()?.split.filter(|s| s.count > 1)?; // unreadable: a row of its own
    Some((format!("set {set}").into(), split.no.checked_add(1)?, split.count))
}

fn single(entry: Entry) -> Draft {
    let facts = entry.artifact.header.as_ref().ok(); // an unreadable header shows in the state
    let split = facts.and_then(|f| f.split).filter(|s| s.count > 1);
    let faults: Vec<String> = split
        .map(|s| format!("is part {} of {} by its header, but its name does not say so", u64::from(s.no) + 1, s.count))
        .into_iter()
        .collect();
    let content = facts.map(|f| f.fingerprint.clone());
    let expected = split.map_or(1, |s| s.count);
    let Entry { store, root, repo, name, set, artifact } = entry;
    let home = Home { store, root, repo, name, set };
    draft(home, Parts { artifacts: vec![artifact], faults, content, expected })
}

fn set(mut parts: Vec<Entry>, count: u32) -> Option<Draft> {
    parts.sort_by(|a, b| (a.artifact.shard_no, &a.artifact.path).cmp(&(b.artifact.shard_no, &b.artifact.path)));
    let home = parts.first().map(|p| Home {
        store: p.store,
        root: Arc::clone(&p.root),
        repo: p.repo.clone(),
        name: p.name.clone(),
        set: p.set,
    })?;
    let artifacts: Vec<Artifact> = parts.into_iter().map(|p| p.artifact).collect();
    let fingerprint = |a: &Artifact| a.header.as_ref().ok().map(|f| f.fingerprint.clone());
    let prints: Vec<_> = artifacts.iter().map(|a| (a.shard_no.unwrap_or(0), fingerprint(a))).collect();
    let content = content_of_set(prints.iter().map(|(no, f)| (*no, f.as_deref())));
    let faults = faults(&artifacts, count);
    Some(draft(home, Parts { artifacts, faults, content, expected: count }))
}

/// The place of a model, with its name and set in the store.
struct Home {
    store: StoreKind,
    root: Arc<Path>,
    repo: Option<Arc<Repo>>,
    name: Option<String>,
    set: Option<u32>,
}

struct Parts {
    artifacts: Vec<Artifact>,
    faults: Vec<String>,
    content: Option<String>,
    expected: u32,
}

fn draft(home: Home, mut parts: Parts) -> Draft {
    let Home { store, root, repo, name, set } = home;
    for artifact in &mut parts.artifacts {
        if let Err(fault) = &mut artifact.header {
            fault.why = clean(&fault.why);
        }
    }
    let (state, reason) = model_state(&parts.artifacts, &parts.faults);
    let whole = gguf::facts_of_set(&parts.artifacts).map(Box::new);
    let kind = whole.as_deref().or(first_facts(&parts.artifacts)).map_or(Kind::Unknown, |f| f.kind);
    let plain = || parts.artifacts.first().map(|a| plain_name(&a.path)).unwrap_or_default();
    let is_named = name.is_some();
    let name = name.unwrap_or_else(plain);
    let model = Model {
        id: ModelId(String::new()),
        name,
        store,
        root: root.to_path_buf(),
        repo: repo.as_ref().map(|r| r.name.clone()),
        kind,
        state,
        reason,
        content: parts.content,
        artifacts: parts.artifacts,
        whole,
        shards_expected: parts.expected,
        first_seen: Timestamp(0),
        settings: Settings::default(),
        usage: Usage::default(),
    };
    Draft { model, repo, set, is_named }
}

fn first_facts(artifacts: &[Artifact]) -> Option<&Facts> {
    artifacts.iter().find_map(|a| a.header.as_ref().ok())
}

/// The area in which projectors are paired: a repository or folder, and the set in it.
type PairingPlace = (PathBuf, Option<u32>);

/// Gives each model its projector. A projector may serve several quantizations of a model; one that serves none stays a
/// row.
fn pair_projectors(drafts: &mut Vec<Draft>) {
    let is_projector = |d: &Draft| d.model.kind == Kind::Mmproj && d.model.artifacts.len() == 1;
    // A projector serves its repository, or else its folder; if the store gives a set, only that set.
    let place = |d: &Draft| -> PairingPlace {
        let folder = match &d.repo {
            Some(repo) => repo.folder.clone(),
            None => Path::new(main_path(&d.model)).parent().map(Path::to_owned).unwrap_or_default(),
        };
        (folder, d.set)
    };
    let mut places: BTreeMap<PairingPlace, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (i, draft) in drafts.iter().enumerate().filter(|(_, d)| is_projector(d)) {
        places.entry(place(draft)).or_default().1.push(i);
    }
    if places.is_empty() {
        return;
    }
    for (i, draft) in drafts.iter().enumerate() {
        if draft.model.kind.is_served()
            && let Some((models, _)) = places.get_mut(&place(draft))
        {
            models.push(i);
        }
    }
    let mut paired = vec![false; drafts.len()];
    for (models, mut candidates) in places.into_values() {
        candidates.sort_by(|a, b| {
            let path = |i: &usize| drafts.get(*i).map(|d| main_path(&d.model));
            path(a).cmp(&path(b))
        });
        let chosen = choose(drafts, &models, &candidates);
        for (model, projector) in chosen {
            let Some(artifact) = drafts.get(projector).and_then(|d| d.model.artifacts.first()).cloned() else {
                continue;
            };
            if let Some(flag) = paired.get_mut(projector) {
                *flag = true;
            }
            if let Some(draft) = drafts.get_mut(model) {
                attach(&mut draft.model, Artifact { role: Role::Mmproj, ..artifact });
            }
        }
    }
    let mut flags = paired.into_iter();
    drafts.retain(|_| !flags.next().unwrap_or(false));
}

/// Keeps one row of a file that a store has in several sets and that was attached in none of them.
fn once_each(drafts: &mut Vec<Draft>) {
    let in_sets = |d: &&Draft| d.set.is_some();
    let attached = drafts.iter().filter(in_sets).flat_map(|d| d.model.artifacts.iter().skip(1));
    let mut seen: HashSet<PathBuf> = attached.map(|a| a.path.clone()).collect();
    drafts.retain(|d| d.set.is_none() || d.model.artifacts.first().is_none_or(|a| seen.insert(a.path.clone())));
}

/// Returns pairs of model and projector, as indexes into `drafts`.
fn choose(drafts: &[Draft], models: &[usize], projectors: &[usize]) -> Vec<(usize, usize)> {
    let one_repo = models.first().and_then(|i| drafts.get(*i)).is_some_and(|d| d.repo.is_some() || d.set.is_some());
    let rows: Vec<&Model> = models.iter().filter_map(|i| drafts.get(*i)).map(|d| &d.model).collect();
    let files: Vec<&Artifact> =
        projectors.iter().filter_map(|i| drafts.get(*i)).filter_map(|d| d.model.artifacts.first()).collect();
    let assigned = projectors::assign(&rows, &files, one_repo);
    models.iter().zip(assigned).filter_map(|(m, p)| Some((*m, *projectors.get(p?)?))).collect()
}

fn attach(model: &mut Model, projector: Artifact) {
    let (state, reason) = model_state(std::slice::from_ref(&projector), &[]);
    if model.state == crate::model::State::Ready {
        model.state = state;
    }
    if let Some(reason) = reason {
        let own = model.reason.take();
        model.reason = Some(own.map_or_else(|| reason.clone(), |own| format!("{own}; {reason}")));
    }
    model.artifacts.push(projector);
}

fn name_repos(drafts: &mut [Draft]) {
    let mut repos: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (i, draft) in drafts.iter().enumerate() {
        if let (Some(repo), false) = (&draft.repo, draft.is_named) {
            repos.entry(repo.folder.clone()).or_default().push(i);
        }
    }
    for members in repos.into_values() {
        let rows: Vec<&Model> = members.iter().filter_map(|i| drafts.get(*i)).map(|d| &d.model).collect();
        let Some(repo) = members.first().and_then(|i| drafts.get(*i)).and_then(|d| d.repo.clone()) else { continue };
        for (i, name) in members.iter().zip(repo_names(&repo, &rows)) {
            if let Some(draft) = drafts.get_mut(*i) {
                draft.model.name = name;
            }
        }
    }
}

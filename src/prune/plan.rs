//! The plan: a verdict with a reason for everything that could be removed, and the exact steps of each removal.

use super::candidate::{Candidate, LastUse, Piece};
use super::decide::{self, Rule, Verdict};
use super::in_use::Use;
use super::mirrors::Mirrors;
use super::plan_text;
use super::policy::Policy;
use super::preconditions::StepPreconditions;
use super::resolved_steps::{BaseDir, ResolvedSteps};
use super::same::same_files;
use super::scale::Scale;
use super::target::{self, Freeing, Large, Limited, Space, Target, TotalTarget};
use super::trash::{Inode, Kind, Seen, Step, lossless};
use crate::clock::Timestamp;
use crate::inventory::{self, Entity, Part, PartRole, Stamp, Weight, Wish};
use crate::model::{Class, FileIdentity, ModelId, State, StoreKind};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The format of a saved plan. A plan of another format is refused.
pub const FORMAT: u32 = 1;

/// Everything that could be removed, with the verdicts. Saved with `--plan`; part of the public interface: keys are
/// added, never renamed or removed within a format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub format: u32,
    #[serde(with = "plan_text::time")]
    pub made: Timestamp,
    pub policy: Policy,
    /// The globs of `--keep`.
    pub keep: Vec<String>,
    /// The removed rows, in the order of their removal, then the rows that stay.
    pub rows: Vec<Row>,
    /// The sums over the removed rows.
    pub sums: Weight,
    /// Stores that lose more than half of their bytes.
    pub large: Vec<Large>,
    /// `--free`, for each file system that it covers.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// `--max-total`.
    #[serde(default)]
    pub total: Option<TotalTarget>,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// None for bytes that belong to no model.
    pub id: Option<ModelId>,
    pub name: String,
    pub store: StoreKind,
    #[serde(with = "lossless")]
    pub root: PathBuf,
    #[serde(with = "lossless")]
    pub path: PathBuf,
    pub state: Option<State>,
    pub class: Class,
    pub goes: bool,
    pub rule: Rule,
    pub why: String,
    pub last_use: LastUse,
    /// Bytes of its files; for a removed row, with everything that is removed with it.
    pub apparent_bytes: u64,
    /// Bytes of disk in use.
    pub allocated_bytes: u64,
    /// Bytes that are freed at least when the row is removed after all rows before it.
    pub freed_bytes: u64,
    /// The folder that contains the steps: the root without links, or its parent when the root is a file. None for rows
    /// that stay.
    pub base: Option<BaseDir>,
    /// Whether its owner's own interface is to delete it, because we cannot write to its store: there is no undo.
    #[serde(default)]
    pub is_foreign: bool,
    /// Whether a rule selects the row and it stays because its use could not be determined, because its files could not
    /// be inspected or because its store cannot be written.
    #[serde(default)]
    pub is_unexamined: bool,
    /// References first, payload last; paths are relative to the base. Empty for rows that stay.
    pub steps: Vec<Step>,
}

/// The folder that contains the paths of a root: its path as the root names it, and its identity.
#[derive(Debug, Clone)]
struct RootDir<'a> {
    named: &'a Path,
    base: BaseDir,
}

impl RootDir<'_> {
    fn of(root: &Path) -> Result<RootDir<'_>, String> {
        let cannot = |e: std::io::Error| format!("its root `{}` cannot be read: {e}", root.display());
        let real = root.canonicalize().map_err(cannot)?;
        let meta = std::fs::metadata(&real).map_err(cannot)?;
        if meta.is_dir() {
            let is = Inode { dev: meta.dev(), ino: meta.ino() };
            return Ok(RootDir { named: root, base: BaseDir { path: real, is } });
        }
        let around = real.parent().ok_or("its root is a file without a folder")?.to_owned();
        let meta = std::fs::metadata(&around).map_err(cannot)?;
        let is = Inode { dev: meta.dev(), ino: meta.ino() };
        Ok(RootDir { named: root.parent().unwrap_or(root), base: BaseDir { path: around, is } })
    }
}

/// Returns the folder that contains everything of a root.
///
/// # Errors
/// The reason why it cannot be inspected, in words.
pub(super) fn base_of(root: &Path) -> Result<BaseDir, String> {
    RootDir::of(root).map(|around| around.base)
}

impl Plan {
    pub fn going(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.goes)
    }

    /// Returns the plan in which every removed row with a reason in `why`, which is parallel to the rows, stays for
    /// that reason.
    pub fn without(mut self, why: &[Option<String>]) -> Plan {
        for (row, why) in self.rows.iter_mut().zip(why) {
            let Some(why) = why.clone().filter(|_| row.goes) else { continue };
            self.sums.apparent = self.sums.apparent.saturating_sub(row.apparent_bytes);
            self.sums.allocated = self.sums.allocated.saturating_sub(row.allocated_bytes);
            self.sums.freed = self.sums.freed.saturating_sub(row.freed_bytes);
            (row.goes, row.rule, row.why, row.base) = (false, Rule::Changed, why, None);
            row.steps.clear();
        }
        self.rows.sort_by_key(|row| !row.goes);
        self
    }

    /// Returns the rows that were selected and could not be examined, when nothing else is removed: an empty removal
    /// then does not mean that there is nothing to remove.
    pub fn unexamined(&self) -> Vec<&Row> {
        let all = self.rows.iter().filter(|row| row.is_unexamined);
        if self.going().next().is_some() { Vec::new() } else { all.collect() }
    }

    pub fn staying(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.goes)
    }
}

/// A function that returns the use of each of the given candidates.
pub type Uses<'a> = &'a mut dyn FnMut(&[&Candidate]) -> Vec<Use>;

/// Decides on every candidate, and resolves the steps of those that are removed.
pub fn plan(
    policy: &Policy,
    keep: &[String],
    candidates: &[Candidate],
    space: &Space,
    now: Timestamp,
    uses: Uses<'_>,
) -> Plan {
    let mut verdicts = judge(policy, candidates, now, uses);
    let Limited { mut going, targets, total } = target::limit(policy, candidates, &mut verdicts, space);
    // A run may end between any two rows: a link is removed before the file that it leads to.
    going.sort_by_cached_key(|at| Reverse(candidates.get(*at).map_or(0, distance)));
    for (at, why) in mutually_linked(candidates, &going) {
        if let Some(verdict) = verdicts.get_mut(at) {
            *verdict = Verdict::stays(Rule::Store, why);
        }
        going.retain(|other| *other != at);
    }
    let mut preconditions = StepPreconditions::default();
    let mut unwritable: HashSet<usize> = HashSet::new();
    let steps = loop {
        let gone: HashSet<usize> = going.iter().copied().collect();
        let stay: Vec<usize> = (0..candidates.len()).filter(|at| !gone.contains(at)).collect();
        let found = lookup(candidates, &going, &stay);
        let refused = refused(candidates, &going, &found, &mut preconditions);
        if refused.is_empty() {
            break found;
        }
        // Candidates that stay may need files that would have been removed with these: resolved again without them.
        for (at, Refused { why, is_ground }) in refused {
            if is_ground {
                unwritable.insert(at);
            }
            if let Some(verdict) = verdicts.get_mut(at) {
                *verdict = Verdict::stays(Rule::Store, why);
            }
            going.retain(|other| *other != at);
        }
    };
    for (at, c) in going.iter().filter_map(|at| Some((*at, candidates.get(*at)?))) {
        if let (Some(verdict), false) = (verdicts.get_mut(at), c.stood_for_by.is_empty()) {
            verdict.why = format!("{}; {}", verdict.why, stand_for(&c.stood_for_by));
        }
    }
    same_files(candidates, (&going, &steps), &mut verdicts);
    let mut scale = Scale::default();
    let mut rows: Vec<Row> = Vec::with_capacity(candidates.len());
    for (at, found) in going.iter().zip(steps) {
        let (Some(c), Some(verdict), Ok(steps)) = (candidates.get(*at), verdicts.get(*at), found) else { continue };
        let ResolvedSteps { base, steps, looks } = steps;
        let weight = scale.put(&base.path, &steps, &looks);
        let is_foreign = preconditions.is_foreign(c.store, &base.path, &steps);
        rows.push(Row { steps, base: Some(base), is_foreign, ..row(c, verdict, weight) });
    }
    let gone: HashSet<usize> = going.iter().copied().collect();
    let mut freeing = Freeing::default();
    for (at, (c, verdict)) in candidates.iter().zip(&verdicts).enumerate().filter(|(at, _)| !gone.contains(at)) {
        let freed = freeing.take(c).into_values().fold(0, u64::saturating_add);
        let row = row(c, verdict, Weight { apparent: c.size(), allocated: c.allocated(), freed });
        rows.push(Row { is_unexamined: row.is_unexamined || unwritable.contains(&at), ..row });
    }
    let large = target::large(policy, candidates, &going);
    let (policy, keep, sums) = (policy.clone(), keep.to_vec(), scale.sums());
    Plan { format: FORMAT, made: now, policy, keep, rows, sums, large, targets, total }
}

/// Names the virtual models that stand for a repository, and not for certain files of it. So they are no reason to keep
/// files that an operator asks to remove, but are named because they may miss those files.
fn stand_for(names: &[String]) -> String {
    match names {
        [one] => format!("the virtual model `{one}` of LM Studio refers to its repository"),
        many => format!("the virtual models `{}` of LM Studio refer to its repository", many.join("`, `")),
    }
}

/// Reason why something cannot be removed.
struct Refused {
    why: String,
    /// Whether the reason is its location.
    is_ground: bool,
}

/// Returns the candidates that cannot be removed, with the reasons: the rules of their store, a name that would also
/// remove something that stays, or their location.
fn refused(
    candidates: &[Candidate],
    going: &[usize],
    found: &[Result<ResolvedSteps, String>],
    preconditions: &mut StepPreconditions,
) -> Vec<(usize, Refused)> {
    let gone: HashSet<usize> = going.iter().copied().collect();
    let stay = candidates.iter().enumerate().filter(|(at, c)| c.store == StoreKind::Ollama && !gone.contains(at));
    let needed: HashMap<&PathBuf, &str> =
        stay.flat_map(|(_, c)| c.pieces.iter().flat_map(|p| &p.entries).map(|path| (path, c.name.as_str()))).collect();
    let takes = |c: &Candidate, way: &ResolvedSteps| {
        let root = Some(&c.root).filter(|_| c.store == StoreKind::Ollama)?;
        let stays = way.steps.iter().find_map(|step| needed.get(&root.join(step.path())))?;
        Some(format!("it would also remove `{stays}`, which is kept"))
    };
    let rule = |why: String| Refused { why, is_ground: false };
    let mut why = |at: usize, found: &Result<ResolvedSteps, String>| match found {
        Err(why) => Some(rule(why.clone())),
        Ok(way) => {
            let c = candidates.get(at)?;
            let lies = |why| Refused { why, is_ground: true };
            takes(c, way)
                .map(rule)
                .or_else(|| preconditions.refuses(c.store, &way.base, &way.steps, &way.looks).map(lies))
        }
    };
    going.iter().zip(found).filter_map(|(at, found)| Some((*at, why(*at, found)?))).collect()
}

/// Applies the rules, without the limits. Uses are determined only for candidates that would be removed.
pub(super) fn judge(policy: &Policy, candidates: &[Candidate], now: Timestamp, uses: Uses<'_>) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = candidates
        .iter()
        .map(|c| {
            let selected = decide::select(policy, c, now);
            if selected.goes { decide::protect(policy, c, now).unwrap_or(selected) } else { selected }
        })
        .collect();
    decide::copies(policy, candidates, &mut verdicts, now);
    let mirrors = Mirrors::of(candidates);
    mirrors.agree(candidates, &mut verdicts);
    let asked: Vec<usize> = (0..candidates.len()).filter(|at| verdicts.get(*at).is_some_and(|v| v.goes)).collect();
    let about: Vec<&Candidate> = asked.iter().filter_map(|at| candidates.get(*at)).collect();
    if about.is_empty() {
        return verdicts;
    }
    for (at, used) in asked.iter().zip(uses(&about)) {
        if let (Some(verdict), Some(kept)) = (verdicts.get_mut(*at), decide::protect_use(policy, &used)) {
            *verdict = kept;
        }
    }
    mirrors.agree(candidates, &mut verdicts);
    verdicts
}

fn row(c: &Candidate, verdict: &Verdict, weight: Weight) -> Row {
    Row {
        id: c.id.clone(),
        name: c.name.clone(),
        store: c.store,
        root: c.root.clone(),
        path: c.path.clone(),
        state: c.state,
        class: c.class,
        goes: verdict.goes,
        rule: verdict.rule,
        why: verdict.why.clone(),
        last_use: c.last_use,
        apparent_bytes: weight.apparent,
        allocated_bytes: weight.allocated,
        freed_bytes: weight.freed,
        base: None,
        is_foreign: false,
        is_unexamined: match verdict.rule {
            Rule::UseUnknown => true,
            Rule::Changed => c.state == Some(State::Unavailable),
            _ => false,
        },
        steps: Vec::new(),
    }
}

/// Resolves the steps of each of `going`, or the reason why it cannot be removed. `stay`: candidates that may need
/// files of theirs.
pub(super) fn lookup(candidates: &[Candidate], going: &[usize], stay: &[usize]) -> Vec<Result<ResolvedSteps, String>> {
    if going.is_empty() {
        return Vec::new();
    }
    let stay = stay.iter().filter_map(|at| candidates.get(*at));
    // A shared file is removed with the last candidate that has it.
    let mut needed: HashMap<PathBuf, &Candidate> = HashMap::new();
    for c in stay {
        for entry in c.pieces.iter().flat_map(|p| &p.entries) {
            for end in way(entry) {
                needed.entry(end).or_insert(c);
            }
            needed.insert(entry.clone(), c);
        }
    }
    let is_needed = |path: &PathBuf| needed.contains_key(path);
    let about: Vec<&Candidate> = going.iter().filter_map(|at| candidates.get(*at)).collect();
    // A model that consists of nothing but its files is removed with all of them or not at all.
    let is_loose = |c: &Candidate| matches!(c.store, StoreKind::Dir | StoreKind::LmStudio | StoreKind::LlamaCpp);
    let half = |c: &&Candidate| {
        let own = c.pieces.iter().filter(|p| !p.is_projector && is_loose(c)).flat_map(|p| &p.entries);
        own.filter_map(|entry| needed.get(entry)).next().copied()
    };
    let halves: Vec<Option<&Candidate>> = about.iter().map(half).collect();
    let wishes: Vec<Wish> = about
        .iter()
        .map(|c| Wish {
            store: c.store,
            root: c.root.clone(),
            name: c.name.clone(),
            class: c.id.is_none().then_some(c.class),
            paths: c.paths().into_iter().filter(|path| !is_needed(path)).collect(),
        })
        .collect();
    let found = inventory::parts(&wishes);
    let mut around: HashMap<&Path, Result<RootDir<'_>, String>> = HashMap::new();
    wishes
        .iter()
        .zip(found)
        .zip(halves.iter().zip(&about))
        .map(|((wish, parts), (half, c))| {
            if let Some(user) = half {
                return Err(leads(user));
            }
            if wish.paths.is_empty() {
                let user = c.pieces.iter().flat_map(|p| &p.entries).find_map(|entry| needed.get(entry));
                return Err(user.map_or_else(|| "none of its files are known".to_owned(), |user| leads(user)));
            }
            let root = wish.root.as_path();
            let around = around.entry(root).or_insert_with(|| RootDir::of(root)).as_ref().map_err(String::clone)?;
            let way = way_of(around, parts?)?;
            // A store serves what its own references lead to, and does not know of links from elsewhere.
            let moved = way.steps.iter().filter(|step| matches!(step, Step::Move { .. })).map(Step::path);
            let user_of =
                |path: &Path| needed.get(&around.named.join(path)).or(needed.get(&around.base.path.join(path)));
            let user = if needed.is_empty() { None } else { moved.into_iter().find_map(user_of) };
            match user {
                Some(user) => Err(leads(user)),
                None => Ok(way),
            }
        })
        .collect()
}

/// Returns the reason why something cannot be removed because `user`, which stays, leads to it.
fn leads(user: &Candidate) -> String {
    match user.store {
        StoreKind::Dir => format!("`{}`, which is kept, needs its files", user.path.display()),
        store => format!("`{}` of {}, which is kept, needs its files", user.name, store.title()),
    }
}

/// Returns models that cannot be removed because a link of theirs leads over an entry of another removed model, which
/// in turn leads to them. Neither can be removed first: a run that ends between the two would leave a dangling link.
fn mutually_linked(candidates: &[Candidate], going: &[usize]) -> Vec<(usize, String)> {
    let about = || going.iter().filter_map(|at| Some((*at, candidates.get(*at)?)));
    let linked = |c: &Candidate| c.pieces.iter().any(|piece| inside(c, piece).count() > 1);
    let asked: Vec<(usize, &Candidate)> = about().filter(|(_, c)| linked(c)).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let entries = |c: &Candidate| c.pieces.iter().flat_map(|piece| inside(c, piece).cloned()).collect::<Vec<_>>();
    let owners: HashMap<PathBuf, usize> =
        about().flat_map(|(at, c)| entries(c).into_iter().map(move |entry| (entry, at))).collect();
    let other = |at: usize, c: &Candidate| {
        let own: HashSet<PathBuf> = entries(c).into_iter().collect();
        let ends: Vec<Vec<PathBuf>> = own.iter().map(|entry| way(entry)).collect();
        // A link whose end is not ours only follows; it is removed before the file that it leads to.
        let home = ends.iter().filter(|way| way.last().is_some_and(|end| own.contains(end)));
        let over = home.flatten().filter(|entry| !own.contains(*entry));
        over.filter_map(|entry| owners.get(entry)).find(|other| **other != at).and_then(|other| candidates.get(*other))
    };
    let why = |other: &Candidate| format!("it and `{}` link to each other", other.name);
    asked.into_iter().filter_map(|(at, c)| Some((at, why(other(at, c)?)))).collect()
}

/// Returns the largest number of links between an entry of the candidate and bytes of others: those outside of its root
/// are not its own to remove.
fn distance(c: &Candidate) -> usize {
    let far = c.pieces.iter().filter(|piece| piece.own_links == 0 || piece.entries.len() > 1);
    let ways = far.flat_map(|piece| {
        let ways: Vec<Vec<PathBuf>> = inside(c, piece).map(|entry| way(entry)).collect();
        let has_file = ways.iter().any(Vec::is_empty);
        // In addition to the file itself a link counts that leads to it by a name which is not its own to remove.
        let is_far = move |way: &Vec<PathBuf>| !has_file || way.last().is_some_and(|end| !piece.entries.contains(end));
        ways.into_iter().filter(is_far).map(|way| way.len())
    });
    ways.max().unwrap_or(0)
}

fn inside<'a>(c: &'a Candidate, piece: &'a Piece) -> impl Iterator<Item = &'a PathBuf> {
    piece.entries.iter().filter(|entry| entry.starts_with(&c.root))
}

/// Returns every entry on the way of a link to its end, which may be another name of the same file. Empty for a file.
fn way(entry: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = Vec::new();
    let mut at = entry.to_owned();
    // The kernel follows at most 40 links. A link that cannot be read leads nowhere.
    while let (true, Ok(to)) = (all.len() < 40, std::fs::read_link(&at)) {
        let beside = at.parent().unwrap_or(Path::new("/"));
        at = match beside.join(&to).parent().map(Path::canonicalize) {
            Some(Ok(folder)) => folder.join(to.file_name().unwrap_or_default()),
            _ => break,
        };
        all.push(at.clone());
    }
    all
}

fn way_of(around: &RootDir<'_>, parts: Vec<Part>) -> Result<ResolvedSteps, String> {
    let (mut steps, mut looks) = (Vec::with_capacity(parts.len()), Vec::with_capacity(parts.len()));
    for Part { role, path: full, look } in parts {
        let cannot = |e: std::io::Error| format!("`{}` cannot be read: {e}", full.display());
        let inside = full.strip_prefix(around.named).or_else(|_| full.strip_prefix(&around.base.path));
        let Ok(path) = inside else {
            return Err(format!("`{}` is outside its store, behind a link", full.display()));
        };
        let path = path.to_owned();
        let look = match look {
            Some(look) => look,
            None => Stamp::from(&std::fs::symlink_metadata(&full).map_err(cannot)?),
        };
        let step = match (role, look.entity) {
            (PartRole::Folder, _) => Step::RemoveDir { path },
            (_, Entity::Folder) => return Err(format!("`{}` is a folder now", full.display())),
            _ => Step::Move { path, seen: seen(&full, &look).map_err(cannot)? },
        };
        steps.push(step);
        looks.push(look);
    }
    Ok(ResolvedSteps { base: around.base.clone(), steps, looks })
}

/// Returns the state by which the trash recognizes an entry.
fn seen(path: &Path, look: &Stamp) -> std::io::Result<Seen> {
    let kind = match look.entity {
        Entity::File => Kind::File,
        Entity::Link => Kind::Link,
        Entity::Folder => Kind::Folder,
        Entity::Fifo | Entity::Socket | Entity::Device => Kind::Other,
    };
    let target = if kind == Kind::Link { Some(std::fs::read_link(path)?) } else { None };
    let FileIdentity { dev, ino, size, mtime_ns, ctime_ns } = look.identity;
    Ok(Seen { kind, dev, ino, size, mtime_ns, ctime_ns: Some(ctime_ns), target })
}

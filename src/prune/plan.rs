//! The plan: a verdict with a reason for everything that could go, and the exact steps of what does.

use super::candidate::{Candidate, LastUse, Piece};
use super::decide::{self, Freeing, Large, Rule, Space, Verdict};
use super::ground::Ground;
use super::in_use::Use;
use super::policy::Policy;
use super::trash::{Inode, Kind, Seen, Step, lossless};
use crate::clock::Timestamp;
use crate::host::extents;
use crate::inventory::{self, Entity, Part, PartRole, Stamp, Weight, Wish};
use crate::model::{Class, FileIdentity, ModelId, State, StoreKind};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The format of a saved plan. A plan of another one is refused.
pub const FORMAT: u32 = 1;

/// Everything that could go, with what becomes of it. Saved with `--plan`; part of the public interface: keys are added, never renamed or
/// dropped within a format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub format: u32,
    /// Milliseconds since the epoch.
    pub made: Timestamp,
    pub policy: Policy,
    /// The globs of `--keep`.
    pub keep: Vec<String>,
    /// What goes, in the order in which it goes, then what stays.
    pub rows: Vec<Row>,
    /// The sums over what goes.
    pub sums: Weight,
    /// Stores of which more than half goes.
    pub large: Vec<Large>,
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
    /// Bytes of its files; of one that goes, with everything that goes with it.
    pub apparent_bytes: u64,
    /// Bytes of disk in use.
    pub allocated_bytes: u64,
    /// What comes free at least when this goes after everything before it.
    pub freed_bytes: u64,
    /// The folder that the steps are in: the root without links, or the one around it when it is a file. None for what stays.
    pub base: Option<Base>,
    /// Its store cannot be written by us, and its owner's own interface is to delete it: there is no undo.
    #[serde(default)]
    pub is_foreign: bool,
    /// References first, payload last; paths are relative to the base. Empty for what stays.
    pub steps: Vec<Step>,
}

/// The folder that everything of a row lies in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    #[serde(with = "lossless")]
    pub path: PathBuf,
    pub is: Inode,
}

/// What goes with something.
#[derive(Debug)]
pub(super) struct Way {
    pub base: Base,
    /// References first, payload last.
    pub steps: Vec<Step>,
    /// What was at each of them.
    looks: Vec<Stamp>,
}

/// The folder that the paths of a root are in, as the root names it, and what it is.
#[derive(Debug, Clone)]
struct Around<'a> {
    named: &'a Path,
    base: Base,
}

impl Around<'_> {
    fn of(root: &Path) -> Result<Around<'_>, String> {
        let cannot = |e: std::io::Error| format!("its root `{}` cannot be looked at: {e}", root.display());
        let real = root.canonicalize().map_err(cannot)?;
        let meta = std::fs::metadata(&real).map_err(cannot)?;
        if meta.is_dir() {
            let is = Inode { dev: meta.dev(), ino: meta.ino() };
            return Ok(Around { named: root, base: Base { path: real, is } });
        }
        let around = real.parent().ok_or("its root is a file in no folder")?.to_owned();
        let meta = std::fs::metadata(&around).map_err(cannot)?;
        let is = Inode { dev: meta.dev(), ino: meta.ino() };
        Ok(Around { named: root.parent().unwrap_or(root), base: Base { path: around, is } })
    }
}

impl Plan {
    pub fn going(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.goes)
    }

    /// The same plan, in which a row that has a reason in `why`, which stands beside the rows, stays for it.
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

    pub fn staying(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.goes)
    }
}

/// Tells whether candidates are in use, one for each.
pub type Uses<'a> = &'a mut dyn FnMut(&[&Candidate]) -> Vec<Use>;

/// Decides what becomes of every candidate, and looks up what goes with those that go.
pub fn plan(
    policy: &Policy,
    keep: &[String],
    candidates: &[Candidate],
    space: &Space,
    now: Timestamp,
    uses: Uses<'_>,
) -> Plan {
    let mut verdicts = judge(policy, candidates, now, uses);
    let mut going = decide::limit(policy, candidates, &mut verdicts, space);
    // A run may end between any two rows: a link goes before what it leads to.
    going.sort_by_cached_key(|at| Reverse(candidates.get(*at).map_or(0, distance)));
    for (at, why) in tangled(candidates, &going) {
        if let Some(verdict) = verdicts.get_mut(at) {
            *verdict = Verdict::stays(Rule::Store, why);
        }
        going.retain(|other| *other != at);
    }
    let mut ground = Ground::default();
    let steps = loop {
        let found = lookup(candidates, &going, &|_| false);
        let refused = refused(candidates, &going, &found, &mut ground);
        if refused.is_empty() {
            break found;
        }
        // What stays may need what would have gone with it: asked again without those.
        for (at, why) in refused {
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
    let mut scale = Scale::default();
    let mut rows: Vec<Row> = Vec::with_capacity(candidates.len());
    for (at, found) in going.iter().zip(steps) {
        let (Some(c), Some(verdict), Ok(steps)) = (candidates.get(*at), verdicts.get(*at), found) else { continue };
        let Way { base, steps, looks } = steps;
        let weight = scale.put(&base.path, &steps, &looks);
        let is_foreign = ground.is_foreign(c.store, &base.path, &steps);
        rows.push(Row { steps, base: Some(base), is_foreign, ..row(c, verdict, weight) });
    }
    let gone: HashSet<usize> = going.iter().copied().collect();
    let mut freeing = Freeing::default();
    for (_, (c, verdict)) in candidates.iter().zip(&verdicts).enumerate().filter(|(at, _)| !gone.contains(at)) {
        let freed = freeing.take(c).into_values().fold(0, u64::saturating_add);
        rows.push(row(c, verdict, Weight { apparent: c.size(), allocated: c.allocated(), freed }));
    }
    let large = decide::large(candidates, &going);
    Plan { format: FORMAT, made: now, policy: policy.clone(), keep: keep.to_vec(), rows, sums: scale.sums(), large }
}

/// A virtual model names repositories, and not which of the files there it would load. So it is no reason to keep what an
/// operator asks to be rid of, and one to tell who may miss it.
fn stand_for(names: &[String]) -> String {
    match names {
        [one] => format!("the virtual model `{one}` of LM Studio stands for its repository"),
        many => format!("the virtual models `{}` of LM Studio stand for its repository", many.join("`, `")),
    }
}

/// What cannot go, and why: by the rules of its store, because a name of it takes something along that stays, or because
/// of where it lies.
fn refused(
    candidates: &[Candidate],
    going: &[usize],
    found: &[Result<Way, String>],
    ground: &mut Ground,
) -> Vec<(usize, String)> {
    let gone: HashSet<usize> = going.iter().copied().collect();
    let stay = candidates.iter().enumerate().filter(|(at, c)| c.store == StoreKind::Ollama && !gone.contains(at));
    let needed: HashMap<&PathBuf, &str> =
        stay.flat_map(|(_, c)| c.pieces.iter().flat_map(|p| &p.entries).map(|path| (path, c.name.as_str()))).collect();
    let takes = |c: &Candidate, way: &Way| {
        let root = Some(&c.root).filter(|_| c.store == StoreKind::Ollama)?;
        let stays = way.steps.iter().find_map(|step| needed.get(&root.join(step.path())))?;
        Some(format!("it would take `{stays}` along, which stays"))
    };
    let mut why = |at: usize, found: &Result<Way, String>| match found {
        Err(why) => Some(why.clone()),
        Ok(way) => {
            let c = candidates.get(at)?;
            takes(c, way).or_else(|| ground.refuses(c.store, &way.base, &way.steps, &way.looks))
        }
    };
    going.iter().zip(found).filter_map(|(at, found)| Some((*at, why(*at, found)?))).collect()
}

/// What the rules say, limits aside. The uses of those alone are looked up that would go.
pub(super) fn judge(policy: &Policy, candidates: &[Candidate], now: Timestamp, uses: Uses<'_>) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = candidates
        .iter()
        .map(|c| {
            let selected = decide::select(policy, c, now);
            if selected.goes { decide::protect(policy, c, now).unwrap_or(selected) } else { selected }
        })
        .collect();
    decide::copies(policy, candidates, &mut verdicts, now);
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
        steps: Vec::new(),
    }
}

/// The steps of each of `going`, or why it cannot go. `aside`: what needs nothing of theirs, for it went already or has
/// nothing to do with them.
pub(super) fn lookup(
    candidates: &[Candidate],
    going: &[usize],
    aside: &dyn Fn(usize) -> bool,
) -> Vec<Result<Way, String>> {
    if going.is_empty() {
        return Vec::new();
    }
    let gone: HashSet<usize> = going.iter().copied().collect();
    let stay = candidates.iter().enumerate().filter(|(at, _)| !gone.contains(at) && !aside(*at)).map(|(_, c)| c);
    // A file that something else has as well goes with the last that has it.
    let needed: HashSet<&PathBuf> = stay.clone().flat_map(|c| &c.pieces).flat_map(|p| &p.entries).collect();
    let led_to: HashSet<PathBuf> =
        stay.flat_map(|c| &c.pieces).flat_map(|p| &p.entries).flat_map(|entry| way(entry)).collect();
    let is_needed = |path: &PathBuf| needed.contains(path) || led_to.contains(path);
    let about: Vec<&Candidate> = going.iter().filter_map(|at| candidates.get(*at)).collect();
    // Where nothing but its files makes a model, it goes with all of them or not at all.
    let is_loose = |c: &Candidate| matches!(c.store, StoreKind::Dir | StoreKind::LmStudio | StoreKind::LlamaCpp);
    let is_half: Vec<bool> = about
        .iter()
        .map(|c| is_loose(c) && c.pieces.iter().any(|p| !p.is_projector && p.entries.iter().any(is_needed)))
        .collect();
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
    let mut around: HashMap<&Path, Result<Around<'_>, String>> = HashMap::new();
    wishes
        .iter()
        .zip(found)
        .zip(is_half)
        .map(|((wish, parts), is_half)| {
            if is_half {
                return Err("what stays leads to its files".to_owned());
            }
            if wish.paths.is_empty() {
                return Err("what stays needs all of its files".to_owned());
            }
            let root = wish.root.as_path();
            let around = around.entry(root).or_insert_with(|| Around::of(root)).as_ref().map_err(String::clone)?;
            let way = way_of(around, parts?)?;
            // A store hands out what its own references lead to, and knows nothing of links from elsewhere.
            let moved = way.steps.iter().filter(|step| matches!(step, Step::Move { .. })).map(Step::path);
            let is_others =
                |path: &Path| is_needed(&around.named.join(path)) || is_needed(&around.base.path.join(path));
            let has_others = !(needed.is_empty() && led_to.is_empty()) && moved.into_iter().any(is_others);
            if has_others { Err("what stays leads to its files".to_owned()) } else { Ok(way) }
        })
        .collect()
}

/// Models of which a link leads to them over an entry of another one that goes. That one leads to them as well, so that
/// neither can go first: a run that ends between the two would leave a link that leads to nothing.
fn tangled(candidates: &[Candidate], going: &[usize]) -> Vec<(usize, String)> {
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
        // A link whose end is not ours only follows; it goes before what it leads to.
        let home = ends.iter().filter(|way| way.last().is_some_and(|end| own.contains(end)));
        let over = home.flatten().filter(|entry| !own.contains(*entry));
        over.filter_map(|entry| owners.get(entry)).find(|other| **other != at).and_then(|other| candidates.get(*other))
    };
    let why = |other: &Candidate| format!("a link of it leads over one of `{}`, which leads to it", other.name);
    asked.into_iter().filter_map(|(at, c)| Some((at, why(other(at, c)?)))).collect()
}

/// Over how many links it leads to bytes of others: those that lie outside of its root are not its own to take.
fn distance(c: &Candidate) -> usize {
    let far = c.pieces.iter().filter(|piece| piece.own_links == 0 || piece.entries.len() > 1);
    let ways = far.map(|piece| inside(c, piece).map(|entry| way(entry).len()).collect::<Vec<_>>());
    // A file among them is no link.
    ways.filter(|ways| !ways.contains(&0)).flatten().max().unwrap_or(0)
}

fn inside<'a>(c: &'a Candidate, piece: &'a Piece) -> impl Iterator<Item = &'a PathBuf> {
    piece.entries.iter().filter(|entry| entry.starts_with(&c.root))
}

/// Every entry that a link leads over to its end, which may be another name of the same file. Nothing for a file.
fn way(entry: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = Vec::new();
    let mut at = entry.to_owned();
    // The kernel goes over 40 links at the most. What cannot be read leads nowhere.
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

fn way_of(around: &Around<'_>, parts: Vec<Part>) -> Result<Way, String> {
    let (mut steps, mut looks) = (Vec::with_capacity(parts.len()), Vec::with_capacity(parts.len()));
    for Part { role, path: full, look } in parts {
        let cannot = |e: std::io::Error| format!("`{}` cannot be looked at: {e}", full.display());
        let Ok(path) = full.strip_prefix(around.named) else {
            return Err(format!("`{}` lies outside of its store", full.display()));
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
    Ok(Way { base: around.base.clone(), steps, looks })
}

/// What the trash is to know an entry by.
fn seen(path: &Path, look: &Stamp) -> std::io::Result<Seen> {
    let kind = match look.entity {
        Entity::File => Kind::File,
        Entity::Link => Kind::Link,
        Entity::Folder => Kind::Folder,
        Entity::Fifo | Entity::Socket | Entity::Device => Kind::Other,
    };
    let target = if kind == Kind::Link { Some(std::fs::read_link(path)?) } else { None };
    let FileIdentity { dev, ino, size, mtime_ns, .. } = look.identity;
    Ok(Seen { kind, dev, ino, size, mtime_ns, target })
}

/// Weighs what goes: each inode once, freed with its last entry.
#[derive(Default)]
struct Scale {
    entries: HashMap<(u64, u64), u64>,
    /// Whether files of a device may share blocks.
    may_share: HashMap<u64, bool>,
    sums: Weight,
}

impl Scale {
    /// `looks` stand beside `steps`.
    fn put(&mut self, root: &Path, steps: &[Step], looks: &[Stamp]) -> Weight {
        let mut weight = Weight::default();
        for (step, look) in steps.iter().zip(looks) {
            if look.entity == Entity::Folder {
                weight.freed = weight.freed.saturating_add(look.allocated);
                weight.allocated = weight.allocated.saturating_add(look.allocated);
                continue;
            }
            let taken = self.entries.entry(look.inode()).or_default();
            *taken += 1;
            if *taken == 1 {
                weight.apparent = weight.apparent.saturating_add(look.identity.size);
                weight.allocated = weight.allocated.saturating_add(look.allocated);
            }
            if *taken == look.links {
                let freed = look.allocated.saturating_sub(self.shared(root, step.path(), look));
                weight.freed = weight.freed.saturating_add(freed);
            }
        }
        self.sums.apparent = self.sums.apparent.saturating_add(weight.apparent);
        self.sums.allocated = self.sums.allocated.saturating_add(weight.allocated);
        self.sums.freed = self.sums.freed.saturating_add(weight.freed);
        weight
    }

    fn sums(&self) -> Weight {
        self.sums
    }

    /// Bytes of it that other files may have as well: what is not known to come free is not promised.
    fn shared(&mut self, root: &Path, path: &Path, look: &Stamp) -> u64 {
        if look.entity != Entity::File || look.identity.size == 0 {
            return 0;
        }
        let may_share = self.may_share.entry(look.identity.dev);
        if !*may_share.or_insert_with(|| extents::may_share(&root.join(path))) {
            return 0;
        }
        let Ok(file) = crate::gguf::open_untouched(&root.join(path)) else { return 0 }; // it cannot be read, and nothing is known
        let ranges = extents::shared(&file).known().cloned().unwrap_or_default();
        ranges.iter().fold(0, |sum, r| sum.saturating_add(r.end.saturating_sub(r.start)))
    }
}

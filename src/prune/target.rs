//! Limits of a plan: the targets (`--free`, `--max-total`), the minimum of models that stay, and the half of a store.
//! Pure.

use super::candidate::{Candidate, Piece};
use super::decide::{Rule, Verdict};
use super::mirrors::Usable;
use super::policy::Policy;
use super::trash::lossless;
use crate::model::StoreKind;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The space on the file systems of the candidates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Space {
    pub pools: Vec<Pool>,
    /// Index into `pools` of each device, by the device number that the inventory has recorded.
    pub of: HashMap<u64, usize>,
}

/// Space that files share: a file system, or several mounts of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The mount point.
    pub path: PathBuf,
    /// Bytes free for this user.
    pub free: u64,
    /// Bytes that are freed when the trash on it is emptied.
    pub trash: u64,
}

/// `--free` on one file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The mount point of the file system.
    #[serde(with = "lossless")]
    pub path: PathBuf,
    /// Bytes that are to be free.
    pub wanted: u64,
    /// Bytes free when the plan was made.
    pub free: u64,
    /// Bytes in the trash there.
    pub trash: u64,
    /// Bytes that the plan removes there.
    pub selected: u64,
}

/// The extent to which a target can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Enough is free already.
    Free,
    /// Emptying the trash is enough.
    Trash,
    /// Reached with the removals of the plan, once the trash is emptied.
    Plan,
    /// Missed even with all of that, by this many bytes.
    Missed(u64),
}

impl Target {
    pub fn reach(&self) -> Reach {
        let with_trash = self.free.saturating_add(self.trash);
        match self.wanted {
            wanted if wanted <= self.free => Reach::Free,
            wanted if wanted <= with_trash => Reach::Trash,
            wanted => match wanted.saturating_sub(with_trash.saturating_add(self.selected)) {
                0 => Reach::Plan,
                by => Reach::Missed(by),
            },
        }
    }
}

/// `--max-total`: the bytes of all models before and after the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalTarget {
    pub most: u64,
    pub before: u64,
    pub after: u64,
}

impl TotalTarget {
    /// Returns the number of bytes by which the target is missed; 0 when it is reached.
    pub fn missed(&self) -> u64 {
        self.after.saturating_sub(self.most)
    }
}

/// The decision of [`limit`].
#[derive(Debug, Default)]
pub struct Limited {
    /// The candidates to remove, in this order: waste first, then the least recently used.
    pub going: Vec<usize>,
    pub targets: Vec<Target>,
    pub total: Option<TotalTarget>,
}

/// Withdraws removals that a target does not need, or that would leave too few models. Bytes in the trash count as
/// free: emptying it comes before removing another model. `verdicts` are parallel to `candidates`.
pub fn limit(policy: &Policy, candidates: &[Candidate], verdicts: &mut [Verdict], space: &Space) -> Limited {
    let mut order: Vec<usize> = (0..candidates.len()).filter(|at| verdicts.get(*at).is_some_and(|v| v.goes)).collect();
    let key = |at: &usize| candidates.get(*at).map(|c| (!c.is_waste(), c.last_use.at, Reverse(c.size()), &c.path));
    order.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut usable = Usable::of(candidates);
    let mut ledger = Ledger::new(policy, candidates, space);
    let before = ledger.held.bytes;
    // Bytes that keep a name after the removal of everything selected free no space.
    let mut names: HashMap<(u64, u64), u64> = HashMap::new();
    for piece in order.iter().filter_map(|at| candidates.get(*at)).flat_map(|c| &c.pieces) {
        let sum = names.entry(piece.file).or_default();
        *sum = sum.saturating_add(piece.own_links);
    }
    let mut going = Vec::new();
    for at in order {
        let (Some(c), Some(verdict)) = (candidates.get(at), verdicts.get_mut(at)) else { continue };
        if c.counts() && usable.count() <= policy.min_keep {
            *verdict = Verdict::stays(Rule::MinKeep, format!("one of the last {} usable models", policy.min_keep));
            continue;
        }
        if policy.has_target() {
            let comes_free = |p: &Piece| names.get(&p.file).is_some_and(|own| *own >= p.links);
            let mut short = c.pieces.iter().filter(|p| ledger.is_short(p.identity.dev)).peekable();
            let is_short = short.peek().is_some();
            let is_too_much = ledger.is_too_much();
            // Bytes without a model are in no total. Those that were selected by their class are removed nevertheless.
            let lowers = match c.id {
                Some(_) => c.pieces.iter().any(comes_free),
                None => verdict.rule != Rule::Space,
            };
            if !(is_too_much && lowers || short.any(comes_free)) {
                let why = match (is_short, is_too_much, &c.id) {
                    (false, true, None) => "it is not a model, and the limit only counts models",
                    (false, false, _) => REACHED,
                    _ => "removing it would free nothing: its content has other names",
                };
                *verdict = Verdict::stays(Rule::Enough, why);
                continue;
            }
        }
        usable.take(at);
        ledger.take(c);
        going.push(at);
    }
    if policy.has_target() {
        spare(candidates, verdicts, &mut going, &mut ledger);
    }
    let total = policy.max_total.map(|most| TotalTarget { most, before, after: ledger.held.bytes });
    Limited { going, targets: ledger.targets(policy, candidates, space), total }
}

const REACHED: &str = "the target is reached without it";

/// Withdraws models that were chosen before a larger one made them unnecessary, the most recently used first.
fn spare(candidates: &[Candidate], verdicts: &mut [Verdict], going: &mut Vec<usize>, ledger: &mut Ledger<'_>) {
    let mut spared: HashSet<usize> = HashSet::new();
    for at in going.iter().rev() {
        let Some(c) = candidates.get(*at).filter(|c| !c.is_waste()) else { continue };
        if ledger.can_spare(c) {
            ledger.give_back(c);
            spared.insert(*at);
        }
    }
    for at in &spared {
        if let Some(verdict) = verdicts.get_mut(*at) {
            *verdict = Verdict::stays(Rule::Enough, REACHED);
        }
    }
    going.retain(|at| !spared.contains(at));
}

/// The bytes that a run has freed so far, compared with its targets.
struct Ledger<'s> {
    policy: Policy,
    space: &'s Space,
    /// Bytes free in each pool when the trash is empty and everything taken so far is removed.
    free: Vec<u64>,
    /// Bytes of that which come from the candidates taken.
    selected: Vec<u64>,
    freeing: Freeing,
    held: Held,
}

impl<'s> Ledger<'s> {
    fn new(policy: &Policy, candidates: &[Candidate], space: &'s Space) -> Ledger<'s> {
        Ledger {
            policy: policy.clone(),
            space,
            free: space.pools.iter().map(|pool| pool.free.saturating_add(pool.trash)).collect(),
            selected: vec![0; space.pools.len()],
            freeing: Freeing::default(),
            // A model that is not where it was takes no known space, and is no reason to remove others.
            held: Held::of(candidates.iter().filter(|c| is_held(c))),
        }
    }

    /// Returns whether the file system of this device lacks space. False where its space is unknown.
    fn is_short(&self, dev: u64) -> bool {
        let free = self.space.of.get(&dev).and_then(|pool| self.free.get(*pool));
        free.is_some_and(|free| self.policy.free.is_some_and(|wanted| *free < wanted))
    }

    fn is_too_much(&self) -> bool {
        self.policy.max_total.is_some_and(|most| self.held.bytes > most)
    }

    fn add(&mut self, dev: u64, freed: i128) {
        let Some(pool) = self.space.of.get(&dev) else { return };
        for sums in [&mut self.free, &mut self.selected] {
            if let Some(sum) = sums.get_mut(*pool) {
                *sum = u64::try_from(i128::from(*sum) + freed).unwrap_or(if freed < 0 { 0 } else { u64::MAX });
            }
        }
    }

    fn take(&mut self, c: &Candidate) {
        if is_held(c) {
            self.held.take(c);
        }
        for (dev, freed) in self.freeing.take(c) {
            self.add(dev, i128::from(freed));
        }
    }

    /// Returns whether every target that is reached now stays reached without this removal, and none is missed by more.
    fn can_spare(&self, c: &Candidate) -> bool {
        let lost = self.freeing.lost(c);
        let room = lost.iter().all(|(dev, lost)| {
            let free = self.space.of.get(dev).and_then(|pool| self.free.get(*pool));
            *lost == 0
                || self.policy.free.is_none_or(|wanted| free.is_none_or(|free| free.saturating_sub(*lost) >= wanted))
        });
        let back = if is_held(c) { self.held.back(c) } else { 0 };
        room && self.policy.max_total.is_none_or(|most| back == 0 || self.held.bytes.saturating_add(back) <= most)
    }

    fn give_back(&mut self, c: &Candidate) {
        for (dev, lost) in self.freeing.give_back(c) {
            self.add(dev, -i128::from(lost));
        }
        if is_held(c) {
            self.held.give_back(c);
        }
    }

    /// Returns the targets of `--free`: the file systems of the models that were named, else all known ones.
    fn targets(&self, policy: &Policy, candidates: &[Candidate], space: &Space) -> Vec<Target> {
        let Some(wanted) = policy.free else { return Vec::new() };
        let is_named = |c: &&Candidate| policy.names(c);
        let pools: BTreeSet<usize> = match &policy.models {
            None => (0..space.pools.len()).collect(),
            Some(_) => {
                let pieces = candidates.iter().filter(is_named).flat_map(|c| &c.pieces);
                pieces.filter_map(|p| space.of.get(&p.identity.dev).copied()).collect()
            }
        };
        let target = |at: usize| {
            let pool = space.pools.get(at)?;
            let selected = self.selected.get(at).copied().unwrap_or(0);
            Some(Target { path: pool.path.clone(), wanted, free: pool.free, trash: pool.trash, selected })
        };
        pools.into_iter().filter_map(target).collect()
    }
}

/// Returns whether the bytes of a candidate count for `--max-total`.
fn is_held(c: &Candidate) -> bool {
    c.id.is_some() && c.stale.is_none()
}

/// Bytes of disk of models, each file counted once and until the last model that has it is removed.
struct Held {
    holders: HashMap<(u64, u64), u64>,
    bytes: u64,
}

impl Held {
    fn of<'a>(models: impl Iterator<Item = &'a Candidate>) -> Held {
        let mut held = Held { holders: HashMap::new(), bytes: 0 };
        models.for_each(|c| held.give_back(c));
        held
    }

    fn take(&mut self, c: &Candidate) {
        for piece in &c.pieces {
            let Some(holders) = self.holders.get_mut(&piece.file) else { continue };
            *holders = holders.saturating_sub(1);
            if *holders == 0 {
                self.bytes = self.bytes.saturating_sub(piece.allocated);
            }
        }
    }

    fn give_back(&mut self, c: &Candidate) {
        for piece in &c.pieces {
            let holders = self.holders.entry(piece.file).or_default();
            if *holders == 0 {
                self.bytes = self.bytes.saturating_add(piece.allocated);
            }
            *holders = holders.saturating_add(1);
        }
    }

    /// Returns the number of bytes by which the total grows when a model stays after all.
    fn back(&self, c: &Candidate) -> u64 {
        let new = c.pieces.iter().filter(|p| self.holders.get(&p.file).is_none_or(|n| *n == 0));
        new.fold(0, |sum, p| sum.saturating_add(p.allocated))
    }
}

/// Counts the removed entries of inodes: bytes are freed with the last entry.
#[derive(Debug, Default)]
pub struct Freeing {
    taken: HashMap<(u64, u64), u64>,
}

impl Freeing {
    /// Returns the bytes that are freed on each device when this candidate is removed as well.
    pub fn take(&mut self, c: &Candidate) -> BTreeMap<u64, u64> {
        let mut freed: BTreeMap<u64, u64> = BTreeMap::new();
        for piece in &c.pieces {
            let taken = self.taken.entry(piece.file).or_default();
            let before = *taken;
            *taken = taken.saturating_add(piece.own_links);
            if before < piece.links && *taken >= piece.links {
                let sum = freed.entry(piece.identity.dev).or_default();
                *sum = sum.saturating_add(piece.allocated);
            }
        }
        freed
    }

    /// Returns the bytes that are not freed on each device when this candidate stays after all.
    fn lost(&self, c: &Candidate) -> BTreeMap<u64, u64> {
        let mut own: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        for piece in &c.pieces {
            let sum = own.entry(piece.file).or_default();
            *sum = sum.saturating_add(piece.own_links);
        }
        let mut lost: BTreeMap<u64, u64> = BTreeMap::new();
        for piece in &c.pieces {
            // Each file only once.
            let Some(own) = own.remove(&piece.file) else { continue };
            let taken = self.taken.get(&piece.file).copied().unwrap_or(0);
            if taken >= piece.links && taken.saturating_sub(own) < piece.links {
                let sum = lost.entry(piece.identity.dev).or_default();
                *sum = sum.saturating_add(piece.allocated);
            }
        }
        lost
    }

    fn give_back(&mut self, c: &Candidate) -> BTreeMap<u64, u64> {
        let lost = self.lost(c);
        for piece in &c.pieces {
            if let Some(taken) = self.taken.get_mut(&piece.file) {
                *taken = taken.saturating_sub(piece.own_links);
            }
        }
        lost
    }
}

/// A store that would lose more than half of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Large {
    pub store: StoreKind,
    #[serde(with = "lossless")]
    pub root: PathBuf,
    /// Bytes of disk.
    pub going: u64,
    pub all: u64,
}

/// Returns the stores that would lose more than half of their bytes of disk by rules. Models that a person named do not
/// count.
pub fn large(policy: &Policy, candidates: &[Candidate], going: &[usize]) -> Vec<Large> {
    let going: HashSet<usize> = going.iter().copied().collect();
    let mut roots: BTreeMap<(StoreKind, &Path), (u64, u64)> = BTreeMap::new();
    for (at, c) in candidates.iter().enumerate() {
        let (own, all) = roots.entry((c.store, c.root.as_path())).or_default();
        *all = all.saturating_add(c.allocated());
        if going.contains(&at) && !policy.names(c) {
            *own = own.saturating_add(c.allocated());
        }
    }
    let is_large = |(going, all): (u64, u64)| going > 0 && going.saturating_mul(2) > all;
    let named = |((store, root), (going, all)): ((StoreKind, &Path), (u64, u64))| Large {
        store,
        root: root.to_owned(),
        going,
        all,
    };
    roots.into_iter().filter(|(_, sums)| is_large(*sums)).map(named).collect()
}

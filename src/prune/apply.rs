//! Acting on a plan, one row after the other: each is looked at again just before, moved to the trash or deleted for
//! good, and told. A run that is stopped leaves whole rows behind it.

use super::candidate::Candidate;
use super::decide::{self, Rule, Verdict};
use super::hand_over::{self, Undone};
use super::in_use::{Use, hold};
use super::plan::{Base, Plan, Row, Way, lookup};
use super::take::{Taking, take};
use super::trash::{self, Held, Place, Point};
use crate::clock::Timestamp;
use crate::config::ServerAddress;
use crate::failure::{Failure, classify};
use crate::inventory;
use crate::model::{Actor, FileIdentity, Reading, StoreKind};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// What became of a row that was to go.
#[derive(Debug)]
pub struct Done<'p> {
    pub row: &'p Row,
    pub fate: Fate,
}

#[derive(Debug)]
pub enum Fate {
    /// It is where it was, and would go.
    Ready,
    /// It is in the trash under this id.
    Trashed { id: String },
    /// It is gone for good. `left`: what was not in the plan and stays in the trash, as the item `id`.
    Purged { freed: u64, left: Vec<PathBuf>, id: Option<String> },
    /// It is where it was.
    Skipped { why: String },
    /// Something went wrong, and it is where it was but for what the message says.
    Failed { error: anyhow::Error },
    /// Something went wrong after its owner's own interface had deleted these names of it for good.
    Partly { deleted: Vec<String>, error: anyhow::Error },
}

/// Who does it, for the journal of the trash.
#[derive(Debug, Clone)]
pub struct Doer {
    pub who: String,
    pub command: String,
    pub actor: Option<Actor>,
    pub now: Timestamp,
}

/// What acting needs from outside.
pub struct Acting<'a> {
    /// Fresh ones, made after the locks were taken.
    pub candidates: &'a [Candidate],
    pub doer: &'a Doer,
    /// Delete for good instead of keeping in the trash.
    pub purge: bool,
    /// Where Ollama's server is.
    pub ollama: &'a Reading<ServerAddress>,
    /// Whether one is in use at this moment.
    pub in_use: &'a mut dyn FnMut(&Candidate) -> Use,
    /// Whether a rule of the database keeps it by now.
    pub is_kept: &'a mut dyn FnMut(&Candidate) -> anyhow::Result<Option<String>>,
    /// Told of every row when it is done, before the next one is begun.
    pub tell: &'a mut dyn FnMut(&Done<'_>) -> anyhow::Result<()>,
    /// Called between rows; true ends the run.
    pub stop: &'a dyn Fn() -> bool,
    /// See [`Point`]; for tests that end a run at any of them.
    pub hook: &'a mut dyn FnMut(Point) -> anyhow::Result<()>,
}

/// The trashes of the roots that a plan takes from, made where they are missing and locked until this is dropped.
pub struct Trashes {
    held: HashMap<PathBuf, Held>,
    /// The roots for whose trash there is no room on their file system.
    full: HashSet<PathBuf>,
    /// The roots that have none that can be used.
    failed: HashMap<PathBuf, anyhow::Error>,
}

impl Trashes {
    /// Two roots beside each other share a place.
    pub fn hold(plan: &Plan, now: Timestamp) -> (Trashes, HashMap<PathBuf, anyhow::Error>) {
        let mut held: HashMap<PathBuf, Held> = HashMap::new();
        let (mut full, mut failed) = (HashSet::new(), HashMap::new());
        let mut fails = |base: &PathBuf, fault: trash::Fault| {
            if fault.is_full() {
                full.insert(base.clone());
            }
            failed.insert(base.clone(), fault.into_error());
        };
        let bases: HashSet<&PathBuf> =
            plan.going().filter(|row| !row.is_foreign).filter_map(|row| row.base.as_ref()).map(|b| &b.path).collect();
        let mut bases: Vec<&PathBuf> = bases.into_iter().collect();
        bases.sort();
        for base in bases {
            let place = match Place::open_or_create(base) {
                Ok(place) => place,
                Err(fault) => {
                    fails(base, fault);
                    continue;
                }
            };
            if held.contains_key(place.path()) {
                continue;
            }
            let path = place.path().to_owned();
            match place.hold(now) {
                Ok(lock) => {
                    held.insert(path, lock);
                }
                Err(fault) => fails(base, fault),
            }
        }
        (Trashes { held, full, failed: HashMap::new() }, failed)
    }

    /// Rows of these roots fail for that reason.
    #[must_use]
    pub fn without(self, failed: HashMap<PathBuf, anyhow::Error>) -> Trashes {
        Trashes { failed, ..self }
    }

    /// Why nothing of the root of a row can go to a trash, when that is known already.
    fn failure(&self, row: &Row) -> Option<Failure> {
        let error = self.failed.get(&row.base.as_ref()?.path).filter(|_| !row.is_foreign)?;
        let (kind, hint) = classify(error);
        Some(Failure { kind, message: format!("{error:#}"), hint: hint.map(str::to_owned) })
    }

    /// Whether there is no room for its trash. Deleting for good does without.
    pub fn is_full(&self, base: &Path) -> bool {
        self.full.contains(base)
    }

    /// The one that serves `base`.
    fn of(&self, base: &Path) -> Option<&Held> {
        // It was made a moment ago; what cannot be looked at now has no trash.
        let place = Place::of(base).ok().flatten()?;
        self.held.get(place.path())
    }
}

/// Acts on every row that goes.
///
/// # Errors
/// When `tell`, `is_kept` or the hook fail. What is wrong with a row is told with it, and the next one is gone on with.
pub fn apply<'p>(plan: &'p Plan, trashes: &Trashes, acting: &mut Acting<'_>) -> anyhow::Result<Vec<Done<'p>>> {
    go_through(plan, Some(trashes), acting)
}

/// What [`apply`] would do with every row as it is now; nothing is changed, and nothing is locked.
///
/// # Errors
/// As [`apply`].
pub fn check<'p>(plan: &'p Plan, acting: &mut Acting<'_>) -> anyhow::Result<Vec<Done<'p>>> {
    go_through(plan, None, acting)
}

fn go_through<'p>(plan: &'p Plan, trashes: Option<&Trashes>, acting: &mut Acting<'_>) -> anyhow::Result<Vec<Done<'p>>> {
    let mut all = Vec::new();
    let going: Vec<&Row> = plan.going().collect();
    let places = places(plan, acting.candidates);
    let mut left = places.clone();
    let failure = |row: &Row| trashes.and_then(|trashes| trashes.failure(row));
    // What does not go for a reason that is known by now stays, and so does what it needs of the others.
    for (slot, row) in left.iter_mut().zip(&going) {
        let c = slot.and_then(|at| acting.candidates.get(at));
        let is_kept = c.is_some_and(|c| decide::protect(&plan.policy, c, acting.doer.now).is_some());
        if is_kept || failure(row).is_some() {
            *slot = None;
        }
    }
    let kin = Kin::of(acting.candidates);
    let mut usable = acting.candidates.iter().filter(|c| c.counts()).count() as u64;
    for (number, row) in going.iter().enumerate() {
        if (acting.stop)() {
            break;
        }
        let at = places.get(number).copied().flatten();
        let fate = match at.and_then(|at| Some((at, acting.candidates.get(at)?))) {
            _ if let Some(failure) = failure(row) => Fate::Failed { error: failure.into() },
            None => Fate::Skipped { why: "the database does not know it any more: scan, and plan again".to_owned() },
            Some((at, c)) => {
                // Where nothing goes, what is before it is there still.
                let number = if trashes.is_some() { number } else { 0 };
                let left = Left { rows: &left, number, usable, kin: &kin };
                let fate = one(plan, row, (at, c), &left, trashes, acting)?;
                if matches!(fate, Fate::Trashed { .. } | Fate::Purged { .. } | Fate::Ready) {
                    usable -= u64::from(c.counts());
                }
                fate
            }
        };
        if !matches!(fate, Fate::Trashed { .. } | Fate::Purged { .. } | Fate::Ready)
            && let Some(slot) = left.get_mut(number)
        {
            *slot = None;
        }
        let done = Done { row, fate };
        (acting.tell)(&done)?;
        all.push(done);
    }
    Ok(all)
}

/// The candidate of each row that goes; None where there is none any more.
pub fn places(plan: &Plan, candidates: &[Candidate]) -> Vec<Option<usize>> {
    let mut by_id = HashMap::new();
    let mut by_path = HashMap::new();
    for (at, c) in candidates.iter().enumerate() {
        match &c.id {
            Some(id) => by_id.insert(id.as_str(), at),
            None => by_path.insert((c.root.as_path(), c.path.as_path()), at),
        };
    }
    let find = |row: &Row| match &row.id {
        Some(id) => by_id.get(id.as_str()).copied(),
        None => by_path.get(&(row.root.as_path(), row.path.as_path())).copied(),
    };
    plan.going().map(find).collect()
}

/// Where a run is.
struct Left<'a> {
    /// The candidates of all rows; None for those that were skipped.
    rows: &'a [Option<usize>],
    /// The row that is acted on.
    number: usize,
    /// Usable models that are still there.
    usable: u64,
    kin: &'a Kin,
}

impl Left<'_> {
    /// What is still to go, this row first.
    fn to_go(&self) -> Vec<usize> {
        self.rows.iter().skip(self.number).copied().flatten().collect()
    }

    /// What went before this row.
    fn taken(&self) -> HashSet<usize> {
        self.rows.iter().take(self.number).copied().flatten().collect()
    }

    /// Whether another copy of a content neither went nor goes, and is there now as it was when its bytes were read.
    fn has_copy_of(&self, c: &Candidate, candidates: &[Candidate]) -> bool {
        let is_there = |c: &Candidate| {
            c.stale.is_none()
                && c.is_read
                && c.pieces.iter().filter(|piece| !piece.is_projector).all(|piece| {
                    piece.entries.iter().any(|entry| {
                        let meta = std::fs::symlink_metadata(entry);
                        // What was computed of its bytes holds for exactly that state of it.
                        meta.is_ok_and(|meta| FileIdentity::of(&meta) == piece.identity)
                    })
                })
        };
        let going: HashSet<usize> = self.rows.iter().copied().flatten().collect();
        c.content.is_some()
            && candidates.iter().enumerate().any(|(at, other)| {
                !going.contains(&at) && other.content == c.content && other.inodes() != c.inodes() && is_there(other)
            })
    }
}

fn one(
    plan: &Plan,
    row: &Row,
    (at, c): (usize, &Candidate),
    left: &Left<'_>,
    trashes: Option<&Trashes>,
    acting: &mut Acting<'_>,
) -> anyhow::Result<Fate> {
    let now = acting.doer.now;
    let skipped = |why: String| Ok(Fate::Skipped { why });
    if let Some(Verdict { why, .. }) = decide::protect(&plan.policy, c, now) {
        return skipped(why);
    }
    // Room may have been made meanwhile; what an age or a class says must still hold.
    let selected = decide::select(&plan.policy, c, now);
    match row.rule {
        Rule::Duplicate => {
            if let Err(Verdict { why, .. }) = decide::admit(&plan.policy, c, now) {
                return skipped(why);
            }
            if !left.has_copy_of(c, acting.candidates) {
                return skipped("no other copy of it stays".to_owned());
            }
        }
        _ if !selected.goes => return skipped(selected.why),
        _ => {}
    }
    if c.counts() && left.usable <= plan.policy.min_keep {
        return skipped(format!("one of the last {} that stay at least", plan.policy.min_keep));
    }
    if let Some(why) = (acting.is_kept)(c)? {
        return skipped(why);
    }
    if let Some(Verdict { why, .. }) = decide::protect_use(&plan.policy, &(acting.in_use)(c)) {
        return skipped(why);
    }
    let Some(base) = &row.base else { return skipped("the plan has no steps for it".to_owned()) };
    // Until it is gone: a download of it that begins now waits, and finds nothing of it by half. To look locks nothing.
    let _locks = match trashes.map(|_| hold(c.asked())).transpose() {
        Ok(held) => held,
        Err(why) => return skipped(why),
    };
    let found = match again(at, left, acting.candidates) {
        Ok(found) if found.base == *base => found.steps,
        Ok(_) => return skipped("its root is another one by now: plan again".to_owned()),
        Err(why) => return skipped(why),
    };
    let Some(steps) = still(plan, row, c, found) else {
        return skipped("what goes with it is not what was planned: plan again".to_owned());
    };
    let Some(trashes) = trashes else { return Ok(Fate::Ready) };
    if row.is_foreign {
        // A name that stands for something else by now is another model's.
        if !row.steps.iter().filter(|step| hand_over::is_name(step)).all(|step| steps.contains(step)) {
            return skipped("its names are not those that were planned: plan again".to_owned());
        }
        return Ok(hand_over((row, &steps), base, acting));
    }
    let held = trashes.of(&base.path);
    if held.is_none() && !(acting.purge && trashes.is_full(&base.path)) {
        return skipped("its trash is not at hand".to_owned());
    }
    let mut is_stopped = false;
    let Acting { doer, purge, hook, .. } = acting;
    let mut hook = |point| hook(point).inspect_err(|_| is_stopped = true);
    match take(Taking { row, c, base, steps, held, doer, purge: *purge }, &mut hook) {
        Ok(fate) => Ok(fate),
        Err(error) if is_stopped => Err(error),
        Err(error) => Ok(Fate::Failed { error }),
    }
}

/// What goes with it, looked up once more.
fn again(c: usize, left: &Left<'_>, candidates: &[Candidate]) -> Result<Way, String> {
    let with: Vec<usize> = left.to_go().into_iter().filter(|at| left.kin.are(c, *at)).collect();
    let taken = left.taken();
    let found = lookup(candidates, &with, &|at| taken.contains(&at) || !left.kin.are(c, at));
    let own = with.iter().position(|at| *at == c).and_then(|own| found.into_iter().nth(own));
    own.unwrap_or_else(|| Err("it is not there any more".to_owned()))
}

/// What of the steps of a row is still to be done: nothing that was not planned, and all of the model's own files.
///
/// What went before it from the same store may leave a description without anything that says it is of no use, or a
/// folder empty; that stays. None when anything else differs.
fn still(plan: &Plan, row: &Row, c: &Candidate, found: Vec<trash::Step>) -> Option<Vec<trash::Step>> {
    let is_folder = |step: &trash::Step| matches!(step, trash::Step::RemoveDir { .. });
    let is_own = |step: &trash::Step| match step {
        trash::Step::Move { seen, .. } => c.inodes().contains(&(seen.dev, seen.ino)),
        _ => false,
    };
    let is_in = |row: &Row, step| row.steps.contains(step);
    // The time of a snapshot's folder tells how old it is, and what goes before changes it.
    let is_others = |step| plan.going().any(|other| other.base == row.base && is_in(other, step));
    let is_planned = found.iter().all(|step| is_folder(step) || is_in(row, step) || is_others(step));
    let is_whole = row.steps.iter().filter(|step| is_own(step)).all(|step| found.contains(step));
    let steps: Vec<trash::Step> = found.into_iter().filter(|step| row.steps.contains(step)).collect();
    (is_planned && is_whole && steps.iter().any(|step| !is_folder(step))).then_some(steps)
}

/// Candidates of which one may change what goes with the other: those with a file in common, and those in one repository
/// or in one store with manifests. In a plain folder nothing depends on what else goes.
struct Kin {
    /// Of each candidate; the same number for all kin.
    group: Vec<usize>,
}

impl Kin {
    fn of(candidates: &[Candidate]) -> Kin {
        let mut group: Vec<usize> = (0..candidates.len()).collect();
        let mut inodes: HashMap<(u64, u64), usize> = HashMap::new();
        let mut places: HashMap<(StoreKind, PathBuf), usize> = HashMap::new();
        for (at, c) in candidates.iter().enumerate() {
            for inode in c.inodes() {
                let first = *inodes.entry(inode).or_insert(at);
                join(&mut group, first, at);
            }
            if !matches!(c.store, StoreKind::Dir | StoreKind::LmStudio | StoreKind::LlamaCpp) {
                let place = inventory::place_of(c.store, &c.root, c.pieces.iter().flat_map(|p| &p.entries));
                let first = *places.entry((c.store, place.to_owned())).or_insert(at);
                join(&mut group, first, at);
            }
        }
        for at in 0..group.len() {
            let top = top(&group, at);
            if let Some(own) = group.get_mut(at) {
                *own = top;
            }
        }
        Kin { group }
    }

    fn are(&self, a: usize, b: usize) -> bool {
        self.group.get(a) == self.group.get(b)
    }
}

/// The one that stands for the kin of `at`: the first of them.
fn top(group: &[usize], mut at: usize) -> usize {
    while let Some(up) = group.get(at).filter(|up| **up != at) {
        at = *up;
    }
    at
}

fn join(group: &mut [usize], a: usize, b: usize) {
    let (a, b) = (top(group, a), top(group, b));
    if let Some(slot) = group.get_mut(a.max(b)) {
        *slot = a.min(b);
    }
}

/// What its owner's own interface is to do of a row.
fn hand_over((row, steps): (&Row, &[trash::Step]), base: &Base, acting: &Acting<'_>) -> Fate {
    if !acting.purge {
        let why = "its store cannot be written: with --purge Ollama's own server deletes it, and there is no undo";
        return Fate::Skipped { why: why.to_owned() };
    }
    let partly = |deleted: Vec<String>, why: String| {
        let names = deleted.join("`, `");
        let failure = Failure::cannot_meet(format!("`{names}` is deleted for good, and the rest is not: {why}"));
        Fate::Partly { deleted, error: failure.hint("`modelctl scan`, then plan again").into() }
    };
    let deleted = match hand_over::delete(&base.path, steps, acting.ollama) {
        Ok(deleted) => deleted,
        Err(Undone { deleted, why }) if deleted.is_empty() => return Fate::Skipped { why },
        Err(Undone { deleted, why }) => return partly(deleted, why),
    };
    let moves = steps.iter().filter(|step| matches!(step, trash::Step::Move { .. }));
    let left = moves.map(|step| base.path.join(step.path())).find(|path| path.symlink_metadata().is_ok());
    match left {
        None => Fate::Purged { freed: row.freed_bytes, left: Vec::new(), id: None },
        Some(path) => partly(deleted, format!("`{}` is still there", path.display())),
    }
}

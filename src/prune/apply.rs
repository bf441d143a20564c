//! Applies a plan: each row is checked again just before it is moved to the trash or deleted for good, and then
//! reported. Independent rows are moved together, several at a time. A stopped run leaves whole rows behind.

use super::candidate::Candidate;
use super::decide::{self, Rule, Verdict};
pub use super::fate::{Doer, Fate};
use super::hand_over::{self, Undone};
use super::in_use::{Use, hold, is_downloading};
use super::plan::{Plan, Row, base_of};
use super::remaining::{Left, remaining_steps};
use super::resolved_steps::BaseDir;
use super::take::{Taking, take_all};
use super::trash::{self, Held, Place, Point};
use super::witness::Witness;
use crate::clock::{self, Timestamp};
use crate::config::ServerAddress;
use crate::failure::{Failure, classify};
use crate::model::{Reading, StoreKind};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The outcome of a row that was to be removed.
#[derive(Debug)]
pub struct Done<'p> {
    pub row: &'p Row,
    pub fate: Fate,
}

/// Dependencies of a run.
pub struct Acting<'a> {
    /// Fresh candidates, gathered after the locks were taken.
    pub candidates: &'a [Candidate],
    pub doer: &'a Doer,
    /// Whether to delete for good instead of keeping in the trash.
    pub purge: bool,
    /// The address of Ollama's server.
    pub ollama: &'a Reading<ServerAddress>,
    /// Returns whether a candidate is in use at this moment.
    pub in_use: &'a mut dyn FnMut(&Candidate) -> Use,
    /// Returns the reason of a rule of the database that keeps a candidate by now.
    pub is_kept: &'a mut dyn FnMut(&Candidate) -> anyhow::Result<Option<String>>,
    /// Called with rows when they are done, before others are started: with all rows that were moved together at once.
    pub tell: &'a mut dyn FnMut(&[Done<'_>]) -> anyhow::Result<()>,
    /// Called between rows; true ends the run.
    pub stop: &'a dyn Fn() -> bool,
    /// See [`Point`]; for tests that end a run at any of them.
    pub hook: &'a mut dyn FnMut(Point) -> anyhow::Result<()>,
}

/// The trashes of the roots that a plan removes from, created where they are missing and locked until this is dropped.
pub struct Trashes {
    held: HashMap<PathBuf, Held>,
    /// The trash of each folder that contains rows.
    place_of: HashMap<PathBuf, PathBuf>,
    /// The roots whose file system has no room for a trash.
    full: HashSet<PathBuf>,
    /// The roots that have no usable trash.
    failed: HashMap<PathBuf, anyhow::Error>,
}

impl Trashes {
    /// Locks the trashes of the rows whose folder is confirmed by the root of their model. A plan may come from a file:
    /// a folder that only the plan names gets no trash, and its rows are skipped later.
    ///
    /// Two roots next to each other share a place.
    pub fn hold(plan: &Plan, candidates: &[Candidate], now: Timestamp) -> (Trashes, HashMap<PathBuf, anyhow::Error>) {
        let mut held: HashMap<PathBuf, Held> = HashMap::new();
        let mut place_of = HashMap::new();
        let (mut full, mut failed) = (HashSet::new(), HashMap::new());
        let mut fails = |base: &PathBuf, fault: trash::Fault| {
            if fault.is_full() {
                full.insert(base.clone());
            }
            failed.insert(base.clone(), fault.into_error());
        };
        let roots: HashSet<(&Path, &PathBuf)> = plan
            .going()
            .zip(places(plan, candidates))
            .filter(|(row, _)| !row.is_foreign)
            .filter_map(|(row, at)| Some((candidates.get(at?)?.root.as_path(), &row.base.as_ref()?.path)))
            .collect();
        let confirmed = |(root, base): &(&Path, &PathBuf)| base_of(root).is_ok_and(|known| known.path == **base);
        let mut bases: Vec<&PathBuf> = roots.into_iter().filter(confirmed).map(|(_, base)| base).collect();
        bases.sort();
        bases.dedup();
        for base in bases {
            let place = match Place::open_or_create(base) {
                Ok(place) => place,
                Err(fault) => {
                    fails(base, fault);
                    continue;
                }
            };
            let path = place.path().to_owned();
            if !held.contains_key(&path) {
                match place.hold(now) {
                    Ok(lock) => drop(held.insert(path.clone(), lock)),
                    Err(fault) => {
                        fails(base, fault);
                        continue;
                    }
                }
            }
            place_of.insert(base.clone(), path);
        }
        (Trashes { held, place_of, full, failed: HashMap::new() }, failed)
    }

    /// Returns the trashes with the reasons why rows of these roots fail.
    #[must_use]
    pub fn without(self, failed: HashMap<PathBuf, anyhow::Error>) -> Trashes {
        Trashes { failed, ..self }
    }

    /// Returns the reason why nothing of the root of a row can be moved to a trash, when that is known already.
    fn failure(&self, row: &Row) -> Option<Failure> {
        let error = self.failed.get(&row.base.as_ref()?.path).filter(|_| !row.is_foreign)?;
        let (kind, hint) = classify(error);
        Some(Failure { hint: hint.map(str::to_owned), ..Failure::new(kind, format!("{error:#}")) })
    }

    /// Returns whether there is no room for the trash of `base`. Deleting for good needs none.
    pub fn is_full(&self, base: &Path) -> bool {
        self.full.contains(base)
    }

    /// Returns the trash that serves `base`.
    fn of(&self, base: &Path) -> Option<&Held> {
        self.held.get(self.place_of.get(base)?)
    }
}

/// Applies the plan to every row that it removes.
///
/// # Errors
/// When `tell`, `is_kept` or the hook fail. An error of one row is reported with it, and the next row follows.
pub fn apply<'p>(plan: &'p Plan, trashes: &Trashes, acting: &mut Acting<'_>) -> anyhow::Result<Vec<Done<'p>>> {
    go_through(plan, Some(trashes), acting)
}

/// Returns what [`apply`] would do with every row as it is now; changes and locks nothing.
///
/// # Errors
/// As [`apply`].
pub fn check<'p>(plan: &'p Plan, acting: &mut Acting<'_>) -> anyhow::Result<Vec<Done<'p>>> {
    go_through(plan, None, acting)
}

fn go_through<'p>(plan: &'p Plan, trashes: Option<&Trashes>, acting: &mut Acting<'_>) -> anyhow::Result<Vec<Done<'p>>> {
    let going: Vec<&Row> = plan.going().collect();
    let places = places(plan, acting.candidates);
    let failure = |row: &Row| trashes.and_then(|trashes| trashes.failure(row));
    // A row that is known by now not to be removed stays, and so does everything that it needs of the others.
    let rows = places.iter().zip(&going).map(|(at, row)| {
        let c = acting.candidates.get((*at)?)?;
        let is_kept = decide::protect(&plan.policy, c, acting.doer.now).is_some();
        (!is_kept && failure(row).is_none()).then_some(*at).flatten()
    });
    let mut run = Run {
        plan,
        trashes,
        left: Left::new(acting.candidates, rows.collect(), trashes.is_none()),
        places: &places,
        going: &going,
        batch: Vec::new(),
        since: clock::instant(),
        done: Vec::new(),
    };
    for (number, row) in going.iter().enumerate() {
        if (acting.stop)() {
            // Rows that were checked but not moved are where they were.
            run.batch.clear();
            break;
        }
        let at = places.get(number).copied().flatten();
        let candidates = acting.candidates;
        let turn = match at.and_then(|at| Some((at, candidates.get(at)?))) {
            _ if let Some(failure) = failure(row) => Turn::Over(Fate::Failed { error: failure.into() }),
            None => Turn::Over(Fate::Skipped {
                why: "it is no longer in the database: run `modelctl scan`, then plan again".to_owned(),
            }),
            Some((at, c)) => {
                if !run.fits(at, row) {
                    run.move_batch(acting)?;
                }
                run.left.begin(number);
                run.look(number, (at, c), acting)?
            }
        };
        match turn {
            Turn::Over(fate) => run.over(vec![(number, fate)], acting)?,
            Turn::Move(taking) => {
                // Counts as removed until it is known to have stayed.
                run.left.take(row, at);
                run.batch.push(taking);
            }
        }
    }
    run.move_batch(acting)?;
    Ok(run.done)
}

/// The largest number of rows that are moved together: each of them needs some open files.
const TOGETHER: usize = 32;
/// The longest time that the first of them waits for the others after it was checked.
const PATIENCE: Duration = Duration::from_millis(250);

/// A run through the rows of a plan.
struct Run<'r, 'p> {
    plan: &'p Plan,
    trashes: Option<&'r Trashes>,
    left: Left<'r>,
    places: &'r [Option<usize>],
    going: &'r [&'p Row],
    /// Checked rows that are to be moved together. They are independent of each other, and all have one trash.
    batch: Vec<Taking<'r>>,
    /// Time at which the first of them was checked.
    since: Instant,
    done: Vec<Done<'p>>,
}

/// The result of checking a row.
enum Turn<'r> {
    Over(Fate),
    Move(Taking<'r>),
}

impl<'r, 'p: 'r> Run<'r, 'p> {
    /// Returns whether a row can wait with those in the batch.
    fn fits(&self, at: usize, row: &Row) -> bool {
        let Some(first) = self.batch.first() else { return true };
        // In other stores the steps of a row can depend on the rows that were removed before it.
        let is_apart = |store| matches!(store, StoreKind::Dir | StoreKind::Hf | StoreKind::RamaLama);
        let place = |row: &Row| self.trashes?.place_of.get(&row.base.as_ref()?.path);
        self.batch.len() < TOGETHER
            && self.since.elapsed() < PATIENCE
            && is_apart(row.store)
            && is_apart(first.row.store)
            && place(row).is_some_and(|own| Some(own) == place(first.row))
            && !self.batch.iter().any(|other| {
                let other = self.places.get(other.number).copied().flatten();
                other.is_some_and(|other| self.left.are_kin(at, other))
            })
    }

    /// Moves the rows of the batch.
    fn move_batch(&mut self, acting: &mut Acting<'_>) -> anyhow::Result<()> {
        let batch = std::mem::take(&mut self.batch);
        let (Some(first), Some(trashes)) = (batch.first(), self.trashes) else { return Ok(()) };
        let held = trashes.of(&first.base.path);
        let fates = take_all(&batch, held, (acting.doer, acting.purge), acting.hook)?;
        let fates = batch.iter().map(|taking| taking.number).zip(fates).collect();
        // The locks of downloads are released before the outcomes are reported.
        drop(batch);
        self.over(fates, acting)
    }

    /// Records and reports the outcomes of rows.
    fn over(&mut self, fates: Vec<(usize, Fate)>, acting: &mut Acting<'_>) -> anyhow::Result<()> {
        let first = self.done.len();
        for (number, fate) in fates {
            let Some(row) = self.going.get(number).copied() else { continue };
            match fate {
                Fate::Trashed { .. } | Fate::Purged { .. } | Fate::Ready => {
                    self.left.take(row, self.places.get(number).copied().flatten());
                }
                _ => self.left.skip(number),
            }
            self.done.push(Done { row, fate });
        }
        (acting.tell)(self.done.get(first..).unwrap_or_default())
    }
    /// Checks a row again.
    fn look(
        &mut self,
        number: usize,
        (at, c): (usize, &'r Candidate),
        acting: &mut Acting<'_>,
    ) -> anyhow::Result<Turn<'r>> {
        let now = acting.doer.now;
        let Some(row) = self.going.get(number).copied() else { return Ok(Turn::Over(Fate::Ready)) };
        let skipped = |why: String| Ok(Turn::Over(Fate::Skipped { why }));
        if let Some(Verdict { why, .. }) = decide::protect(&self.plan.policy, c, now) {
            return skipped(why);
        }
        // Space may have been freed meanwhile; the conditions on age and class must still hold.
        let selected = decide::select(&self.plan.policy, c, now);
        let mut witness = None;
        match row.rule {
            Rule::Duplicate => {
                if let Err(Verdict { why, .. }) = decide::admit(&self.plan.policy, c, now) {
                    return skipped(why);
                }
                witness = self.left.copy_of(c);
                if witness.is_none() {
                    return skipped("no other copy would be kept".to_owned());
                }
            }
            _ if !selected.goes => return skipped(selected.why),
            _ => {}
        }
        if c.counts() && self.left.usable() <= self.plan.policy.min_keep {
            return skipped(format!("one of the last {} usable models", self.plan.policy.min_keep));
        }
        if let Some(why) = (acting.is_kept)(c)? {
            return skipped(why);
        }
        if let Some(Verdict { why, .. }) = decide::protect_use(&self.plan.policy, &(acting.in_use)(c)) {
            return skipped(why);
        }
        let Some(base) = &row.base else { return skipped("the plan has no steps for this row".to_owned()) };
        // A running download may have created a folder that is still empty. Checked before the locks are ours.
        let is_downloading = self.trashes.is_some()
            && matches!(c.store, StoreKind::Hf | StoreKind::LlamaCpp)
            && is_downloading(c.asked(), clock::now());
        // A check locks nothing.
        let locks = match self.trashes.map(|_| hold(c.asked())).transpose() {
            Ok(held) => held,
            Err(why) => return skipped(why),
        };
        let found = match self.left.replan_steps(at) {
            Ok(found) if found.base == *base => found.steps,
            Ok(_) => return skipped("its root has changed: plan again".to_owned()),
            Err(why) => return skipped(why),
        };
        let planned = self.left.kin_rows(at).filter_map(|number| self.going.get(number).copied());
        let Some(steps) = remaining_steps(row, planned, c, found, self.left.moved()) else {
            return skipped("its files are not those that were planned: plan again".to_owned());
        };
        let mut steps = steps;
        if is_downloading {
            steps.retain(|step| !matches!(step, trash::Step::RemoveDir { .. }));
        }
        let Some(trashes) = self.trashes else { return Ok(Turn::Over(Fate::Ready)) };
        if row.is_foreign {
            // A name that stands for something else by now is another model's.
            if !row.steps.iter().filter(|step| hand_over::is_name(step)).all(|step| steps.contains(step)) {
                return skipped("its names have changed: plan again".to_owned());
            }
            return Ok(Turn::Over(hand_over((row, &steps), base, acting)));
        }
        if trashes.of(&base.path).is_none() && !(acting.purge && trashes.is_full(&base.path)) {
            return skipped("its trash cannot be used: plan again".to_owned());
        }
        let witness = match witness.map(Witness::open).transpose() {
            Ok(witness) => witness,
            Err(why) => return skipped(why),
        };
        if self.batch.is_empty() {
            self.since = clock::instant();
        }
        Ok(Turn::Move(Taking { number, row, c, base, steps, witness, _locks: locks }))
    }
}

/// Returns the index of the candidate of each row to remove; None where there is none any more.
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

/// Has its owner's own interface delete a row.
fn hand_over((row, steps): (&Row, &[trash::Step]), base: &BaseDir, acting: &Acting<'_>) -> Fate {
    if !acting.purge {
        let why = "its store is not writable: with --purge Ollama's server deletes it, without undo";
        return Fate::Skipped { why: why.to_owned() };
    }
    let partly = |deleted: Vec<String>, why: String| {
        let names = deleted.join("`, `");
        let failure = Failure::cannot_meet(format!("`{names}` was deleted, the rest was not: {why}"));
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

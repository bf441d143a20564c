//! Progress of a run through a plan: which rows were removed, which are still to be removed, and what that means for
//! the current row. Each question costs as much as the row's own repository or store, whatever the number of rows.

use super::candidate::Candidate;
use super::mirrors::Usable;
use super::plan::{Row, lookup};
use super::resolved_steps::ResolvedSteps;
use super::trash::Step;
use crate::inventory;
use crate::model::{FileIdentity, StoreKind};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

pub(super) struct Left<'a> {
    candidates: &'a [Candidate],
    /// The candidate of each row; None for skipped rows.
    rows: Vec<Option<usize>>,
    /// The current row.
    number: usize,
    /// Whether nothing is removed: this run only reports what would be.
    is_look: bool,
    /// By candidate: whether a row that was not skipped removes it.
    is_going: Vec<bool>,
    /// The usable models that are still there; a file that is seen through several mounts counts once.
    usable: Usable,
    groups: DependencyGroups,
    /// The rows of each group, in the order of the plan.
    rows_of: HashMap<usize, Vec<usize>>,
    /// The resolved steps of a group, until a row of it is skipped: nothing changes while nothing is removed.
    looked_up: HashMap<usize, HashMap<usize, Result<ResolvedSteps, String>>>,
    by_content: HashMap<&'a str, Vec<usize>>,
    /// The inodes of which this run moved a name.
    moved: HashSet<(u64, u64)>,
}

impl<'a> Left<'a> {
    /// `rows`: the candidate of each row to remove, None where it will not be removed.
    pub fn new(candidates: &'a [Candidate], rows: Vec<Option<usize>>, is_look: bool) -> Left<'a> {
        let groups = DependencyGroups::of(candidates);
        let mut is_going = vec![false; candidates.len()];
        let mut rows_of: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, at) in rows.iter().enumerate() {
            let Some(at) = *at else { continue };
            if let Some(slot) = is_going.get_mut(at) {
                *slot = true;
            }
            rows_of.entry(groups.group(at)).or_default().push(number);
        }
        let mut by_content: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, c) in candidates.iter().enumerate() {
            if let Some(content) = c.content.as_deref() {
                by_content.entry(content).or_default().push(at);
            }
        }
        let mut left = Left {
            candidates,
            rows,
            number: 0,
            is_look,
            is_going,
            usable: Usable::of(candidates),
            groups,
            rows_of,
            looked_up: HashMap::new(),
            by_content,
            moved: HashSet::new(),
        };
        if is_look {
            left.look_up_all();
        }
        left
    }

    /// Makes a row the current one.
    pub fn begin(&mut self, number: usize) {
        self.number = number;
    }

    /// Records that the candidate of the row was removed, or would be.
    pub fn take(&mut self, row: &Row, at: Option<usize>) {
        if let Some(at) = at {
            self.usable.take(at);
        }
        if !self.is_look {
            let moves = row.steps.iter().filter_map(|step| match step {
                Step::Move { seen, .. } => Some((seen.dev, seen.ino)),
                _ => None,
            });
            self.moved.extend(moves);
        }
    }

    pub fn moved(&self) -> &HashSet<(u64, u64)> {
        &self.moved
    }

    /// Records that the row stays.
    pub fn skip(&mut self, number: usize) {
        let Some(at) = self.rows.get_mut(number).and_then(Option::take) else { return };
        if let Some(slot) = self.is_going.get_mut(at) {
            *slot = false;
        }
        // A row that stays may need files that would have been removed with it.
        self.looked_up.remove(&self.groups.group(at));
    }

    pub fn usable(&self) -> u64 {
        self.usable.count()
    }

    pub fn are_kin(&self, a: usize, b: usize) -> bool {
        self.groups.group(a) == self.groups.group(b)
    }

    /// Returns the numbers of the rows in the group of a candidate.
    pub fn kin_rows(&self, at: usize) -> impl Iterator<Item = usize> + use<'_> {
        self.rows_of.get(&self.groups.group(at)).into_iter().flatten().copied()
    }

    /// Returns another copy of a content that is neither removed nor going to be, and is now as it was when its bytes
    /// were read. It is another file as far as can be known before the move.
    pub fn copy_of(&self, c: &Candidate) -> Option<&'a Candidate> {
        let is_there = |c: &Candidate| {
            c.stale.is_none()
                && c.is_read
                && c.pieces.iter().filter(|piece| !piece.is_projector).all(|piece| {
                    piece.entries.iter().any(|entry| {
                        let meta = std::fs::symlink_metadata(entry);
                        // The hash of its bytes is valid for exactly that state of the file.
                        meta.is_ok_and(|meta| FileIdentity::of(&meta) == piece.identity)
                    })
                })
        };
        let same = self.by_content.get(c.content.as_deref()?).into_iter().flatten();
        let stay = same.filter(|at| self.is_going.get(**at) == Some(&false));
        stay.filter_map(|at| self.candidates.get(*at)).find(|other| other.files() != c.files() && is_there(other))
    }

    /// Recomputes the steps for one candidate from the disk as it is now.
    ///
    /// # Errors
    /// The reason why it cannot be removed, as the end of a sentence that begins with its name.
    pub fn replan_steps(&mut self, at: usize) -> Result<ResolvedSteps, String> {
        let group = self.groups.group(at);
        if !self.is_look {
            return self.look_up(group).remove(&at).unwrap_or_else(gone);
        }
        if !self.looked_up.contains_key(&group) {
            let found = self.look_up(group);
            self.looked_up.insert(group, found);
        }
        self.looked_up.get_mut(&group).and_then(|found| found.remove(&at)).unwrap_or_else(gone)
    }

    /// Resolves the steps of everything that is still to be removed in a group.
    fn look_up(&self, group: usize) -> HashMap<usize, Result<ResolvedSteps, String>> {
        // Where nothing is removed, the files of the earlier rows are still there.
        let first = if self.is_look { 0 } else { self.number };
        let rows = || self.rows_of.get(&group).into_iter().flatten();
        let of = |number: &usize| self.rows.get(*number).copied().flatten();
        let with: Vec<usize> = rows().filter(|number| **number >= first).filter_map(of).collect();
        // Candidates that stay: neither still to be removed, nor removed with an earlier row.
        let stay: Vec<usize> = self.groups.members(group).filter(|at| self.is_going.get(*at) == Some(&false)).collect();
        let found = lookup(self.candidates, &with, &stay);
        with.into_iter().zip(found).collect()
    }

    /// Resolves the steps of all groups at once: each store is read once.
    fn look_up_all(&mut self) {
        let with: Vec<usize> = self.rows.iter().copied().flatten().collect();
        let stays = |at: &usize| self.is_going.get(*at) == Some(&false);
        let stay: Vec<usize> = (0..self.candidates.len()).filter(stays).collect();
        let found = lookup(self.candidates, &with, &stay);
        for (at, way) in with.into_iter().zip(found) {
            self.looked_up.entry(self.groups.group(at)).or_default().insert(at, way);
        }
    }
}

fn gone() -> Result<ResolvedSteps, String> {
    Err("it no longer exists".to_owned())
}

/// Returns the planned steps that still apply. None if anything unplanned would be touched or one of the model's own
/// files is missing.
///
/// `group`: the rows that it shares files or a store with, itself among them. `moved`: inodes of which this run moved a
/// name. Rows of the same store that were removed before it may leave a description that nothing refers to, or an empty
/// folder: those stay.
pub(super) fn remaining_steps<'r>(
    row: &Row,
    group: impl Iterator<Item = &'r Row>,
    c: &Candidate,
    found: Vec<Step>,
    moved: &HashSet<(u64, u64)>,
) -> Option<Vec<Step>> {
    let is_folder = |step: &Step| matches!(step, Step::RemoveDir { .. });
    let inodes = c.inodes();
    let is_own = |step: &Step| match step {
        Step::Move { seen, .. } => inodes.contains(&(seen.dev, seen.ino)),
        _ => false,
    };
    let group: Vec<&Row> = group.filter(|other| other.base == row.base).collect();
    let is_in = |row: &Row, step: &Step| row.steps.contains(step);
    // The mtime of a snapshot's folder shows its age, and earlier removals change it.
    let is_others = |step| group.iter().any(|other| is_in(other, step));
    let is_planned = found.iter().all(|step| is_folder(step) || is_in(row, step) || is_others(step));
    let is_whole = row.steps.iter().filter(|step| is_own(step)).all(|step| found.contains(step));
    let steps: Vec<Step> = found.into_iter().filter(|step| row.steps.contains(step)).collect();
    // A removed name of a shared file is a change of that file by this very run.
    let is_touched = |step: &Step| {
        let Step::Move { seen: now, .. } = step else { return false };
        let mut planned = row.steps.iter().filter(|planned| *planned == step);
        let touched = |planned: &Step| matches!(planned, Step::Move { seen, .. } if seen.is_touched(now));
        planned.any(touched) && !moved.contains(&(now.dev, now.ino))
    };
    let is_whole = is_whole && !steps.iter().any(is_touched);
    (is_planned && is_whole && steps.iter().any(|step| !is_folder(step))).then_some(steps)
}

/// Groups of candidates whose steps depend on each other: those with a file in common, and those in one repository or
/// in one store with manifests. In a plain folder no steps depend on others.
struct DependencyGroups {
    /// The group of each candidate; the same number for all of a group.
    group: Vec<usize>,
    /// The members of each group with more than one, in order.
    members: HashMap<usize, Vec<usize>>,
}

impl DependencyGroups {
    fn of(candidates: &[Candidate]) -> DependencyGroups {
        let mut group: Vec<usize> = (0..candidates.len()).collect();
        let mut inodes: HashMap<(u64, u64), usize> = HashMap::new();
        let mut places: HashMap<(StoreKind, PathBuf), usize> = HashMap::new();
        for (at, c) in candidates.iter().enumerate() {
            for piece in &c.pieces {
                let first = *inodes.entry(piece.inode()).or_insert(at);
                join(&mut group, first, at);
            }
            if !matches!(c.store, StoreKind::Dir | StoreKind::LmStudio | StoreKind::LlamaCpp) {
                let place = inventory::place_of(c.store, &c.root, c.pieces.iter().flat_map(|p| &p.entries));
                let first = *places.entry((c.store, place.to_owned())).or_insert(at);
                join(&mut group, first, at);
            }
        }
        let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
        for at in 0..group.len() {
            let top = top(&group, at);
            if let Some(own) = group.get_mut(at) {
                *own = top;
            }
            if top != at {
                members.entry(top).or_insert_with(|| vec![top]).push(at);
            }
        }
        DependencyGroups { group, members }
    }

    fn group(&self, at: usize) -> usize {
        self.group.get(at).copied().unwrap_or(at)
    }

    fn members(&self, group: usize) -> impl Iterator<Item = usize> {
        let several = self.members.get(&group);
        let alone = several.is_none().then_some(group);
        several.into_iter().flatten().copied().chain(alone)
    }
}

/// Returns the first member of the group of `at`, which identifies the group.
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

//! Computes the changes of a scan: from the known models and those that were found to what must be written. Pure.

use super::changes::{Change, ChangeKind};
use super::coverage::Coverage;
use super::group::main_path;
use super::ids::FreshIds;
use super::pairing::{all_paths, entries, own_files, pair, place_of};
use super::paths::contains;
use crate::clock::Timestamp;
use crate::model::{Model, ModelId, Role, ScanCounts, State};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The input of the comparison.
pub struct DiffInput<'a> {
    /// The models of the database that may be in the scanned places, or may have moved there.
    pub known: Vec<Model>,
    /// The models on the disk, without ids.
    pub found: Vec<Model>,
    /// Returns the coverage of a path by the scan.
    pub coverage: &'a dyn Fn(&Path) -> Coverage,
    /// Every id in the database: a new model must not get any of them.
    pub taken: HashSet<ModelId>,
    pub now: Timestamp,
}

/// The models to write, and the changes to report.
#[derive(Debug, Default, PartialEq)]
pub struct Diff {
    pub write: Vec<Model>,
    pub gone: Vec<ModelId>,
    pub unavailable: Vec<ModelId>,
    /// The counts without `skipped`, which the diff does not know.
    pub counts: ScanCounts,
    pub changes: Vec<Change>,
}

/// Compares the models. The order of `known` and `found` does not matter.
pub fn diff(input: DiffInput<'_>) -> Diff {
    let DiffInput { mut known, mut found, coverage, mut taken, now } = input;
    known.sort_by(|a, b| a.id.cmp(&b.id));
    found.sort_by(|a, b| main_path(a).cmp(main_path(b)));
    taken.extend(known.iter().map(|m| m.id.clone()));
    let pairs = pair(&known, &found, coverage);
    let there = all_paths(&found).into_iter().map(PathBuf::from).collect::<HashSet<_>>();
    let mut ids = FreshIds::new(taken);
    let mut out = Diff::default();
    let matched: HashSet<usize> = pairs.iter().flatten().copied().collect();
    for (model, old) in found.into_iter().zip(pairs) {
        match old.and_then(|k| known.get(k)) {
            Some(old) => out.again(model, old, coverage),
            None => out.added(model, &mut ids, now),
        }
    }
    for (_, old) in known.into_iter().enumerate().filter(|(k, _)| !matched.contains(k)) {
        out.not_found(&old, coverage, &there);
    }
    out
}

impl Diff {
    fn tell(&mut self, kind: ChangeKind, model: &Model, detail: Option<String>) {
        let path = PathBuf::from(main_path(model));
        let is_missing = matches!(kind, ChangeKind::Gone | ChangeKind::Unavailable);
        let is_problem = is_missing || model.state != State::Ready || model.reason.is_some();
        self.changes.push(Change { kind, id: model.id.clone(), name: model.name.clone(), path, detail, is_problem });
    }

    fn added(&mut self, mut model: Model, ids: &mut FreshIds, now: Timestamp) {
        let content = model.content.as_deref().ok_or(main_path(&model));
        model.id = ids.give(content);
        model.first_seen = now;
        self.counts.added += 1;
        self.tell(ChangeKind::Added, &model, model.reason.clone());
        self.write.push(model);
    }

    /// Records a found model that is the known model `old`.
    fn again(&mut self, mut model: Model, old: &Model, coverage: &dyn Fn(&Path) -> Coverage) {
        model.id = old.id.clone();
        model.first_seen = old.first_seen;
        model.settings = old.settings.clone();
        model.usage = old.usage.clone();
        keep_unreachable_projector(&mut model, old, coverage);
        // Scanned once through a folder and once through its parent: that is no change.
        if model.store == old.store && contains(&old.root, Path::new(main_path(&model))) {
            model.root = old.root.clone();
        }
        if model == *old {
            self.counts.unchanged += 1;
            return;
        }
        let before = PathBuf::from(main_path(old));
        let same_place = entries(&model).any(|e| entries(old).any(|o| o == e));
        if old.state == State::Gone {
            self.counts.added += 1;
            let detail = if same_place { "back again".to_owned() } else { format!("was at {}", before.display()) };
            self.tell(ChangeKind::Added, &model, Some(detail));
        } else if same_place {
            self.counts.changed += 1;
            self.tell(ChangeKind::Changed, &model, Some(what_changed(&model, old)));
            if let Some(change) = self.changes.last_mut().filter(|_| old.state == State::Ready) {
                change.is_problem |= model.content != old.content;
            }
        } else {
            self.counts.moved += 1;
            self.tell(ChangeKind::Moved { from: before }, &model, None);
        }
        self.write.push(model);
    }

    /// Records a known model that was not found.
    fn not_found(&mut self, old: &Model, coverage: &dyn Fn(&Path) -> Coverage, there: &HashSet<PathBuf>) {
        match (place_of(old, coverage), old.state) {
            (Coverage::Outside, _) | (_, State::Gone) => {}
            (Coverage::Unavailable(_), State::Unavailable) => self.counts.unavailable += 1,
            (Coverage::Unavailable(why), _) => {
                self.counts.unavailable += 1;
                self.unavailable.push(old.id.clone());
                self.tell(ChangeKind::Unavailable, old, Some(why));
            }
            (Coverage::Read, _) => {
                self.counts.gone += 1;
                self.gone.push(old.id.clone());
                // A projector or a shard that is now part of another model is no loss.
                let joined = own_files(old).any(|a| there.contains(&a.path));
                self.tell(ChangeKind::Gone, old, joined.then(|| "now part of another model".to_owned()));
            }
        }
    }
}

/// Keeps the known projector of a model if its place could not be read: it may still exist.
fn keep_unreachable_projector(model: &mut Model, old: &Model, coverage: &dyn Fn(&Path) -> Coverage) {
    if let (None, Some(projector)) = (model.mmproj(), old.mmproj())
        && matches!(coverage(&projector.path), Coverage::Unavailable(_))
    {
        model.artifacts.push(projector.clone());
    }
}

/// Describes the most important difference.
fn what_changed(new: &Model, old: &Model) -> String {
    let path = |m: &Model| PathBuf::from(main_path(m));
    let files = |m: &Model| own_files(m).count();
    let projector = |m: &Model| m.artifacts.iter().find(|a| a.role == Role::Mmproj).map(|a| a.path.clone());
    let identity = |m: &Model| m.artifacts.iter().map(|a| a.identity).collect::<Vec<_>>();
    if old.state == State::Unavailable {
        "available again".to_owned()
    } else if new.state != old.state {
        format!("was {}, is {}", old.state.name(), new.state.because(new.reason.as_deref()))
    } else if files(new) != files(old) {
        format!("has {} files, had {}", files(new), files(old))
    } else if new.content != old.content {
        "other content".to_owned()
    } else if projector(new) != projector(old) {
        match projector(new) {
            Some(p) => format!("projector {}", p.display()),
            None => "its projector is gone".to_owned(),
        }
    } else if path(new) != path(old) {
        format!("named by another entry, {} before", path(old).display())
    } else if identity(new) != identity(old) {
        "file replaced or touched, header unchanged".to_owned()
    } else {
        "settings or location changed".to_owned()
    }
}

//! Where a model went that a prune moved to a trash: also one by another database, whose journal is beside the root.

use super::places::everything;
use crate::clock::Timestamp;
use crate::display::{text, units};
use crate::inventory::{ChangeKind, ScanReport};
use crate::ops::known_roots::{base, roots};
use crate::ops::{Session, Sink};
use crate::prune::trash::{Place, State, Trashed};
use std::path::{Path, PathBuf};

/// Says of each model that a scan found gone where it went, as far as a trash tells.
///
/// # Errors
/// The database cannot be read.
pub fn explain_gone(session: &mut Session, report: &mut ScanReport, on: &mut Sink<'_>) -> anyhow::Result<()> {
    let is_open = |kind: &ChangeKind, detail: &Option<String>| *kind == ChangeKind::Gone && detail.is_none();
    if !report.changes.iter().any(|change| is_open(&change.kind, &change.detail)) {
        return Ok(());
    }
    let (items, _) = everything(session, &[], on)?;
    let roots = roots(session)?;
    let roots: Vec<PathBuf> = roots.iter().filter_map(|(_, root)| base(root)).collect();
    let now = session.now;
    for change in report.changes.iter_mut().filter(|change| is_open(&change.kind, &change.detail)) {
        change.detail =
            moved(&items, &change.path).map(|item| sentence(item, now)).or_else(|| of_another(&roots, &change.path));
    }
    Ok(())
}

/// Returns where the file at `path` went, and the command that restores it; None when no trash has it.
///
/// # Errors
/// The database cannot be read.
pub fn whereabouts(session: &mut Session, path: &Path, on: &mut Sink<'_>) -> anyhow::Result<Option<String>> {
    let (items, _) = everything(session, &[], on)?;
    if let Some(item) = moved(&items, path) {
        return Ok(Some(sentence(item, session.now)));
    }
    let roots = roots(session)?;
    let roots: Vec<PathBuf> = roots.iter().filter_map(|(_, root)| base(root)).collect();
    Ok(of_another(&roots, path))
}

/// Returns the item that has the file of that path, the latest one of several. An item whose root its trash does not
/// confirm was not moved from here.
fn moved<'i>(items: &'i [Trashed], path: &Path) -> Option<&'i Trashed> {
    let has = |item: &&Trashed| {
        let below = item.root.as_deref().and_then(|root| path.strip_prefix(root).ok()); // else elsewhere
        let order = item.order.as_ref().filter(|_| matches!(item.state, State::Complete | State::Partly));
        below.zip(order).is_some_and(|(below, order)| order.takes(below))
    };
    items.iter().filter(has).max_by(|a, b| a.by_age(b))
}

fn sentence(item: &Trashed, now: Timestamp) -> String {
    let id = &item.id;
    let Some(order) = &item.order else { return format!("in the trash: `modelctl trash restore {id}`") };
    let (when, who) = (units::ago(order.at.age(now)), text::clean(&order.who));
    let by = match order.command.as_str() {
        "" => String::new(),
        command => format!(" ({})", text::shorten(&text::clean(command), 60)),
    };
    format!("moved to the trash {when} ago by {who}{by}; to undo: `modelctl trash restore {id}`")
}

/// Returns that another user has a trash beside the root of a file: what it holds only that user can see.
fn of_another(roots: &[PathBuf], path: &Path) -> Option<String> {
    let root = roots.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.as_os_str().len())?;
    let (place, uid) = Place::of_others(root).into_iter().next()?;
    Some(format!("it may be in the trash of uid {uid} (`{}`), which only that user can see", text::path(&place)))
}

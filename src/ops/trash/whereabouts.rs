//! Where a model went that a prune moved to a trash: also one by another database, whose journal is beside the root.

use super::places::everything;
use crate::clock::Timestamp;
use crate::display::{text, units};
use crate::inventory::{Change, ChangeKind, ScanReport};
use crate::ops::known_roots::{base, roots};
use crate::ops::{Session, Sink};
use crate::prune::trash::{Place, State, Trashed};
use std::path::{Path, PathBuf};

/// What the trashes of this machine tell of files that are gone, read once for all of them.
pub struct Whereabouts {
    items: Vec<Trashed>,
    /// The folders beside which trashes may be.
    roots: Vec<PathBuf>,
    now: Timestamp,
}

impl Whereabouts {
    /// Reads the trashes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn read(session: &mut Session, on: &mut Sink<'_>) -> anyhow::Result<Whereabouts> {
        let (items, _) = everything(session, &[], on)?;
        let roots = roots(session)?.iter().filter_map(|(_, root)| base(root)).collect();
        Ok(Whereabouts { items, roots, now: session.now })
    }

    /// Returns where the file at `path` went, and the command that restores it; None when no trash has it.
    pub fn of(&self, path: &Path) -> Option<String> {
        moved(&self.items, path).map(|item| sentence(item, self.now)).or_else(|| of_another(&self.roots, path))
    }
}

/// Says of each model that a scan found gone where it went, as far as a trash tells.
///
/// # Errors
/// The database cannot be read.
pub fn explain_gone(session: &mut Session, report: &mut ScanReport, on: &mut Sink<'_>) -> anyhow::Result<()> {
    let is_open = |change: &&mut Change| change.kind == ChangeKind::Gone && change.detail.is_none();
    let mut open = report.changes.iter_mut().filter(is_open).peekable();
    if open.peek().is_none() {
        return Ok(());
    }
    let places = Whereabouts::read(session, on)?;
    open.for_each(|change| change.detail = places.of(&change.path));
    Ok(())
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

//! One row of a plan: into the trash, or away for good.

use super::apply::{Doer, Fate};
use super::candidate::Candidate;
use super::plan::{Base, Row};
use super::trash::{self, Deleted, Held, Inode, Order, Outcome, Point};
use std::path::Path;

/// One row that is taken to the trash, and away from there where that is wanted.
pub(super) struct Taking<'a> {
    pub row: &'a Row,
    pub c: &'a Candidate,
    pub base: &'a Base,
    /// What is still to be done of it.
    pub steps: Vec<trash::Step>,
    /// None when there is no room for one.
    pub held: Option<&'a Held>,
    pub doer: &'a Doer,
    pub purge: bool,
}

pub(super) fn take(taking: Taking<'_>, hook: &mut dyn FnMut(Point) -> anyhow::Result<()>) -> anyhow::Result<Fate> {
    let Taking { row, c, base, steps, held, doer, purge } = taking;
    let mut order = Order {
        root: base.path.clone(),
        root_is: Inode { dev: base.is.dev, ino: base.is.ino },
        store: row.store,
        name: row.name.clone(),
        models: row.id.iter().cloned().collect(),
        why: vec![row.why.clone()],
        at: doer.now,
        who: doer.who.clone(),
        command: doer.command.clone(),
        actor: doer.actor.clone(),
        freed_bytes: row.freed_bytes,
        allocated_bytes: row.allocated_bytes,
        apparent_bytes: row.apparent_bytes,
        steps,
        shared: Vec::new(),
    };
    let paths = c.paths();
    let below = paths.iter().filter_map(|path| path.strip_prefix(&base.path).or(path.strip_prefix(&row.root)).ok());
    order.shared = below.filter(|path| !order.takes(path)).map(Path::to_owned).collect();
    let Some(held) = held else { return at_once(&order, hook) };
    let done = match trash::discard(held, order.clone(), hook) {
        // Everything is where it was.
        Err(error) if purge && error.downcast_ref().is_some_and(trash::Fault::is_full) => return at_once(&order, hook),
        done => done?,
    };
    let id = match done {
        Outcome::Trashed { id } => id,
        Outcome::Skipped { why } => return Ok(Fate::Skipped { why: why.to_string() }),
        Outcome::Kept { id, why } => {
            return Ok(Fate::Skipped { why: format!("{why}; what could not go back is in the trash as {id}") });
        }
    };
    if !purge {
        return Ok(Fate::Trashed { id });
    }
    let emptied = trash::empty(held, &id, hook)?;
    Ok(Fate::Purged { freed: emptied.freed_bytes, left: emptied.left, id: Some(id) })
}

/// Away for good on a disk that has no room for the trash.
fn at_once(order: &Order, hook: &mut dyn FnMut(Point) -> anyhow::Result<()>) -> anyhow::Result<Fate> {
    Ok(match trash::delete(order, hook)? {
        Deleted::Whole(done) => Fate::Purged { freed: done.freed_bytes, left: done.left, id: None },
        Deleted::Skipped { why } => Fate::Skipped { why: why.to_string() },
        Deleted::Partly { gone, why, .. } => {
            let deleted = gone.iter().map(|path| path.display().to_string()).collect();
            Fate::Partly { deleted, error: why.into_error() }
        }
    })
}

//! Moves rows of a plan into the trash, or deletes them for good.

use super::candidate::Candidate;
use super::fate::{Doer, Fate};
use super::in_use::Holding;
use super::plan::Row;
use super::resolved_steps::BaseDir;
use super::trash::{self, Ask, Deleted, Held, Inode, Order, Outcome, Point};
use super::witness::Witness;
use std::path::Path;

/// One row that is moved to the trash, and then deleted where that is wanted.
pub(super) struct Taking<'a> {
    /// Index of the row among those to remove.
    pub number: usize,
    pub row: &'a Row,
    pub c: &'a Candidate,
    pub base: &'a BaseDir,
    /// The steps that still apply.
    pub steps: Vec<trash::Step>,
    /// The copy because of which the row is removed, and which must stay: opened before anything is moved.
    pub witness: Option<Witness>,
    /// The locks of its downloads: a download that starts now waits until the row is removed, and never finds it half
    /// removed.
    pub _locks: Option<Holding>,
}

type Hook<'h> = &'h mut dyn FnMut(Point) -> anyhow::Result<()>;

/// Removes all of them; they are independent of each other. `held`: their trash, None when there is no room for one.
///
/// # Errors
/// Only when the hook returns one.
pub(super) fn take_all(
    takings: &[Taking<'_>],
    held: Option<&Held>,
    (doer, purge): (&Doer, bool),
    hook: Hook<'_>,
) -> anyhow::Result<Vec<Fate>> {
    let orders: Vec<Order> = takings.iter().map(|taking| taking.order(doer)).collect();
    let Some(held) = held else {
        return takings.iter().zip(&orders).map(|(taking, order)| taking.at_once(order, hook)).collect();
    };
    let holds: Vec<_> =
        takings.iter().map(|taking| || taking.witness.as_ref().map_or(Ok(()), Witness::holds)).collect();
    let asks = orders.iter().zip(&holds).map(|(order, holds)| Ask { order: order.clone(), holds });
    let outcomes = trash::discard_all(held, asks.collect(), hook)?;
    let mut fates = Vec::with_capacity(takings.len());
    for ((taking, order), outcome) in takings.iter().zip(&orders).zip(outcomes) {
        fates.push(match outcome {
            // Everything is where it was.
            Err(error) if purge && error.downcast_ref().is_some_and(trash::Fault::is_full) => {
                taking.at_once(order, hook)?
            }
            Err(error) => Fate::Failed { error },
            Ok(Outcome::Trashed { id }) => Fate::Trashed { id },
            Ok(Outcome::Skipped { why }) => Fate::Skipped { why: why.to_string() },
            Ok(Outcome::Kept { id, why }) => {
                Fate::Skipped { why: format!("{why}; files that could not be put back are in the trash as {id}") }
            }
        });
    }
    if purge {
        delete_all(held, &mut fates, hook)?;
    }
    Ok(fates)
}

/// Deletes the items that were moved to the trash.
fn delete_all(held: &Held, fates: &mut [Fate], hook: Hook<'_>) -> anyhow::Result<()> {
    let (mut ids, mut slots) = (Vec::new(), Vec::new());
    for fate in fates {
        if let Fate::Trashed { id } = fate {
            ids.push(id.clone());
            slots.push(fate);
        }
    }
    for ((slot, id), emptied) in slots.into_iter().zip(&ids).zip(trash::empty_all(held, &ids, hook)?) {
        *slot = match emptied {
            Ok(emptied) => Fate::Purged { freed: emptied.freed_bytes, left: emptied.left, id: Some(id.clone()) },
            Err(error) => Fate::Failed { error },
        };
    }
    Ok(())
}

impl Taking<'_> {
    fn order(&self, doer: &Doer) -> Order {
        let Taking { row, c, base, steps, .. } = self;
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
            steps: steps.clone(),
            shared: Vec::new(),
        };
        let paths = c.paths();
        let below = paths.iter().filter_map(|path| path.strip_prefix(&base.path).or(path.strip_prefix(&row.root)).ok());
        order.shared = below.filter(|path| !order.takes(path)).map(Path::to_owned).collect();
        order
    }

    /// Deletes for good on a disk that has no room for the trash.
    fn at_once(&self, order: &Order, hook: Hook<'_>) -> anyhow::Result<Fate> {
        // Nothing could be undone if the copy that is to stay was the same file.
        if self.witness.as_ref().is_some_and(|witness| !witness.is_apart(self.c)) {
            let why =
                "there is no space in its trash, which is needed to check whether the other copy is a separate file";
            return Ok(Fate::Skipped { why: why.to_owned() });
        }
        let mut is_stopped = false;
        let mut hook = |point| hook(point).inspect_err(|_| is_stopped = true);
        match trash::delete(order, &mut hook) {
            Ok(Deleted::Whole(done)) => Ok(Fate::Purged { freed: done.freed_bytes, left: done.left, id: None }),
            Ok(Deleted::Skipped { why }) => Ok(Fate::Skipped { why: why.to_string() }),
            Ok(Deleted::Partly { gone, why, .. }) => {
                let deleted = gone.iter().map(|path| path.display().to_string()).collect();
                Ok(Fate::Partly { deleted, error: why.into_error() })
            }
            Err(error) if is_stopped => Err(error),
            Err(error) => Ok(Fate::Failed { error }),
        }
    }
}

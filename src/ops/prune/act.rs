//! Acts on a plan.

use super::gather::gather;
use super::recheck;
use crate::clock;
use crate::db::Access;
use crate::display::{text, units};
use crate::failure::{Failure, Kind, classify};
use crate::model::{Action, Event, Subject};
use crate::ops::history_events::record;
use crate::ops::known_roots::rescan;
use crate::ops::{Progress, Session, Sink, Step};
use crate::prune::apply::{Acting, Doer, Done, Fate, Trashes, apply};
use crate::prune::candidate::Candidate;
use crate::prune::plan::Plan;
use crate::prune::trash::run_id;
use crate::prune::{target, trash};
use crate::supervise::StopSignal;
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Returns the failure of a plan that would remove more than half of a store.
pub fn too_large(large: &target::Large) -> Failure {
    let (going, all) = (units::bytes(large.going), units::bytes(large.all));
    let what = format!("{going} of {all} in `{}` would be removed, more than half", text::path(&large.root));
    Failure::cannot_meet(format!("nothing was removed: {what}")).hint("--allow-large permits it")
}

/// Options for acting on a plan.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub purge: bool,
    /// Whether more than half of a store may be removed.
    pub allow_large: bool,
}

/// Locks the trashes of the plan. A trash that another process holds fails the whole run. A trash that cannot be used
/// excludes only the rows that would be moved to it, and fails the run when that is all rows.
fn hold(plan: &Plan, found: &[Candidate], purge: bool) -> anyhow::Result<Trashes> {
    let (trashes, mut unheld) = Trashes::hold(plan, found, clock::now());
    // Deleting at once needs no room in the trash, and frees some.
    unheld.retain(|base, _| !(purge && trashes.is_full(base)));
    let busy = unheld.iter().find(|(_, error)| classify(error).0 == Kind::Busy).map(|(base, _)| base.clone());
    let is_all = plan.going().all(|row| row.base.as_ref().is_some_and(|base| unheld.contains_key(&base.path)));
    let first = busy.or_else(|| unheld.keys().min().cloned().filter(|_| is_all));
    match first.and_then(|base| unheld.remove(&base)) {
        Some(error) => Err(error),
        None => Ok(trashes.without(unheld)),
    }
}

/// Acts on a plan: checks each row again, moves or deletes it, records it, and scans the roots again.
///
/// # Errors
/// Busy (4) where another process holds a trash; cannot be met (3) where more than half of a store would be removed by
/// now.
pub fn act<'p>(
    session: &mut Session,
    manner: Manner,
    (plan, known): (&'p Plan, &[Candidate]),
    stop: &StopSignal,
    on: &mut Sink<'_>,
) -> anyhow::Result<Vec<Done<'p>>> {
    if plan.going().next().is_none() {
        return Ok(Vec::new());
    }
    let trashes = hold(plan, known, manner.purge)?;
    // Candidates read before the locks were taken may be outdated.
    let found = gather(session, &plan.keep)?;
    if let Some(large) = recheck::large(plan, &found).filter(|_| !manner.allow_large) {
        return Err(too_large(&large).into());
    }
    let event = session.event(if manner.purge { Action::Purge } else { Action::Prune });
    let actor = &event.actor;
    let doer = Doer {
        who: actor.user.clone().unwrap_or_else(|| actor.uid.to_string()),
        command: actor.command.clone().unwrap_or_default(),
        actor: Some(actor.clone()),
        now: session.now,
    };
    let step = if manner.purge { Step::Deleting } else { Step::Moving };
    let mut progress = Progress::new(step, Some(plan.going().count() as u64));
    on(progress.clone().into());
    let mut touched: BTreeSet<PathBuf> = BTreeSet::new();
    let servers = session.config.prune.clone();
    let done = {
        let shared = RefCell::new((&mut *session, &mut *on));
        let uses = recheck::Uses::ask(&servers, plan, &found);
        let mut in_use = |c: &Candidate| uses.of(c);
        let mut is_kept = |c: &Candidate| {
            let (session, _) = &mut *shared.borrow_mut();
            // Opening the database for writing needs space, which a full disk has only after the removal.
            let db = session.db(Access::ReadOnly)?;
            let is_pinned = c.id.as_ref().map(|id| db.settings(id)).transpose()?.is_some_and(|s| s.pinned);
            Ok(is_pinned.then(|| "it has been pinned since".to_owned()))
        };
        let mut record_done = |all: &[Done<'_>]| {
            let (session, on) = &mut *shared.borrow_mut();
            let (mut events, mut gone) = (Vec::new(), Vec::new());
            for done in all {
                progress.done = progress.done.saturating_add(1);
                on(progress.clone().into());
                if matches!(done.fate, Fate::Skipped { .. } | Fate::Failed { .. }) {
                    continue;
                }
                touched.extend(done.row.base.as_ref().map(|base| base.path.clone()));
                events.push(event_of(&event, done));
                if !matches!(done.fate, Fate::Partly { .. }) {
                    gone.extend(done.row.id.clone());
                }
            }
            if !events.is_empty() {
                record(session, &events, &gone, &mut **on);
            }
            Ok(())
        };
        apply(
            plan,
            &trashes,
            &mut Acting {
                candidates: &found,
                doer: &doer,
                purge: manner.purge,
                ollama: &servers.ollama,
                in_use: &mut in_use,
                is_kept: &mut is_kept,
                tell: &mut record_done,
                stop: &|| stop.reason().is_some(),
                hook: &mut trash::go_on,
            },
        )
    };
    drop(trashes);
    rescan(session, &touched, on)?;
    done
}

fn event_of(event: &Event, done: &Done<'_>) -> Event {
    let row = done.row;
    let run = run_id(event.at, event.actor.pid);
    let (freed, detail) = match &done.fate {
        Fate::Trashed { id } => {
            (0, json!({ "trash": id, "run": run, "freed_when_emptied": row.freed_bytes, "rule": row.rule }))
        }
        Fate::Purged { freed, left, .. } if left.is_empty() => {
            (*freed, json!({ "run": run, "rule": row.rule, "left": 0 }))
        }
        Fate::Purged { freed, left, id } => {
            (*freed, json!({ "trash": id, "run": run, "rule": row.rule, "left": left.len() }))
        }
        Fate::Partly { deleted, error } => {
            (0, json!({ "run": run, "rule": row.rule, "deleted": deleted, "failed": format!("{error:#}") }))
        }
        Fate::Ready | Fate::Skipped { .. } | Fate::Failed { .. } => (0, serde_json::Value::Null),
    };
    Event {
        at: clock::now(),
        subject: Some(Subject { id: row.id.clone(), name: row.name.clone(), path: Some(row.path.clone()) }),
        reason: Some(row.why.clone()),
        apparent: Some(row.apparent_bytes),
        allocated: Some(row.allocated_bytes),
        freed: Some(freed),
        detail,
        ..event.clone()
    }
}

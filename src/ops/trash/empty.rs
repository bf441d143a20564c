//! Deletes items of a trash for good.

use super::places::{Holds, everything};
use super::recover::recover_interrupted_except;
use super::select::select;
use crate::display::text;
use crate::model::{Action, Age, Event};
use crate::ops::history_events::{self, Item, record};
use crate::ops::{OpEvent, Session, Sink, clock_check};
use crate::prune::trash::{self, Emptied, Fault, Order, State, Trashed};
use serde_json::json;
use std::borrow::Borrow;
use std::path::PathBuf;

/// A selection of items to delete.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Ids of items (or their first characters), or names of models; all items when empty.
    pub ids: Vec<String>,
    /// Folders whose trash is included.
    pub dirs: Vec<PathBuf>,
    /// Smallest age of the items.
    pub older_than: Option<Age>,
    /// Whether to delete; otherwise the report lists what would be deleted.
    pub confirm: bool,
    /// Whether a person confirms the clock although it leapt ahead.
    pub now_is_right: bool,
}

/// The items that were deleted, or would be.
#[derive(Debug)]
pub struct Report {
    pub items: Vec<Trashed>,
    /// Damaged items, which are not touched.
    pub damaged: Vec<Trashed>,
    /// The outcome of each of `items`; empty when nothing was to be deleted.
    pub outcomes: Vec<Outcome>,
    /// Whether every trash could be read, at a time that can be trusted.
    pub is_all: bool,
}

/// The outcome of an item that was to be deleted.
#[derive(Debug)]
pub struct Outcome {
    /// `deleted`, `partly` or `failed`.
    pub word: &'static str,
    /// Reason why the item is not `deleted`.
    pub reason: Option<String>,
    /// Bytes.
    pub freed: u64,
}

/// Deletes items of the trash for good, or reports what would be deleted.
///
/// # Errors
/// Cannot be met (3) for an id that does not exist or fits several items; busy (4) where another process holds a trash.
pub fn empty(session: &mut Session, request: &Request, on: &mut Sink<'_>) -> anyhow::Result<Report> {
    let dirs = &request.dirs;
    if request.confirm {
        recover_interrupted_except(session, dirs, &|_, _| false, on)?;
    }
    // Without an age nothing depends on the time.
    let is_aged = request.older_than.is_some() || request.now_is_right;
    let leap = if is_aged { clock_check::check(session, request.now_is_right, on)? } else { None };
    let (all, is_whole) = everything(session, dirs, on)?;
    let is_all = is_whole && leap.is_none();
    let chosen = if request.ids.is_empty() { all } else { select(all, &request.ids)? };
    let now = session.now;
    // A time in the future means that a clock was wrong: the item counts as young.
    let is_old = |t: &Trashed| {
        request.older_than.is_none_or(|limit| t.order.as_ref().is_some_and(|o| o.at <= limit.before(now)))
    };
    let is_damaged = |t: &Trashed| matches!(t.state, State::Damaged(_));
    let (damaged, items): (Vec<Trashed>, Vec<Trashed>) =
        chosen.into_iter().filter(|t| is_old(t) || (is_damaged(t) && !request.ids.is_empty())).partition(is_damaged);
    for item in &damaged {
        on(OpEvent::warning(format!("leaving `{}` alone: {}", item.id, damage(item))));
        let folder = text::path(&item.folder);
        on(OpEvent::hint(format!("check `{folder}` and delete what you do not need")));
    }
    let mut outcomes = Vec::new();
    if request.confirm {
        let event = session.event(Action::Empty);
        let mut holds = Holds::of(session, dirs)?;
        for some in items.chunk_by(|a, b| a.folder.parent() == b.folder.parent()).flat_map(|same| same.chunks(TOGETHER))
        {
            outcomes.extend(delete(session, &mut holds, some, &event, on));
        }
    }
    Ok(Report { items, damaged, outcomes, is_all })
}

/// Deletes items one after the other until `is_enough` returns true; it is called before each item with the bytes freed
/// so far.
pub fn empty_until(
    session: &mut Session,
    items: &[&Trashed],
    is_enough: &mut dyn FnMut(u64) -> bool,
    on: &mut Sink<'_>,
) -> anyhow::Result<Vec<Outcome>> {
    let event = session.event(Action::Empty);
    let mut holds = Holds::of(session, &[])?;
    let (mut outcomes, mut freed) = (Vec::new(), 0u64);
    for item in items {
        if is_enough(freed) {
            break;
        }
        for outcome in delete(session, &mut holds, std::slice::from_ref(item), &event, on) {
            freed = freed.saturating_add(outcome.freed);
            outcomes.push(outcome);
        }
    }
    Ok(outcomes)
}

/// Returns the reason why an item is not touched.
pub fn damage(item: &Trashed) -> String {
    match &item.state {
        State::Damaged(why) => why.to_string(),
        _ => String::new(),
    }
}

/// Number of items that are deleted together: each keeps a few files open.
const TOGETHER: usize = 64;

/// Deletes items of one trash, and records in the history which of them were deleted.
fn delete<T: Borrow<Trashed>>(
    session: &mut Session,
    holds: &mut Holds,
    items: &[T],
    event: &Event,
    on: &mut Sink<'_>,
) -> Vec<Outcome> {
    let items: Vec<&Trashed> = items.iter().map(Borrow::borrow).collect();
    let Some(first) = items.first() else { return Vec::new() };
    let ids: Vec<String> = items.iter().map(|item| item.id.clone()).collect();
    let emptied = match holds.get(first).and_then(|held| trash::empty_all(held, &ids, &mut trash::go_on)) {
        Ok(emptied) => emptied,
        Err(error) => {
            on(OpEvent::error(&error));
            let failed = || Outcome { word: "failed", reason: Some(format!("{error:#}")), freed: 0 };
            return items.iter().map(|_| failed()).collect();
        }
    };
    let outcomes: Vec<Outcome> = emptied.into_iter().map(|emptied| outcome(emptied, on)).collect();
    let events =
        items.iter().copied().zip(&outcomes).filter(|(_, outcome)| outcome.word != "failed").map(|(item, outcome)| {
            let what = Item { id: &item.id, order: item.order.as_ref(), root: item.root.as_deref(), bytes: item.bytes };
            let taken = history_events::trash_item(event, &what, outcome.freed);
            let run = item.order.as_ref().map(Order::run);
            Event { detail: json!({ "trash": item.id, "run": run, "outcome": outcome.word }), ..taken }
        });
    let events: Vec<Event> = events.collect();
    if !events.is_empty() {
        record(session, &events, &[], on);
    }
    outcomes
}

/// Returns the outcome of an item; reports its error, or the files that stay.
fn outcome(emptied: anyhow::Result<Emptied>, on: &mut Sink<'_>) -> Outcome {
    let (word, reason, freed) = match emptied {
        Ok(Emptied { freed_bytes, deleted, left }) => {
            let whys: Vec<String> = left
                .iter()
                .map(|left| format!("`{}` was not put there by prune, keeping it", text::path(left)))
                .collect();
            whys.iter().for_each(|why| on(OpEvent::warning(why)));
            let word = match deleted {
                _ if left.is_empty() => "deleted",
                0 => "failed",
                _ => "partly",
            };
            (word, (!whys.is_empty()).then(|| whys.join("; ")), freed_bytes)
        }
        Err(error) => {
            on(OpEvent::error(&error));
            let reason = Some(format!("{error:#}"));
            match error.downcast_ref() {
                Some(Fault::HalfDeleted { freed_bytes, .. }) => ("partly", reason, *freed_bytes),
                _ => ("failed", reason, 0),
            }
        }
    };
    Outcome { word, reason, freed }
}

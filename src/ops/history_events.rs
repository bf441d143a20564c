//! The events that recipes write into the history.

use super::scan_report::change_name;
use super::{OpEvent, Session, Sink};
use crate::clock;
use crate::db::Access;
use crate::inventory::{Change, ChangeKind};
use crate::model::{Action, Actor, Event, ModelId, ModelRow, ScanCounts, Settings, Subject};
use crate::prune::trash::{Kind, Order, Step};
use serde_json::{Value, json};
use std::path::Path;

/// Largest number of changes of a scan that are recorded one by one; the counts include all.
const CHANGES_RECORDED: usize = 100;

/// Returns a scan with its changes; None when there are none.
pub fn scanned(event: Event, counts: &ScanCounts, changes: &[Change]) -> Option<Event> {
    let ScanCounts { added, changed, moved, gone, .. } = *counts;
    if (added, changed, moved, gone) == (0, 0, 0, 0) {
        return None;
    }
    // Models that are gone come first: people look for those, and a first scan adds more models than are recorded.
    let mut changes: Vec<&Change> = changes.iter().filter(|c| c.kind != ChangeKind::Unavailable).collect();
    changes.sort_by_key(|change| rank(&change.kind));
    let recorded: Vec<Value> = changes.iter().take(CHANGES_RECORDED).map(|change| detail_of(change)).collect();
    let subject = match changes.as_slice() {
        [one] => Some(Subject { id: Some(one.id.clone()), name: one.name.clone(), path: Some(one.path.clone()) }),
        _ => None,
    };
    Some(Event {
        subject,
        others: changes.iter().map(|change| change.id.clone()).collect(),
        detail: json!({
            "counts": counts,
            "changes": recorded,
            "changes_left_out": changes.len().saturating_sub(CHANGES_RECORDED),
        }),
        ..event
    })
}

fn rank(kind: &ChangeKind) -> u8 {
    match kind {
        ChangeKind::Gone | ChangeKind::Unavailable => 0,
        ChangeKind::Changed => 1,
        ChangeKind::Moved { .. } => 2,
        ChangeKind::Added => 3,
    }
}

fn detail_of(change: &Change) -> Value {
    let from = match &change.kind {
        ChangeKind::Moved { from } => Some(from.to_string_lossy()),
        _ => None,
    };
    json!({
        "change": change_name(&change.kind),
        "model": change.id,
        "name": change.name,
        "path": change.path.to_string_lossy(),
        "from": from,
        "detail": change.detail,
    })
}

/// Returns a change of a model's settings, with the settings before and after.
pub fn set(event: Event, row: &ModelRow, before: &Settings, after: &Settings) -> Event {
    let subject = Subject { id: Some(row.id.clone()), name: row.name.clone(), path: Some(row.path.clone()) };
    Event { subject: Some(subject), detail: json!({ "before": before, "after": after }), ..event }
}

/// Returns the keep hints that were added or removed, those of `hints` for which `done` is true; None when there are
/// none.
pub fn kept(event: Event, key: &'static str, hints: &[String], done: &[bool]) -> Option<Event> {
    let hints: Vec<&String> = hints.iter().zip(done).filter(|(_, done)| **done).map(|(hint, _)| hint).collect();
    (!hints.is_empty()).then(|| Event { detail: json!({ key: hints }), ..event })
}

/// Returns a switch of inference to on or off.
pub fn inference(event: Event, on: bool) -> Event {
    let word = |on| if on { "on" } else { "off" };
    Event { detail: json!({ "before": word(!on), "after": word(on) }), ..event }
}

/// An item of a trash.
pub struct Item<'a> {
    pub id: &'a str,
    pub order: Option<&'a Order>,
    /// Its root, if the trash confirms it.
    pub root: Option<&'a Path>,
    /// Bytes of disk that the item took.
    pub bytes: u64,
}

/// Returns the event of an item of a trash that was restored or deleted. `freed`: bytes that were freed.
pub fn trash_item(event: &Event, item: &Item<'_>, freed: u64) -> Event {
    let order = item.order;
    Event {
        at: clock::now(),
        subject: order.map(|o| Subject {
            id: o.models.first().cloned(),
            name: o.name.clone(),
            path: item.root.map(Path::to_owned),
        }),
        others: order.map(|o| o.models.iter().skip(1).cloned().collect()).unwrap_or_default(),
        reason: order.map(|o| format!("removed by {}: {}", o.who, o.why.join("; "))),
        apparent: order.map(|o| o.apparent_bytes),
        allocated: Some(item.bytes),
        freed: Some(freed),
        detail: json!({ "trash": item.id, "run": order.map(Order::run) }),
        ..event.clone()
    }
}

/// Returns the event of an item that was moved to a trash by a run that could not record it, from the item's own order.
/// `uid` is the owner of the item, `root` the root that its trash confirms.
pub fn taken(id: &str, order: &Order, root: &Path, uid: u32) -> Event {
    let by_name = || Actor {
        uid,
        user: Some(order.who.clone()),
        command: Some(order.command.clone()).filter(|command| !command.is_empty()),
        ..Actor::default()
    };
    let main = order.steps.iter().find(|step| matches!(step, Step::Move { seen, .. } if seen.kind == Kind::File));
    let path = main.map_or_else(|| root.to_owned(), |step| root.join(step.path()));
    Event {
        subject: Some(Subject { id: order.models.first().cloned(), name: order.name.clone(), path: Some(path) }),
        others: order.models.iter().skip(1).cloned().collect(),
        reason: Some(order.why.join("; ")),
        apparent: Some(order.apparent_bytes),
        allocated: Some(order.allocated_bytes),
        freed: Some(0),
        detail: json!({
            "trash": id, "run": order.run(), "freed_when_emptied": order.freed_bytes, "told_late": true,
        }),
        ..Event::new(order.at, order.actor.clone().unwrap_or_else(by_name), Action::Prune)
    }
}

/// Records events that have happened and cannot be undone. A failure to record is a warning and fails nothing. `gone`:
/// models that no longer exist.
pub fn record(session: &mut Session, events: &[Event], gone: &[ModelId], on: &mut Sink<'_>) {
    let recorded = session.db(Access::ReadWrite).and_then(|db| db.record_taken(events, gone));
    if let Err(error) = recorded {
        on(OpEvent::warning(format!("could not record this in the history: {error:#}")));
    }
}

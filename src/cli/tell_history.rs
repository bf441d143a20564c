//! What commands tell the history of what they did.

use super::Ctx;
use crate::clock;
use crate::host::actor::actor;
use crate::inventory::{Change, ChangeKind};
use crate::model::{Action, Actor, Event, ModelRow, ScanCounts, Settings, Subject};
use crate::prune::trash::{Kind, Order, Step};
use serde_json::{Value, json};

/// Changes of a scan that are told one by one; the counts tell of all.
const CHANGES_TOLD: usize = 100;

impl Ctx {
    /// An event that says who, when (the begin of this command) and what, to be filled in.
    pub(super) fn event(&self, action: Action) -> Event {
        Event::new(self.now, actor(self.config.sudo_user.as_deref()), action)
    }
}

/// A scan with what it found; None when it found no change.
pub(super) fn scanned(event: Event, counts: &ScanCounts, changes: &[Change]) -> Option<Event> {
    let ScanCounts { added, changed, moved, gone, .. } = *counts;
    if (added, changed, moved, gone) == (0, 0, 0, 0) {
        return None;
    }
    // What went away first: it is what people look for, and a first scan adds more than can be told.
    let mut changes: Vec<&Change> = changes.iter().filter(|c| c.kind != ChangeKind::Unavailable).collect();
    changes.sort_by_key(|change| rank(&change.kind));
    let told: Vec<Value> = changes.iter().take(CHANGES_TOLD).map(|change| told(change)).collect();
    let subject = match changes.as_slice() {
        [one] => Some(Subject { id: Some(one.id.clone()), name: one.name.clone(), path: Some(one.path.clone()) }),
        _ => None,
    };
    Some(Event {
        subject,
        others: changes.iter().map(|change| change.id.clone()).collect(),
        detail: json!({
            "counts": counts,
            "changes": told,
            "changes_left_out": changes.len().saturating_sub(CHANGES_TOLD),
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

fn told(change: &Change) -> Value {
    let (word, from) = match &change.kind {
        ChangeKind::Added => ("added", None),
        ChangeKind::Changed => ("changed", None),
        ChangeKind::Moved { from } => ("moved", Some(from.to_string_lossy())),
        ChangeKind::Gone => ("gone", None),
        ChangeKind::Unavailable => ("unavailable", None),
    };
    json!({
        "change": word,
        "model": change.id,
        "name": change.name,
        "path": change.path.to_string_lossy(),
        "from": from,
        "detail": change.detail,
    })
}

/// Settings of a model, before and after.
pub(super) fn set(event: Event, row: &ModelRow, before: &Settings, after: &Settings) -> Event {
    let subject = Subject { id: Some(row.id.clone()), name: row.name.clone(), path: Some(row.path.clone()) };
    Event { subject: Some(subject), detail: json!({ "before": before, "after": after }), ..event }
}

/// Keep hints that were added or removed, those of `hints` that `done` is true for; None when there are none.
pub(super) fn kept(event: Event, key: &'static str, hints: &[String], done: &[bool]) -> Option<Event> {
    let hints: Vec<&String> = hints.iter().zip(done).filter(|(_, done)| **done).map(|(hint, _)| hint).collect();
    (!hints.is_empty()).then(|| Event { detail: json!({ key: hints }), ..event })
}

/// The switch of inference, thrown to `on`.
pub(super) fn inference(event: Event, on: bool) -> Event {
    let word = |on| if on { "on" } else { "off" };
    Event { detail: json!({ "before": word(!on), "after": word(on) }), ..event }
}

/// An item of a trash.
pub(super) struct Item<'a> {
    pub id: &'a str,
    pub order: Option<&'a Order>,
    /// Of disk, that were in it.
    pub bytes: u64,
}

/// What became of an item of a trash.
pub(super) fn of_trash(event: &Event, item: &Item<'_>, freed: u64) -> Event {
    let order = item.order;
    Event {
        at: clock::now(),
        subject: order.map(|o| Subject {
            id: o.models.first().cloned(),
            name: o.name.clone(),
            path: Some(o.root.clone()),
        }),
        others: order.map(|o| o.models.iter().skip(1).cloned().collect()).unwrap_or_default(),
        reason: order.map(|o| format!("taken away by {}: {}", o.who, o.why.join("; "))),
        apparent: order.map(|o| o.apparent_bytes),
        allocated: Some(item.bytes),
        freed: Some(freed),
        detail: json!({ "trash": item.id }),
        ..event.clone()
    }
}

/// That something was moved to a trash, by what the item itself says of it: the run that did it could not tell. `uid` is
/// whose the item is.
pub(super) fn taken(id: &str, order: &Order, uid: u32) -> Event {
    let by_name = || Actor {
        uid,
        user: Some(order.who.clone()),
        command: Some(order.command.clone()).filter(|command| !command.is_empty()),
        ..Actor::default()
    };
    let main = order.steps.iter().find(|step| matches!(step, Step::Move { seen, .. } if seen.kind == Kind::File));
    let path = main.map_or_else(|| order.root.clone(), |step| order.root.join(step.path()));
    Event {
        subject: Some(Subject { id: order.models.first().cloned(), name: order.name.clone(), path: Some(path) }),
        others: order.models.iter().skip(1).cloned().collect(),
        reason: Some(order.why.join("; ")),
        apparent: Some(order.apparent_bytes),
        allocated: Some(order.allocated_bytes),
        freed: Some(0),
        detail: json!({ "trash": id, "freed_when_emptied": order.freed_bytes, "told_late": true }),
        ..Event::new(order.at, order.actor.clone().unwrap_or_else(by_name), Action::Prune)
    }
}

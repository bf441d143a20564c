//! An item of a trash, for a client.

use crate::model::StoreKind;
use crate::prune::trash::{Order, State, Trashed};
use serde::Serialize;
use std::path::Path;

/// An element of `trash list --json`. Part of the public interface: keys are added, never renamed or dropped.
#[derive(Debug, Serialize)]
pub struct ItemReport<'a> {
    id: &'a str,
    /// Its folder in the trash.
    folder: String,
    /// `whole`, `partly`, `moving`, `restoring`, `purging` or `damaged`.
    state: &'static str,
    /// Reason why it is damaged.
    problem: Option<String>,
    name: Option<&'a str>,
    models: Vec<&'a str>,
    store: Option<StoreKind>,
    root: Option<String>,
    paths: Vec<String>,
    why: &'a [String],
    at: Option<String>,
    who: Option<&'a str>,
    command: Option<&'a str>,
    /// Bytes of disk that it takes now.
    bytes: u64,
    apparent_bytes: Option<u64>,
    /// Outcome of this run for the item: `restored`, `deleted`, `partly` (some of it is deleted, the rest is still in
    /// the trash) or `failed` (it is in the trash as before).
    outcome: Option<&'static str>,
    /// Reason why the outcome is not complete.
    reason: Option<String>,
}

impl<'a> ItemReport<'a> {
    /// Returns the report with the reason why its outcome is not complete.
    pub fn because(self, reason: Option<String>) -> ItemReport<'a> {
        ItemReport { reason, ..self }
    }

    /// Returns the report of an item, with the outcome of a run.
    pub fn of(item: &'a Trashed, outcome: Option<&'static str>) -> ItemReport<'a> {
        let order = item.order.as_ref();
        let (state, problem) = match &item.state {
            State::Complete => ("whole", None),
            State::Partly => ("partly", None),
            State::Moving => ("moving", None),
            State::Restoring => ("restoring", None),
            State::Purging => ("purging", None),
            State::Damaged(fault) => ("damaged", Some(fault.to_string())),
        };
        let path = |o: &Order, p: &Path| o.root.join(p).to_string_lossy().into_owned();
        ItemReport {
            id: &item.id,
            folder: item.folder.to_string_lossy().into_owned(),
            state,
            problem,
            name: order.map(|o| o.name.as_str()),
            models: order.map(|o| o.models.iter().map(|m| m.as_str()).collect()).unwrap_or_default(),
            store: order.map(|o| o.store),
            root: order.map(|o| o.root.to_string_lossy().into_owned()),
            paths: order.map(|o| o.steps.iter().map(|s| path(o, s.path())).collect()).unwrap_or_default(),
            why: order.map(|o| o.why.as_slice()).unwrap_or_default(),
            at: order.map(|o| o.at.rfc3339()),
            who: order.map(|o| o.who.as_str()),
            command: order.map(|o| o.command.as_str()),
            bytes: item.bytes,
            apparent_bytes: order.map(|o| o.apparent_bytes),
            outcome,
            reason: None,
        }
    }
}

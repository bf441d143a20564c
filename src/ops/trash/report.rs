//! An item of a trash, for a client.

use crate::display::Document;
use crate::model::StoreKind;
use crate::model::{path_bytes_hex, paths_bytes_hex};
use crate::prune::trash::{Order, State, Trashed};
use serde::Serialize;
use std::path::PathBuf;

/// An element of `trash list --json`. Part of the public interface: keys are added, never renamed or dropped.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct ItemReport<'a> {
    id: &'a str,
    /// Its folder in the trash.
    folder: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder_bytes_hex: Option<String>,
    /// `whole`, `partly`, `moving`, `restoring`, `purging` or `damaged`.
    state: &'static str,
    /// Reason why it is damaged.
    problem: Option<String>,
    name: Option<&'a str>,
    models: Vec<&'a str>,
    store: Option<StoreKind>,
    root: Option<String>,
    paths: Vec<String>,
    /// The bytes of all paths, when one is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    paths_bytes_hex: Option<Vec<String>>,
    why: Option<String>,
    /// When it was moved there, RFC 3339 in UTC.
    at: Option<String>,
    /// Id of the run that moved it; the history has it too.
    run: Option<String>,
    who: Option<&'a str>,
    command: Option<&'a str>,
    /// Bytes of disk that it takes now.
    allocated_bytes: u64,
    apparent_bytes: Option<u64>,
    /// Outcome of this run for the item: `restored`, `deleted`, `partly` (some of it is deleted, the rest is still in
    /// the trash) or `failed` (it is in the trash as before).
    outcome: Option<&'static str>,
    /// Reason why the outcome is not complete.
    reason: Option<String>,
}

/// The document of `trash list --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct TrashReport<'a> {
    /// The oldest first.
    pub items: Vec<ItemReport<'a>>,
}

impl Document for TrashReport<'_> {
    const SCHEMA: &'static str = "modelctl.trash-list/1";
}

/// The document of `trash restore --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct RestoreReport<'a> {
    pub items: Vec<ItemReport<'a>>,
}

impl Document for RestoreReport<'_> {
    const SCHEMA: &'static str = "modelctl.trash-restore/1";
}

/// The document of `trash empty --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct EmptyReport<'a> {
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Bytes that this run gave back to the file system.
    pub freed_bytes: u64,
    pub items: Vec<ItemReport<'a>>,
}

impl Document for EmptyReport<'_> {
    const SCHEMA: &'static str = "modelctl.trash-empty/1";
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
        let steps = |o: &Order| o.steps.iter().map(|step| o.root.join(step.path())).collect();
        let paths: Vec<PathBuf> = order.map(steps).unwrap_or_default();
        let why = |o: &Order| Some(o.why.join("; ")).filter(|why| !why.is_empty());
        ItemReport {
            id: &item.id,
            folder: item.folder.to_string_lossy().into_owned(),
            folder_bytes_hex: path_bytes_hex(&item.folder),
            state,
            problem,
            name: order.map(|o| o.name.as_str()),
            models: order.map(|o| o.models.iter().map(|m| m.as_str()).collect()).unwrap_or_default(),
            store: order.map(|o| o.store),
            root: order.map(|o| o.root.to_string_lossy().into_owned()),
            paths_bytes_hex: paths_bytes_hex(&paths),
            paths: paths.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
            why: order.and_then(why),
            at: order.map(|o| o.at.rfc3339()),
            run: order.map(Order::run),
            who: order.map(|o| o.who.as_str()),
            command: order.map(|o| o.command.as_str()),
            allocated_bytes: item.bytes,
            apparent_bytes: order.map(|o| o.apparent_bytes),
            outcome,
            reason: None,
        }
    }
}

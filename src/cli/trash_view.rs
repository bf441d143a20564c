//! What is in the trash, as people and scripts see it.

use super::Ctx;
use crate::clock;
use crate::model::StoreKind;
use crate::prune::trash::{Order, State, Trashed};
use crate::ui::{Cell, Column, Table, Tone, text, units};
use serde::Serialize;
use std::path::Path;

/// A table; nothing of nothing.
pub(super) fn show(ctx: &mut Ctx, all: &[Trashed]) -> anyhow::Result<()> {
    const COLUMNS: &[Column] = &[
        Column::left("ID", 0),
        Column::left("NAME", 0).shrink_to(16),
        Column::right("SIZE", 1),
        Column::right("AGE", 2),
        Column::left("STATE", 3),
        Column::left("WHY", 4).shrink_to(20),
        Column::left("BY", 6),
        Column::left("FROM", 5).shrink_to(24),
    ];
    if all.is_empty() {
        return Ok(());
    }
    let now = clock::now();
    let mut table = Table::new(COLUMNS);
    for item in all {
        let order = item.order.as_ref();
        let (state, tone) = match &item.state {
            State::Complete => ("whole", Tone::Plain),
            State::Partly => ("partly", Tone::Warn),
            State::Moving | State::Restoring | State::Purging => ("unfinished", Tone::Warn),
            State::Damaged(_) => ("damaged", Tone::Bad),
        };
        let text = |of: fn(&Order) -> &str| order.map_or_else(Cell::none, |o| Cell::new(of(o)));
        table.row(vec![
            Cell::new(item.id.as_str()),
            text(|o| &o.name),
            Cell::new(units::bytes(item.bytes)),
            order.map_or_else(Cell::none, |o| Cell::new(units::ago(o.at.age(now)))),
            Cell::new(state).tone(tone),
            text(|o| o.why.first().map_or("", String::as_str)),
            text(|o| &o.who),
            order.map_or_else(Cell::none, |o| Cell::new(text::path(&o.root)).tone(Tone::Dim)),
        ]);
    }
    ctx.ui.table(&table)
}

/// An element of `trash list --json`. Part of the public interface: keys are added, never renamed or dropped.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    id: &'a str,
    /// Its folder in the trash.
    folder: String,
    /// `whole`, `partly`, `moving`, `restoring`, `purging` or `damaged`.
    state: &'static str,
    /// Why it is damaged.
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
    /// Bytes of disk that are in it now.
    bytes: u64,
    apparent_bytes: Option<u64>,
    /// What this run did with it: `restored`, `deleted`, `partly` (some of it is deleted, the rest is here) or `failed`
    /// (it is here as before).
    outcome: Option<&'static str>,
    /// Why that is not all of it.
    reason: Option<String>,
}

impl<'a> Document<'a> {
    pub(super) fn because(self, reason: Option<String>) -> Document<'a> {
        Document { reason, ..self }
    }

    pub(super) fn of(item: &'a Trashed, outcome: Option<&'static str>) -> Document<'a> {
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
        Document {
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

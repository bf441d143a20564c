use super::super::{Ctx, Exit};
use crate::triage::checklist::Checklist;
use crate::triage::facts::Change;
use crate::ui::{Cell, Column, Table, Tone, text};
use serde::Serialize;

#[derive(Serialize, schemars::JsonSchema)]
pub struct ListDocument<'a> {
    schema: &'static str,
    holds: bool,
    #[serde(flatten)]
    list: &'a Checklist,
}

#[derive(Serialize, schemars::JsonSchema)]
pub struct ChangesDocument<'a> {
    schema: &'static str,
    changes: &'a [Change],
}

const COLUMNS: &[Column] = &[
    Column::left("", 0),
    Column::left("SERVICE", 1).shrink_to(16),
    Column::left("MUST HOLD", 2).shrink_to(24),
    Column::left("SEEN", 3).shrink_to(24),
];

const CHANGES: &[Column] = &[
    Column::left("SERVICE", 0).shrink_to(16),
    Column::left("CHANGED", 1).shrink_to(24),
    Column::left("WAS", 2).shrink_to(16),
    Column::left("IS", 3).shrink_to(16),
    Column::left("UNDO", 4).shrink_to(20),
];

/// Prints what holds and what does not, and what has changed since the baseline.
pub fn print(ctx: &mut Ctx, list: &Checklist, json: bool) -> anyhow::Result<Exit> {
    let exit = if list.holds() { Exit::Done } else { Exit::Bad };
    if json {
        ctx.ui.json(&ListDocument { schema: "modelctl.checklist/1", holds: list.holds(), list })?;
        return Ok(exit);
    }
    let mut table = Table::new(COLUMNS);
    for item in &list.items {
        let (word, tone) = if item.holds { ("ok", Tone::Plain) } else { ("NO", Tone::Bad) };
        table.row(vec![
            Cell::new(word).tone(tone),
            service(item.service.as_deref()),
            Cell::new(clean(&item.what)),
            Cell::new(clean(&item.seen)),
        ]);
    }
    ctx.ui.table(&table)?;
    if !list.changes.is_empty() {
        ctx.ui.heading("changed since the baseline")?;
        ctx.ui.table(&table_of(&list.changes))?;
    }
    Ok(exit)
}

/// Prints what has changed since the baseline. Changes are an answer of their own: exit 1.
pub fn changes(ctx: &mut Ctx, changes: &[Change], json: bool) -> anyhow::Result<Exit> {
    if json {
        ctx.ui.json(&ChangesDocument { schema: "modelctl.baseline-diff/1", changes })?;
    } else if changes.is_empty() {
        ctx.ui.note("nothing has changed since the baseline");
    } else {
        ctx.ui.table(&table_of(changes))?;
    }
    Ok(if changes.is_empty() { Exit::Done } else { Exit::Bad })
}

fn table_of(changes: &[Change]) -> Table<'_> {
    let mut table = Table::new(CHANGES);
    let made = |value: &Option<String>| value.as_deref().map_or_else(Cell::none, |value| Cell::new(clean(value)));
    for change in changes {
        table.row(vec![
            service(change.service.as_deref()),
            Cell::new(clean(&change.what)),
            made(&change.was),
            made(&change.is),
            made(&change.undo),
        ]);
    }
    table
}

fn service(name: Option<&str>) -> Cell<'_> {
    Cell::new(name.map_or_else(|| "node".to_owned(), clean))
}

fn clean(text: &str) -> String {
    text::clean(text).into_owned()
}

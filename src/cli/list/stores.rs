//! `modelctl list --stores`: the space that each store takes and how much of it is not referenced, and the space that
//! the trash takes.

use super::ListArgs;
use super::{Ctx, Exit};
use crate::clock::Timestamp;
use crate::inventory::RootSum;
use crate::model::{Class, RootState};
use crate::ops::stores::{StoreRow, Stores, TrashRow, stores};
use crate::ui::{Cell, Column, Table, Tone, text, units};

pub fn run(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    let found = ctx.run(|session, on| stores(session, &args.store, on))?;
    if args.json {
        ctx.ui.document(&found.report())?;
        return Ok(Exit::Done);
    }
    let Stores { rows, trashes } = found;
    if rows.is_empty() && trashes.is_empty() {
        ctx.ui.note("no stores known");
        ctx.ui.hint("run `modelctl scan` first");
        return Ok(Exit::Done);
    }
    ctx.ui.table(&table(&rows, &trashes, ctx.session.now))?;
    for row in &rows {
        if let RootState::Unavailable { reason } = &row.sum.state {
            ctx.ui.warn(&format!("{}: {}", text::path(&row.sum.root), text::clean(reason)));
        }
    }
    if ctx.ui.out_is_terminal() {
        let total = rows.iter().fold(0u64, |n, r| n.saturating_add(r.on_disk()));
        ctx.ui.note(&format!("{}, {} on disk", units::plural(rows.len() as u64, "store"), units::bytes(total)));
    }
    Ok(Exit::Done)
}

const COLUMNS: &[Column] = &[
    Column::left("STORE", 0),
    Column::right("MODELS", 1),
    Column::right("FILES", 5),
    Column::right("APPARENT", 3),
    Column::right("ON DISK", 2),
    Column::right("FREED", 4),
    Column::left("RECLAIMABLE", 6).shrink_to(20),
    Column::left("ROOT", 1).shrink_to(16),
];

fn table<'a>(rows: &'a [StoreRow], trashes: &'a [TrashRow], now: Timestamp) -> Table<'a> {
    let mut table = Table::new(COLUMNS);
    for row in rows {
        let sum = &row.sum;
        let is_away = sum.state != RootState::Read;
        table.row(vec![
            Cell::new(sum.store.name()).tone(if is_away { Tone::Warn } else { Tone::Plain }),
            Cell::new(sum.models.to_string()),
            Cell::new(sum.files.to_string()),
            Cell::new(units::bytes(row.weight.map_or(sum.apparent, |w| w.apparent))),
            Cell::new(units::bytes(row.on_disk())),
            row.weight.map_or_else(Cell::none, |w| Cell::new(units::bytes(w.freed))),
            Cell::new(beside(sum)),
            Cell::new(text::path(&sum.root)),
        ]);
    }
    for row in trashes {
        let items = units::plural(row.items, "item");
        let age = row.oldest.map(|at| format!(", oldest {}", units::ago(at.age(now)))).unwrap_or_default();
        table.row(vec![
            Cell::new("trash").tone(Tone::Dim),
            Cell::none(),
            Cell::new(row.files.to_string()),
            Cell::new(units::bytes(row.allocated)),
            Cell::new(units::bytes(row.allocated)),
            Cell::new(units::bytes(row.freed)),
            Cell::new(format!("{items}{age}")),
            Cell::new(text::path(&row.path)),
        ]);
    }
    table
}

/// Returns, for example, `orphan 1.2 GiB, missing 2 files`; empty when everything is referenced.
fn beside(sum: &RootSum) -> String {
    let others = sum.classes.iter().filter(|(class, _)| **class != Class::Referenced);
    let words = others.map(|(class, sum)| match class {
        Class::Missing => format!("{} {}", class.name(), units::plural(sum.files, "file")),
        _ => format!("{} {}", class.name(), units::bytes(sum.allocated)),
    });
    words.collect::<Vec<_>>().join(", ")
}

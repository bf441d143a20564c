//! `modelctl list --stores`: the space that each store takes and how much of it is not referenced, and the space that
//! the trash takes.

use super::ListArgs;
use super::{Ctx, Exit};
use crate::clock::Timestamp;
use crate::inventory::RootSum;
use crate::model::{Class, RootState};
use crate::ops::stores::{StoreRow, Stores, TrashRow, stores};
use crate::ui::{Cell, Column, Table, Tone, text, units};

pub fn run(ctx: &mut Ctx, args: &ListArgs, is_json: bool) -> anyhow::Result<Exit> {
    let found = ctx.run(|session, on| stores(session, &args.store, on))?;
    if is_json {
        ctx.ui.document(&found.report())?;
        return Ok(Exit::Done);
    }
    let Stores { rows, trashes, allocated } = found;
    if rows.is_empty() && trashes.is_empty() {
        ctx.ui.note("no stores known");
        ctx.ui.hint("run `modelctl scan` first");
        return Ok(Exit::Done);
    }
    let is_terminal = ctx.ui.out_is_terminal();
    ctx.ui.table(&table((&rows, allocated), &trashes, is_terminal, ctx.session.now))?;
    for row in &rows {
        if let RootState::Unavailable { reason } = &row.sum.state {
            let root = ctx.ui.path(&row.sum.root);
            ctx.ui.warn(&format!("{root}: {}", text::clean(reason)));
        }
    }
    if is_terminal {
        let sizes = rows.iter().flat_map(|row| row.sum.classes.iter().map(|(class, sum)| (*class, sum.allocated)));
        super::output::hint_of_reclaimable(&mut ctx.ui, &sizes.collect::<Vec<_>>());
    }
    Ok(Exit::Done)
}

const COLUMNS: &[Column] = &[
    Column::left("STORE", 0),
    Column::right("MODELS", 1),
    Column::right("ON DISK", 0),
    Column::right("RECLAIMABLE", 0),
    Column::left("WHAT", 3).extra(),
    Column::right("FILES", 5).extra(),
    Column::right("APPARENT", 4).extra(),
    Column::right("FREED IF DELETED", 6).extra(),
    Column::path("ROOT", 2, 16),
];

/// Returns the table of stores and trashes; `has_total`: with the sums in a last row.
fn table<'a>(
    (rows, allocated): (&'a [StoreRow], u64),
    trashes: &'a [TrashRow],
    has_total: bool,
    now: Timestamp,
) -> Table<'a> {
    let mut table = Table::new(COLUMNS);
    let (mut models, mut disk, mut spare) = (0u64, allocated, 0u64);
    for row in rows {
        let sum = &row.sum;
        let is_away = sum.state != RootState::Read;
        let reclaimable = reclaimable(sum);
        models = models.saturating_add(sum.models);
        spare = spare.saturating_add(reclaimable);
        table.row(vec![
            Cell::new(sum.store.name()).tone(if is_away { Tone::Warn } else { Tone::Plain }),
            Cell::new(sum.models.to_string()),
            Cell::new(units::bytes(row.on_disk())),
            size(reclaimable),
            Cell::new(beside(sum)),
            Cell::new(sum.files.to_string()),
            Cell::new(units::bytes(row.weight.map_or(sum.apparent, |w| w.apparent))),
            row.weight.map_or_else(Cell::none, |w| Cell::new(units::bytes(w.freed))),
            Cell::path(&sum.root),
        ]);
    }
    for row in trashes {
        let items = units::plural(row.items, "item");
        let age = row.oldest.map(|at| format!(", oldest {}", units::ago(at.age(now)))).unwrap_or_default();
        disk = disk.saturating_add(row.allocated);
        spare = spare.saturating_add(row.freed);
        table.row(vec![
            Cell::new("trash").tone(Tone::Dim),
            Cell::none(),
            Cell::new(units::bytes(row.allocated)),
            size(row.freed),
            Cell::new(format!("{items}{age}")),
            Cell::new(row.files.to_string()),
            Cell::new(units::bytes(row.allocated)),
            Cell::new(units::bytes(row.freed)),
            Cell::path(&row.path),
        ]);
    }
    if has_total {
        table.row(vec![
            Cell::new("total").tone(Tone::Bold),
            Cell::new(models.to_string()).tone(Tone::Bold),
            Cell::new(units::bytes(disk)).tone(Tone::Bold),
            size(spare).tone(Tone::Bold),
        ]);
    }
    table
}

fn size(bytes: u64) -> Cell<'static> {
    if bytes == 0 { Cell::none() } else { Cell::new(units::bytes(bytes)) }
}

/// Returns the bytes of disk that can be reclaimed.
fn reclaimable(sum: &RootSum) -> u64 {
    let spare = |class: &Class| matches!(class, Class::Superseded | Class::Orphan | Class::Partial | Class::Damaged);
    sum.classes.iter().filter(|(class, _)| spare(class)).fold(0u64, |n, (_, sum)| n.saturating_add(sum.allocated))
}

/// Returns, for example, `orphan 1.2 GiB, missing 2 files`; empty when everything is referenced.
fn beside(sum: &RootSum) -> String {
    let others = sum.classes.iter().filter(|(class, _)| !matches!(class, Class::Referenced | Class::SideCache));
    let words = others.map(|(class, sum)| match class {
        Class::Missing => format!("{} {}", class.name(), units::plural(sum.files, "file")),
        _ => format!("{} {}", class.name(), units::bytes(sum.allocated)),
    });
    words.collect::<Vec<_>>().join(", ")
}

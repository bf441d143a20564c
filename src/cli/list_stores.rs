//! `modelctl list --stores`: what each store takes, and how much of that nobody would miss.

use super::list::ListArgs;
use super::list_files::stored;
use super::{Access, Ctx, Exit};
use crate::inventory::{ClassSum, RootSum, Weight, masses, root_sums, weigh};
use crate::model::{Class, RootState, StoreKind, Stored};
use crate::ui::{Cell, Column, Table, Tone, text, units};
use serde::Serialize;
use std::collections::BTreeMap;

/// One root as a script sees it. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize)]
struct StoreDocument<'a> {
    store: StoreKind,
    root: String,
    #[serde(flatten)]
    state: &'a RootState,
    models: u64,
    files: u64,
    /// Apparent bytes, each inode once.
    apparent_bytes: u64,
    /// Bytes of disk in use; an inode and what files share count once.
    allocated_bytes: u64,
    /// What comes free at least when all of it is deleted; null when the root could not be looked at.
    freed_bytes: Option<u64>,
    /// By class, without the classes that are not there.
    classes: BTreeMap<&'static str, ClassSum>,
}

struct Row {
    sum: RootSum,
    /// None when the root could not be looked at.
    weight: Option<Weight>,
}

pub fn run(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    let all = stored(ctx)?;
    let roots: Vec<_> = ctx.db(Access::ReadOnly)?.roots()?.into_iter().map(|r| (r.path, r.store, r.state)).collect();
    let rows: Vec<Row> = root_sums(&all, &roots)
        .into_iter()
        .filter(|sum| args.store.is_empty() || args.store.contains(&sum.store))
        // A folder that was scanned and in which everything belongs to stores below it.
        .filter(|sum| sum.files > 0 || sum.store != StoreKind::Dir || sum.state != RootState::Read)
        .map(|sum| Row { weight: weight(&sum, &all), sum })
        .collect();
    if args.json {
        ctx.ui.json(&rows.iter().map(document).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        ctx.ui.note("no stores known");
        ctx.ui.hint("`modelctl scan` looks for them");
        return Ok(Exit::Done);
    }
    ctx.ui.table(&table(&rows))?;
    for row in &rows {
        if let RootState::Unavailable { reason } = &row.sum.state {
            ctx.ui.warn(&format!("{}: {}", text::path(&row.sum.root), text::clean(reason)));
        }
    }
    if ctx.ui.out_is_terminal() {
        let total = rows.iter().fold(0u64, |n, r| n.saturating_add(on_disk(r)));
        ctx.ui.note(&format!("{}, {} on disk", units::plural(rows.len() as u64, "store"), units::bytes(total)));
    }
    Ok(Exit::Done)
}

/// Looked at now: a hard link or a reflink that was made since the scan changes nothing that a scan would see.
fn weight(sum: &RootSum, all: &[Stored]) -> Option<Weight> {
    if sum.state != RootState::Read {
        return None;
    }
    let own: Vec<&Stored> = all.iter().filter(|r| r.holding.root == sum.root).collect();
    let (single, sums): (Vec<&Stored>, Vec<&Stored>) = own.into_iter().partition(|r| r.holding.identity.is_some());
    let (masses, _) = masses(&single);
    let mut weight = weigh(&masses);
    for holding in sums.iter().map(|r| &r.holding) {
        weight.apparent = weight.apparent.saturating_add(holding.size);
        weight.allocated = weight.allocated.saturating_add(holding.allocated);
        weight.freed = weight.freed.saturating_add(holding.allocated);
    }
    Some(weight)
}

fn on_disk(row: &Row) -> u64 {
    row.weight.map_or(row.sum.allocated, |w| w.allocated)
}

fn document(row: &Row) -> StoreDocument<'_> {
    let sum = &row.sum;
    StoreDocument {
        store: sum.store,
        root: sum.root.to_string_lossy().into_owned(),
        state: &sum.state,
        models: sum.models,
        files: sum.files,
        apparent_bytes: row.weight.map_or(sum.apparent, |w| w.apparent),
        allocated_bytes: on_disk(row),
        freed_bytes: row.weight.map(|w| w.freed),
        classes: sum.classes.iter().map(|(class, sum)| (class.name(), *sum)).collect(),
    }
}

const COLUMNS: &[Column] = &[
    Column::left("STORE", 0),
    Column::right("MODELS", 1),
    Column::right("FILES", 5),
    Column::right("APPARENT", 3),
    Column::right("ON DISK", 2),
    Column::right("FREED", 4),
    Column::left("BESIDE REFERENCED", 6).shrink_to(20),
    Column::left("ROOT", 1).shrink_to(16),
];

fn table(rows: &[Row]) -> Table<'_> {
    let mut table = Table::new(COLUMNS);
    for row in rows {
        let sum = &row.sum;
        let is_away = sum.state != RootState::Read;
        table.row(vec![
            Cell::new(sum.store.name()).tone(if is_away { Tone::Warn } else { Tone::Plain }),
            Cell::new(sum.models.to_string()),
            Cell::new(sum.files.to_string()),
            Cell::new(units::bytes(row.weight.map_or(sum.apparent, |w| w.apparent))),
            Cell::new(units::bytes(on_disk(row))),
            row.weight.map_or_else(Cell::none, |w| Cell::new(units::bytes(w.freed))),
            Cell::new(beside(sum)),
            Cell::new(text::path(&sum.root)),
        ]);
    }
    table
}

/// `orphan 1.2 GiB, missing 2 files`; empty when everything is referenced.
fn beside(sum: &RootSum) -> String {
    let others = sum.classes.iter().filter(|(class, _)| **class != Class::Referenced);
    let words = others.map(|(class, sum)| match class {
        Class::Missing => format!("{} {}", class.name(), units::plural(sum.files, "file")),
        _ => format!("{} {}", class.name(), units::bytes(sum.allocated)),
    });
    words.collect::<Vec<_>>().join(", ")
}

//! `modelctl list --files`: every file that a store holds, with its class and the reason.

use super::ListArgs;
use super::{Ctx, Exit};
use crate::model::{Class, Pattern, Stored};
use crate::ops::patterns::patterns;
use crate::ops::stored_files::{report, stored};
use crate::ui::{Cell, Column, Table, Tone, units};
use std::path::PathBuf;

pub fn run(ctx: &mut Ctx, args: &ListArgs, is_json: bool) -> anyhow::Result<Exit> {
    let all = stored(&mut ctx.session)?;
    let patterns = patterns(&args.patterns)?;
    let fits = |row: &&Stored| {
        let names = || row.models.iter().map(|(_, n)| n.as_str()).chain(row.holding.owner.as_deref());
        let at = |p: &Pattern, path: &PathBuf| p.is_path(path) || p.finds(&path.to_string_lossy());
        let paths = || row.entries.iter().chain([&row.holding.path]);
        let class = row.holding.class;
        (if args.class.is_empty() { !class.is_aside() } else { args.class.contains(&class) })
            && (args.store.is_empty() || args.store.contains(&row.holding.store))
            && (patterns.is_empty()
                || patterns.iter().any(|p| names().any(|n| p.finds(n)) || paths().any(|path| at(p, path))))
    };
    let shown: Vec<&Stored> = all.iter().filter(fits).collect();
    if is_json {
        ctx.ui.document(&report(&shown))?;
        return Ok(Exit::Done);
    }
    if shown.is_empty() {
        ctx.ui.note(if all.is_empty() { "no files known" } else { "no file matches" });
        ctx.ui.hint("run `modelctl scan` first");
        hint_of_aside(ctx, args, &all);
        return Ok(Exit::Done);
    }
    // Small files that a store keeps for itself would bury the others.
    let mut told: Vec<&Stored> = shown.clone();
    told.retain(|row| row.holding.class != Class::SideCache || args.class.contains(&Class::SideCache));
    told.sort_by(|a, b| (b.holding.size, &a.holding.path).cmp(&(a.holding.size, &b.holding.path)));
    ctx.ui.table(&table(&told))?;
    hint_of_aside(ctx, args, &all);
    if ctx.ui.out_is_terminal() {
        for class in Class::ALL {
            let of = || shown.iter().map(|row| &row.holding).filter(|holding| holding.class == *class);
            let files = of().fold(0u64, |n, holding| n.saturating_add(holding.files));
            let bytes = of().fold(0u64, |n, holding| n.saturating_add(holding.allocated));
            if files > 0 {
                let files = units::plural(files, "file");
                let hidden = if told.iter().any(|row| row.holding.class == *class) {
                    ""
                } else {
                    " (not listed: --class side-cache)"
                };
                ctx.ui.note(&format!("{}: {files}, {} on disk{hidden}", class.name(), units::bytes(bytes)));
            }
        }
    }
    Ok(Exit::Done)
}

/// Prints the number of files left out: files in trashes and snapshots are shown on request only.
fn hint_of_aside(ctx: &mut Ctx, args: &ListArgs, all: &[Stored]) {
    let count =
        |class| all.iter().filter(|r| r.holding.class == class).fold(0u64, |n, r| n.saturating_add(r.holding.files));
    for class in Class::ALL.iter().copied().filter(|class| class.is_aside() && args.class.is_empty()) {
        let files = count(class);
        if files > 0 {
            let what = units::plural(files, "file");
            ctx.ui.note(&format!("{what} of class {} not shown: --class {}", class.name(), class.name()));
        }
    }
}

/// Returns red for files that are damaged or missing, yellow for files that can be spared.
pub fn tone_of(class: Class) -> Tone {
    match class {
        Class::Referenced => Tone::Plain,
        Class::SideCache | Class::Trash | Class::Snapshot => Tone::Dim,
        Class::Superseded | Class::Orphan | Class::Partial => Tone::Warn,
        Class::Damaged | Class::Missing => Tone::Bad,
    }
}

const COLUMNS: &[Column] = &[
    Column::left("CLASS", 0),
    Column::right("SIZE", 1),
    Column::name("OF", 2, 16),
    Column::left("WHY", 3).shrink_to(24),
    Column::left("STORE", 4).unless_alike(),
    Column::right("FILES", 5).unless("1").extra(),
    Column::right("ON DISK", 6).extra(),
    Column::path("PATH", 7, 24).extra(),
];

fn table<'a>(rows: &[&'a Stored]) -> Table<'a> {
    let mut table = Table::new(COLUMNS);
    for row in rows {
        let holding = &row.holding;
        table.row(vec![
            Cell::new(holding.class.name()).tone(tone_of(holding.class)),
            Cell::new(units::bytes(holding.size)),
            row.name().map_or_else(Cell::none, Cell::new),
            Cell::new(holding.why.as_str()),
            Cell::new(holding.store.name()),
            Cell::new(holding.files.to_string()),
            Cell::new(units::bytes(holding.allocated)),
            Cell::path(&holding.path).tone(Tone::Dim),
        ]);
    }
    table
}

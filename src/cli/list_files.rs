//! `modelctl list --files`: every file that a store holds, with its class and the reason.

use super::list::ListArgs;
use super::{Access, Ctx, Exit};
use crate::inventory;
use crate::model::{Class, StoreKind, Stored, path_bytes_hex};
use crate::ui::{Cell, Column, Table, Tone, text, units};
use serde::Serialize;

/// One row as a script sees it. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize)]
struct FileDocument<'a> {
    class: Class,
    why: &'a str,
    store: StoreKind,
    root: String,
    /// The repository or model in the words of the store.
    owner: Option<&'a str>,
    /// Ids of the models that have it.
    models: Vec<&'a str>,
    /// Where the bytes are; the reference when they are missing; a folder for a sum of several files.
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    /// Directory entries that lead to it, its path included.
    entries: Vec<String>,
    /// How many files this row stands for.
    files: u64,
    size_bytes: u64,
    allocated_bytes: u64,
    /// Directory entries of the inode, wherever they are.
    links: u64,
    expected_sha256: Option<&'a str>,
    /// Computed of exactly these bytes by `verify`.
    verified_sha256: Option<&'a str>,
    /// False when its root could not be looked at in the last scan.
    reachable: bool,
}

impl<'a> FileDocument<'a> {
    fn of(row: &'a Stored) -> FileDocument<'a> {
        let holding = &row.holding;
        FileDocument {
            class: holding.class,
            why: &holding.why,
            store: holding.store,
            root: holding.root.to_string_lossy().into_owned(),
            owner: holding.owner.as_deref(),
            models: row.models.iter().map(|(id, _)| id.as_str()).collect(),
            path: holding.path.to_string_lossy().into_owned(),
            path_bytes_hex: path_bytes_hex(&holding.path),
            entries: row.entries.iter().map(|e| e.to_string_lossy().into_owned()).collect(),
            files: holding.files,
            size_bytes: holding.size,
            allocated_bytes: holding.allocated,
            links: holding.links,
            expected_sha256: holding.expected_sha256.as_deref(),
            verified_sha256: row.verified_sha256.as_deref(),
            reachable: row.is_reachable,
        }
    }
}

/// Everything that is stored, from the database.
pub fn stored(ctx: &mut Ctx) -> anyhow::Result<Vec<Stored>> {
    let db = ctx.db(Access::ReadOnly)?;
    Ok(inventory::stored(db.holdings()?, db.model_files(None)?))
}

pub fn run(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    let all = stored(ctx)?;
    let patterns = super::list::patterns(&args.patterns)?;
    let fits = |row: &&Stored| {
        let names = || row.models.iter().map(|(_, n)| n.as_str()).chain(row.holding.owner.as_deref());
        let path = row.holding.path.to_string_lossy();
        (args.class.is_empty() || args.class.contains(&row.holding.class))
            && (args.store.is_empty() || args.store.contains(&row.holding.store))
            && (patterns.is_empty() || patterns.iter().any(|p| names().any(|n| p.finds(n)) || p.finds(&path)))
    };
    let shown: Vec<&Stored> = all.iter().filter(fits).collect();
    if args.json {
        ctx.ui.json(&shown.iter().map(|row| FileDocument::of(row)).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if shown.is_empty() {
        ctx.ui.note(if all.is_empty() { "no files known" } else { "no file fits" });
        ctx.ui.hint("`modelctl scan` looks for models and everything around them");
        return Ok(Exit::Done);
    }
    ctx.ui.table(&table(&shown))?;
    if ctx.ui.out_is_terminal() {
        let files = shown.iter().fold(0u64, |n, r| n.saturating_add(r.holding.files));
        let bytes = shown.iter().fold(0u64, |n, r| n.saturating_add(r.holding.allocated));
        ctx.ui.note(&format!("{}, {} on disk", units::plural(files, "file"), units::bytes(bytes)));
    }
    Ok(Exit::Done)
}

/// Red for what is not as it should be, yellow for what nobody would miss.
pub fn tone_of(class: Class) -> Tone {
    match class {
        Class::Referenced => Tone::Plain,
        Class::SideCache => Tone::Dim,
        Class::Superseded | Class::Orphan | Class::Partial => Tone::Warn,
        Class::Damaged | Class::Missing => Tone::Bad,
    }
}

const COLUMNS: &[Column] = &[
    Column::left("CLASS", 0),
    Column::right("SIZE", 1),
    Column::left("OF", 2).shrink_to(14),
    Column::left("WHY", 3).shrink_to(24),
    Column::left("STORE", 4),
    Column::right("FILES", 5),
    Column::right("ON DISK", 6),
    Column::left("PATH", 7).shrink_to(24),
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
            Cell::new(text::path(&holding.path)).tone(Tone::Dim),
        ]);
    }
    table
}

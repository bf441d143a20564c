//! The output of `list`: a table, or a format for a program.

use super::columns::{self, Context, DEFAULT, Shown};
use super::{Ctx, ListArgs};
use crate::db::Access;
use crate::failure::{Failure, Kind};
use crate::model::{Class, Listed, ModelRow, State};
use crate::ops::list::report;
use crate::ui::{Table, Ui, stdout_failed, text, units};
use clap::ValueEnum;

/// The formats of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    /// One JSON object on each line
    Jsonl,
    /// Comma-separated values: plain numbers, whole times
    Csv,
    /// One id on each line
    Ids,
}

/// Checks that the columns that were named can be had in the format.
///
/// # Errors
/// A usage failure.
pub fn check(args: &ListArgs, format: Format) -> anyhow::Result<()> {
    let has_columns = matches!(format, Format::Table | Format::Csv);
    match (has_columns, args.columns.is_empty(), args.no_header) {
        (true, ..) | (false, true, false) => Ok(()),
        _ => Err(Failure::new(Kind::Usage, "--columns and --no-header are for tables and CSV only")
            .hint("choose fields of JSON with jq: `modelctl list --json | jq '.models[] | {id, name}'`")
            .into()),
    }
}

/// Prints models for a program.
pub fn print(
    ui: &mut Ui,
    format: Format,
    named: &[Shown],
    has_header: bool,
    (rows, context): (&[&ModelRow], &Context<'_>),
) -> anyhow::Result<()> {
    let limits = context.limits;
    match format {
        Format::Json => ui.document(&report(rows, limits)),
        Format::Jsonl => rows.iter().try_for_each(|row| ui.json_line(&Listed::of(row, limits))),
        Format::Ids => rows.iter().try_for_each(|row| ui.line(row.id.as_str())),
        Format::Csv | Format::Table => {
            let shown = if named.is_empty() { DEFAULT } else { named };
            let is_terminal = ui.out_is_terminal();
            let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(ui.out());
            // A program gets names as they are.
            let safe = |value: String| if is_terminal { text::clean(&value).into_owned() } else { value };
            let header = shown.iter().map(|column| column.field().to_owned()).collect::<Vec<String>>();
            let lines = rows.iter().map(|row| shown.iter().map(|column| safe(column.value(row, context))).collect());
            for line in has_header.then_some(header).into_iter().chain(lines) {
                writer.write_record(&line).map_err(|error| stdout_failed(error.into()))?;
            }
            writer.flush().map_err(stdout_failed)
        }
    }
}

/// Returns the table of models. Groups have a line above them.
pub fn table<'a>(args: &ListArgs, rows: &[&'a ModelRow], context: &Context<'_>) -> Table<'a> {
    let mut table = columns::table(&args.columns);
    if args.no_header {
        table = table.without_header();
    }
    let mut last = None;
    for row in rows {
        if let Some(group) = args.group
            && last.replace(group.of(row)) != Some(group.of(row))
        {
            let own = || rows.iter().filter(|other| group.of(other) == group.of(row));
            let size = own().filter(|row| row.state != State::Gone).fold(0u64, |sum, row| sum.saturating_add(row.size));
            let models = units::plural(own().count() as u64, "model");
            table.heading(format!("{}: {models}, {}", group.of(row), units::bytes(size)));
        }
        table.row(columns::cells(&args.columns, row, context));
    }
    table
}

/// Returns the bytes of disk that can be reclaimed, by class. A model is damaged by what `verify` found, too.
pub fn reclaimable(ctx: &mut Ctx, known: &[ModelRow]) -> anyhow::Result<Vec<(Class, u64)>> {
    let mut sizes = ctx.session.db(Access::ReadOnly)?.class_sizes()?;
    sizes.retain(|(class, _)| *class != Class::Damaged);
    let damaged = known.iter().filter(|row| row.damage.is_some() && row.state != State::Gone);
    sizes.push((Class::Damaged, damaged.fold(0u64, |sum, row| sum.saturating_add(row.allocated))));
    Ok(sizes)
}

/// Prints how much of the disk can be reclaimed, and the command that does it.
pub fn hint_of_reclaimable(ui: &mut Ui, sizes: &[(Class, u64)]) {
    let mut flags = Vec::new();
    let mut sum = 0u64;
    for (class, flag) in [
        (Class::Partial, "--partials"),
        (Class::Superseded, "--superseded"),
        (Class::Orphan, "--orphans"),
        (Class::Damaged, "--damaged"),
    ] {
        let size = sizes.iter().filter(|(of, _)| *of == class).fold(0u64, |sum, (_, size)| sum.saturating_add(*size));
        if size > 0 {
            flags.push(flag);
            sum = sum.saturating_add(size);
        }
    }
    if sum > 0 {
        ui.hint(&format!("{} reclaimable: modelctl prune {}", units::bytes(sum), flags.join(" ")));
    }
}

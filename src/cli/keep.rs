//! `modelctl keep add|rm|list`: the models that a person wants to keep, and prefers for tasks.

use super::{Access, Ctx, Exit};
use crate::model::{HintSource, KeepHint, ModelRow};
use crate::ops::keep_hints::{self, AddReport, HintsReport, RemoveReport, entry, matching, present};
use crate::ui::{Cell, Column, Table, Tone, text, units};
use clap::{Args, Subcommand};

/// Manage the models that you want to keep
///
/// Models that match a hint are chosen first when a task names no model, and are never pruned. A hint is an id (or at
/// least its first 4 digits), a name, an alias, a path, or a glob over names and paths. KEEP_LOCAL_MODELS (comma
/// separated) and `keep` in the config file add to those kept here; the order is environment, these, file.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct KeepArgs {
    #[command(subcommand)]
    command: KeepCommand,
}

#[derive(Debug, Subcommand)]
enum KeepCommand {
    /// Add hints; existing ones keep their place
    Add(Named),
    /// Remove hints that `keep add` added
    #[command(visible_alias = "remove")]
    Rm(Named),
    /// List all hints in order of preference, with their origin and the models they match
    #[command(visible_alias = "ls")]
    List(ListArgs),
}

#[derive(Debug, Args)]
struct Named {
    /// A name, id, alias, path, or glob (quote it: '*-Q4_K_M')
    #[arg(value_name = "HINT", required = true)]
    hints: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &KeepArgs) -> anyhow::Result<Exit> {
    match &args.command {
        KeepCommand::Add(named) => add(ctx, named),
        KeepCommand::Rm(named) => remove(ctx, named),
        KeepCommand::List(args) => list(ctx, args),
    }
}

fn add(ctx: &mut Ctx, named: &Named) -> anyhow::Result<Exit> {
    let hints = keep_hints::add(&mut ctx.session, &named.hints)?;
    if named.json {
        ctx.ui.document(&AddReport { hints })?;
        return Ok(Exit::Done);
    }
    for added in hints {
        let done = if added.is_new { "kept" } else { "was already added" };
        let what = match added.models {
            0 => "it matches no model at the moment".to_owned(),
            n => format!("it matches {}", units::plural(n, "model")),
        };
        let sentence = format!("{done} `{}`; {what}", text::clean(&added.hint));
        match added.is_new {
            true => ctx.ui.act(&sentence),
            false => ctx.ui.note(&sentence),
        }
    }
    Ok(Exit::Done)
}

fn remove(ctx: &mut Ctx, named: &Named) -> anyhow::Result<Exit> {
    let hints = keep_hints::remove(&mut ctx.session, &named.hints)?;
    if named.json {
        ctx.ui.document(&RemoveReport { hints })?;
        return Ok(Exit::Done);
    }
    for removed in hints {
        let hint = text::clean(&removed.hint);
        ctx.ui.act(&format!("removed `{hint}`"));
        if let Some(place) = &removed.remains_in {
            ctx.ui.warn(&format!("`{hint}` still comes from {place}"));
        }
    }
    Ok(Exit::Done)
}

fn list(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    let hints = keep_hints::hints(&mut ctx.session)?;
    let rows = present(ctx.db(Access::ReadOnly)?.rows()?);
    if args.json {
        let hints = hints.iter().map(|(source, hint)| entry(&ctx.session, *source, hint, &rows)).collect();
        ctx.ui.document(&HintsReport { hints })?;
    } else if hints.is_empty() {
        ctx.ui.note("no keep hints");
        ctx.ui.hint("`modelctl keep add HINT` adds one");
    } else {
        ctx.ui.table(&table(&hints, &rows))?;
    }
    Ok(Exit::Done)
}

const COLUMNS: &[Column] = &[
    Column::left("HINT", 0).shrink_to(16),
    Column::left("SOURCE", 0),
    Column::right("MODELS", 0),
    Column::left("MEANS", 0).shrink_to(24),
];

fn table<'a>(hints: &'a [(HintSource, KeepHint)], rows: &'a [ModelRow]) -> Table<'a> {
    let mut table = Table::new(COLUMNS);
    for (source, hint) in hints {
        let meant = matching(rows, hint);
        let names: Vec<&str> = meant.iter().map(|row| row.name.as_str()).collect();
        let means = match names.as_slice() {
            [] => Cell::new("no model at the moment").tone(Tone::Warn),
            names => Cell::new(names.join(", ")),
        };
        table.row(vec![
            Cell::new(hint.text.as_str()),
            Cell::new(source.name()),
            Cell::new(meant.len().to_string()),
            means,
        ]);
    }
    table
}

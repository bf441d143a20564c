//! `modelctl keep add|rm|list`: which models a person wants to keep and to be asked first.

use super::{Access, Ctx, Exit, tell_history};
use crate::failure::{Failure, Kind};
use crate::inventory;
use crate::model::{Action, HintSource, KeepHint, ModelId, ModelRow, State};
use crate::ui::{Cell, Column, Table, Tone, text, units};
use clap::{Args, Subcommand};
use serde::Serialize;

/// Bytes; the longest path that Linux takes.
const LONGEST: usize = 4096;

/// Name the models that you want to keep
///
/// What a hint means is asked first when a task names no model. A hint is an id (or at least its first 4 digits), a
/// name, an alias, a path, or a glob over names and paths. KEEP_LOCAL_MODELS (comma separated) and `keep` of the config
/// file add to those kept here; the order is environment, these, file.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct KeepArgs {
    #[command(subcommand)]
    command: KeepCommand,
}

#[derive(Debug, Subcommand)]
enum KeepCommand {
    /// Add hints; one that is kept already stays where it is
    Add(Named),
    /// Remove hints that `keep add` added
    #[command(visible_alias = "remove")]
    Rm(Named),
    /// List all hints in order of preference: where each comes from, and which models it means
    #[command(visible_alias = "ls")]
    List(ListArgs),
}

#[derive(Debug, Args)]
struct Named {
    /// A name, id, alias, path, or glob (quote it: '*-Q4_K_M')
    #[arg(value_name = "HINT", required = true)]
    hints: Vec<String>,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print a JSON array of objects
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &KeepArgs) -> anyhow::Result<Exit> {
    match &args.command {
        KeepCommand::Add(named) => add(ctx, &named.hints),
        KeepCommand::Rm(named) => remove(ctx, &named.hints),
        KeepCommand::List(args) => list(ctx, args),
    }
}

/// All hints, those of the database included, in order of preference. Whoever decides by hints asks here.
pub(super) fn hints(ctx: &mut Ctx) -> anyhow::Result<Vec<(HintSource, KeepHint)>> {
    let kept = ctx.db(Access::ReadOnly)?.keep_hints()?;
    Ok(ctx.config.keep.with(&kept))
}

fn add(ctx: &mut Ctx, given: &[String]) -> anyhow::Result<Exit> {
    let hints = given.iter().map(|hint| checked(hint)).collect::<Result<Vec<String>, Failure>>()?;
    let now = ctx.now;
    let event = ctx.event(Action::Keep);
    let db = ctx.db(Access::ReadWrite)?;
    let rows = present(db.rows()?);
    for hint in hints.iter().map(|hint| KeepHint::new(hint)) {
        if let Some(fault) = hint.fault().filter(|_| meant(&rows, &hint).is_empty()) {
            return Err(no_glob(None, &hint, fault).into());
        }
    }
    let new = db.add_keep_hints(&hints, now, |new| tell_history::kept(event, "added", &hints, new))?;
    for (hint, new) in hints.iter().zip(new) {
        let meant = meant(&rows, &KeepHint::new(hint));
        let done = if new { "kept" } else { "was kept already" };
        let what = match meant.len() {
            0 => "it means no model that is here now".to_owned(),
            n => format!("it means {}", units::plural(n as u64, "model")),
        };
        ctx.ui.note(&format!("`{}` {done}; {what}", text::clean(hint)));
    }
    Ok(Exit::Done)
}

/// What is neither a glob nor the name of anything, and would keep nothing without a word. Without a source it was typed
/// just now.
pub(super) fn no_glob(source: Option<HintSource>, hint: &KeepHint, fault: &str) -> Failure {
    let what =
        format!("`{}` is no glob, and nothing is called so: {fault}", text::shorten(&text::clean(&hint.text), 60));
    match source {
        None => Failure::new(Kind::Usage, what).hint("a bracket that means itself is written `[[]`"),
        Some(HintSource::Environment) => Failure::cannot_meet(format!("KEEP_LOCAL_MODELS: {what}")),
        Some(HintSource::File) => Failure::cannot_meet(format!("`keep` of the config file: {what}")),
        Some(HintSource::Database) => {
            Failure::cannot_meet(format!("a keep hint: {what}")).hint("`modelctl keep rm` takes it out")
        }
    }
}

/// The hint as it is kept: a path that is relative by its first sign is kept absolute.
fn checked(hint: &str) -> Result<String, Failure> {
    let refuse = |why: &str| {
        Failure::new(Kind::Usage, format!("`{}` is no keep hint: {why}", text::shorten(&text::clean(hint), 60)))
    };
    if hint.trim().is_empty() {
        return Err(refuse("it is empty"));
    }
    if hint.chars().any(char::is_control) {
        return Err(refuse("it has control characters"));
    }
    if hint.len() > LONGEST {
        return Err(refuse("it is longer than any path"));
    }
    if hint.starts_with("./") || hint.starts_with("../") {
        // A path that is not there, or is a glob, has no other spelling.
        let found = std::fs::canonicalize(hint).or_else(|_| std::path::absolute(hint));
        let path = found.map_err(|e| refuse(&format!("it cannot be made absolute: {e}")))?;
        let path = path.into_os_string().into_string().map_err(|_| refuse("its folder is not UTF-8"))?;
        return if path.chars().any(char::is_control) {
            Err(refuse("its folder has control characters"))
        } else {
            Ok(path)
        };
    }
    Ok(hint.to_owned())
}

fn remove(ctx: &mut Ctx, given: &[String]) -> anyhow::Result<Exit> {
    let kept = ctx.db(Access::ReadOnly)?.keep_hints()?;
    let mut hints = Vec::new();
    for hint in given {
        // As it was typed, or as `add` would have written it.
        let spelled = checked(hint).unwrap_or_else(|_| hint.clone());
        match [hint, &spelled].into_iter().find(|hint| kept.contains(hint)) {
            Some(hint) => hints.push(hint.clone()),
            None => return Err(not_here(ctx, hint).into()),
        }
    }
    let event = ctx.event(Action::Keep);
    let tell = |gone: &[bool]| tell_history::kept(event, "removed", &hints, gone);
    ctx.db(Access::ReadWrite)?.remove_keep_hints(&hints, tell)?;
    for hint in &hints {
        ctx.ui.note(&format!("`{}` is no longer kept", text::clean(hint)));
        if let Some(place) = elsewhere(ctx, hint) {
            ctx.ui.warn(&format!("`{}` still comes from {place}", text::clean(hint)));
        }
    }
    Ok(Exit::Done)
}

/// Where a hint that is not of the database comes from.
fn elsewhere(ctx: &Ctx, hint: &str) -> Option<String> {
    let is = |texts: &[String]| texts.iter().any(|text| text == hint);
    if is(&ctx.config.keep.environment) {
        return Some("the environment, KEEP_LOCAL_MODELS".to_owned());
    }
    let file = ctx.config.source.as_deref().map_or_else(String::new, |path| format!(" `{}`", text::path(path)));
    is(&ctx.config.keep.file).then(|| format!("the config file{file}"))
}

fn not_here(ctx: &Ctx, hint: &str) -> Failure {
    let shown = text::clean(hint);
    match elsewhere(ctx, hint) {
        Some(place) => Failure::cannot_meet(format!("keep hint `{shown}` comes from {place}"))
            .hint("take it out there: `modelctl keep rm` removes what `modelctl keep add` added"),
        None => Failure::cannot_meet(format!("there is no keep hint `{shown}`"))
            .hint("`modelctl keep list` shows those there are, as they are spelled"),
    }
}

fn list(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    let hints = hints(ctx)?;
    let rows = present(ctx.db(Access::ReadOnly)?.rows()?);
    if args.json {
        let entries: Vec<Entry> = hints.iter().map(|(source, hint)| entry(ctx, *source, hint, &rows)).collect();
        ctx.ui.json(&entries)?;
    } else if hints.is_empty() {
        ctx.ui.note("no keep hints");
        ctx.ui.hint("`modelctl keep add HINT` adds one");
    } else {
        ctx.ui.table(&table(&hints, &rows))?;
    }
    Ok(Exit::Done)
}

/// Those that are there, with all names that their stores have for them.
fn present(rows: Vec<ModelRow>) -> Vec<ModelRow> {
    let mut rows: Vec<ModelRow> = rows.into_iter().filter(|row| row.state != State::Gone).collect();
    inventory::name_all(&mut rows);
    rows
}

fn meant<'a>(rows: &'a [ModelRow], hint: &KeepHint) -> Vec<&'a ModelRow> {
    rows.iter().filter(|row| hint.matches(row)).collect()
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
        let meant = meant(rows, hint);
        let names: Vec<&str> = meant.iter().map(|row| row.name.as_str()).collect();
        let means = match names.as_slice() {
            [] => Cell::new("nothing that is here now").tone(Tone::Warn),
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

/// An element of `keep list --json`. Part of the public interface: keys are added, never renamed or dropped.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    hint: &'a str,
    /// `environment`, `database` or `file`.
    source: HintSource,
    /// The config file, for a hint that comes from it. Lossily decoded.
    file: Option<String>,
    /// The models that it means and that are not gone; empty when it means nothing.
    models: Vec<Meant<'a>>,
}

#[derive(Debug, Serialize)]
struct Meant<'a> {
    id: &'a ModelId,
    name: &'a str,
    /// Lossily decoded.
    path: String,
}

fn entry<'a>(ctx: &Ctx, source: HintSource, hint: &'a KeepHint, rows: &'a [ModelRow]) -> Entry<'a> {
    let file = ctx.config.source.as_deref().filter(|_| source == HintSource::File);
    let models = meant(rows, hint)
        .into_iter()
        .map(|row| Meant { id: &row.id, name: &row.name, path: row.path.to_string_lossy().into_owned() })
        .collect();
    Entry { hint: &hint.text, source, file: file.map(|path| path.to_string_lossy().into_owned()), models }
}

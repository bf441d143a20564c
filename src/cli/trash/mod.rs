//! `modelctl trash list|restore|empty`: lists, restores or deletes what prune moved to the trash.

mod view;

use super::{Ctx, Exit};
use crate::model::{Age, age};
use crate::ops::OpEvent;
use crate::ops::known_roots::roots;
use crate::ops::trash::empty::{self, Outcome, damage};
use crate::ops::trash::{self, EmptyReport, ItemReport, RestoreReport, TrashReport, Which, everything, restore};
use crate::prune::trash::Trashed;
use crate::ui::{Ui, text, units};
use clap::{ArgGroup, Args, Subcommand};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use view::show;

/// List, restore or delete pruned models
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct TrashArgs {
    /// Also look for trash next to this folder (for stores not in the database), or the trash itself
    #[arg(long = "in", value_name = "DIR", global = true)]
    dirs: Vec<PathBuf>,
    #[command(subcommand)]
    command: TrashCommand,
}

#[derive(Debug, Subcommand)]
enum TrashCommand {
    /// List the trash, oldest first
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Restore items to where they were, with links, times and modes; nothing is overwritten
    Restore(RestoreArgs),
    /// Delete items permanently; without --confirm only shows them
    Empty(EmptyArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("which").required(true),
    after_help = "Examples:\n  modelctl trash restore --last\n  modelctl trash restore 4k7x llama3.2:3b\n  modelctl trash restore --from ~/models"
)]
struct RestoreArgs {
    /// Ids of items (or their first characters), or names of models
    #[arg(value_name = "ID", group = "which")]
    ids: Vec<String>,
    /// Everything that the latest run moved to the trash
    #[arg(long, group = "which")]
    last: bool,
    /// Everything that one run moved: its id, as in `history` and `trash list --json`
    #[arg(long, value_name = "RUN", group = "which")]
    run: Option<String>,
    /// Everything in the trash
    #[arg(long, group = "which")]
    all: bool,
    /// Everything that was in this folder, even if no database knows it
    #[arg(long, value_name = "PATH", group = "which")]
    from: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct EmptyArgs {
    /// Only these items [default: all]
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Only items that have been in the trash for this long (`7d`)
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Age>,
    /// Show what would be deleted and change nothing; this is the default
    #[arg(long, short = 'n', conflicts_with = "confirm")]
    dry_run: bool,
    /// Delete: this cannot be undone
    #[arg(long, short = 'y', visible_alias = "yes")]
    confirm: bool,
    /// Trust the clock although it jumped ahead
    #[arg(long)]
    now_is_right: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl RestoreArgs {
    fn which(&self) -> Which {
        match (&self.run, &self.from) {
            (Some(run), _) => Which::Run(run.clone()),
            (None, Some(path)) => Which::From(path.clone()),
            (None, None) if self.last => Which::Last,
            (None, None) if self.all => Which::All,
            (None, None) => Which::Ids(self.ids.clone()),
        }
    }
}

pub fn run(ctx: &mut Ctx, args: &TrashArgs) -> anyhow::Result<Exit> {
    ctx.session.may_lack_database = true;
    let dirs = &args.dirs;
    match &args.command {
        TrashCommand::List(args) => list(ctx, dirs, args),
        TrashCommand::Restore(args) => restore(ctx, dirs, args),
        TrashCommand::Empty(args) => empty(ctx, dirs, args),
    }
}

fn list(ctx: &mut Ctx, dirs: &[PathBuf], args: &ListArgs) -> anyhow::Result<Exit> {
    let (all, is_all) = ctx.run(|session, on| trash::list(session, dirs, on))?;
    let exit = if is_all { Exit::Done } else { Exit::Bad };
    if args.json {
        ctx.ui.document(&TrashReport { items: all.iter().map(|t| ItemReport::of(t, None)).collect() })?;
        return Ok(exit);
    }
    if all.is_empty() && is_all {
        ctx.ui.note("the trash is empty");
    }
    show(ctx, &all)?;
    if all.is_empty() && roots(&mut ctx.session)?.iter().all(|(_, root)| !root.exists()) {
        ctx.ui.hint("`--in DIR` also looks in the trash of a folder that is not in the database");
    }
    if !all.is_empty() && ctx.ui.out_is_terminal() {
        let bytes = all.iter().fold(0u64, |sum, t| sum.saturating_add(t.bytes));
        let items = units::plural(all.len() as u64, "item");
        ctx.ui.note(&format!("{items}; {} will be freed when it is emptied", units::bytes(bytes)));
        ctx.ui.hint("`modelctl trash restore --last` undoes the latest run");
    }
    Ok(exit)
}

fn restore(ctx: &mut Ctx, dirs: &[PathBuf], args: &RestoreArgs) -> anyhow::Result<Exit> {
    let request = restore::Request { which: args.which(), dirs: dirs.to_vec() };
    let mut written = Ok(());
    let mut watch = |ui: &mut Ui, event: &OpEvent| {
        if let OpEvent::Restored { name, root, .. } = event
            && !args.json
            && written.is_ok()
        {
            written = ui.line(&format!("restored {} to {root}", text::clean(name)));
        }
    };
    let report = ctx.run_watching(&mut watch, |session, on| restore::restore(session, &request, on));
    written?;
    let restore::Report { restored, mut failed } = report?;
    if args.json {
        let back = restored.iter().map(|(t, lack)| ItemReport::of(t, Some("restored")).because(lack.clone()));
        let stay = failed.iter().map(|(t, e)| ItemReport::of(t, Some("failed")).because(Some(format!("{e:#}"))));
        ctx.ui.document(&RestoreReport { items: back.chain(stay).collect() })?;
    } else if restored.len() > 1 {
        let bytes = restored.iter().fold(0u64, |sum, (t, _)| sum.saturating_add(t.bytes));
        ctx.ui.act(&format!("restored {} ({})", units::plural(restored.len() as u64, "item"), units::bytes(bytes)));
    }
    if restored.is_empty()
        && failed.len() == 1
        && let Some((_, error)) = failed.pop()
    {
        return Err(error);
    }
    failed.iter().for_each(|(_, error)| ctx.ui.error(error));
    Ok(if failed.is_empty() { Exit::Done } else { Exit::Bad })
}

fn empty(ctx: &mut Ctx, dirs: &[PathBuf], args: &EmptyArgs) -> anyhow::Result<Exit> {
    let request = empty::Request {
        ids: args.ids.clone(),
        dirs: dirs.to_vec(),
        older_than: args.older_than,
        confirm: args.confirm,
        now_is_right: args.now_is_right,
    };
    let report = ctx.run(|session, on| empty::empty(session, &request, on))?;
    if !args.confirm {
        return would_empty(ctx, &report, args);
    }
    let empty::Report { items, damaged, outcomes, is_all } = &report;
    let bad = !is_all || !damaged.is_empty() || outcomes.iter().any(|outcome| outcome.word != "deleted");
    if args.json {
        // Items that were not deleted are shown as they are now.
        let after = ctx.run(|session, on| everything(session, dirs, on))?.0;
        let after: HashMap<&Path, &Trashed> = after.iter().map(|t| (t.folder.as_path(), t)).collect();
        let now = |item: &Trashed| after.get(item.folder.as_path()).copied();
        let gone = items.iter().zip(outcomes).map(|(item, outcome)| {
            ItemReport::of(now(item).unwrap_or(item), Some(outcome.word)).because(outcome.reason.clone())
        });
        let stay = damaged.iter().map(|item| ItemReport::of(item, Some("failed")).because(Some(damage(item))));
        let freed_bytes = outcomes.iter().fold(0u64, |sum, outcome| sum.saturating_add(outcome.freed));
        ctx.ui.document(&EmptyReport { dry_run: false, freed_bytes, items: gone.chain(stay).collect() })?;
    } else if let Some(line) = summary(outcomes) {
        ctx.ui.line(&line)?;
    } else if !bad {
        ctx.ui.note("nothing in the trash to delete");
    }
    Ok(if bad { Exit::Bad } else { Exit::Done })
}

/// Prints what `trash empty` would delete with --confirm.
fn would_empty(ctx: &mut Ctx, report: &empty::Report, args: &EmptyArgs) -> anyhow::Result<Exit> {
    let empty::Report { items, damaged, is_all, .. } = report;
    let exit = if *is_all { Exit::Done } else { Exit::Bad };
    if args.json {
        let items = items.iter().chain(damaged).map(|t| ItemReport::of(t, None)).collect();
        ctx.ui.document(&EmptyReport { dry_run: true, freed_bytes: 0, items })?;
        return Ok(exit);
    }
    if !ctx.ui.is_quiet() {
        show(ctx, items)?;
    }
    if items.is_empty() {
        if damaged.is_empty() && *is_all {
            ctx.ui.note("nothing in the trash to delete");
        }
    } else {
        let bytes = items.iter().fold(0u64, |sum, t| sum.saturating_add(t.bytes));
        ctx.ui.hint(&format!("nothing was deleted: --confirm would free {}", units::bytes(bytes)));
    }
    Ok(exit)
}

/// Returns a line about what was deleted; None when nothing was.
fn summary(outcomes: &[Outcome]) -> Option<String> {
    let count = |word: &str| outcomes.iter().filter(|outcome| outcome.word == word).count() as u64;
    let what = match (count("deleted"), count("partly")) {
        (0, 0) => return None,
        (whole, 0) => units::plural(whole, "item"),
        (0, partly) => format!("part of {}", units::plural(partly, "item")),
        (whole, partly) => format!("{} and part of {}", units::plural(whole, "item"), units::plural(partly, "other")),
    };
    let freed = outcomes.iter().fold(0u64, |sum, outcome| sum.saturating_add(outcome.freed));
    Some(format!("deleted {what} from the trash; freed {}", units::bytes(freed)))
}

//! `modelctl trash list|restore|empty`: what prune took away, back or away for good.

use super::prune::{record, rescan, roots};
use super::tell_history::{self, Item};
use super::trash_empty::{self, EmptyArgs};
use super::trash_settle;
use super::trash_view::{Document, show};
use super::{Ctx, Exit};
use crate::clock;
use crate::failure::{Failure, classify};
use crate::model::Action;
use crate::prune::trash::{self, Order, Place, Trashed};
use crate::ui::{text, units};
use clap::{Args, Subcommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// See, bring back or delete what prune took away
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct TrashArgs {
    /// Look for the trash of this folder as well: a store that nobody knows of, or that has gone, or the trash itself
    #[arg(long = "in", value_name = "DIR", global = true)]
    dirs: Vec<PathBuf>,
    #[command(subcommand)]
    command: TrashCommand,
}

#[derive(Debug, Subcommand)]
enum TrashCommand {
    /// List what is in the trash, the oldest first
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Put back where it was: content, links, times and modes; nothing is overwritten
    Restore(RestoreArgs),
    /// Delete for good; without --confirm shows what would be deleted
    Empty(EmptyArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print a JSON array of objects
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RestoreArgs {
    /// Ids of items or the beginnings of them, or names of models
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// Print a JSON array of objects
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &TrashArgs) -> anyhow::Result<Exit> {
    let dirs = &args.dirs;
    match &args.command {
        TrashCommand::List(args) => list(ctx, dirs, args),
        TrashCommand::Restore(args) => restore(ctx, dirs, args),
        TrashCommand::Empty(args) => trash_empty::empty(ctx, dirs, args),
    }
}

/// The places that may hold something of the known roots and of `dirs`, each once, and what is wrong with those that
/// cannot be looked into.
pub(super) fn places(ctx: &mut Ctx, dirs: &[PathBuf]) -> anyhow::Result<(Vec<Place>, BTreeSet<String>)> {
    let mut all: BTreeMap<PathBuf, Place> = BTreeMap::new();
    let mut faults = BTreeSet::new();
    let known = roots(ctx)?.into_iter().map(|(_, root)| root);
    for root in known.chain(dirs.iter().cloned()) {
        let Some(base) = base(&root) else { continue };
        for place in Place::all(&base) {
            match place {
                Ok(place) => {
                    all.entry(place.path().to_owned()).or_insert(place);
                }
                // Two roots beside each other lead to one place.
                Err(fault) => {
                    faults.insert(fault.to_string());
                }
            }
        }
    }
    Ok((all.into_values().collect(), faults))
}

/// The folder that a trash would be beside, or in. A root that has gone leaves its trash where it was.
fn base(root: &Path) -> Option<PathBuf> {
    if let Ok(real) = root.canonicalize() {
        return if real.is_dir() { Some(real) } else { real.parent().map(Path::to_owned) };
    }
    let root = std::path::absolute(root).ok()?; // an empty path has no trash
    let root = match std::fs::read_link(&root) {
        Ok(target) => root.parent()?.join(target),
        Err(_) => root,
    };
    // That the folder around it has gone as well is no fault: so has the trash.
    let around = root.parent()?.canonicalize().ok()?;
    Some(around.join(root.file_name()?))
}

/// Everything that is in a trash, and whether that is all: where one cannot be looked into, that is told.
pub(super) fn everything(ctx: &mut Ctx, dirs: &[PathBuf]) -> anyhow::Result<(Vec<Trashed>, bool)> {
    let (places, faults) = places(ctx, dirs)?;
    faults.iter().for_each(|fault| ctx.ui.warn(fault));
    Ok((trash::list(&places)?, faults.is_empty()))
}

fn list(ctx: &mut Ctx, dirs: &[PathBuf], args: &ListArgs) -> anyhow::Result<Exit> {
    let (all, is_all) = everything(ctx, dirs)?;
    let exit = if is_all { Exit::Done } else { Exit::Bad };
    trash_settle::tell_untold(ctx, dirs, &all);
    if args.json {
        ctx.ui.json(&all.iter().map(|t| Document::of(t, None)).collect::<Vec<_>>())?;
        return Ok(exit);
    }
    if all.is_empty() && is_all {
        ctx.ui.note("the trash is empty");
    }
    show(ctx, &all)?;
    if all.is_empty() && roots(ctx)?.iter().all(|(_, root)| !root.exists()) {
        ctx.ui.hint("`--in DIR` looks for the trash of a folder that is not known");
    }
    if !all.is_empty() && ctx.ui.out_is_terminal() {
        let bytes = all.iter().fold(0u64, |sum, t| sum.saturating_add(t.bytes));
        let items = units::plural(all.len() as u64, "item");
        ctx.ui.note(&format!("{items}; {} come free when it is emptied", units::bytes(bytes)));
    }
    Ok(exit)
}

/// The items that are meant, in the order in which they lie there.
pub(super) fn meant(all: Vec<Trashed>, ids: &[String]) -> anyhow::Result<Vec<Trashed>> {
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    for id in ids {
        let hits = |fits: &dyn Fn(&Trashed) -> bool| -> Vec<usize> {
            all.iter().enumerate().filter(|(_, t)| fits(t)).map(|(at, _)| at).collect()
        };
        let by_id = hits(&|t| !id.is_empty() && t.id.starts_with(id.as_str()));
        let named = |t: &Trashed| t.order.as_ref().is_some_and(|o| is_called(o, id));
        let found = if by_id.is_empty() { hits(&named) } else { by_id };
        match found.as_slice() {
            [one] => {
                chosen.insert(*one);
            }
            [] => {
                return Err(Failure::cannot_meet(format!("nothing in the trash is `{}`", text::clean(id)))
                    .hint("`modelctl trash list` shows what is there")
                    .into());
            }
            several => {
                let ids: Vec<&str> = several.iter().filter_map(|at| all.get(*at)).map(|t| t.id.as_str()).collect();
                let message = format!("`{}` fits {} items: {}", text::clean(id), ids.len(), ids.join(", "));
                return Err(Failure::cannot_meet(message).hint("name one by its id").into());
            }
        }
    }
    Ok(all.into_iter().enumerate().filter(|(at, _)| chosen.contains(at)).map(|(_, t)| t).collect())
}

/// Whether it was moved under that name.
fn is_called(order: &Order, name: &str) -> bool {
    order.name == name || order.models.iter().any(|m| m.as_str() == name)
}

/// The place of an item, locked.
pub(super) fn hold(ctx: &mut Ctx, dirs: &[PathBuf], item: &Trashed) -> anyhow::Result<trash::Held> {
    let around = item.folder.parent();
    let place = places(ctx, dirs)?.0.into_iter().find(|p| Some(p.path()) == around);
    let gone = || Failure::cannot_meet("the trash that it was in is not there any more");
    place.ok_or_else(gone)?.hold(clock::now()).map_err(trash::Fault::into_error)
}

fn restore(ctx: &mut Ctx, dirs: &[PathBuf], args: &RestoreArgs) -> anyhow::Result<Exit> {
    // Whoever wants something back must not be the one who deletes it for good.
    let is_asked = |id: &str, order: &Order| {
        args.ids.iter().any(|asked| id.starts_with(asked.as_str()) || is_called(order, asked))
    };
    trash_settle::settle_but(ctx, dirs, &is_asked)?;
    let items = meant(everything(ctx, dirs)?.0, &args.ids)?;
    let event = ctx.event(Action::Restore);
    let mut touched = BTreeSet::new();
    let mut done = Vec::new();
    let mut failed = None;
    // The last that was taken away goes back first: an earlier one may need what came with it.
    for item in items.into_iter().rev() {
        let held = hold(ctx, dirs, &item)?;
        let what = Item { id: &item.id, order: item.order.as_ref(), bytes: item.bytes };
        // Told while the item is still there: a run that ends in between is completed by the next one, which tells it.
        let mut tell = |point: trash::Point| {
            if point == trash::Point::Synced {
                record(ctx, tell_history::of_trash(&event, &what, 0), &[]);
            }
            Ok(())
        };
        let root = match trash::restore(&held, &item.id, &mut tell) {
            Ok(root) => root,
            Err(error) => {
                // The cause knows the next step.
                let (kind, hint) = classify(&error);
                let hint = hint.map(str::to_owned);
                let failure = Failure { hint, ..Failure::new(kind, format!("`{}` was not restored", item.id)) };
                failed = Some(error.context(failure));
                break;
            }
        };
        drop(held);
        if let Some(order) = &item.order {
            let name = text::clean(&order.name).into_owned();
            if !args.json {
                ctx.ui.line(&format!("restored {name} to {}", text::path(&root)))?;
            }
            touched.insert((order.store, root.clone()));
        }
        done.push((item, root));
    }
    let mut lacks = Vec::new();
    for (item, root) in &done {
        lacks.push(match &item.order {
            Some(order) => lack(ctx, dirs, order, root)?,
            None => None,
        });
    }
    rescan(ctx, touched)?;
    if args.json {
        let told = done.iter().zip(lacks).map(|((t, _), lack)| Document::of(t, Some("restored")).because(lack));
        ctx.ui.json(&told.collect::<Vec<_>>())?;
    }
    failed.map_or(Ok(Exit::Done), Err)
}

/// What is restored and was made of more than what went with it: says which of that has gone since.
fn lack(ctx: &mut Ctx, dirs: &[PathBuf], order: &Order, root: &Path) -> anyhow::Result<Option<String>> {
    let missing: Vec<&PathBuf> =
        order.shared.iter().filter(|path| root.join(path).symlink_metadata().is_err()).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let items = trash::list(&places(ctx, dirs)?.0)?;
    let mut whys = Vec::new();
    for path in missing {
        let takes = |t: &&Trashed| t.order.as_ref().is_some_and(|o| o.root == order.root && o.takes(path));
        let (name, path) = (text::clean(&order.name), text::path(path));
        let (where_, hint) = match items.iter().find(takes) {
            Some(t) => {
                let with = t.order.as_ref().map_or("", |o| o.name.as_str());
                let hint = format!("`modelctl trash restore {}` brings it back", t.id);
                (format!("which is in the trash with `{}`", text::clean(with)), Some(hint))
            }
            None => ("which is not there any more".to_owned(), None),
        };
        let why = format!("`{name}` has `{path}` as well, {where_}");
        ctx.ui.warn(&why);
        hint.iter().for_each(|hint| ctx.ui.hint(hint));
        whys.push(why);
    }
    Ok(Some(whys.join("; ")))
}

//! `modelctl trash list|restore|empty`: what prune took away, back or away for good.

use super::prune::{record, rescan, roots};
use super::tell_history::{self, Item};
use super::trash_empty::{self, EmptyArgs};
use super::trash_settle;
use super::trash_view::{Document, show};
use super::{Ctx, Exit};
use crate::clock;
use crate::failure::Failure;
use crate::model::{Action, StoreKind};
use crate::prune::trash::{self, Order, Place, Trashed};
use crate::ui::{Ui, text, units};
use clap::{Args, Subcommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// See, bring back or delete what prune took away
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub struct TrashArgs {
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
    match &args.command {
        TrashCommand::List(args) => list(ctx, args),
        TrashCommand::Restore(args) => restore(ctx, args),
        TrashCommand::Empty(args) => trash_empty::empty(ctx, args),
    }
}

/// The places that may hold something of these roots, each once, with the root that led there.
pub(super) fn places(roots: &[(StoreKind, PathBuf)], ui: &mut Ui) -> Vec<(Place, PathBuf)> {
    let mut all: BTreeMap<PathBuf, (Place, PathBuf)> = BTreeMap::new();
    for (_, root) in roots {
        // A root that is not there now has its trash elsewhere, if at all.
        let Ok(real) = root.canonicalize() else { continue };
        let base = if real.is_dir() { real } else { real.parent().unwrap_or(&real).to_owned() };
        for place in Place::all(&base) {
            match place {
                Ok(place) => {
                    all.entry(place.path().to_owned()).or_insert((place, base.clone()));
                }
                Err(fault) => ui.warn(&format!("{fault}")),
            }
        }
    }
    all.into_values().collect()
}

pub(super) fn everything(ctx: &mut Ctx) -> anyhow::Result<Vec<Trashed>> {
    let roots = roots(ctx)?;
    let places: Vec<Place> = places(&roots, &mut ctx.ui).into_iter().map(|(place, _)| place).collect();
    trash::list(&places)
}

fn list(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    let all = everything(ctx)?;
    trash_settle::tell_untold(ctx, &all);
    if args.json {
        ctx.ui.json(&all.iter().map(|t| Document::of(t, None)).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    show(ctx, &all)?;
    if !all.is_empty() && ctx.ui.out_is_terminal() {
        let bytes = all.iter().fold(0u64, |sum, t| sum.saturating_add(t.bytes));
        let items = units::plural(all.len() as u64, "item");
        ctx.ui.note(&format!("{items}; {} come free when it is emptied", units::bytes(bytes)));
    }
    Ok(Exit::Done)
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
pub(super) fn hold(ctx: &mut Ctx, item: &Trashed) -> anyhow::Result<trash::Held> {
    let roots = roots(ctx)?;
    let around = item.folder.parent();
    let place = places(&roots, &mut ctx.ui).into_iter().map(|(place, _)| place).find(|p| Some(p.path()) == around);
    let gone = || Failure::cannot_meet("the trash that it was in is not there any more");
    place.ok_or_else(gone)?.hold(clock::now()).map_err(trash::Fault::into_error)
}

fn restore(ctx: &mut Ctx, args: &RestoreArgs) -> anyhow::Result<Exit> {
    // Whoever wants something back must not be the one who deletes it for good.
    let is_asked = |id: &str, order: &Order| {
        args.ids.iter().any(|asked| id.starts_with(asked.as_str()) || is_called(order, asked))
    };
    trash_settle::settle_but(ctx, &is_asked)?;
    let items = meant(everything(ctx)?, &args.ids)?;
    let event = ctx.event(Action::Restore);
    let mut touched = BTreeSet::new();
    let mut done = Vec::new();
    let mut failed = None;
    // The last that was taken away goes back first: an earlier one may need what came with it.
    for item in items.into_iter().rev() {
        let held = hold(ctx, &item)?;
        let what = Item { id: &item.id, order: item.order.as_ref(), bytes: item.bytes };
        // Told while the item is still there: a run that ends in between is completed by the next one, which tells it.
        let mut tell = |point: trash::Point| {
            if point == trash::Point::Synced {
                record(ctx, tell_history::of_trash(&event, &what, 0), &[]);
            }
            Ok(())
        };
        if let Err(error) = trash::restore(&held, &item.id, &mut tell) {
            failed = Some(error.context(Failure::cannot_meet(format!("`{}` was not restored", item.id))));
            break;
        }
        drop(held);
        if let Some(order) = &item.order {
            touched.insert((order.store, order.root.clone()));
            let name = text::clean(&order.name).into_owned();
            if !args.json {
                ctx.ui.line(&format!("restored {name} to {}", text::path(&order.root)))?;
            }
        }
        done.push(item);
    }
    rescan(ctx, touched)?;
    if args.json {
        ctx.ui.json(&done.iter().map(|t| Document::of(t, Some("restored"))).collect::<Vec<_>>())?;
    }
    failed.map_or(Ok(Exit::Done), Err)
}

//! `modelctl trash list|restore|empty`: what prune took away, back or away for good.

use super::prune::{age, record, rescan, roots};
use super::tell_history::{self, Item};
use super::trash_settle::{self, settle};
use super::{Ctx, Exit};
use crate::clock;
use crate::failure::Failure;
use crate::model::{Action, StoreKind};
use crate::prune::trash::{self, Order, Place, State, Trashed};
use crate::ui::{Cell, Column, Table, Tone, Ui, text, units};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

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

#[derive(Debug, Args)]
struct EmptyArgs {
    /// Only these items [default: all]
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Only what has been there for so long (`7d`)
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,
    /// Do it: there is no undo
    #[arg(long)]
    confirm: bool,
    /// Print a JSON array of objects
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &TrashArgs) -> anyhow::Result<Exit> {
    match &args.command {
        TrashCommand::List(args) => list(ctx, args),
        TrashCommand::Restore(args) => restore(ctx, args),
        TrashCommand::Empty(args) => empty(ctx, args),
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

fn everything(ctx: &mut Ctx) -> anyhow::Result<Vec<Trashed>> {
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

fn show(ctx: &mut Ctx, all: &[Trashed]) -> anyhow::Result<()> {
    const COLUMNS: &[Column] = &[
        Column::left("ID", 0),
        Column::left("NAME", 0).shrink_to(16),
        Column::right("SIZE", 1),
        Column::right("AGE", 2),
        Column::left("STATE", 3),
        Column::left("WHY", 4).shrink_to(20),
        Column::left("BY", 6),
        Column::left("FROM", 5).shrink_to(24),
    ];
    if all.is_empty() {
        ctx.ui.note("the trash is empty");
        return Ok(());
    }
    let now = clock::now();
    let mut table = Table::new(COLUMNS);
    for item in all {
        let order = item.order.as_ref();
        let (state, tone) = match &item.state {
            State::Complete => ("whole", Tone::Plain),
            State::Partly => ("partly", Tone::Warn),
            State::Moving | State::Restoring | State::Purging => ("unfinished", Tone::Warn),
            State::Damaged(_) => ("damaged", Tone::Bad),
        };
        let text = |of: fn(&Order) -> &str| order.map_or_else(Cell::none, |o| Cell::new(of(o)));
        table.row(vec![
            Cell::new(item.id.as_str()),
            text(|o| &o.name),
            Cell::new(units::bytes(item.bytes)),
            order.map_or_else(Cell::none, |o| Cell::new(units::ago(o.at.age(now)))),
            Cell::new(state).tone(tone),
            text(|o| o.why.first().map_or("", String::as_str)),
            text(|o| &o.who),
            order.map_or_else(Cell::none, |o| Cell::new(text::path(&o.root)).tone(Tone::Dim)),
        ]);
    }
    ctx.ui.table(&table)
}

/// The items that are meant, in the order in which they lie there.
fn meant(all: Vec<Trashed>, ids: &[String]) -> anyhow::Result<Vec<Trashed>> {
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
fn hold(ctx: &mut Ctx, item: &Trashed) -> anyhow::Result<trash::Held> {
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

fn empty(ctx: &mut Ctx, args: &EmptyArgs) -> anyhow::Result<Exit> {
    if args.confirm {
        settle(ctx)?;
    }
    let all = everything(ctx)?;
    let chosen = if args.ids.is_empty() { all } else { meant(all, &args.ids)? };
    let now = clock::now();
    // A time in the future tells that a clock was wrong: such an item is young.
    let is_old = |t: &Trashed| {
        args.older_than.is_none_or(|limit| t.order.as_ref().is_some_and(|o| o.at.age(now) >= limit && o.at <= now))
    };
    let items: Vec<Trashed> =
        chosen.into_iter().filter(|t| is_old(t) && !matches!(t.state, State::Damaged(_))).collect();
    if !args.confirm {
        if args.json {
            ctx.ui.json(&items.iter().map(|t| Document::of(t, None)).collect::<Vec<_>>())?;
            return Ok(Exit::Done);
        }
        show(ctx, &items)?;
        if !items.is_empty() {
            let bytes = items.iter().fold(0u64, |sum, t| sum.saturating_add(t.bytes));
            ctx.ui.hint(&format!("nothing was deleted: --confirm frees {}", units::bytes(bytes)));
        }
        return Ok(Exit::Done);
    }
    let event = ctx.event(Action::Empty);
    let (mut freed, mut count) = (0u64, 0u64);
    let mut bad = false;
    for item in &items {
        let held = hold(ctx, item)?;
        match trash::empty(&held, &item.id, &mut trash::go_on) {
            Ok(emptied) => {
                freed = freed.saturating_add(emptied.freed_bytes);
                count += 1;
                for left in &emptied.left {
                    bad = true;
                    ctx.ui.warn(&format!("`{}` was not put there by prune and stays", text::path(left)));
                }
                drop(held);
                let what = Item { id: &item.id, order: item.order.as_ref(), bytes: item.bytes };
                record(ctx, tell_history::of_trash(&event, &what, emptied.freed_bytes), &[]);
            }
            Err(error) => {
                bad = true;
                ctx.ui.error(&error);
            }
        }
    }
    if args.json {
        ctx.ui.json(&items.iter().map(|t| Document::of(t, Some("deleted"))).collect::<Vec<_>>())?;
    } else if count > 0 {
        ctx.ui.line(&format!(
            "deleted {} from the trash; freed {}",
            units::plural(count, "item"),
            units::bytes(freed)
        ))?;
    } else if !bad {
        ctx.ui.note("nothing in the trash to delete");
    }
    Ok(if bad { Exit::Bad } else { Exit::Done })
}

/// An element of `trash list --json`. Part of the public interface: keys are added, never renamed or dropped.
#[derive(Debug, Serialize)]
struct Document<'a> {
    id: &'a str,
    /// Its folder in the trash.
    folder: String,
    /// `whole`, `partly`, `moving`, `restoring`, `purging` or `damaged`.
    state: &'static str,
    /// Why it is damaged.
    problem: Option<String>,
    name: Option<&'a str>,
    models: Vec<&'a str>,
    store: Option<StoreKind>,
    root: Option<String>,
    paths: Vec<String>,
    why: &'a [String],
    at: Option<String>,
    who: Option<&'a str>,
    command: Option<&'a str>,
    /// Bytes of disk that are in it now.
    bytes: u64,
    apparent_bytes: Option<u64>,
    /// What this run did with it.
    outcome: Option<&'static str>,
}

impl<'a> Document<'a> {
    fn of(item: &'a Trashed, outcome: Option<&'static str>) -> Document<'a> {
        let order = item.order.as_ref();
        let (state, problem) = match &item.state {
            State::Complete => ("whole", None),
            State::Partly => ("partly", None),
            State::Moving => ("moving", None),
            State::Restoring => ("restoring", None),
            State::Purging => ("purging", None),
            State::Damaged(fault) => ("damaged", Some(fault.to_string())),
        };
        let path = |o: &Order, p: &Path| o.root.join(p).to_string_lossy().into_owned();
        Document {
            id: &item.id,
            folder: item.folder.to_string_lossy().into_owned(),
            state,
            problem,
            name: order.map(|o| o.name.as_str()),
            models: order.map(|o| o.models.iter().map(|m| m.as_str()).collect()).unwrap_or_default(),
            store: order.map(|o| o.store),
            root: order.map(|o| o.root.to_string_lossy().into_owned()),
            paths: order.map(|o| o.steps.iter().map(|s| path(o, s.path())).collect()).unwrap_or_default(),
            why: order.map(|o| o.why.as_slice()).unwrap_or_default(),
            at: order.map(|o| o.at.rfc3339()),
            who: order.map(|o| o.who.as_str()),
            command: order.map(|o| o.command.as_str()),
            bytes: item.bytes,
            apparent_bytes: order.map(|o| o.apparent_bytes),
            outcome,
        }
    }
}

//! `modelctl trash empty`: away for good, and what did not go.

use super::prune::{age, record};
use super::tell_history::{self, Item};
use super::trash::{everything, hold, meant, places};
use super::trash_settle::settle_but;
use super::trash_view::{Document, show};
use super::{Ctx, Exit};
use crate::clock;
use crate::model::{Action, Event};
use crate::prune::trash::{self, Emptied, Fault, State, Trashed};
use crate::ui::{text, units};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub(super) struct EmptyArgs {
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

/// What became of an item that was to be deleted.
struct Outcome {
    word: &'static str,
    /// Why it is not `deleted`.
    reason: Option<String>,
    freed: u64,
}

pub(super) fn empty(ctx: &mut Ctx, dirs: &[PathBuf], args: &EmptyArgs) -> anyhow::Result<Exit> {
    if args.confirm {
        settle_but(ctx, dirs, &|_, _| false)?;
    }
    let (all, is_all) = everything(ctx, dirs)?;
    let chosen = if args.ids.is_empty() { all } else { meant(all, &args.ids)? };
    let now = clock::now();
    // A time in the future tells that a clock was wrong: such an item is young.
    let is_old = |t: &Trashed| {
        args.older_than.is_none_or(|limit| t.order.as_ref().is_some_and(|o| o.at.age(now) >= limit && o.at <= now))
    };
    let is_damaged = |t: &Trashed| matches!(t.state, State::Damaged(_));
    let (damaged, items): (Vec<Trashed>, Vec<Trashed>) =
        chosen.into_iter().filter(|t| is_old(t) || (is_damaged(t) && !args.ids.is_empty())).partition(is_damaged);
    for item in &damaged {
        ctx.ui.warn(&format!("`{}` is left alone: {}", item.id, damage(item)));
        ctx.ui.hint(&format!("look into `{}`; what is of no use there is yours to delete", text::path(&item.folder)));
    }
    if !args.confirm {
        if args.json {
            ctx.ui.json(&items.iter().chain(&damaged).map(|t| Document::of(t, None)).collect::<Vec<_>>())?;
            return Ok(if is_all { Exit::Done } else { Exit::Bad });
        }
        show(ctx, &items)?;
        if items.is_empty() {
            if damaged.is_empty() && is_all {
                ctx.ui.note("nothing in the trash to delete");
            }
        } else {
            let bytes = items.iter().fold(0u64, |sum, t| sum.saturating_add(t.bytes));
            ctx.ui.hint(&format!("nothing was deleted: --confirm frees {}", units::bytes(bytes)));
        }
        return Ok(if is_all { Exit::Done } else { Exit::Bad });
    }
    let event = ctx.event(Action::Empty);
    let mut outcomes = Vec::new();
    for item in &items {
        outcomes.push(delete(ctx, dirs, item, &event)?);
    }
    let bad = !is_all || !damaged.is_empty() || outcomes.iter().any(|outcome| outcome.word != "deleted");
    if args.json {
        // What did not go is told as it is now.
        let after = trash::list(&places(ctx, dirs)?.0)?;
        let now = |item: &Trashed| after.iter().position(|t| t.folder == item.folder).and_then(|at| after.get(at));
        let told = items.iter().zip(&outcomes).map(|(item, outcome)| {
            Document::of(now(item).unwrap_or(item), Some(outcome.word)).because(outcome.reason.clone())
        });
        let stay = damaged.iter().map(|item| Document::of(item, Some("failed")).because(Some(damage(item))));
        ctx.ui.json(&told.chain(stay).collect::<Vec<_>>())?;
    } else if let Some(line) = summary(&outcomes) {
        ctx.ui.line(&line)?;
    } else if !bad {
        ctx.ui.note("nothing in the trash to delete");
    }
    Ok(if bad { Exit::Bad } else { Exit::Done })
}

/// Why an item is not touched.
fn damage(item: &Trashed) -> String {
    match &item.state {
        State::Damaged(why) => why.to_string(),
        _ => String::new(),
    }
}

/// One line about what was deleted; None when nothing was.
fn summary(outcomes: &[Outcome]) -> Option<String> {
    let count = |word: &str| outcomes.iter().filter(|outcome| outcome.word == word).count() as u64;
    let what = match (count("deleted"), count("partly")) {
        (0, 0) => return None,
        (whole, 0) => units::plural(whole, "item"),
        (0, partly) => format!("a part of {}", units::plural(partly, "item")),
        (whole, partly) => format!("{} and a part of {}", units::plural(whole, "item"), units::plural(partly, "other")),
    };
    let freed = outcomes.iter().fold(0u64, |sum, outcome| sum.saturating_add(outcome.freed));
    Some(format!("deleted {what} from the trash; freed {}", units::bytes(freed)))
}

/// Deletes an item, and tells the history what of it is gone.
fn delete(ctx: &mut Ctx, dirs: &[PathBuf], item: &Trashed, event: &Event) -> anyhow::Result<Outcome> {
    let held = hold(ctx, dirs, item)?;
    let (word, reason, freed) = match trash::empty(&held, &item.id, &mut trash::go_on) {
        Ok(Emptied { freed_bytes, deleted, left }) => {
            let whys: Vec<String> = left
                .iter()
                .map(|left| format!("`{}` was not put there by prune and stays", text::path(left)))
                .collect();
            whys.iter().for_each(|why| ctx.ui.warn(why));
            let word = match deleted {
                _ if left.is_empty() => "deleted",
                0 => "failed",
                _ => "partly",
            };
            (word, (!whys.is_empty()).then(|| whys.join("; ")), freed_bytes)
        }
        Err(error) => {
            ctx.ui.error(&error);
            let reason = Some(format!("{error:#}"));
            match error.downcast_ref() {
                Some(Fault::HalfDeleted { freed_bytes, .. }) => ("partly", reason, *freed_bytes),
                _ => ("failed", reason, 0),
            }
        }
    };
    drop(held);
    if word != "failed" {
        let what = Item { id: &item.id, order: item.order.as_ref(), bytes: item.bytes };
        let told = tell_history::of_trash(event, &what, freed);
        let detail = json!({ "trash": item.id, "outcome": word });
        record(ctx, Event { detail, ..told }, &[]);
    }
    Ok(Outcome { word, reason, freed })
}

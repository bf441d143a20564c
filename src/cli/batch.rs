//! `modelctl batch IN.jsonl -o OUT.jsonl`: queue, run and write, in one command that can be killed and repeated.

use super::task::batch::{ExportArgs, ImportArgs, export, queue};
use super::task::target::{Target, distinct};
use super::{Access, Ctx, Exit, offload};
use crate::failure::{Failure, Kind};
use crate::host::actor;
use crate::model::Tier;
use crate::model::task::TaskState;
use crate::queue::executor::{Bounds, Told};
use crate::ui::{text, units};
use clap::Args;
use std::cell::Cell;
use std::path::{Path, PathBuf};

/// Answer a file of requests in OpenAI's Batch format (JSONL) and write the answers
///
/// The file is checked whole, queued in one transaction, run, and written. Killed on the way, the same command goes on
/// where it was: each `custom_id` is answered once. Tasks of others are run too when it is their turn.
///
/// The same batch is the same bytes under the same file name, for the same models. A file that was edited or renamed, or
/// another --model, is a batch of its own, and all of its lines are answered: give lines that are new a file of their
/// own.
#[derive(Debug, Args)]
pub struct BatchArgs {
    /// The requests; `-` reads standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Write the answers to this file, whole or not at all
    #[arg(long, short, value_name = "OUT")]
    output: PathBuf,
    /// Write those that failed to this file instead
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Answer all with this model, whatever the lines say
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["tier", "any_model"])]
    model: Option<String>,
    /// Answer all with models of this tier, whatever the lines say
    #[arg(long, value_parser = super::list::named(Tier::ALL, Tier::name), conflicts_with = "any_model")]
    tier: Option<Tier>,
    /// Answer with whichever model is at hand, whatever the lines say
    #[arg(long)]
    any_model: bool,
    /// Print a JSON object with the figures
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &BatchArgs) -> anyhow::Result<Exit> {
    if args.output == Path::new("-") {
        return Err(Failure::new(Kind::Usage, "the answers go to a file, so that a killed run can go on")
            .hint("`modelctl task export` writes to standard output")
            .into());
    }
    let (output, errors) = (args.output.as_path(), args.errors.as_deref());
    distinct(&[("IN", Some(&args.input)), ("--output", Some(output)), ("--errors", errors)])?;
    // What can never be written is said before hours of work. It is made anew at the end: a file that waited for that
    // would be left behind by a kill.
    for path in [Some(output), errors].into_iter().flatten() {
        Target::new(path)?;
    }
    let import = ImportArgs::of(&args.input, args.model.clone(), args.tier, args.any_model);
    let batch = queue(ctx, &import)?;
    let count = |ctx: &mut Ctx| -> anyhow::Result<(u64, u64)> {
        let counts = ctx.db(Access::ReadWrite)?.count_tasks(Some(&batch))?;
        let ended = counts.iter().filter(|(state, _)| state.is_finished()).map(|(_, n)| n).sum();
        Ok((ended, counts.values().sum()))
    };
    let (ended, total) = count(ctx)?;
    if ended > 0 && ended < total {
        ctx.ui.note(&format!("{ended} of {} have been answered before", units::plural(total, "request")));
    }
    let bar = ctx.ui.progress("answering", Some(total));
    bar.set_done(ended);
    let done = Cell::new(ended);
    let bounds = Bounds { tasks: None, batch: Some(batch.clone()) };
    let summary = offload::work(ctx, "modelctl batch", &bounds, &mut |told| match told {
        Told::Ended { state, .. } if state.is_finished() && *state != TaskState::Cancelled => {
            done.set(done.get() + 1);
            bar.set_done(done.get());
        }
        Told::ByOthers { ended } => {
            done.set(*ended);
            bar.set_done(*ended);
        }
        Told::Loading { model } => bar.about(&text::clean(model)),
        Told::Ready { .. } => bar.about(""),
        _ => {}
    });
    drop(bar);
    let summary = summary?;
    let (ended, total) = count(ctx)?;
    export(ctx, &ExportArgs::of(&batch, &args.output, args.errors.as_deref(), args.json))?;
    if ended < total {
        offload::verdict(&summary)?;
        let why = if summary.off { "inference is off" } else { "they are not done yet" };
        return Err(Failure::busy(format!("{} of {total} requests have no answer: {why}", total - ended))
            .hint("the same command goes on where it was")
            .into());
    }
    let failed = ctx.db(Access::ReadOnly)?.count_tasks(Some(&batch))?;
    let failed = failed.iter().filter(|(state, _)| **state != TaskState::Done).map(|(_, n)| *n).sum::<u64>();
    if failed == 0 {
        return Ok(Exit::Done);
    }
    ctx.ui.warn(&format!("{} failed or cancelled", units::plural(failed, "request")));
    let retry = format!("modelctl task retry --batch {}", actor::quoted(&batch));
    ctx.ui.hint(&format!("`{retry}` queues them again, and then the same command answers them"));
    Ok(Exit::Bad)
}

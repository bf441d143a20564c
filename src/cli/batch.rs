//! `modelctl batch IN.jsonl -o OUT.jsonl`: queues, runs and writes in one command that can be killed and repeated.

use super::args::named;
use super::output_file::{Target, distinct};
use super::run_once::verdict;
use super::task::batch::{open, write};
use super::{Ctx, Exit, graceful_stop_on_signals};
use crate::failure::{Failure, Kind};
use crate::host::actor;
use crate::model::Tier;
use crate::ops::batch::{Answered, Request, answer};
use crate::ops::wish::Asked;
use crate::ui::units;
use clap::Args;
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
    #[arg(long, value_parser = named(Tier::ALL, Tier::name), conflicts_with = "any_model")]
    tier: Option<Tier>,
    /// Answer with whichever model is at hand, whatever the lines say
    #[arg(long)]
    any_model: bool,
    /// Let another model answer where the named one fails or cannot be run [default: OFFLOAD_FALLBACK]
    #[arg(long)]
    fallback: bool,
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
    // Report outputs that cannot be written before hours of work. The targets are created again at the end: a temporary
    // file kept open until then would be left behind by a kill.
    for path in [Some(output), errors].into_iter().flatten() {
        Target::new(path)?;
    }
    let request = Request {
        file: args.input.clone(),
        batch: None,
        wish: Asked::of(args.model.as_deref(), args.tier, args.any_model),
        fallback: args.fallback,
        priority: 0,
        max_attempts: None,
        replace_finished: false,
    };
    let stops = graceful_stop_on_signals()?;
    let mut file = open(&args.input)?;
    let answered = ctx.run(|session, on| answer(session, &mut file, &request, ("modelctl batch", &stops), on))?;
    let Answered { batch, summary, ended, total, failed } = &answered;
    write(ctx, Some(batch), (Some(output), errors), args.json)?;
    if *ended < *total {
        verdict(summary)?;
        let why = if summary.off { "inference is off" } else { "they are not done yet" };
        return Err(Failure::busy(format!("{} of {total} requests have no answer: {why}", total - ended))
            .hint("the same command goes on where it was")
            .into());
    }
    if *failed == 0 {
        return Ok(Exit::Done);
    }
    ctx.ui.warn(&format!("{} failed or cancelled", units::plural(*failed, "request")));
    let retry = format!("modelctl task retry --batch {}", actor::quoted(batch));
    ctx.ui.hint(&format!("`{retry}` queues them again, and then the same command answers them"));
    Ok(Exit::Bad)
}

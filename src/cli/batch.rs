//! `modelctl batch IN.jsonl -o OUT.jsonl`: queues, runs and writes in one command that can be killed and repeated.

use super::args::named;
use super::output_file::{Target, distinct};
use super::task::batch::{open, report, write};
use super::{Ctx, Exit, graceful_stop_on_signals};
use crate::failure::{Failure, Kind};
use crate::host::actor;
use crate::model::Tier;
use crate::ops::batch::{Answered, Request, answer};
use crate::ops::run_tasks::failure;
use crate::ops::wish::Asked;
use crate::queue::Queue;
use crate::ui::units;
use clap::Args;
use std::path::{Path, PathBuf};

/// Run an OpenAI Batch file (JSONL) and write the answers
///
/// The whole file is checked, queued in one transaction, run, and the answers are written. If it is killed, the same
/// command resumes: each `custom_id` is answered once. Other queued tasks are run too when it is their turn; the answers
/// are written as soon as all of this file are there.
///
/// A batch is identified by the bytes and the name of its file, and its models. An edited or renamed file, or another
/// --model, is a new batch, and all of its lines are answered: put new lines into a new file.
///
/// A line of the file is, for example: {"custom_id": "1", "method": "POST", "url": "/v1/completions", "body": {"model":
/// "small", "prompt": "Hi"}}. The body may lack `model` with --model, --tier or --any-model.
#[derive(Debug, Args)]
pub struct BatchArgs {
    /// The requests; `-` reads standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Write the answers to this file, atomically
    #[arg(long, short, value_name = "OUT")]
    output: PathBuf,
    /// Write failed requests to this file instead
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Use this model for all requests, overriding the file
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["tier", "any_model"])]
    model: Option<String>,
    /// Use models of this tier for all requests, overriding the file
    #[arg(long, value_parser = named(Tier::ALL, Tier::name), conflicts_with = "any_model")]
    tier: Option<Tier>,
    /// Use any available model for all requests, overriding the file
    #[arg(long)]
    any_model: bool,
    /// Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]
    #[arg(long)]
    fallback: bool,
    /// Print a JSON object with the counts
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &BatchArgs) -> anyhow::Result<Exit> {
    if args.output == Path::new("-") {
        return Err(Failure::new(Kind::Usage, "write the answers to a file, so that a killed run can resume")
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
    let mut write = |queue: &dyn Queue, batch: &str| write(queue, Some(batch), (Some(output), errors), &mut |_| Ok(()));
    let answered =
        ctx.run(|session, on| answer(session, &mut file, &request, ("modelctl batch", &stops), &mut write, on))?;
    let Answered { batch, summary, ended, total, failed, exported } = &answered;
    if *ended < *total {
        let why = match failure(summary) {
            Some(failure) => failure,
            None if summary.off => Failure::busy("inference is off"),
            None => Failure::busy("the rest is not finished yet"),
        };
        let left =
            format!("{ended} of {} answered, nothing written: {}", units::plural(*total, "request"), why.message);
        let so_far = format!("modelctl task export --batch {}", actor::quoted(batch));
        return Err(Failure { message: left, ..why }
            .hint(format!("run the same command again to resume; `{so_far}` prints the answers so far"))
            .into());
    }
    if let Some(exported) = exported {
        report(ctx, exported, args.json)?;
    }
    if *failed == 0 {
        return Ok(Exit::Done);
    }
    ctx.ui.warn(&format!("{} failed or canceled", units::plural(*failed, "request")));
    let retry = format!("modelctl task retry --batch {}", actor::quoted(batch));
    ctx.ui.hint(&format!("`{retry}` queues them again; then run the same command"));
    Ok(Exit::Bad)
}

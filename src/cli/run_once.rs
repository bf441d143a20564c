//! `modelctl run-once --prompt TEXT`: one prompt, answered by a local model in a worker process.

use super::{Access, Ctx, Exit, fit, keep, offload, select, turn};
use crate::clock;
use crate::db::UseEvent;
use crate::engine::{Finish, Message, TemplateUse, Timings};
use crate::failure::{Failure, Kind as FailureKind, OrFail};
use crate::host::{memory, probe};
use crate::inventory;
use crate::model::{KeepHint, Kind, Model, ModelId, ModelRow, Selector, State};
use crate::queue::executor::Device;
use crate::queue::{Why, rank};
use crate::supervise::Interrupt;
use crate::ui::{text, units};
use crate::worker::{ChatRequest, Completion, Options, StartSpec, Worker};
use clap::Args;
use serde::Serialize;
use std::io::Read;
use std::ops::ControlFlow;
use std::time::Duration;

/// Longest prompt read from standard input; no context holds more.
pub(super) const MAX_PROMPT: u64 = 16 << 20;

/// How long others may have a model in memory before we give up, without --timeout.
const WAIT: Duration = Duration::from_secs(600);

/// Run due tasks of the queue and exit (for cron), or one prompt
///
/// Without --prompt: takes up what was left by anybody who was killed, runs up to OFFLOAD_MAX_TASKS (5) tasks that are
/// due, and exits; exit code 4 when another process has the model loaded. With --prompt: the answer streams to standard
/// output, figures go to standard error; it waits while another process has a model in memory, and ends with exit code
/// 4 when that takes longer than --timeout (10 minutes) or no answer has begun by then. Without --model the first keep
/// hint that fits in memory answers, else a model of the smallest tier that does.
#[derive(Debug, Args)]
pub struct RunOnceArgs {
    /// The prompt; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// Run so many tasks at most [default: OFFLOAD_MAX_TASKS, else 5]
    #[arg(long, value_name = "N", conflicts_with = "prompt", value_parser = clap::value_parser!(u64).range(1..))]
    max_tasks: Option<u64>,
    /// Answer with this model: an id or its beginning, an alias, a name or a path
    #[arg(long, value_name = "MODEL", requires = "prompt")]
    model: Option<String>,
    /// Stop after this many tokens [default: when the model is done or the context is full]
    #[arg(long, value_name = "N", requires = "prompt", value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: Option<u32>,
    /// 0 takes the likeliest token each time
    #[arg(long, value_name = "T", default_value_t = 0.8, value_parser = temperature)]
    temperature: f32,
    /// Draw the same numbers each time
    #[arg(long, value_name = "N", requires = "prompt")]
    seed: Option<u32>,
    /// Give up waiting for other processes after this long, and end the answer then [default: wait 10m, no end]
    #[arg(long, value_name = "DURATION", requires = "prompt", value_parser = limit)]
    timeout: Option<Duration>,
    /// Load the model even if it does not seem to fit in memory
    #[arg(long, requires = "prompt")]
    force: bool,
    /// Print one JSON object when it is done, instead of the stream
    #[arg(long)]
    json: bool,
}

pub(super) fn temperature(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(t) if (0.0..=5.0).contains(&t) => Ok(t),
        _ => Err("give a number from 0 to 5".to_owned()),
    }
}

/// A limit of time that leaves time for something.
pub(super) fn limit(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("give a time above 0".to_owned()),
        Ok(limit) => Ok(limit),
        Err(error) => Err(error.to_string()),
    }
}

pub fn run(ctx: &mut Ctx, args: &RunOnceArgs) -> anyhow::Result<Exit> {
    let Some(prompt_argument) = &args.prompt else { return offload::run_once(ctx, args.max_tasks, args.json) };
    let interrupt = super::listen()?;
    let prompt = prompt(prompt_argument)?;
    if let Some(named) = &args.model {
        // What can never run is said before any waiting.
        refuse_unusable(&select::resolve(ctx, &Selector(named.clone()))?)?;
    }
    let began = clock::instant();
    // Before the choice: what fits in memory is not known while another model is in it.
    let device = turn::take(ctx, args.timeout.unwrap_or(WAIT), &interrupt)?;
    let left = args.timeout.map(|limit| limit.saturating_sub(began.elapsed()));
    let (model, why) = choose(ctx, args)?;
    if let Some(why) = why {
        ctx.ui.note(&format!("model: {} ({why})", model.name));
    }
    let outcome = answer(ctx, args, &model, &prompt, (&interrupt, left, device.as_ref()));
    record(ctx, &model.id, &outcome);
    let run = outcome?;
    if args.json {
        ctx.ui.json(&document(&model, &run))?;
    } else {
        if !run.completion.text.ends_with('\n') {
            ctx.ui.raw(b"\n")?;
        }
        ctx.ui.flush()?;
        ctx.ui.note(&figures(&run));
    }
    Ok(Exit::Done)
}

/// The text to run, from the command line or from standard input.
pub(super) fn prompt(argument: &str) -> anyhow::Result<String> {
    let text = if argument == "-" {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(MAX_PROMPT + 1)
            .read_to_end(&mut bytes)
            .or_fail(|| Failure::cannot_meet("cannot read the prompt from standard input"))?;
        if bytes.len() as u64 > MAX_PROMPT {
            return Err(Failure::cannot_meet("the prompt on standard input is over 16 MiB").into());
        }
        String::from_utf8(bytes).or_fail(|| Failure::cannot_meet("the prompt on standard input is not UTF-8 text"))?
    } else {
        argument.to_owned()
    };
    if text.trim().is_empty() {
        return Err(Failure::new(FailureKind::Usage, "the prompt is empty").into());
    }
    Ok(text)
}

/// The model that answers: the named one, else the first that fits, with the reason for it.
fn choose(ctx: &mut Ctx, args: &RunOnceArgs) -> anyhow::Result<(Model, Option<String>)> {
    let context = ctx.config.worker.context;
    let available = memory::memory().map(|m| m.available);
    if let Some(named) = &args.model {
        let row = select::resolve(ctx, &Selector(named.clone()))?;
        refuse_unusable(&row)?;
        let model = load(ctx, &row.id)?;
        if let Some(short) = fit::shortage(&model, context, &available).filter(|_| !args.force) {
            return Err(Failure::cannot_meet(format!("{} {short}", row.name))
                .hint("choose a smaller model, free memory, or insist with --force")
                .into());
        }
        return Ok((model, None));
    }
    let mut rows = ctx.db(Access::ReadOnly)?.rows()?;
    let hints: Vec<KeepHint> = keep::hints(ctx)?.into_iter().map(|(_, hint)| hint).collect();
    if !hints.is_empty() {
        inventory::name_all(&mut rows);
    }
    let order = rank(&rows, &hints, &ctx.config.tiers);
    if order.is_empty() {
        let failure =
            Failure::cannot_meet("no model can answer: none is known that generates text, is intact and enabled");
        return Err(failure.hint("`modelctl scan` looks for models, `modelctl list` shows what is known").into());
    }
    let mut short = Vec::new();
    for ranked in &order {
        let Some(row) = rows.get(ranked.row) else { continue };
        let model = load(ctx, &row.id)?;
        match fit::shortage(&model, context, &available).filter(|_| !args.force) {
            None => {
                let why = match &ranked.why {
                    Why::Hint(hint) => format!("keep hint `{}`", text::clean(hint)),
                    Why::Tier(tier) => format!("tier {tier}"),
                };
                return Ok((model, Some(why)));
            }
            Some(why) => short.push(format!("  {} {why}", text::clean(&row.name))),
        }
    }
    let message = format!("no model fits in memory:\n{}", short.join("\n"));
    Err(Failure::cannot_meet(message).hint("free memory, or name one and insist with --model M --force").into())
}

fn load(ctx: &mut Ctx, id: &ModelId) -> anyhow::Result<Model> {
    let mut models = ctx.db(Access::ReadOnly)?.models(Some(std::slice::from_ref(id)))?;
    models.pop().ok_or_else(|| Failure::cannot_meet(format!("model {id} was removed while it was looked up")).into())
}

/// A model that a person named and that cannot be run gets the reason, not a crash of the engine.
fn refuse_unusable(row: &ModelRow) -> anyhow::Result<()> {
    let name = text::clean(&row.name);
    let reason = row.reason.as_deref().map(text::clean).unwrap_or_default();
    let refusal = match (row.kind, row.state) {
        (_, State::Gone) => {
            Failure::cannot_meet(format!("{name} is gone: {} was not there at the last scan", text::path(&row.path)))
                .hint("`modelctl scan` looks again")
        }
        (_, State::Unavailable) => Failure::cannot_meet(format!("{name} is unavailable: {reason}"))
            .hint("mount its folder, then `modelctl scan`"),
        (_, State::Damaged | State::Truncated | State::Incomplete) => {
            Failure::cannot_meet(format!("{name} cannot be run: {reason}")).hint("fetch it again, then `modelctl scan`")
        }
        (Kind::Generative, State::Ready) if !row.enabled => Failure::cannot_meet(format!("{name} is disabled"))
            .hint(format!("`modelctl set {} --enable` lets it run", row.id)),
        (Kind::Generative, State::Ready) => return Ok(()),
        (kind, State::Ready) => {
            Failure::cannot_meet(format!("{name} does not generate text: it is of kind {}", kind.name()))
                .hint("`modelctl list --kind generative` shows those that do")
        }
    };
    Err(refusal.into())
}

/// One finished run with what it took.
struct Run {
    completion: Completion,
    /// From the start of the worker until it was ready.
    load: Duration,
    total: Duration,
    /// From the start of the program to the first piece of text.
    first_token: Option<Duration>,
}

fn answer(
    ctx: &mut Ctx,
    args: &RunOnceArgs,
    model: &Model,
    prompt: &str,
    (interrupt, limit, device): (&Interrupt, Option<Duration>, Option<&Device>),
) -> anyhow::Result<Run> {
    let started = clock::instant();
    let spec = StartSpec::of(model, &ctx.config.worker, probe::OURSELVES.into(), ctx.config.runtime_dir.clone());
    let Some(mut spec) = spec else {
        return Err(Failure::cannot_meet(format!("{} has no file", model.name)).into());
    };
    spec.device = device.map(Device::lock);
    let bar = ctx.ui.progress("loading", Some(100));
    let mut worker = Worker::start(&spec, interrupt, &mut |fraction| bar.set_done((fraction * 100.0) as u64))
        .map_err(Failure::from)?;
    drop(bar);
    let loaded = started.elapsed();
    let mut request = ChatRequest::new([Message::new("user", prompt)]);
    request.options = Options {
        max_tokens: args.max_tokens.map(i64::from),
        temperature: Some(args.temperature),
        seed: args.seed.map(i64::from),
        // What is left of it; loading counts.
        timeout_ms: limit.map(|t| u64::try_from(t.saturating_sub(started.elapsed()).as_millis()).unwrap_or(u64::MAX)),
        ..Options::default()
    };
    let mut first_token = None;
    let mut broken = None;
    let completion = worker.chat(&request, &mut |piece| {
        first_token.get_or_insert_with(|| started.elapsed());
        if args.json {
            return ControlFlow::Continue(());
        }
        // Text that a person sees must not drive the terminal; text that a program reads stays as it is.
        let shown = if ctx.ui.out_is_terminal() { text::clean_text(piece) } else { piece.into() };
        match ctx.ui.raw(shown.as_bytes()).and_then(|()| ctx.ui.flush()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                broken = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(error) = broken {
        return Err(error);
    }
    let completion = match completion {
        Ok(completion) => completion,
        Err(error) => {
            // What came so far stays on lines of its own.
            if first_token.is_some() && !args.json {
                ctx.ui.raw(b"\n")?;
                ctx.ui.flush()?;
            }
            return Err(Failure::from(error).into());
        }
    };
    if completion.finish == Finish::TimedOut && first_token.is_none() {
        let limit = args.timeout.map_or_else(String::new, |limit| format!(" within {}", units::took(limit)));
        return Err(Failure::busy(format!("{} did not come to an answer{limit}", text::clean(&model.name)))
            .hint("loading the model and reading the prompt count; give a longer --timeout")
            .into());
    }
    if completion.template == TemplateUse::None {
        ctx.ui
            .warn(&format!("{} has no chat template: it was given the plain text and goes on from there", model.name));
    }
    // Its work is done; a worker that does not go by itself is killed when dropped.
    let _ = worker.stop(Duration::from_secs(2));
    Ok(Run { completion, load: loaded, total: started.elapsed(), first_token })
}

/// Into the usage journal. A run that failed was a use all the same: somebody wanted that model. An answer that was
/// given is worth more than its record, so a journal that cannot be written is a warning.
fn record(ctx: &mut Ctx, id: &ModelId, outcome: &anyhow::Result<Run>) {
    let timings = outcome.as_ref().map(|r| r.completion.timings).unwrap_or_default();
    let event = UseEvent {
        model: id.clone(),
        at: clock::now(),
        source: "run-once".to_owned(),
        prompt_tokens: timings.prompt_n.into(),
        completion_tokens: timings.predicted_n.into(),
        duration_ms: outcome.as_ref().map_or(0, |r| u64::try_from(r.total.as_millis()).unwrap_or(u64::MAX)),
        outcome: outcome.as_ref().map_or("failed", |r| finish_word(r.completion.finish)).to_owned(),
    };
    let written = ctx.db(Access::ReadWrite).and_then(|db| db.record_use(&event));
    if let Err(error) = written {
        ctx.ui.warn(&format!("this use was not recorded: {error:#}"));
    }
}

fn finish_word(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Cancelled => "cancelled",
        Finish::TimedOut => "timed_out",
    }
}

/// `128 tokens in 0.8s, 152.3 tokens/s; prompt 31 tokens in 90ms; model loaded in 0.2s`
fn figures(run: &Run) -> String {
    let t = &run.completion.timings;
    let ms = |ms: f64| Duration::from_secs_f64((ms / 1000.0).max(0.0));
    let ended = match run.completion.finish {
        Finish::Stop => "",
        Finish::Length => ", cut off at the limit",
        Finish::Cancelled => ", cancelled",
        Finish::TimedOut => ", out of time",
    };
    format!(
        "{} in {}{ended}, {}; prompt of {} in {}; model loaded in {}",
        units::plural(t.predicted_n.into(), "token"),
        units::took(ms(t.predicted_ms)),
        units::tokens_per_second(t.predicted_n.into(), ms(t.predicted_ms)),
        units::plural(t.prompt_n.into(), "token"),
        units::took(ms(t.prompt_ms)),
        units::took(run.load),
    )
}

/// The answer as one JSON object. Part of the public interface: keys are added, never renamed or dropped.
#[derive(Debug, Serialize)]
struct Document<'a> {
    model: Answered<'a>,
    text: &'a str,
    /// `stop`, `length`, `cancelled`, `timed_out`.
    finish_reason: &'static str,
    /// How the prompt was made: `model`, `model_without_system`, `none` (plain text).
    template: TemplateUse,
    prompt_tokens: u32,
    completion_tokens: u32,
    timings: Timings,
    load_ms: u64,
    /// From the start of the worker to the first piece of text; null when there was none.
    first_token_ms: Option<u64>,
    total_ms: u64,
}

#[derive(Debug, Serialize)]
struct Answered<'a> {
    id: &'a ModelId,
    name: &'a str,
    path: String,
}

fn document<'a>(model: &'a Model, run: &'a Run) -> Document<'a> {
    let ms = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    let path = model.main().map_or_else(String::new, |a| a.path.to_string_lossy().into_owned());
    Document {
        model: Answered { id: &model.id, name: &model.name, path },
        text: &run.completion.text,
        finish_reason: finish_word(run.completion.finish),
        template: run.completion.template,
        prompt_tokens: run.completion.timings.prompt_n,
        completion_tokens: run.completion.timings.predicted_n,
        timings: run.completion.timings,
        load_ms: ms(run.load),
        first_token_ms: run.first_token.map(ms),
        total_ms: ms(run.total),
    }
}

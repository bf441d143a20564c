//! `modelctl run-once --prompt TEXT`: one prompt, answered by a local model in a worker process.

mod queue;

pub use crate::queue::executor::Summary as RunOnceReport;

use super::args::{limit, temperature};
use super::prompt::prompt;
use super::{Ctx, Exit};
use crate::failure::{Failure, Kind};
use crate::model::Selector;
use crate::openai::Finish;
use crate::ops::OpEvent;
use crate::ops::prompt::{Answer, Request, answer, report};
use crate::ops::resolve_model::is_name_of_model;
use crate::supervise::Stop;
use crate::ui::{Ui, text, units};
use clap::{ArgGroup, Args};
use std::time::Duration;

/// Run one prompt, or the due tasks of the queue (for cron)
///
/// Without --prompt: recovers the tasks of killed processes, runs up to OFFLOAD_MAX_TASKS (5) tasks that are due, and
/// exits; exit code 4 when another process has the model loaded, 3 when all due tasks wait for something that this
/// machine lacks (a model, its disk, memory), 5 when this program has no engine. With --prompt: the answer streams to
/// standard output, statistics to standard error; a running daemon answers it. Without one it waits while another
/// process has a model in memory, and exits with code 4 if that takes longer than --timeout (10 minutes) or no answer
/// has started by then. Without --model, the first keep hint that fits in memory is used, else a model of the smallest
/// tier that does. `modelctl inference off` makes the queued tasks wait; a prompt is answered all the same.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("answered").args(["positional", "text"]))]
pub struct RunOnceArgs {
    /// The prompt; `-` reads it from standard input. Of two arguments the first is the model
    #[arg(value_name = "[MODEL] PROMPT", num_args = 0..=2, conflicts_with = "text")]
    positional: Vec<String>,
    /// The prompt, also one that begins with a dash
    #[arg(long = "prompt", short = 'p', id = "text", value_name = "TEXT", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// Run at most this many tasks [default: OFFLOAD_MAX_TASKS, else 5]
    #[arg(long, value_name = "N", conflicts_with_all = ["positional", "text"], value_parser = clap::value_parser!(u64).range(1..))]
    max_tasks: Option<u64>,
    /// Use this model: an id or its first digits, an alias, a name or a path
    #[arg(long, short, value_name = "MODEL", requires = "answered")]
    model: Option<String>,
    /// Stop after this many tokens [default: when the model is done or the context is full]
    #[arg(long, value_name = "N", requires = "answered", value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: Option<u32>,
    /// Sampling temperature; 0 is greedy decoding
    #[arg(long, value_name = "T", default_value_t = 0.8, value_parser = temperature)]
    temperature: f32,
    /// Random seed
    #[arg(long, value_name = "N", requires = "answered")]
    seed: Option<u32>,
    /// Stop waiting for other processes after this long, and end the answer then [default: wait 10m, no end]
    #[arg(long, value_name = "DURATION", requires = "answered", value_parser = limit)]
    timeout: Option<Duration>,
    /// Load the model even if it does not seem to fit in memory
    #[arg(long, requires = "answered")]
    force: bool,
    /// Print one JSON object at the end instead of streaming
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &RunOnceArgs) -> anyhow::Result<Exit> {
    let (model, prompt_argument) = match (&args.prompt, args.positional.as_slice()) {
        (None, []) => return queue::run(ctx, args.max_tasks, args.json),
        (Some(text), _) => (args.model.as_ref(), text),
        (None, [model, text]) if args.model.is_none() => (Some(model), text),
        (None, [_, text]) => {
            let failure = Failure::new(Kind::Usage, "--model is given, and a model before the prompt too");
            return Err(failure
                .hint(format!("quote a prompt of several words, such as '{}'", text::clean(text)))
                .into());
        }
        (None, [text, ..]) => (args.model.as_ref(), text),
    };
    if args.prompt.is_none() && model.is_none() && is_name_of_model(&mut ctx.session, prompt_argument)? {
        let name = text::clean(prompt_argument);
        let failure = Failure::new(Kind::Usage, format!("`{name}` is a model, and no prompt is given"));
        let hint = format!("`modelctl run {name} PROMPT` asks it; `modelctl run --prompt {name}` makes it the prompt");
        return Err(failure.hint(hint).into());
    }
    let stop = super::stop_on_signals()?;
    let request = Request {
        prompt: prompt(prompt_argument)?,
        model: model.cloned().map(Selector),
        max_tokens: args.max_tokens,
        temperature: args.temperature,
        seed: args.seed,
        timeout: args.timeout,
        force: args.force,
        command: "modelctl run-once --prompt",
        source: "run-once",
    };
    let (mut has_begun, mut written) = (false, Ok(()));
    let mut watch = |ui: &mut Ui, event: &OpEvent| {
        let OpEvent::Text { text: piece } = event else { return };
        if args.json || written.is_err() {
            return;
        }
        has_begun = true;
        // Text that a person sees must not control the terminal; text that a program reads stays as it is.
        let shown = if ui.out_is_terminal() { text::clean_text(piece) } else { piece.into() };
        written = ui.raw(shown.as_bytes()).and_then(|()| ui.flush());
        if written.is_err() {
            // The reader of the output is gone: the answer need not continue.
            stop.request(Stop::Interrupted);
        }
    };
    let answer = ctx.run_watching(&mut watch, |session, on| answer(session, &request, &stop, on));
    written?;
    if answer.is_err() && has_begun {
        // Ends the last line of the partial answer.
        ctx.ui.raw(b"\n")?;
        ctx.ui.flush()?;
    }
    let answer = answer?;
    if args.json {
        ctx.ui.document(&report(&answer))?;
    } else {
        if !answer.completion.text.ends_with('\n') {
            ctx.ui.raw(b"\n")?;
        }
        ctx.ui.flush()?;
        ctx.ui.note(&figures(&answer));
    }
    Ok(Exit::Done)
}

/// Returns, for example, `128 tokens in 0.8s, 152.3 tokens/s; prompt of 31 tokens in 90ms; model loaded in 0.2s`.
fn figures(run: &Answer) -> String {
    let t = &run.completion.timings;
    let ms = |ms: f64| Duration::from_secs_f64((ms / 1000.0).max(0.0));
    let ended = match run.completion.finish {
        Finish::Stop => "",
        Finish::Length => ", cut off at the limit",
        Finish::Cancelled => ", canceled",
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

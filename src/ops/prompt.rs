//! One prompt, answered by a local model in a worker process.

use super::prompt_device::{reserve, take, unreserved};
use super::prompt_shared::{self, Shared};
use super::{OpEvent, Progress, Session, Sink, Step, keep_hints, resolve_model, runnable, unscanned};
use crate::clock;
use crate::db::{Access, UseEvent};
use crate::display::{Document, text, units};
use crate::failure::Failure;
use crate::host::self_child;
use crate::inventory;
use crate::model::{KeepHint, Model, ModelId, Selector, path_bytes_hex};
use crate::openai::{ChatRequest, Completion, Finish, Message, Options, TemplateUse, Timings};
use crate::queue::executor::Device;
use crate::queue::reservation::{self, Reservation};
use crate::queue::{Why, rank, too_large};
use crate::supervise::StopSignal;
use crate::worker::{StartSpec, Worker};
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// Longest wait for a device or memory that others hold, without a timeout.
const WAIT: Duration = Duration::from_secs(600);

/// A prompt and the options of its answer.
#[derive(Debug, Clone)]
pub struct Request {
    pub prompt: String,
    /// None: the first keep hint that fits in memory, else a model of the smallest tier that does.
    pub model: Option<Selector>,
    pub max_tokens: Option<u32>,
    pub temperature: f32,
    pub seed: Option<u32>,
    /// Limit for waiting, loading and answering together.
    pub timeout: Option<Duration>,
    /// Whether to load the model even if it does not seem to fit in memory.
    pub force: bool,
    /// The command shown to processes that wait for this one.
    pub command: &'static str,
    /// The source recorded in the journal of uses.
    pub source: &'static str,
}

/// An answer with its model and times.
#[derive(Debug)]
pub struct Answer {
    pub model: Model,
    pub completion: Completion,
    /// Time from the start of the worker until it was ready.
    pub load: Duration,
    pub total: Duration,
    /// Time from the start of the worker to the first piece of text.
    pub first_token: Option<Duration>,
}

/// Waits for the device, chooses and loads a model, and answers. The text comes as events.
///
/// # Errors
/// Cannot be met (3) where no model can answer; busy (4) when another process has a model in memory, or no answer has
/// started, within the time; the engine failed (5); interrupted (130) or terminated (143).
pub fn answer(
    session: &mut Session,
    request: &Request,
    stop: &StopSignal,
    on: &mut Sink<'_>,
) -> anyhow::Result<Answer> {
    if let Some(named) = &request.model {
        // Refuse a model that can never run before any waiting.
        let row = unscanned::recorded(session, named, stop, on)?;
        runnable::check(&row)?;
        runnable::check_size(session, &row, request.force)?;
    }
    let began = clock::instant();
    // A daemon does not load what does not seem to fit.
    if !request.force
        && let Some(socket) = prompt_shared::gateway(session)
        && let Some(answer) = answer_shared(session, request, (&socket, stop), on)?
    {
        return Ok(answer);
    }
    // Wait before the choice: the free memory is not known while another model is loaded.
    let device = take(session, (request.command, request.timeout.unwrap_or(WAIT)), stop, on)?;
    let left = request.timeout.map(|limit| limit.saturating_sub(began.elapsed()));
    let (model, why) = choose(session, request)?;
    if let Some(why) = why {
        on(OpEvent::note(format!("model: {} ({why})", model.name)));
    }
    let id = model.id.clone();
    let outcome = run(session, request, model, (stop, left, device.as_ref()), on);
    record(session, (request.source, id), &outcome, on);
    outcome
}

/// Has the daemon on `socket` answer. Returns `None` where it cannot be asked.
fn answer_shared(
    session: &mut Session,
    request: &Request,
    (socket, stop): (&Path, &StopSignal),
    on: &mut Sink<'_>,
) -> anyhow::Result<Option<Answer>> {
    // The daemon knows better than this process whether a named model fits beside its servers.
    let (model, why) = choose(session, &Request { force: request.model.is_some(), ..request.clone() })?;
    if let Some(why) = why {
        on(OpEvent::note(format!("model: {} ({why})", text::clean(&model.name))));
    }
    let asked = prompt_shared::ask((socket, &model.id), &chat(request, request.timeout), (stop, request.timeout), on);
    let Some(asked) = asked.transpose() else { return Ok(None) };
    let id = model.id.clone();
    let outcome = asked.and_then(|shared| {
        check(request, &model, (&shared.completion, shared.first_token), on)?;
        let Shared { completion, waited, total, first_token } = shared;
        Ok(Answer { model, completion, load: waited, total, first_token })
    });
    record(session, (request.source, id), &outcome, on);
    outcome.map(Some)
}

/// Returns the model that answers: the named one, else the first that fits, with the reason for the choice.
fn choose(session: &mut Session, request: &Request) -> anyhow::Result<(Model, Option<String>)> {
    let context = session.config.worker.context;
    let limits = session.config.memory;
    let available = reservation::main_memory_later(session.db(Access::ReadOnly)?, limits)?;
    if let Some(named) = &request.model {
        let row = resolve_model::resolve(session, named)?;
        runnable::check(&row)?;
        let model = load(session, &row.id)?;
        if let Some(short) = too_large(&model, (context, 1), &available).filter(|_| !request.force) {
            return Err(Failure::cannot_meet(format!("{} {short}", row.name))
                .hint("choose a smaller model, free memory, or use --force")
                .into());
        }
        return Ok((model, None));
    }
    let mut rows = session.db(Access::ReadOnly)?.rows()?;
    let hints: Vec<KeepHint> = keep_hints::hints(session)?.into_iter().map(|(_, hint)| hint).collect();
    if !hints.is_empty() {
        inventory::name_all(&mut rows);
    }
    let order = rank(&rows, &hints, &session.config.tiers);
    if order.is_empty() {
        let failure = Failure::cannot_meet("no usable model: none is known that generates text, is intact and enabled");
        return Err(failure.hint("run `modelctl scan` to find models, `modelctl list` to see them").into());
    }
    let mut short = Vec::new();
    for ranked in &order {
        let Some(row) = rows.get(ranked.row) else { continue };
        let model = load(session, &row.id)?;
        match too_large(&model, (context, 1), &available).filter(|_| !request.force) {
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
    Err(Failure::cannot_meet(message).hint("free memory, or choose one with --model M --force").into())
}

fn load(session: &mut Session, id: &ModelId) -> anyhow::Result<Model> {
    let mut models = session.db(Access::ReadOnly)?.models(Some(std::slice::from_ref(id)))?;
    models.pop().ok_or_else(|| Failure::cannot_meet(format!("model {id} has just been removed")).into())
}

fn run(
    session: &mut Session,
    request: &Request,
    model: Model,
    (stop, limit, device): (&StopSignal, Option<Duration>, Option<&Device>),
    on: &mut Sink<'_>,
) -> anyhow::Result<Answer> {
    let started = clock::instant();
    let spec =
        StartSpec::of(&model, &session.config.worker, self_child::OURSELVES.into(), session.config.runtime_dir.clone());
    let Some(mut spec) = spec else {
        return Err(Failure::cannot_meet(format!("{} has no file", model.name)).into());
    };
    spec.device = device.map(Device::held);
    spec.load_limit = limit.map_or(spec.load_limit, |limit| limit.min(spec.load_limit));
    let mut reservation = match device {
        Some(_) => {
            let (who, time) = ((request.command, request.force), (stop, limit.unwrap_or(WAIT)));
            reserve(session, who, (&model, &spec.load), time, on)?
        }
        None => None,
    };
    let mut progress = Progress::new(Step::Loading, Some(100));
    on(progress.clone().into());
    let mut on_started = |pid| reservation.iter_mut().for_each(|reservation| reservation.started(pid));
    let mut on_progress = |fraction| {
        progress.done = (fraction * 100.0) as u64;
        on(progress.clone().into());
    };
    let worker = Worker::start_while(&spec, stop, (&mut on_started, &mut on_progress), &mut || true);
    on(OpEvent::StepEnded { step: Step::Loading });
    // Declared after the reservation, and so dropped before it: the worker has ended when its memory is released.
    let mut worker = worker.map_err(Failure::from)?;
    if let Some(Err(error)) = reservation.as_mut().map(Reservation::ready) {
        unreserved(&error, on);
    }
    let loaded = started.elapsed();
    // The rest of the limit; loading counts.
    let chat = chat(request, limit.map(|limit| limit.saturating_sub(started.elapsed())));
    let mut first_token = None;
    let completion = worker.chat(&chat, &mut |piece| {
        first_token.get_or_insert_with(|| started.elapsed());
        on(OpEvent::Text { text: piece.to_owned() });
        ControlFlow::Continue(())
    });
    let completion = completion.map_err(Failure::from)?;
    check(request, &model, (&completion, first_token), on)?;
    if let Some(Err(error)) = reservation.as_mut().map(|reservation| reservation.measure(worker.id())) {
        unreserved(&error, on);
    }
    // The work is done; a worker that does not stop is killed.
    if worker.stop(Duration::from_secs(2)).is_err() {
        reservation.into_iter().for_each(Reservation::keep);
    }
    Ok(Answer { model, completion, load: loaded, total: started.elapsed(), first_token })
}

/// Returns the prompt as a chat that ends after `limit`.
fn chat(request: &Request, limit: Option<Duration>) -> ChatRequest {
    let mut chat = ChatRequest::new([Message::new("user", &request.prompt)]);
    chat.options = Options {
        max_tokens: request.max_tokens.map(i64::from),
        temperature: Some(request.temperature),
        seed: request.seed.map(i64::from),
        timeout_ms: limit.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
        ..Options::default()
    };
    chat
}

/// Refuses an answer that had not begun at the end of its time, and warns of one without a chat template.
fn check(
    request: &Request,
    model: &Model,
    (completion, first_token): (&Completion, Option<Duration>),
    on: &mut Sink<'_>,
) -> Result<(), Failure> {
    if completion.finish == Finish::TimedOut && first_token.is_none() {
        let limit = request.timeout.map_or_else(String::new, |limit| format!(" within {}", units::took(limit)));
        return Err(Failure::busy(format!("{} did not finish its answer{limit}", text::clean(&model.name)))
            .hint("this includes loading the model and reading the prompt; use a longer --timeout"));
    }
    if completion.template == TemplateUse::None {
        on(OpEvent::warning(format!("{} has no chat template: it continues the plain text", model.name)));
    }
    Ok(())
}

/// Records the use in the journal. A failed run counts as a use: a person wanted that model. A journal that cannot be
/// written is a warning, since the answer matters more than its record.
fn record(session: &mut Session, (source, id): (&str, ModelId), outcome: &anyhow::Result<Answer>, on: &mut Sink<'_>) {
    let timings = outcome.as_ref().map(|r| r.completion.timings).unwrap_or_default();
    let event = UseEvent {
        model: id,
        at: clock::now(),
        source: source.to_owned(),
        prompt_tokens: timings.prompt_n.into(),
        completion_tokens: timings.predicted_n.into(),
        duration_ms: outcome.as_ref().map_or(0, |r| u64::try_from(r.total.as_millis()).unwrap_or(u64::MAX)),
        outcome: outcome.as_ref().map_or("failed", |r| finish_word(r.completion.finish)).to_owned(),
    };
    let written = session.db(Access::ReadWrite).and_then(|db| db.record_use(&event));
    if let Err(error) = written {
        on(OpEvent::warning(format!("this use was not recorded: {error:#}")));
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

/// The answer as one JSON object. Part of the public interface: keys are added, never renamed or dropped.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Report<'a> {
    model: Answered<'a>,
    text: &'a str,
    /// `stop`, `length`, `cancelled`, `timed_out`.
    finish_reason: &'static str,
    /// Source of the prompt: `model`, `model_without_system`, `none` (plain text).
    template: TemplateUse,
    prompt_tokens: u32,
    completion_tokens: u32,
    timings: Timings,
    load_ms: u64,
    /// Time from the start of the worker to the first piece of text; null when there was none.
    first_token_ms: Option<u64>,
    total_ms: u64,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Answered<'a> {
    id: &'a ModelId,
    name: &'a str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
}

impl Document for Report<'_> {
    const SCHEMA: &'static str = "modelctl.answer/1";
}

/// Returns the answer for a client.
pub fn report(run: &Answer) -> Report<'_> {
    let model = &run.model;
    let ms = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    let main = model.main().map(|main| main.path.as_path()).unwrap_or(Path::new(""));
    let (path, path_bytes_hex) = (main.to_string_lossy().into_owned(), path_bytes_hex(main));
    Report {
        model: Answered { id: &model.id, name: &model.name, path, path_bytes_hex },
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

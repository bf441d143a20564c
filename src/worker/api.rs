//! The worker's routes: those of llama-server that one model without tools needs.

use super::exchange::{COMPUTING, STANDING};
use super::generate::generate;
use super::renderer::Renderer;
use super::{prompt, several};
use crate::clock;
use crate::engine::{AtWork, Counts, Engine, EngineError, Event, Figure, Metrics, Prompt, Vectors};
use crate::openai::{
    self, ApiError, ChatRequest, CompletionRequest, DONE, Dialect, EmbeddingReply, EmbeddingRequest, Finish, Kind,
    Options, Reply, Timings, Usage, comment, event as sse,
};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// The header by which the gateway passes on the name that its client asked for.
pub const MODEL_HEADER: &str = "x-modelctl-model";

/// The path at which the daemon sets the numbers of threads of a worker that runs.
pub const THREADS_PATH: &str = "/internal/threads";

/// The body of a request to [`THREADS_PATH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threads {
    /// The largest number for one token at a time.
    pub threads: u32,
    /// The largest number for prompts.
    pub threads_batch: u32,
}

/// Bytes of one request: more than any context holds.
const BODY_BYTES: usize = 64 << 20;

/// Interval of the signs that a client gets while its request has no output, as long as the engine computes: waiting
/// for room, or reading a long prompt, is no hang.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// State that the routes share.
#[derive(Default)]
pub struct Shared {
    /// Set once the model is loaded.
    pub engine: OnceLock<Arc<Engine>>,
    /// Whether a stop was requested: running requests may finish, no new one starts.
    pub stopping: AtomicBool,
    /// Renders chat templates.
    pub renderer: Renderer,
    answers: AtomicU64,
}

impl Shared {
    fn engine(&self) -> Result<Arc<Engine>, ApiError> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(ApiError::unavailable("Stopping"));
        }
        self.engine.get().cloned().ok_or_else(|| ApiError::unavailable("Loading model"))
    }

    fn reply(
        &self,
        kind: Kind,
        engine: &Engine,
        (prompt, options, asked): (&Prompt, &Options, Option<String>),
    ) -> Reply {
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let prefix = if kind == Kind::Chat { "chatcmpl" } else { "cmpl" };
        let now = clock::now().millis();
        Reply {
            kind,
            id: format!("{prefix}-{now}-{number}"),
            created: now / 1_000,
            dialect: if asked.is_some() { Dialect::OpenAi } else { Dialect::Own },
            model: asked.unwrap_or_else(|| engine.info().name.clone()),
            template: prompt.template,
            include_usage: options.include_usage(),
        }
    }
}

type Answer = Result<Response, ApiError>;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, axum::Json(self.body())).into_response()
    }
}

pub fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/v1/health", get(health))
        .route("/v1/models", get(models))
        .route("/props", get(props))
        .route("/metrics", get(metrics))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(completions))
        .route("/v1/embeddings", post(embeddings))
        .route(THREADS_PATH, post(threads))
        .fallback(|| async { ApiError::new(404, "not_found_error", "File Not Found") })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(shared)
}

async fn health(State(shared): State<Arc<Shared>>) -> Answer {
    shared.engine()?;
    Ok(axum::Json(json!({"status": "ok"})).into_response())
}

async fn models(State(shared): State<Arc<Shared>>) -> Answer {
    let engine = shared.engine()?;
    let info = engine.info();
    let meta = json!({
        "n_ctx": info.context, "n_ctx_train": info.context_trained, "n_params": info.parameters,
        "n_vocab": info.vocabulary, "size": info.bytes,
    });
    let created = clock::now().millis() / 1_000;
    let model = json!({"id": info.name, "object": "model", "created": created, "owned_by": "llamacpp", "meta": meta});
    Ok(axum::Json(json!({"object": "list", "data": [model]})).into_response())
}

async fn props(State(shared): State<Arc<Shared>>) -> Answer {
    let engine = shared.engine()?;
    let info = engine.info();
    let settings = json!({"n_ctx": info.context});
    let props = json!({
        "default_generation_settings": settings, "total_slots": info.slots, "model_alias": info.name, "is_sleeping": false,
        "modalities": {"vision": false, "audio": false, "video": false},
        "build_info": concat!("modelctl ", env!("CARGO_PKG_VERSION")),
    });
    Ok(axum::Json(props).into_response())
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Answer {
    let engine = shared.engine()?;
    let mut text = String::new();
    for Figure { name, help, kind, value } in engine.metrics().read() {
        // Writing to a String cannot fail.
        let _ = write!(text, "# HELP llamacpp:{name} {help}\n# TYPE llamacpp:{name} {kind}\nllamacpp:{name} {value}\n");
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// Sets the largest numbers of threads, from the next decode on.
async fn threads(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    const MOST: u32 = 512;
    let engine = shared.engine()?;
    let Threads { threads, threads_batch } = parse(&body)?;
    if ![threads, threads_batch].iter().all(|count| (1..=MOST).contains(count)) {
        return Err(ApiError::bad_request(format!("numbers of threads are between 1 and {MOST}")));
    }
    engine.set_threads(Counts { threads, threads_batch });
    Ok(axum::Json(json!({"success": true})).into_response())
}

/// Returns the name that the gateway wants as the `model` of the answer, in percent-encoding. With it the answer keeps
/// to OpenAI's dialect.
fn asked_name(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(MODEL_HEADER)?.as_bytes();
    Some(percent_encoding::percent_decode(name).decode_utf8_lossy().into_owned())
}

async fn chat(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let engine = shared.engine()?;
    let request = ChatRequest::read(&parse(&body)?).map_err(ApiError::bad_request)?;
    let options = request.options.clone();
    let (asking, sharing) = (Arc::clone(&engine), Arc::clone(&shared));
    let prompt = off_thread(move || prompt::of_chat(&asking, &sharing.renderer, &request, clock::now())).await?;
    answer(&shared, &engine, Kind::Chat, (prompt, &options, asked_name(&headers))).await
}

async fn completions(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let engine = shared.engine()?;
    let (texts, options) = CompletionRequest::read_several(&parse(&body)?).map_err(ApiError::bad_request)?;
    let asking = Arc::clone(&engine);
    let all = move || texts.iter().map(|text| prompt::of_text(&asking, text)).collect::<Result<Vec<Prompt>, _>>();
    let (mut prompts, asked) = (off_thread(all).await?, asked_name(&headers));
    match prompts.pop() {
        Some(prompt) if prompts.is_empty() => answer(&shared, &engine, Kind::Text, (prompt, &options, asked)).await,
        last => {
            prompts.extend(last);
            let first = prompts.first().ok_or_else(|| ApiError::bad_request("`prompt` is empty"))?;
            let reply = shared.reply(Kind::Text, &engine, (first, &options, asked));
            several::answer(&engine, reply, prompts, &options).await
        }
    }
}

async fn embeddings(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let engine = shared.engine()?;
    let request: EmbeddingRequest = parse(&body)?;
    let inputs = request.inputs().map_err(ApiError::bad_request)?;
    let asking = Arc::clone(&engine);
    let asked = tokio::task::spawn_blocking(move || asking.embed(&inputs)).await;
    let mut answer = asked.map_err(|error| ApiError::broken(error.to_string()))??;
    let vectors = answer.recv().await.ok_or(EngineError::Stopped)??;
    let numbers = vectors.vectors.first().map_or(0, Vec::len);
    if let Some(other) = request.dimensions.filter(|wanted| *wanted != numbers) {
        let message = format!("`dimensions` is {other}, and this model's vectors have {numbers}");
        return Err(ApiError::bad_request(message));
    }
    let encoding = request.encoding_format.unwrap_or_default();
    let Vectors { vectors, prompt_tokens } = vectors;
    let name = asked_name(&headers).unwrap_or_else(|| engine.info().name.clone());
    Ok(axum::Json(EmbeddingReply::new(&name, vectors, prompt_tokens, encoding)).into_response())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    openai::json::read(body).map_err(ApiError::bad_request)
}

/// Runs `make` on another thread, since work that takes milliseconds must not block the thread that serves all clients.
async fn off_thread<T: Send + 'static>(
    make: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(make).await {
        Ok(made) => made,
        Err(error) => Err(ApiError::broken(error.to_string())),
    }
}

async fn answer(
    shared: &Shared,
    engine: &Arc<Engine>,
    kind: Kind,
    (prompt, options, asked): (Prompt, &Options, Option<String>),
) -> Answer {
    let reply = shared.reply(kind, engine, (&prompt, options, asked));
    let request = generate(options, prompt);
    let at_work = request.at_work.clone();
    let events = if request.form.is_some() {
        // Reading schemas and grammars takes time.
        let engine = Arc::clone(engine);
        let asked = tokio::task::spawn_blocking(move || engine.generate(request)).await;
        asked.map_err(|error| ApiError::broken(error.to_string()))??
    } else {
        engine.generate(request)?
    };
    if options.streams() {
        Ok(stream(reply, events, (engine.metrics(), at_work, SIGN_OF_LIFE)))
    } else {
        Ok(axum::Json(collect(&reply, events).await?).into_response())
    }
}

/// Waits for the whole answer. When the client disconnects, this future is dropped, and with it the generation.
async fn collect(reply: &Reply, mut events: Receiver<Event>) -> Result<serde_json::Value, ApiError> {
    let (mut text, mut prompt_tokens) = (String::new(), 0);
    while let Some(event) = events.recv().await {
        match event {
            Event::Started { prompt_tokens: count } => prompt_tokens = count,
            Event::Piece(piece) => text.push_str(&piece),
            Event::Done { finish: Finish::Cancelled, .. } if reply.dialect == Dialect::OpenAi => break,
            Event::Done { finish, timings } => {
                return Ok(reply.whole(&text, finish, Usage::of(prompt_tokens, timings), timings));
            }
            Event::Failed(error) => return Err(error.into()),
        }
    }
    Err(EngineError::Stopped.into())
}

/// Sends each event as it comes. When the client disconnects, the body is dropped, and with it the generation.
fn stream(reply: Reply, events: Receiver<Event>, signs: (Arc<Metrics>, AtWork, Duration)) -> Response {
    let (metrics, at_work, every) = signs;
    let (mut prompt_tokens, mut done) = (0, false);
    let ended = std::iter::once(Ok(None));
    let events = ReceiverStream::new(events).timeout_repeating(tokio::time::interval(every));
    let events = events.map(|event| event.map(Some)).chain(tokio_stream::iter(ended));
    let mut beats = metrics.beats.load(Ordering::Relaxed);
    let parts = events.filter_map(move |event| {
        let Ok(event) = event else {
            if reply.dialect == Dialect::OpenAi {
                // The gateway tells its client itself that something is being done.
                return None;
            }
            let before = std::mem::replace(&mut beats, metrics.beats.load(Ordering::Relaxed));
            // A comment, which readers of such streams skip. The parent reads it: the thread that decodes makes
            // progress, or works for this request alone and does not.
            let sign = if beats != before { Some(COMPUTING) } else { at_work.now().then_some(STANDING) };
            return sign.map(|sign| Ok(comment(sign)));
        };
        let text = match event {
            Some(Event::Started { prompt_tokens: count }) => {
                prompt_tokens = count;
                reply.opening().as_ref().map(sse)?
            }
            Some(Event::Piece(piece)) => sse(&reply.piece(&piece)),
            // OpenAI has no word for it, and the answer is not whole.
            Some(Event::Done { finish: Finish::Cancelled, .. }) if reply.dialect == Dialect::OpenAi => {
                done = true;
                sse(&error_body(&reply, EngineError::Stopped))
            }
            Some(Event::Done { finish, timings }) => {
                done = true;
                last_part(&reply, finish, Usage::of(prompt_tokens, timings), timings)
            }
            Some(Event::Failed(error)) => {
                done = true;
                sse(&error_body(&reply, error))
            }
            // The engine has ended without a final event.
            None if !done => sse(&error_body(&reply, EngineError::Stopped)),
            None => return None,
        };
        Some(Ok::<_, std::convert::Infallible>(text))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(parts)).into_response()
}

fn error_body(reply: &Reply, error: EngineError) -> serde_json::Value {
    let error = ApiError::from(error);
    if reply.dialect == Dialect::OpenAi { error.openai_body() } else { error.body() }
}

fn last_part(reply: &Reply, finish: Finish, usage: Usage, timings: Timings) -> String {
    let mut text: String = reply.closing(finish, usage, timings).iter().map(sse).collect();
    text.push_str(&format!("data: {DONE}\n\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::TemplateUse;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_request_that_waits_hears_that_the_engine_computes_and_of_a_hung_one_nothing() {
        let template = TemplateUse::Model;
        let reply = Reply {
            kind: Kind::Text,
            id: "x".into(),
            created: 0,
            model: "m".into(),
            template,
            include_usage: false,
            dialect: Dialect::Own,
        };
        let (events, receiver) = tokio::sync::mpsc::channel(1);
        let metrics = Arc::new(Metrics::default());
        let every = Duration::from_millis(5);
        let at_work = AtWork::default();
        let mut body = stream(reply, receiver, (Arc::clone(&metrics), at_work.clone(), every)).into_body();
        // It stands still: nothing is said, however long it takes.
        let silence = tokio::time::timeout(Duration::from_millis(100), body.frame()).await;
        assert!(silence.is_err(), "{silence:?}");
        metrics.count_decode(1);
        let text = |frame: Option<Result<hyper::body::Frame<Bytes>, axum::Error>>| {
            String::from_utf8(frame.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
        };
        assert_eq!(text(body.frame().await), comment(COMPUTING));
        // It stands still in what it does for this request: that is told, and is no sign of life.
        let working = at_work.begin();
        assert_eq!(text(body.frame().await), comment(STANDING));
        drop(working);
        events.send(Event::Piece("yes".into())).await.unwrap();
        assert!(text(body.frame().await).contains("yes"));
        drop(events);
        assert!(text(body.frame().await).contains("error"));
        assert!(body.frame().await.is_none());
    }

    /// The gateway passes these bytes on as they are: what a client of OpenAI's could not read would reach it.
    #[tokio::test]
    async fn an_answer_for_the_gateway_has_the_asked_name_and_only_what_openai_has() {
        let reply = Reply {
            kind: Kind::Chat,
            id: "x".into(),
            created: 7,
            model: "org/name".into(),
            template: TemplateUse::Model,
            include_usage: true,
            dialect: Dialect::OpenAi,
        };
        let (events, receiver) = tokio::sync::mpsc::channel(8);
        let (metrics, every) = (Arc::new(Metrics::default()), Duration::from_millis(5));
        let mut body = stream(reply, receiver, (Arc::clone(&metrics), AtWork::default(), every)).into_body();
        metrics.count_decode(1);
        let silence = tokio::time::timeout(Duration::from_millis(50), body.frame()).await;
        assert!(silence.is_err(), "a sign of life that naive readers take for data: {silence:?}");
        let timings = Timings::new((3, Duration::ZERO), (1, Duration::ZERO));
        events.send(Event::Started { prompt_tokens: 3 }).await.unwrap();
        events.send(Event::Piece("yes".into())).await.unwrap();
        events.send(Event::Done { finish: Finish::TimedOut, timings }).await.unwrap();
        drop(events);
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let chunks: Vec<&str> = text.split("\n\n").filter(|chunk| !chunk.is_empty()).collect();
        assert_eq!(chunks.len(), 5, "no comments: {text}");
        assert_eq!(chunks[4], "data: [DONE]");
        let read = |chunk: &str| serde_json::from_str::<serde_json::Value>(&chunk[6..]).unwrap();
        let chunks: Vec<_> = chunks[..4].iter().map(|chunk| read(chunk)).collect();
        assert!(chunks.iter().all(|chunk| chunk["id"] == "x" && chunk["created"] == 7 && chunk["model"] == "org/name"));
        let deltas: Vec<_> = chunks.iter().map(|chunk| chunk["choices"][0]["delta"].clone()).collect();
        assert_eq!(deltas[0], json!({"role": "assistant", "content": ""}));
        assert_eq!(deltas[1], json!({"content": "yes"}));
        assert_eq!(deltas[2], json!({}));
        assert_eq!(chunks[2]["choices"][0]["finish_reason"], "length", "the time limit");
        assert_eq!((&chunks[3]["choices"], &chunks[3]["usage"]["total_tokens"]), (&json!([]), &json!(4)));
    }

    #[test]
    fn the_name_of_a_model_may_have_any_character() {
        let mut headers = HeaderMap::new();
        assert_eq!(asked_name(&headers), None);
        headers.insert(MODEL_HEADER, "m%C3%B6del%2Fx%0A".parse().unwrap());
        assert_eq!(asked_name(&headers).as_deref(), Some("m\u{f6}del/x\n"));
    }
}

//! The worker's routes: llama-server's, as far as one model without tools needs them.

use super::dialect::{ChatRequest, CompletionRequest, Options, PromptDetails, Usage};
use super::embeddings::{EmbeddingReply, EmbeddingRequest};
use super::reply::{ApiError, Kind, Reply, sse};
use crate::clock;
use crate::engine::{Engine, EngineError, Event, Figure, Finish, Metrics, Prompt, Timings};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// Bytes of one request: more than any context holds.
const BODY_BYTES: usize = 64 << 20;

/// While nothing comes of a request, its client is told so often that the engine computes, if it does: that the request
/// waits for room, or a long prompt is being read, is no hang.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// What the routes share.
#[derive(Default)]
pub struct Shared {
    /// Set once the model is loaded.
    pub engine: OnceLock<Arc<Engine>>,
    /// Told to stop: what runs may finish, nothing new begins.
    pub stopping: AtomicBool,
    answers: AtomicU64,
}

impl Shared {
    fn engine(&self) -> Result<Arc<Engine>, ApiError> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(ApiError::unavailable("Stopping"));
        }
        self.engine.get().cloned().ok_or_else(|| ApiError::unavailable("Loading model"))
    }

    fn reply(&self, kind: Kind, engine: &Engine, prompt: &Prompt, options: &Options) -> Reply {
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let prefix = if kind == Kind::Chat { "chatcmpl" } else { "cmpl" };
        let now = clock::now().millis();
        Reply {
            kind,
            id: format!("{prefix}-{now}-{number}"),
            created: now / 1_000,
            model: engine.info().name.clone(),
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
        .fallback(|| async { ApiError { code: 404, message: "File Not Found".into(), kind: "not_found_error".into() } })
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

async fn chat(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let engine = shared.engine()?;
    let request = ChatRequest::read(&parse(&body)?).map_err(ApiError::bad_request)?;
    let messages = request.plain_messages().map_err(ApiError::bad_request)?;
    let variables = request.chat_template_kwargs;
    let prompt = make_prompt(&engine, move |engine| engine.chat_prompt(&messages, &variables, clock::now())).await?;
    answer(&shared, &engine, Kind::Chat, (prompt, &request.options)).await
}

async fn completions(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let engine = shared.engine()?;
    let request = CompletionRequest::read(&parse(&body)?).map_err(ApiError::bad_request)?;
    let prompt = make_prompt(&engine, move |engine| engine.text_prompt(&request.prompt)).await?;
    answer(&shared, &engine, Kind::Text, (prompt, &request.options)).await
}

async fn embeddings(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
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
    Ok(axum::Json(EmbeddingReply::new(&engine.info().name, vectors, request.encoding_format)).into_response())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// Templates and tokenising take milliseconds for a long text: not on the thread that serves everybody.
async fn make_prompt(
    engine: &Arc<Engine>,
    make: impl FnOnce(&Engine) -> Result<Prompt, EngineError> + Send + 'static,
) -> Result<Prompt, ApiError> {
    let engine = Arc::clone(engine);
    match tokio::task::spawn_blocking(move || make(&engine)).await {
        Ok(prompt) => Ok(prompt?),
        Err(error) => Err(ApiError::broken(error.to_string())),
    }
}

async fn answer(shared: &Shared, engine: &Engine, kind: Kind, (prompt, options): (Prompt, &Options)) -> Answer {
    let reply = shared.reply(kind, engine, &prompt, options);
    let events = engine.generate(options.generate(prompt))?;
    if options.streams() {
        Ok(stream(reply, events, (engine.metrics(), SIGN_OF_LIFE)))
    } else {
        Ok(axum::Json(collect(&reply, events).await?).into_response())
    }
}

/// Waits for the whole answer. When the client goes, this future is dropped, and with it the generation.
async fn collect(reply: &Reply, mut events: Receiver<Event>) -> Result<serde_json::Value, ApiError> {
    let (mut text, mut prompt_tokens) = (String::new(), 0);
    while let Some(event) = events.recv().await {
        match event {
            Event::Started { prompt_tokens: count } => prompt_tokens = count,
            Event::Piece(piece) => text.push_str(&piece),
            Event::Done { finish, timings } => {
                return Ok(reply.whole(&text, finish, usage(prompt_tokens, timings), timings));
            }
            Event::Failed(error) => return Err(error.into()),
        }
    }
    Err(EngineError::Stopped.into())
}

/// Sends each event as it comes. When the client goes, the body is dropped, and with it the generation.
fn stream(reply: Reply, events: Receiver<Event>, (metrics, every): (Arc<Metrics>, Duration)) -> Response {
    let (mut prompt_tokens, mut done) = (0, false);
    let ended = std::iter::once(Ok(None));
    let events = ReceiverStream::new(events).timeout_repeating(tokio::time::interval(every));
    let events = events.map(|event| event.map(Some)).chain(tokio_stream::iter(ended));
    let mut decodes = metrics.decodes.load(Ordering::Relaxed);
    let parts = events.filter_map(move |event| {
        let Ok(event) = event else {
            let before = std::mem::replace(&mut decodes, metrics.decodes.load(Ordering::Relaxed));
            // A comment, which every reader of such streams passes over.
            return (decodes != before).then(|| Ok(": computing\n\n".to_owned()));
        };
        let text = match event {
            Some(Event::Started { prompt_tokens: count }) => {
                prompt_tokens = count;
                reply.opening().as_ref().map(sse)?
            }
            Some(Event::Piece(piece)) => sse(&reply.piece(&piece)),
            Some(Event::Done { finish, timings }) => {
                done = true;
                last_part(&reply, finish, usage(prompt_tokens, timings), timings)
            }
            Some(Event::Failed(error)) => {
                done = true;
                sse(&ApiError::from(error).body())
            }
            // The engine has ended without a last word.
            None if !done => sse(&ApiError::from(EngineError::Stopped).body()),
            None => return None,
        };
        Some(Ok::<_, std::convert::Infallible>(text))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(parts)).into_response()
}

fn last_part(reply: &Reply, finish: Finish, usage: Usage, timings: Timings) -> String {
    let mut text: String = reply.closing(finish, usage, timings).iter().map(sse).collect();
    text.push_str("data: [DONE]\n\n");
    text
}

fn usage(prompt_tokens: u32, timings: Timings) -> Usage {
    let completion_tokens = timings.predicted_n;
    Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens.saturating_add(completion_tokens),
        prompt_tokens_details: PromptDetails { cached_tokens: timings.cache_n },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::TemplateUse;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_request_that_waits_hears_that_the_engine_computes_and_of_a_hung_one_nothing() {
        let template = TemplateUse::Model;
        let reply =
            Reply { kind: Kind::Text, id: "x".into(), created: 0, model: "m".into(), template, include_usage: false };
        let (events, receiver) = tokio::sync::mpsc::channel(1);
        let metrics = Arc::new(Metrics::default());
        let every = Duration::from_millis(5);
        let mut body = stream(reply, receiver, (Arc::clone(&metrics), every)).into_body();
        // It stands still: nothing is said, however long it takes.
        let silence = tokio::time::timeout(Duration::from_millis(100), body.frame()).await;
        assert!(silence.is_err(), "{silence:?}");
        metrics.count_decode(1);
        let text = |frame: Option<Result<hyper::body::Frame<Bytes>, axum::Error>>| {
            String::from_utf8(frame.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
        };
        assert_eq!(text(body.frame().await), ": computing\n\n");
        events.send(Event::Piece("yes".into())).await.unwrap();
        assert!(text(body.frame().await).contains("yes"));
        drop(events);
        assert!(text(body.frame().await).contains("error"));
        assert!(body.frame().await.is_none());
    }
}

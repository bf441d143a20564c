//! `POST /api/chat` and `POST /api/generate`.

use super::error::OllamaError;
use super::{Call, errand, lines};
use crate::config::NumCtx;
use crate::ollama::{self, Answer, ChatRequest, Errand, GenerateRequest, KeepAlive, Kind, TextBody};
use crate::serve::catalog::Entry;
use crate::serve::gateway::{Asked, Endpoint, Job, MODE_HEADER};
use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::response::Response;
use serde_json::{Map, Value};

/// The header that names members of a request which are not used.
const IGNORED: &str = "x-modelctl-ignored";

pub(super) async fn chat(mut call: Call) -> Result<Response, OllamaError> {
    let request: ChatRequest = call.read().await?;
    let entry = call.resolve(request.model.as_deref()).await?;
    let keep = call.keep(request.keep_alive.as_ref())?;
    let model = request.model.clone().unwrap_or_default();
    let answer = Answer::new(Kind::Chat, &model);
    if request.is_empty() {
        return errand::run(call, &entry, (Errand::of(keep), keep), answer).await;
    }
    let body = call.noted(ollama::chat_body(&request, &model).map_err(OllamaError::bad_request))?;
    let (asked, grow) = ((model, request.stream.unwrap_or(true)), call.growth(request.options.as_ref()));
    ask(call, &entry, (TextBody::Chat(body), keep, grow), asked, answer).await
}

pub(super) async fn generate(mut call: Call) -> Result<Response, OllamaError> {
    let request: GenerateRequest = call.read().await?;
    let entry = call.resolve(request.model.as_deref()).await?;
    let keep = call.keep(request.keep_alive.as_ref())?;
    let model = request.model.clone().unwrap_or_default();
    let answer = Answer::new(Kind::Generate, &model);
    if request.is_empty() {
        return errand::run(call, &entry, (Errand::of(keep), keep), answer).await;
    }
    let body = call.noted(ollama::generate_body(&request, &model).map_err(OllamaError::bad_request))?;
    let (asked, grow) = ((model, request.stream.unwrap_or(true)), call.growth(request.options.as_ref()));
    let mut response = ask(call, &entry, (body, keep, grow), asked, answer).await?;
    let ignored = ollama::ignored(&request).join(", ");
    if let Ok(ignored) = HeaderValue::from_str(&ignored)
        && !ignored.is_empty()
    {
        response.headers_mut().insert(IGNORED, ignored);
    }
    Ok(response)
}

/// Has a request answered by a server, and its answer translated.
async fn ask(
    mut call: Call,
    entry: &Entry,
    (body, keep, grow): (TextBody, Option<KeepAlive>, Option<u32>),
    (model, is_stream): (String, bool),
    answer: Answer,
) -> Result<Response, OllamaError> {
    let (endpoint, body) = match body {
        TextBody::Chat(body) => (Endpoint::Chat, body),
        TextBody::Completion(body) => (Endpoint::Completions, body),
    };
    call.meter.endpoint(endpoint);
    let job = Job { grow, ..call.job(entry, (endpoint, body), (model, true), keep)? };
    let (head, relay) = call.ollama.gateway.forward(job, call.meter).await?.into_parts();
    let began = call.began;
    let response = match is_stream {
        true => lines::stream(relay, answer, began),
        false => lines::whole(relay, answer, began).await?,
    };
    Ok(with_mode(response, head.headers.get(MODE_HEADER)))
}

/// Says how the model of an answer is loaded.
pub(super) fn with_mode(mut response: Response, mode: Option<&HeaderValue>) -> Response {
    if let Some(mode) = mode {
        response.headers_mut().insert(MODE_HEADER, mode.clone());
    }
    response
}

impl Call {
    /// Makes a request of OpenAI's dialect for the server of a model.
    pub(super) fn job(
        &mut self,
        entry: &Entry,
        (endpoint, body): (Endpoint, Map<String, Value>),
        (model, stream): (String, bool),
        keep: Option<KeepAlive>,
    ) -> Result<Job, OllamaError> {
        let gateway = std::sync::Arc::clone(&self.ollama.gateway);
        let placed = gateway.place(&self.head, entry, endpoint, &mut self.meter).map_err(OllamaError::from);
        let (key, class) = self.noted(placed)?;
        let checked = gateway.check(&key, entry, (endpoint, &body)).map_err(OllamaError::from);
        self.noted(checked)?;
        let asked = Asked { model, stream, include_usage: stream, prompts: 1 };
        let keep = self.granted(keep);
        let body = Bytes::from(Value::Object(body).to_string());
        Ok(Job { key, class, endpoint, asked, body, keep, grow: None })
    }

    /// Returns the tokens of context that the model may be loaded with once more, where the operator lets it grow.
    fn growth(&self, options: Option<&Map<String, Value>>) -> Option<u32> {
        let may_grow = self.ollama.gateway.config.borrow().ollama.num_ctx == NumCtx::Grow;
        ollama::wished_context(options).filter(|_| may_grow)
    }
}

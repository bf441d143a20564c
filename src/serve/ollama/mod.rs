//! The API in Ollama's dialect, beside the gateway: the same names, queue, servers and records.
//!
//! Absent on purpose: how requests and answers are translated ([`crate::ollama`]), who may ask, which servers run.

mod elsewhere;
mod embed;
mod errand;
mod error;
mod lines;
mod models;
mod show;
#[cfg(test)]
mod tests;
mod text;

use super::catalog::{Entry, Resolved};
use super::control::Sessions;
use super::gateway::{Endpoint, Gateway, Meter, Problem, read_json};
use super::listen::{Logged, read_body};
use crate::clock;
use crate::ollama::KeepAlive;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use error::OllamaError;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the handlers share.
#[derive(Debug)]
pub struct Ollama {
    gateway: Arc<Gateway>,
    sessions: Sessions,
}

impl Ollama {
    pub fn new(gateway: Arc<Gateway>, sessions: Sessions) -> Ollama {
        Ollama { gateway, sessions }
    }
}

pub fn routes(ollama: Arc<Ollama>) -> Router {
    let mut router = Router::new()
        .route("/", get(elsewhere::root))
        .route("/api/version", get(elsewhere::version))
        .route("/api/tags", get(models::tags))
        .route("/api/ps", get(models::ps))
        .route("/api/show", post(show::show))
        .route("/api/chat", post(|s, r| measured(s, r, Endpoint::Chat, text::chat)))
        .route("/api/generate", post(|s, r| measured(s, r, Endpoint::Chat, text::generate)))
        .route("/api/embed", post(|s, r| measured(s, r, Endpoint::Embeddings, embed::embed)))
        .route("/api/embeddings", post(|s, r| measured(s, r, Endpoint::Embeddings, embed::older)))
        .route("/api/pull", post(elsewhere::pull));
    for path in elsewhere::NOT_HERE {
        router = router.route(path, any(elsewhere::not_here));
    }
    router.layer(DefaultBodyLimit::disable()).with_state(ollama)
}

/// A request for an answer of a model: its head, its body, and when it came.
struct Call {
    ollama: Arc<Ollama>,
    head: Parts,
    body: Body,
    began: Instant,
    meter: Meter,
}

/// Answers a request that is recorded: by the gateway once it has it, until then here.
async fn measured<F>(
    State(ollama): State<Arc<Ollama>>,
    request: Request,
    endpoint: Endpoint,
    answer: impl FnOnce(Call) -> F,
) -> Response
where
    F: Future<Output = Result<Response, OllamaError>>,
{
    let (head, body) = request.into_parts();
    let meter = ollama.gateway.meter(&head, endpoint);
    let call = Call { ollama, head, body, began: clock::instant(), meter };
    let mut response = answer(call).await.unwrap_or_else(IntoResponse::into_response);
    response.extensions_mut().insert(Logged);
    response
}

impl Call {
    /// Runs a step that may fail before a server is asked, and records its failure.
    fn noted<T>(&mut self, step: Result<T, OllamaError>) -> Result<T, OllamaError> {
        step.inspect_err(|error| self.meter.fail(error.problem()))
    }

    async fn read<T: DeserializeOwned>(&mut self) -> Result<T, OllamaError> {
        let body = std::mem::take(&mut self.body);
        let read = self.ollama.read(body).await;
        self.noted(read)
    }

    async fn resolve(&mut self, name: Option<&str>) -> Result<Arc<Entry>, OllamaError> {
        let found = self.ollama.resolve(name).await;
        self.noted(found)
    }

    /// Returns how long the client wishes that its model stays loaded.
    fn keep(&mut self, value: Option<&Value>) -> Result<Option<KeepAlive>, OllamaError> {
        let read = KeepAlive::read(value).map_err(OllamaError::bad_request);
        self.noted(read)
    }

    /// Returns how long it stays loaded.
    fn granted(&self, keep: Option<KeepAlive>) -> Option<Duration> {
        keep.map(|keep| keep.at_most(self.ollama.gateway.config.borrow().ollama.keep_alive_max))
    }
}

impl Ollama {
    async fn read<T: DeserializeOwned>(&self, body: Body) -> Result<T, OllamaError> {
        let config = Arc::clone(&self.gateway.config.borrow());
        let body = read_body(body, &config.serve.limits).await.map_err(Problem::from)?;
        Ok(read_json(&body)?)
    }

    /// Finds the model that a client names.
    async fn resolve(&self, name: Option<&str>) -> Result<Arc<Entry>, OllamaError> {
        let name = name.filter(|name| !name.is_empty()).ok_or_else(|| OllamaError::bad_request("model is required"))?;
        self.gateway.resolve(name).await.map_err(|problem| {
            if problem.status != StatusCode::NOT_FOUND {
                return OllamaError::from(problem);
            }
            // Clients look for these words.
            let catalog = self.gateway.catalogs.current();
            let is_known = matches!(catalog.resolve(name), Resolved::NotServed(..)) || catalog.gone(name).is_some();
            let message = match is_known {
                true => format!("model '{name}' not found: {}", problem.message),
                false => format!("model '{name}' not found"),
            };
            OllamaError::from(problem.told(message))
        })
    }
}

//! What says that the API is there, and what is done elsewhere.

use super::Ollama;
use super::error::OllamaError;
use crate::ollama::{self, PullRequest};
use crate::serve::page;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// Paths of Ollama's that change its store.
pub(super) const NOT_HERE: [&str; 5] = ["/api/create", "/api/copy", "/api/delete", "/api/push", "/api/blobs/{*digest}"];

const PULL: &str = "modelctl does not download models: use `hf download`, `ollama pull` or a browser, into a folder \
                    that is scanned, then run `modelctl scan`";

/// Clients look for this word; a browser gets the page.
pub(super) async fn root(headers: HeaderMap) -> Response {
    match page::is_preferred(&headers) {
        true => page::index(),
        false => ([(header::VARY, "Accept")], "Ollama is running").into_response(),
    }
}

pub(super) async fn version(State(ollama): State<Arc<Ollama>>) -> Json<Value> {
    Json(json!({"version": ollama.gateway.config.borrow().ollama.version}))
}

/// A model that is here needs no download.
pub(super) async fn pull(State(ollama): State<Arc<Ollama>>, request: Request) -> Result<Response, OllamaError> {
    let asked: PullRequest = ollama.read(request.into_body()).await?;
    match ollama.resolve(asked.named()).await {
        Ok(_) => {}
        Err(error) if error.problem().status == StatusCode::NOT_FOUND => {
            return Ok(refuse(&format!("{}: {PULL}", error.message())));
        }
        Err(error) => return Err(error),
    }
    if asked.stream == Some(false) {
        return Ok(Json(json!({"status": "success"})).into_response());
    }
    let lines = ["pulling manifest", "success"].map(|status| format!("{}\n", json!({"status": status})));
    let kind = HeaderValue::from_static("application/x-ndjson");
    Ok(([(header::CONTENT_TYPE, kind)], lines.concat()).into_response())
}

pub(super) async fn not_here(uri: Uri) -> Response {
    refuse(match uri.path() {
        "/api/copy" => "modelctl does not copy models: give one another name with `modelctl set MODEL --alias NAME`",
        "/api/delete" => "modelctl does not delete models for clients: use `modelctl prune`",
        "/api/push" => "modelctl does not publish models",
        _ => {
            "modelctl does not create models: put the GGUF file into a scanned folder, run `modelctl scan`, and set it \
             up with `modelctl set`"
        }
    })
}

fn refuse(message: &str) -> Response {
    (StatusCode::NOT_IMPLEMENTED, Json(ollama::error(message))).into_response()
}

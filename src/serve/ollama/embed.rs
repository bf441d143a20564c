//! `POST /api/embed`, and the older `POST /api/embeddings`.

use super::error::OllamaError;
use super::text::with_mode;
use super::{Call, errand};
use crate::clock;
use crate::ollama::{EmbedReply, EmbedRequest, Times};
use crate::serve::gateway::{Endpoint, MODE_HEADER};
use axum::Json;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};

/// Bytes of an answer: 2,048 vectors of the longest kind.
const ANSWER_BYTES: usize = 256 << 20;

pub(super) async fn embed(call: Call) -> Result<Response, OllamaError> {
    let Embedded { model, reply, times, mode } = vectors(call).await?;
    Ok(with_mode(Json(reply.document(&model, times)).into_response(), mode.as_ref()))
}

pub(super) async fn older(call: Call) -> Result<Response, OllamaError> {
    let Embedded { reply, mode, .. } = vectors(call).await?;
    Ok(with_mode(Json(reply.older_document()).into_response(), mode.as_ref()))
}

/// The vectors of a request.
struct Embedded {
    model: String,
    reply: EmbedReply,
    times: Times,
    /// How the model is loaded.
    mode: Option<HeaderValue>,
}

async fn vectors(mut call: Call) -> Result<Embedded, OllamaError> {
    let request: EmbedRequest = call.read().await?;
    let entry = call.resolve(request.model.as_deref()).await?;
    let keep = call.keep(request.keep_alive.as_ref())?;
    let texts = call.noted(request.texts().map_err(OllamaError::bad_request))?;
    let model = request.model.clone().unwrap_or_default();
    let began = call.began;
    if texts.is_empty() {
        // As the empty requests for texts do.
        errand::load(call, &entry, (Endpoint::Embeddings, keep)).await?;
        return Ok(Embedded { model, reply: EmbedReply::default(), times: Times::default(), mode: None });
    }
    let body = request.body(&model, &texts);
    let job = call.job(&entry, (Endpoint::Embeddings, body), (model.clone(), false), keep)?;
    let (head, relay) = call.ollama.gateway.forward(job, call.meter).await?.into_parts();
    let mode = head.headers.get(MODE_HEADER).cloned();
    let load = relay.waited();
    let whole =
        Limited::new(relay, ANSWER_BYTES).collect().await.map_err(|error| OllamaError::broken(error.to_string()))?;
    let reply = EmbedReply::read(&whole.to_bytes())
        .ok_or_else(|| OllamaError::broken("the server of the model sent an invalid answer"))?;
    let total = clock::instant().saturating_duration_since(began);
    Ok(Embedded { model, reply, times: Times { total, load: load.min(total) }, mode })
}

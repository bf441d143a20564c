//! `POST /api/embed`, and the older `POST /api/embeddings`.

use super::Call;
use super::error::OllamaError;
use crate::clock;
use crate::ollama::{EmbedReply, EmbedRequest, Times};
use crate::serve::gateway::Endpoint;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};

/// Bytes of an answer: 2,048 vectors of the longest kind.
const ANSWER_BYTES: usize = 256 << 20;

pub(super) async fn embed(call: Call) -> Result<Response, OllamaError> {
    let (model, reply, times) = vectors(call).await?;
    Ok(Json(reply.document(&model, times)).into_response())
}

pub(super) async fn older(call: Call) -> Result<Response, OllamaError> {
    let (_, reply, _) = vectors(call).await?;
    Ok(Json(reply.older_document()).into_response())
}

async fn vectors(mut call: Call) -> Result<(String, EmbedReply, Times), OllamaError> {
    let request: EmbedRequest = call.read().await?;
    let entry = call.resolve(request.model.as_deref())?;
    let keep = call.keep(request.keep_alive.as_ref())?;
    let texts = call.noted(request.texts().map_err(OllamaError::bad_request))?;
    let model = request.model.clone().unwrap_or_default();
    let began = call.began;
    let body = request.body(&model, &texts);
    let job = call.job(&entry, (Endpoint::Embeddings, body), (model.clone(), false), keep)?;
    if texts.is_empty() {
        // Loads the model, as the empty requests for texts do.
        call.ollama.gateway.load((job.key, job.class), job.keep, call.meter).await?;
        return Ok((model, EmbedReply::default(), Times::default()));
    }
    let relay = call.ollama.gateway.forward(job, call.meter).await?.into_body();
    let load = relay.waited();
    let whole =
        Limited::new(relay, ANSWER_BYTES).collect().await.map_err(|error| OllamaError::broken(error.to_string()))?;
    let reply = EmbedReply::read(&whole.to_bytes())
        .ok_or_else(|| OllamaError::broken("the server of the model sent something that is no answer"))?;
    let total = clock::instant().saturating_duration_since(began);
    Ok((model, reply, Times { total, load: load.min(total) }))
}

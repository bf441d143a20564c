//! Requests that ask for no answer: they load a model, or unload it.

use super::Call;
use super::error::OllamaError;
use crate::clock;
use crate::lifecycle::{Phase, ServerKey};
use crate::model::ModelId;
use crate::ollama::{Answer, Errand, KeepAlive};
use crate::serve::catalog::Entry;
use crate::serve::control::{Control, Server};
use crate::serve::gateway::Endpoint;
use axum::Json;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;

/// The longest wait for the end of a server that is unloaded.
const UNLOAD: Duration = Duration::from_secs(10);

pub(super) async fn run(
    mut call: Call,
    entry: &Entry,
    (errand, keep): (Errand, Option<KeepAlive>),
    answer: Answer,
) -> Result<Response, OllamaError> {
    match errand {
        Errand::Load => load(call, entry, (Endpoint::Chat, keep)).await?,
        Errand::Unload => {
            call.meter.model(entry.name(), &entry.row.id);
            unload(&call.ollama.gateway.control, &entry.row.id).await;
            call.meter.finish("unload");
        }
    }
    Ok(Json(answer.errand(errand.name(), clock::now())).into_response())
}

/// Has the server loaded that answers on an endpoint.
pub(super) async fn load(
    mut call: Call,
    entry: &Entry,
    (endpoint, keep): (Endpoint, Option<KeepAlive>),
) -> Result<(), OllamaError> {
    let gateway = Arc::clone(&call.ollama.gateway);
    let placed = gateway.place(&call.head, entry, endpoint, &mut call.meter).map_err(OllamaError::from);
    let at = call.noted(placed)?;
    let keep = call.granted(keep);
    Ok(gateway.load(at, keep, call.meter).await?)
}

/// Has a model unloaded once it has nothing to do, and waits for the end of one that is idle: a client that lists what
/// is loaded afterwards does not find it. A pinned one stays.
async fn unload(control: &Control, model: &ModelId) {
    let mut servers = control.watch();
    for key in ServerKey::all_of(model) {
        control.keep(key, Duration::ZERO).await;
    }
    let is_leaving = |server: &Server| {
        let view = &server.view;
        let has_memory = matches!(view.phase, Phase::Ready | Phase::Stopping);
        view.key.model == *model && has_memory && !view.pinned && view.in_flight == 0 && view.queued == 0
    };
    let gone = servers.wait_for(|servers| !servers.iter().any(is_leaving));
    // One that takes longer is reported as running by whoever asks.
    let _ = tokio::time::timeout(UNLOAD, gone).await;
}

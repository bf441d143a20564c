//! What clients of llama-server's router and of llama-swap ask for besides answers: to load and unload models, which run,
//! and how they are set up. None of it loads a model but `/models/load`.

mod router;
mod swap;
#[cfg(test)]
mod tests;

use super::catalog::Entry;
use super::control::Server;
use super::gateway::{Gateway, Problem};
use crate::lifecycle::{Phase, Purpose, ServerKey};
use crate::model::ModelId;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use std::sync::Arc;

pub fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/models/load", post(router::load))
        .route("/models/unload", post(router::unload))
        .route("/props", get(router::props))
        .route("/slots", get(router::slots))
        .route("/running", get(swap::running))
        .route("/unload", get(swap::unload))
        .layer(DefaultBodyLimit::disable())
        .with_state(gateway)
}

const PURPOSES: [Purpose; 2] = [Purpose::Main, Purpose::Vectors];

/// Returns whether a server has memory, or is about to.
fn is_up(server: &Server) -> bool {
    matches!(server.view.phase, Phase::Queued | Phase::Starting { .. } | Phase::Ready | Phase::Stopping)
}

/// Stops the servers of a model, and waits for their end.
async fn stop(gateway: &Gateway, model: &ModelId) {
    let stops = PURPOSES.map(|purpose| gateway.control.stop(ServerKey { model: model.clone(), purpose }, false));
    futures_util::future::join_all(stops).await;
}

/// Returns the name under which a model is listed.
fn name_of(entry: &Entry) -> &str {
    entry.listed.as_deref().unwrap_or(&entry.row.name)
}

/// Finds the model that a query names.
fn resolve(gateway: &Gateway, name: &str) -> Result<Arc<Entry>, Problem> {
    gateway.resolve(name)
}

//! What clients of llama-server's router and of llama-swap ask for besides answers: to load and unload models, which run,
//! and how they are set up. None of it loads a model but `/models/load`.

mod router;
mod swap;
#[cfg(test)]
mod tests;

use super::control::Server;
use super::gateway::Gateway;
use crate::lifecycle::{KeyKind, Phase};
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

/// Returns whether a server has memory, or is about to. What is reserved for another program is no server.
fn is_up(server: &Server) -> bool {
    let is_server = !matches!(server.view.key.kind(), KeyKind::Headroom(_));
    is_server && matches!(server.view.phase, Phase::Queued | Phase::Starting { .. } | Phase::Ready | Phase::Stopping)
}

use crate::serve::api::{self, Api};
use crate::serve::gateway::{self, Gateway};
use crate::serve::ollama::{self, Ollama};
use crate::serve::page;
use crate::serve::ports::Ports;
use crate::serve::router_shapes;
use axum::extract::{DefaultBodyLimit, Request};
use axum::routing::get;
use axum::{Extension, Router};
use std::sync::Arc;

/// Returns all routes of the daemon.
pub(super) fn all(gateway: &Arc<Gateway>, api: Arc<Api>, (ollama, ports): (Arc<Ollama>, Ports)) -> Router {
    let health = || async { axum::Json(serde_json::json!({"status": "ok"})) };
    let services = Arc::clone(gateway);
    let by_route = move |request: Request| {
        let services = Arc::clone(&services);
        async move { gateway::by_route(&services, request).await }
    };
    Router::new()
        .route("/health", get(health))
        .route("/v1/health", get(health))
        .merge(gateway::routes(Arc::clone(gateway)))
        .merge(router_shapes::routes(Arc::clone(gateway)).layer(Extension(ports)))
        .merge(ollama::routes(ollama))
        .merge(api::routes(api))
        .merge(page::routes())
        .fallback(by_route)
        .method_not_allowed_fallback(gateway::wrong_method)
        // The listener has its own limit.
        .layer(DefaultBodyLimit::disable())
}

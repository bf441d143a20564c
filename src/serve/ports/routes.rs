use super::Lease;
use crate::lifecycle::{Phase, ServerKey};
use crate::model::ModelId;
use crate::serve::gateway::{self, Gateway, OnlyModel, Problem, Retry};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;

/// Returns the routes of the port of a model: those of the gateway, with this model whatever a request names.
pub(super) fn routes(gateway: &Arc<Gateway>, model: &ModelId, lease: Arc<Lease>) -> Router {
    let (control, key) = (gateway.control.clone(), ServerKey::main(model.clone()));
    let health = move || {
        let servers = control.servers();
        let server = servers.iter().find(|server| server.view.key == key);
        std::future::ready(health(server.map(|server| &server.view.phase)))
    };
    Router::new()
        .route("/health", get(health.clone()))
        .route("/v1/health", get(health))
        .merge(gateway::routes(Arc::clone(gateway)))
        .fallback(gateway::no_route)
        .method_not_allowed_fallback(gateway::wrong_method)
        .layer(Extension(OnlyModel(model.clone())))
        .layer(middleware::from_fn_with_state(lease, check))
        // The listener has its own limit.
        .layer(DefaultBodyLimit::disable())
}

/// Returns llama-server's answers. A model that is not loaded is healthy: a request loads it.
fn health(phase: Option<&Phase>) -> (StatusCode, Json<Value>) {
    let unavailable = |message: &str| {
        let error = json!({"error": {"code": 503, "message": message, "type": "unavailable_error"}});
        (StatusCode::SERVICE_UNAVAILABLE, Json(error))
    };
    match phase {
        Some(Phase::Queued | Phase::Starting { .. }) => unavailable("Loading model"),
        Some(Phase::Failed { reason }) => unavailable(reason),
        Some(Phase::Backoff { .. }) => unavailable("the server crashed and will be restarted"),
        Some(Phase::Stopped | Phase::Ready | Phase::Stopping) | None => (StatusCode::OK, Json(json!({"status": "ok"}))),
    }
}

/// Refuses requests on connections that are older than the end of the lease: the port may be another model's.
async fn check(State(lease): State<Arc<Lease>>, request: Request, next: Next) -> Response {
    if lease.is_over() {
        let message = "this port no longer belongs to the model: its server was stopped";
        let mut problem =
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", message).code("model_unavailable");
        problem.retry = Retry::Never;
        let mut answer = problem.into_response();
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return answer;
    }
    lease.mark_wanted();
    next.run(request).await
}

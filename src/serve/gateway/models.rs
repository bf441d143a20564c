//! `GET /v1/models`: the models that are served, with what clients want to know before they ask one.

use super::Gateway;
use super::problem::Problem;
use crate::lifecycle::{Phase, Purpose, ServerKey};
use crate::model::Kind;
use crate::serve::catalog::Entry;
use crate::serve::control::Server;
use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

pub(super) async fn list(State(gateway): State<Arc<Gateway>>) -> Json<Value> {
    let (catalog, servers) = (gateway.catalogs.current(), gateway.control.servers());
    let servers: HashMap<&ServerKey, &Server> = servers.iter().map(|server| (&server.view.key, server)).collect();
    let models = catalog.offered().map(|(name, entry)| model(&gateway, name, entry, server_of(&servers, entry)));
    Json(json!({"object": "list", "data": models.collect::<Vec<_>>()}))
}

pub(super) async fn one(State(gateway): State<Arc<Gateway>>, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    let (entry, servers) = (gateway.resolve(&name)?, gateway.control.servers());
    let servers: HashMap<&ServerKey, &Server> = servers.iter().map(|server| (&server.view.key, server)).collect();
    let listed = entry.listed.as_deref().unwrap_or(&name);
    Ok(Json(model(&gateway, listed, &entry, server_of(&servers, &entry))))
}

fn server_of<'s>(servers: &HashMap<&ServerKey, &'s Server>, entry: &Entry) -> Option<&'s Server> {
    servers.get(&ServerKey { model: entry.row.id.clone(), purpose: Purpose::Main }).copied()
}

fn model(gateway: &Gateway, name: &str, entry: &Entry, server: Option<&Server>) -> Value {
    let row = &entry.row;
    let loaded = server.and_then(|server| server.info.as_deref()).map(|info| info.context);
    let settings = gateway.settings(row);
    let mut capabilities = match row.kind {
        Kind::Generative => vec!["completion"],
        Kind::Embedding => vec!["embedding"],
        Kind::Reranker => vec!["rerank"],
        _ => Vec::new(),
    };
    if row.kind == Kind::Generative && settings.embeddings {
        capabilities.push("embedding");
    }
    json!({
        "id": name,
        "object": "model",
        "created": entry.written.millis().div_euclid(1_000),
        "owned_by": "modelctl",
        "meta": {
            "n_ctx": loaded.unwrap_or(settings.context),
            "n_ctx_train": row.context_length,
            "n_params": row.parameters,
            "size": row.size,
        },
        "status": status(server),
        "capabilities": capabilities,
    })
}

/// Returns the state of a server in the words of llama-server's router.
fn status(server: Option<&Server>) -> Value {
    match server.map(|server| &server.view.phase) {
        Some(Phase::Ready | Phase::Stopping) => json!({"value": "loaded"}),
        Some(Phase::Queued | Phase::Starting { .. }) => json!({"value": "loading"}),
        Some(Phase::Backoff { .. } | Phase::Failed { .. }) => json!({"value": "unloaded", "failed": true}),
        Some(Phase::Stopped) | None => json!({"value": "unloaded"}),
    }
}

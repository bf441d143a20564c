//! `GET /v1/models`: the models that are served, with what clients want to know before they ask one.

use super::problem::Problem;
use super::{Gateway, OnlyModel};
use crate::lifecycle::{Phase, ServerKey};
use crate::model::Kind;
use crate::serve::catalog::Entry;
use crate::serve::control::Server;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The model of a request that reaches only one.
type Only = Option<Extension<OnlyModel>>;

pub(super) async fn list(State(gateway): State<Arc<Gateway>>, only: Only) -> Json<Value> {
    let (catalog, servers) = (gateway.catalogs.current(), gateway.control.servers());
    let servers: HashMap<&ServerKey, &Server> = servers.iter().map(|server| (&server.view.key, server)).collect();
    let offered: Vec<(&str, &Arc<Entry>)> = match &only {
        // A copy of a model that is listed under its name is not offered, and has a port of its own.
        Some(Extension(OnlyModel(id))) => {
            let entry = catalog.by_id(id).filter(|entry| entry.row.not_served().is_none());
            entry.map(|entry| (entry.name(), entry)).into_iter().collect()
        }
        None => catalog.offered().collect(),
    };
    let models = offered.iter().map(|(name, entry)| model(&gateway, name, entry, server_of(&servers, entry)));
    Json(json!({"object": "list", "data": models.collect::<Vec<_>>()}))
}

pub(super) async fn one(
    State(gateway): State<Arc<Gateway>>,
    only: Only,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    let (entry, servers) = (gateway.resolve(&name).await?, gateway.control.servers());
    let entry = match only {
        Some(Extension(OnlyModel(id))) => only_one(&name, &entry, gateway.served(&id).await?)?,
        None => entry,
    };
    let servers: HashMap<&ServerKey, &Server> = servers.iter().map(|server| (&server.view.key, server)).collect();
    let listed = entry.listed.as_deref().unwrap_or(&name);
    Ok(Json(model(&gateway, listed, &entry, server_of(&servers, &entry))))
}

/// Returns the only model, where a name that leads to `entry` means it or a copy of it.
fn only_one(name: &str, entry: &Entry, only: Arc<Entry>) -> Result<Arc<Entry>, Problem> {
    let is_copy = only.row.content.is_some() && only.row.content == entry.row.content;
    match is_copy || only.row.id == entry.row.id {
        true => Ok(only),
        false => Err(Problem::no_model(format!("the model `{name}` is not the one of this port"))),
    }
}

fn server_of<'s>(servers: &HashMap<&ServerKey, &'s Server>, entry: &Entry) -> Option<&'s Server> {
    servers.get(&ServerKey::main(entry.row.id.clone())).copied()
}

fn model(gateway: &Gateway, name: &str, entry: &Entry, server: Option<&Server>) -> Value {
    let row = &entry.row;
    let loaded = server.and_then(|server| server.info.as_deref()).map(|info| info.context);
    let settings = gateway.settings(row);
    let mut capabilities = gateway.catalogs.capabilities().of(entry);
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
            "mode": server.and_then(|server| server.view.shape.mode),
            "gpu_layers": server.and_then(|server| server.view.shape.gpu_layers),
            "mode_reason": server.and_then(|server| server.view.shape.mode_reason.as_deref()),
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

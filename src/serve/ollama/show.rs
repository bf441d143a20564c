//! `POST /api/show`: one model.

use super::Ollama;
use super::error::OllamaError;
use crate::lifecycle::ServerKey;
use crate::ollama::{ModelCard, ShowRequest, shown};
use crate::ops::model_header::model_header;
use crate::serve::gateway::Problem;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::Value;
use std::sync::Arc;

pub(super) async fn show(State(ollama): State<Arc<Ollama>>, request: Request) -> Result<Json<Value>, OllamaError> {
    let asked: ShowRequest = ollama.read(request.into_body()).await?;
    let entry = ollama.resolve(asked.named()).await?;
    let id = entry.row.id.clone();
    let header = ollama.sessions.run(move |session| model_header(session, &id)).await;
    let broken =
        |error: anyhow::Error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", format!("{error:#}"));
    let header = header.map_err(broken)?;
    let servers = ollama.gateway.control.servers();
    let key = ServerKey::main(entry.row.id.clone());
    let loaded = servers.iter().find(|server| server.view.key == key).and_then(|server| server.info.as_ref());
    let context = loaded.map_or_else(|| ollama.gateway.settings(&entry.row).context, |info| info.context);
    let card = ModelCard { name: entry.name(), row: &entry.row, written: entry.written };
    let own = ollama.gateway.catalogs.capabilities().of(&entry);
    Ok(Json(shown(card, (header.facts.as_ref(), header.template.as_deref()), &own, context)))
}

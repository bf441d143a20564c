//! `/api/tags` and `/api/ps`: the models that are served, and those in memory.

use super::Ollama;
use crate::clock::{self, Timestamp};
use crate::lifecycle::{Phase, Purpose};
use crate::model::ModelId;
use crate::ollama::{ModelCard, Running, listed};
use crate::serve::control::Server;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// When a model expires that stays until its memory is needed. Clients show a time this far ahead as "for ever".
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);
/// ggml's name of main memory.
const MAIN_MEMORY: &str = "CPU";

pub(super) async fn tags(State(ollama): State<Arc<Ollama>>) -> Json<Value> {
    let catalog = ollama.gateway.catalogs.current();
    let models =
        catalog.offered().map(|(name, entry)| listed(ModelCard { name, row: &entry.row, written: entry.written }));
    Json(json!({"models": models.collect::<Vec<_>>()}))
}

/// Lists each model once, however many servers it has; those that stay longest come first.
pub(super) async fn ps(State(ollama): State<Arc<Ollama>>) -> Json<Value> {
    let (catalog, servers) = (ollama.gateway.catalogs.current(), ollama.gateway.control.servers());
    let mut running: BTreeMap<&ModelId, Running> = BTreeMap::new();
    for server in servers.iter().filter(|server| server.view.phase == Phase::Ready) {
        let one = running_of(server);
        let is_main = server.view.key.purpose == Purpose::Main;
        running
            .entry(&server.view.key.model)
            .and_modify(|sum| {
                *sum = Running {
                    bytes: sum.bytes.saturating_add(one.bytes),
                    vram: sum.vram.saturating_add(one.vram),
                    // What clients wish concerns the server that answers chats.
                    expires: if is_main { one.expires } else { sum.expires },
                    context: if is_main { one.context } else { sum.context },
                }
            })
            .or_insert(one);
    }
    let mut running: Vec<(&ModelId, Running)> = running.into_iter().collect();
    running.sort_by_key(|(_, running)| std::cmp::Reverse(running.expires));
    let models = running.into_iter().filter_map(|(id, running)| {
        // A model that left the database a moment ago has no name any more.
        let entry = catalog.by_id(id)?;
        let bytes = if running.bytes == 0 { entry.row.size } else { running.bytes };
        Some(Running { bytes, ..running }.document(entry.name(), &entry.row))
    });
    Json(json!({"models": models.collect::<Vec<_>>()}))
}

fn running_of(server: &Server) -> Running {
    let sum = |vram: bool| {
        let of = server.view.reserved.iter().filter(|held| !vram || held.device != MAIN_MEMORY);
        of.fold(0, |sum: u64, held| sum.saturating_add(held.bytes))
    };
    let left = server.expires.map_or(FOR_EVER, |at| at.saturating_duration_since(clock::instant()));
    let left = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
    Running {
        bytes: sum(false),
        vram: sum(true),
        expires: Timestamp(clock::now().millis().saturating_add(left)),
        context: server.info.as_ref().map_or(0, |info| info.context),
    }
}

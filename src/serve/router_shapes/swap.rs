//! The shapes of llama-swap.

use super::is_up;
use crate::lifecycle::{Phase, Purpose};
use crate::model::ModelId;
use crate::serve::control::Server;
use crate::serve::gateway::Gateway;
use crate::serve::ports::Ports;
use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `GET /running`: the models that are in memory, or about to be.
pub(super) async fn running(State(gateway): State<Arc<Gateway>>, ports: Option<Extension<Ports>>) -> Json<Value> {
    let (catalog, servers) = (gateway.catalogs.current(), gateway.control.servers());
    let shown = servers.iter().filter(|server| is_up(server) && server.view.key.purpose == Purpose::Main);
    let running = shown.map(|server| {
        let entry = catalog.by_id(&server.view.key.model);
        let model = entry.map_or(server.view.name.as_str(), |entry| entry.name());
        let port = ports.as_ref().and_then(|Extension(ports)| ports.of(&server.view.key.model));
        let ttl = entry.and_then(|entry| gateway.settings(&entry.row).idle_timeout).map_or(0, |time| time.as_secs());
        json!({
            "model": model,
            "state": state(server),
            "cmd": "",
            "proxy": port.map(|port| format!("http://127.0.0.1:{port}")).unwrap_or_default(),
            "ttl": ttl,
            "name": server.view.name,
            "description": "",
        })
    });
    Json(json!({"running": running.collect::<Vec<_>>()}))
}

fn state(server: &Server) -> &'static str {
    match server.view.phase {
        Phase::Ready => "ready",
        Phase::Stopping => "stopping",
        _ => "starting",
    }
}

/// `GET /unload`: stops every server, and waits for their ends.
pub(super) async fn unload(State(gateway): State<Arc<Gateway>>) -> &'static str {
    let servers = gateway.control.servers();
    let up = servers.iter().filter(|server| is_up(server)).map(|server| server.view.key.model.clone());
    let models: BTreeSet<ModelId> = up.collect();
    futures_util::future::join_all(models.iter().map(|model| gateway.control.stop_model(model, false))).await;
    "OK"
}

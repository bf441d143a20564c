//! External servers on the ports of models.

use super::ask::ServerInfo;
use super::info::Attach;
use super::prepared::{Prepared, What};
use super::sessions::Sessions;
use crate::http::Kept;
use crate::lifecycle::{Purpose, ServerKey};
use crate::model::server::Engine;
use crate::serve::external::{Running, same_model};
use std::sync::Arc;
use std::time::Duration;

/// Returns a healthy server of this model that somebody else started on a port of models.
pub(super) async fn running_elsewhere(sessions: &Sessions, key: &ServerKey, prepared: &Prepared) -> Option<Attach> {
    let What::Model(parts) = &prepared.what else { return None };
    if key.purpose != Purpose::Main {
        return None;
    }
    let config = sessions.config();
    let range = config.serve.ports?;
    let named: Vec<u16> = config.lifecycle.externals.iter().map(|external| external.url.port).collect();
    let Running { pid, port, endpoint, serves } = same_model((range, &named), &parts.model).await?;
    let info = info(pid, serves.context, serves.slots);
    let identity = serves.identity();
    let (model, required_name) = (key.model.clone(), serves.required_name);
    Some(Attach { id: format!("port:{port}"), model, endpoint, info, required_name, identity, is_named: false })
}

/// Returns what is known of a server of somebody else. Its answers are those of a llama-server.
pub fn info(pid: Option<u32>, context: u32, slots: u32) -> Arc<ServerInfo> {
    Arc::new(ServerInfo {
        engine: Some(Engine::LlamaServer),
        pid: pid.unwrap_or(0),
        port: None,
        context,
        slots,
        device: "external".to_owned(),
        took: Duration::ZERO,
        connections: Kept::default(),
    })
}

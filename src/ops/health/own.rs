//! The services that the daemon of this database runs.

use crate::config::Config;
use crate::http::{Endpoint, Request, Whole, fetch_all};
use crate::model::service::{Manager, Service, id_of};
use crate::ops::daemon::{ServerRow, Servers};
use std::time::Duration;

/// Returns the services of the config that run now, each with its health check at the port that it has, and those that
/// are named. A service that does not run waits for its first request, and is well.
pub fn services(config: &Config, named: &[String], limit: Duration) -> Vec<Service> {
    if config.watched_while_run.is_empty() {
        return Vec::new();
    }
    let request = Request::get(Endpoint::Unix(config.serve.socket.clone()), "/api/models/servers");
    let rows = match fetch_all(vec![request], limit).pop() {
        Some(Ok(Whole { status: 200, body, .. })) => rows(&body),
        // Without a daemon none of them runs.
        _ => Vec::new(),
    };
    let of = |service: &Service| {
        let row = rows.iter().find(|row| row.model_id == id_of(&service.name));
        let running = row.and_then(|row| Some((row.pid?, row.port?)));
        let spec = config.run_services.iter().find(|spec| spec.name == service.name)?;
        match running {
            Some((pid, port)) => Some(found(service, pid, format!("http://127.0.0.1:{port}{}", spec.health))),
            None => named.contains(&service.name).then(|| service.clone()),
        }
    };
    config.watched_while_run.iter().filter_map(of).collect()
}

fn rows(body: &[u8]) -> Vec<ServerRow> {
    // A daemon of another version may answer otherwise: then nothing is known of its services.
    serde_json::from_slice::<Servers>(body).map(|servers| servers.servers).unwrap_or_default()
}

/// What the config says of the service itself comes first.
fn found(service: &Service, pid: u32, endpoint: String) -> Service {
    let manager = match &service.manager {
        Manager::None => Manager::Process(pid),
        manager => manager.clone(),
    };
    Service { manager, endpoint: service.endpoint.clone().or(Some(endpoint)), ..service.clone() }
}

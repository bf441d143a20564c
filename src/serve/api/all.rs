use super::error::ApiError;
use super::view::display_name;
use super::{Api, services};
use crate::clock;
use crate::lifecycle::{KeyKind, Phase, ServerKey};
use crate::model::ModelRow;
use crate::ops::daemon::{FailedModel, StartAllReply, StartReply, StartedModel, StopAllReply, seconds};
use crate::serve::control::Server;
use axum::Json;
use axum::extract::{Query, State};
use futures_util::future::join_all;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    /// Whether running answers are cut.
    now: bool,
}

/// `POST /api/models/servers/start-all`: starts every enabled model and every pinned service, those that need the least memory first, as many at
/// once as memory and disks admit. Nothing is evicted for it, and a failure stops no other.
pub(super) async fn start_all(State(api): State<Arc<Api>>) -> Json<StartAllReply> {
    let began = clock::instant();
    let catalog = api.catalogs.current();
    let offered = catalog.offered().map(|(_, entry)| &entry.row);
    let mut rows: Vec<&ModelRow> = offered.filter(|row| row.not_served().is_none()).collect();
    rows.sort_by(|a, b| a.size.cmp(&b.size).then_with(|| a.id.cmp(&b.id)));
    let (mut models, mut failed, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match api.take_port(row).await {
            Ok(taken) => starts.push((row, taken)),
            Err(error) => failed.push(failure(row, error)),
        }
    }
    let pinned = api.pinned_services();
    let total = starts.len().saturating_add(failed.len()).saturating_add(pinned.len());
    let keys = starts.iter().map(|(row, _)| ServerKey::main(row.id.clone()));
    let keys = keys.chain(pinned.iter().map(|service| ServerKey::service(&service.name)));
    let mut outcomes = api.control.start_all(keys).await.into_iter();
    let of_models: Vec<_> = outcomes.by_ref().take(starts.len()).collect();
    for (service, outcome) in pinned.iter().zip(outcomes) {
        services::sort(service, outcome, (&mut models, &mut failed));
    }
    for ((row, taken), outcome) in starts.into_iter().zip(of_models) {
        match api.start_reply(row, taken, outcome).await {
            Ok(StartReply { model_id, display_name, port, .. }) => {
                models.push(StartedModel { model_id, display_name, port });
            }
            Err(error) => failed.push(failure(row, error)),
        }
    }
    let started = models.len();
    Json(StartAllReply {
        message: format!("Started {started}/{total} servers"),
        started,
        total,
        startup_time_seconds: seconds(began.elapsed()),
        models,
        failed,
    })
}

fn failure(row: &ModelRow, error: ApiError) -> FailedModel {
    FailedModel {
        model_id: row.id.clone(),
        display_name: display_name(row),
        error: error.body.error,
        detail: error.body.detail,
    }
}

/// `POST /api/models/servers/stop-all`
pub(super) async fn stop_all(State(api): State<Arc<Api>>, Query(options): Query<Options>) -> Json<StopAllReply> {
    let began = clock::instant();
    api.ports.release_all().await;
    let servers = api.control.servers();
    // What is reserved for another program is its to release.
    let is_server = |server: &&Server| !matches!(server.view.key.kind(), KeyKind::Headroom(_));
    let running = servers.iter().filter(is_server).filter(|server| server.view.phase != Phase::Stopped);
    let stops = join_all(running.map(|server| api.control.stop(server.view.key.clone(), options.now))).await;
    let stopped = stops.iter().filter(|stop| stop.was_running).count();
    let plural = if stopped == 1 { "server" } else { "servers" };
    Json(StopAllReply {
        message: format!("Stopped {stopped} {plural}"),
        stopped,
        shutdown_time_seconds: seconds(began.elapsed()),
    })
}

use super::view::{display_name, server_row};
use super::{Api, ApiError, stream};
use crate::host::process_memory;
use crate::lifecycle::{Denial, KeyKind, Phase, ServerKey};
use crate::model::{ModelId, ModelRow, service};
use crate::ops::daemon::{DaemonInfo, LogRow, Logs, Servers, StartReply, StopReply, seconds};
use crate::serve::control::{Server, ServerInfo, Started, Stopped};
use crate::serve::ports::Taken;
use crate::supervise::{LogEvent, LogFollower, LogRing, OURSELVES};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;

/// The number of lines of a log that are returned when the request names none.
const LINES: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    /// Of a stop: whether running answers are cut.
    now: bool,
    /// Of a stop: whether a start follows, for which the model keeps its port.
    restart: bool,
    /// Of a log: the number of lines, and whether to follow it.
    n: Option<usize>,
    follow: bool,
}

/// `GET /api/daemon`
pub(super) async fn daemon(State(api): State<Arc<Api>>) -> Json<DaemonInfo> {
    Json(DaemonInfo {
        schema: "modelctl.daemon/1".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        database: api.config().database.to_string_lossy().into_owned(),
    })
}

/// `GET /api/models/servers`
pub(super) async fn list(State(api): State<Arc<Api>>) -> Json<Servers> {
    let servers = api.control.servers();
    // Memory that is reserved for another program is no server: the status has it.
    let is_server = |server: &Server| !matches!(server.view.key.kind(), KeyKind::Headroom(_));
    let is_shown = |server: &&Server| server.view.phase != Phase::Stopped && is_server(server);
    let shown: Vec<Server> = servers.iter().filter(is_shown).cloned().collect();
    let infos: Vec<_> = shown.iter().filter_map(|server| server.info.clone()).collect();
    let measure =
        move || -> HashMap<u32, u64> { infos.iter().filter_map(|info| Some((info.pid, memory_of(info)?))).collect() };
    // Without a measurement the figures are null.
    let memory = tokio::task::spawn_blocking(measure).await.unwrap_or_default();
    let catalog = api.catalogs.current();
    let rows = shown.iter().map(|server| {
        let row = catalog.by_id(&server.view.key.model).map(|entry| &entry.row);
        let used = server.info.as_ref().and_then(|info| memory.get(&info.pid).copied());
        server_row(server, row, (used, api.ports.of(&server.view.key.model)))
    });
    let servers: Vec<_> = rows.collect();
    let total_running = servers.iter().filter(|row| row.status == "running").count();
    Json(Servers { schema: "modelctl.ps/1".to_owned(), servers, total_running })
}

/// Returns the bytes that the process of a server holds in main memory and, where it uses one, on the GPU. Takes up to
/// 10.5 seconds where a driver hangs.
pub(super) fn memory_of(info: &ServerInfo) -> Option<u64> {
    let asked = (info.device != "cpu").then_some(std::path::Path::new(OURSELVES));
    let held = process_memory::held(info.pid, asked);
    (!held.is_empty()).then(|| held.iter().fold(0, |sum: u64, held| sum.saturating_add(held.bytes)))
}

/// `POST /api/models/servers/{id}/start`, `…/stop`, `GET …/logs`. The name of a model may contain slashes, so that the
/// last part of the path is split off here.
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    method: Method,
    Path(rest): Path<String>,
    Query(options): Query<Options>,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::new(StatusCode::NOT_FOUND, "Not found", "There is no such path");
    let (name, action) = rest.rsplit_once('/').ok_or_else(unknown)?;
    if let Some(service) = api.service(name) {
        match (&method, action) {
            (&Method::POST, "start") => return Ok(Json(api.start_service(&service).await?).into_response()),
            (&Method::POST, "stop") => {
                return Ok(Json(api.stop_service(&service, options.now).await).into_response());
            }
            (&Method::GET, "logs") => return Ok(logs(&api, &service::id_of(&service.name), &options)),
            _ => {}
        }
    }
    match (method, action) {
        (Method::POST, "start") => {
            let row = api.model(name).await?;
            Ok(Json(start(&api, &row).await?).into_response())
        }
        (Method::POST, "stop") => {
            let row = api.model(name).await?;
            Ok(Json(stop(&api, &row, &options).await).into_response())
        }
        (Method::GET, "logs") => {
            let row = api.model(name).await?;
            Ok(logs(&api, &row.id, &options))
        }
        (_, "start" | "stop" | "logs") => {
            let detail = "start and stop are POST, logs is GET";
            Err(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail))
        }
        _ => Err(unknown()),
    }
}

async fn start(api: &Api, row: &ModelRow) -> Result<StartReply, ApiError> {
    // A server that runs needs no file any more. What is read here decides only about the words of a refusal.
    if !api.is_ready(&row.id) {
        api.startable(row).await?;
    }
    api.start(row).await
}

impl Api {
    /// Gives a model its port and starts its server, for which idle ones may be stopped.
    async fn start(&self, row: &ModelRow) -> Result<StartReply, ApiError> {
        let taken = self.take_port(row).await?;
        let outcome = self.control.start(ServerKey::main(row.id.clone()), true).await;
        self.start_reply(row, taken, outcome).await
    }

    /// Gives a model its port. One that runs goes on without one where none is left.
    pub(super) async fn take_port(&self, row: &ModelRow) -> Result<Taken, ApiError> {
        match self.ports.take(&row.id).await {
            Ok(taken) => Ok(taken),
            Err(_) if self.is_ready(&row.id) => Ok(Taken { port: None, is_new: false }),
            Err(error) => Err(ApiError::no_port(&error)),
        }
    }

    /// Returns the answer to a start. A port that was taken for a server that does not run is given back.
    pub(super) async fn start_reply(
        &self,
        row: &ModelRow,
        taken: Taken,
        outcome: Result<Started, Denial>,
    ) -> Result<StartReply, ApiError> {
        match outcome {
            Ok(started) => Ok(started_reply(row, &started, taken.port)),
            Err(denial) => {
                if taken.is_new {
                    self.ports.release(&row.id).await;
                }
                Err(denial.into())
            }
        }
    }

    fn is_ready(&self, model: &ModelId) -> bool {
        let key = ServerKey::main(model.clone());
        self.control.servers().iter().any(|server| server.view.key == key && server.view.phase == Phase::Ready)
    }
}

fn started_reply(row: &ModelRow, started: &Started, port: Option<u16>) -> StartReply {
    let (message, status) = match started.was_running {
        true => (format!("Server already running for {}", row.id), "running"),
        false => (format!("Server started for {}", row.id), "started"),
    };
    StartReply {
        message,
        model_id: row.id.clone(),
        display_name: display_name(row),
        port,
        status: status.to_owned(),
        startup_time_seconds: seconds(started.took),
    }
}

/// Stops all servers of a model.
async fn stop(api: &Api, row: &ModelRow, options: &Options) -> StopReply {
    if !options.restart {
        // First, so that no request comes in by the port and starts it again.
        api.ports.release(&row.id).await;
    }
    let Stopped { was_running, took } = api.control.stop_model(&row.id, options.now).await;
    StopReply {
        message: format!("Server stopped for {}", row.id),
        model_id: row.id.clone(),
        display_name: display_name(row),
        status: "stopped".to_owned(),
        was_running,
        shutdown_time_seconds: seconds(took),
    }
}

fn logs(api: &Api, model: &ModelId, options: &Options) -> Response {
    let servers = api.control.servers();
    let log = servers.iter().find(|server| server.view.key.model == *model).map(|server| server.log.clone());
    let lines = options.n.unwrap_or(LINES);
    if options.follow {
        return match log {
            Some(log) => stream::response(api, follow(log, lines)),
            None => stream::response(api, futures_util::stream::empty()),
        };
    }
    let all = log.as_ref().map(kept).unwrap_or_default();
    let skip = all.len().saturating_sub(lines);
    let lines = all.into_iter().skip(skip).collect();
    Json(Logs { schema: "modelctl.logs/1".to_owned(), model_id: model.clone(), lines }).into_response()
}

fn kept(log: &LogRing) -> Vec<LogRow> {
    log.lines().into_iter().map(|text| LogRow { at: None, text }).collect()
}

/// Returns the last `lines` of a log, and those to come.
fn follow(log: LogRing, lines: usize) -> impl futures_util::Stream<Item = String> + Send + 'static {
    let skip = log.lines().len().saturating_sub(lines);
    let next = |(mut follower, mut skip): (LogFollower, usize)| async move {
        loop {
            let row = match follower.next().await? {
                LogEvent::Line(_) if skip > 0 => {
                    skip = skip.saturating_sub(1);
                    continue;
                }
                LogEvent::Line(line) => LogRow { at: Some(line.at.rfc3339()), text: line.text.to_string() },
                LogEvent::Lost(count) => LogRow { at: None, text: format!("({count} lines were lost)") },
            };
            return Some((stream::data(&row), (follower, skip)));
        }
    };
    futures_util::stream::unfold((log.follow(), skip), next)
}

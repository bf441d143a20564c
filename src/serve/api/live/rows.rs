//! The rows of the page, of what is known. Times are those of the wall, so that a row changes only when something does.

use crate::clock::{self, Timestamp};
use crate::lifecycle::{Phase, Purpose, ServerKey};
use crate::model::lifecycle::{ModelStatus, Status};
use crate::model::{Listed, ModelId, ModelRow, TierLimits};
use crate::ops::daemon::EventRow;
use crate::serve::control::{Numbered, Server};
use crate::serve::gateway::RequestRow;
use crate::serve::history::Rate;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

pub type Rows = BTreeMap<String, String>;

/// What is measured of processes: bytes, by process.
pub type Measured = HashMap<u32, u64>;

fn text(value: &impl Serialize) -> String {
    // Plain data with text keys always serializes.
    serde_json::to_string(value).unwrap_or_default()
}

/// Returns a group that has one row.
pub fn only(value: &impl Serialize) -> Rows {
    Rows::from([(String::new(), text(value))])
}

/// The documents of `list --json`, with whether a model is served and the bytes that it needs.
pub fn models<'a>(rows: impl Iterator<Item = (&'a ModelRow, Option<u64>)>, limits: &TierLimits) -> Rows {
    #[derive(Serialize)]
    struct Model<'a> {
        #[serde(flatten)]
        listed: Listed<'a>,
        served: bool,
        /// What a server of it takes on all devices together; null when it is not known.
        needs_bytes: Option<u64>,
    }
    rows.map(|(row, needs_bytes)| {
        let model = Model { listed: Listed::of(row, limits), served: row.not_served().is_none(), needs_bytes };
        (row.id.to_string(), text(&model))
    })
    .collect()
}

/// What is known of the machine.
pub fn machine(status: &Status) -> Rows {
    only(&json!({
        "devices": status.devices,
        "pressures": status.pressures,
        "throttle_factor": status.throttle_factor,
        "readings": status.readings,
        "swap_queue": status.swap_queue,
        "restart_pending": status.restart_pending,
        "paused": status.paused,
    }))
}

/// Servers, services and reservations, by their key.
pub fn servers(
    status: &Status,
    servers: &[Server],
    measured: &Measured,
    port: impl Fn(&ModelId) -> Option<u16>,
) -> Rows {
    let known: HashMap<String, &Server> = servers.iter().map(|server| (name_of(&server.view.key), server)).collect();
    let row = |model: &ModelStatus| {
        let key = name(&model.id, &model.purpose);
        let json = text(&server(&key, model, known.get(&key).copied(), measured, &port));
        (key, json)
    };
    status.models.iter().map(row).collect()
}

fn server(
    key: &str,
    model: &ModelStatus,
    server: Option<&Server>,
    measured: &Measured,
    port: impl Fn(&ModelId) -> Option<u16>,
) -> Value {
    let info = server.and_then(|server| server.info.as_deref());
    let progress = server.and_then(|server| match server.view.phase {
        Phase::Starting { progress } => Some((f64::from(progress) * 1_000.0).round() / 1_000.0),
        _ => None,
    });
    let has_trouble = matches!(model.state.as_str(), "failed" | "backoff");
    let last_log = server.filter(|_| has_trouble).and_then(|server| server.log.lines().pop());
    let failure = server.and_then(|server| match &server.view.phase {
        Phase::Failed { reason } => Some(reason.clone()),
        _ => None,
    });
    let port = info.and_then(|info| info.port).or_else(|| port(&ModelId(model.id.clone())));
    json!({
        "key": key,
        "model_id": model.id,
        "purpose": model.purpose,
        "kind": model.kind,
        "name": model.name,
        "state": model.state,
        "progress": progress,
        "ready_at": server.and_then(|server| server.ready).map(wall),
        "retry_at": server.and_then(|server| server.retry).map(wall),
        "expires_at": model.expires_at,
        "pid": info.map(|info| info.pid),
        "port": port,
        "engine": info.and_then(|info| info.engine).map(|engine| engine.name()),
        "device": model.device,
        "mode": model.mode,
        "gpu_layers": model.gpu_layers,
        "mode_reason": model.mode_reason,
        "downgraded": model.downgraded,
        "context": info.map(|info| info.context).filter(|tokens| *tokens > 0).or(model.context),
        "slots": info.map(|info| info.slots),
        "in_flight": model.active_inference_count,
        "queued": model.queued,
        "bytes": model.bytes,
        "memory_used_bytes": info.and_then(|info| measured.get(&info.pid)),
        "priority": model.priority,
        "pinned": model.pinned,
        "healthy": model.healthy,
        "load_time": model.load_time,
        "last_access": model.last_access_time,
        "crash_count": model.crash_count,
        "last_error": failure.or_else(|| model.last_error.clone()),
        "last_log": last_log,
    })
}

/// Returns what a server is known by: the id of its model, and what it is for where that is not the usual.
fn name(id: &str, purpose: &str) -> String {
    match purpose == Purpose::Main.name() {
        true => id.to_owned(),
        false => format!("{id}/{purpose}"),
    }
}

fn name_of(key: &ServerKey) -> String {
    name(key.model.as_str(), key.purpose.name())
}

/// Returns a moment of the monotonic clock as people see it.
fn wall(at: Instant) -> String {
    let now = clock::instant();
    let millis = |time: std::time::Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let (ahead, ago) = (millis(at.saturating_duration_since(now)), millis(now.saturating_duration_since(at)));
    Timestamp(clock::now().millis().saturating_add(ahead).saturating_sub(ago)).rfc3339()
}

/// External servers.
pub fn externals(status: &Status) -> Rows {
    status.externals.iter().map(|external| (external.id.clone(), text(external))).collect()
}

/// Requests, without texts.
pub fn requests(requests: &[RequestRow]) -> Rows {
    requests.iter().map(|request| (format!("{:012}", request.number), text(request))).collect()
}

/// How fast models answer.
pub fn rates(rates: &BTreeMap<ModelId, Rate>) -> Rows {
    rates.iter().map(|(model, rate)| (model.to_string(), text(rate))).collect()
}

pub fn decisions(status: &Status) -> Rows {
    status.decisions.iter().map(|decision| (format!("{:012}", decision.number), text(decision))).collect()
}

pub fn events<'a>(events: impl Iterator<Item = &'a Numbered>) -> Rows {
    let row = |event: &Numbered| EventRow {
        id: event.id,
        at: event.at.rfc3339(),
        event: event.happening.event.to_owned(),
        fields: event.happening.fields.clone(),
    };
    events.map(|event| (format!("{:012}", event.id), text(&row(event)))).collect()
}

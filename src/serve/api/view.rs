//! Servers as the API shows them.

use crate::clock;
use crate::lifecycle::Phase;
use crate::model::ModelRow;
use crate::ops::daemon::{ServerRow, seconds};
use crate::serve::control::Server;

/// Returns the name of a model for people: `Qwen 7B (Q4_K_M)`.
pub(super) fn display_name(row: &ModelRow) -> String {
    let name = row.alias.as_deref().unwrap_or(&row.name);
    match row.quant.as_deref() {
        Some(quant) if !name.to_lowercase().contains(&quant.to_lowercase()) => format!("{name} ({quant})"),
        _ => name.to_owned(),
    }
}

/// Returns the document of a server. `memory` is what its process holds, in bytes; `port` is that of its model.
pub(super) fn server_row(
    server: &Server,
    row: Option<&ModelRow>,
    (memory, port): (Option<u64>, Option<u16>),
) -> ServerRow {
    let view = &server.view;
    let status = match view.phase {
        Phase::Ready => "running",
        Phase::Queued | Phase::Starting { .. } => "starting",
        Phase::Stopping => "stopping",
        Phase::Stopped => "stopped",
        Phase::Backoff { .. } | Phase::Failed { .. } => "failed",
    };
    let info = server.info.as_deref();
    let failure = match &view.phase {
        Phase::Failed { reason } => Some(reason.clone()),
        _ => None,
    };
    ServerRow {
        model_id: view.key.model.clone(),
        display_name: row.map_or_else(|| view.name.clone(), display_name),
        port,
        status: status.to_owned(),
        uptime_seconds: server.ready.map(|since| clock::instant().saturating_duration_since(since).as_secs()),
        memory_used_mb: memory.map(|bytes| bytes >> 20),
        memory_used_bytes: memory,
        state: view.phase.name().to_owned(),
        progress: match view.phase {
            Phase::Starting { progress } => Some(progress),
            _ => None,
        },
        retry_in_seconds: server.retry.map(|at| seconds(at.saturating_duration_since(clock::instant()))),
        purpose: view.key.purpose.name().to_owned(),
        pid: info.map(|info| info.pid),
        engine: info.map(|info| info.engine.name().to_owned()),
        device: info.map(|info| info.device.clone()),
        mode: view.shape.mode,
        gpu_layers: view.shape.gpu_layers,
        mode_reason: view.shape.mode_reason.clone(),
        pinned: view.pinned,
        in_flight: view.in_flight,
        queued: view.queued,
        context: info.map(|info| info.context),
        slots: info.map(|info| info.slots).or_else(|| Some(view.slots).filter(|slots| *slots > 0)),
        last_error: failure.or_else(|| view.last_error.clone()),
    }
}

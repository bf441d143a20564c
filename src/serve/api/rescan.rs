use super::{Api, ApiError};
use crate::clock;
use crate::config::Config;
use crate::model::lifecycle::{Pressure, PressureKind};
use crate::ops::{OpEvent, Session, scan};
use crate::serve::control::{EventLog, Happening};
use crate::supervise::StopSignal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The least time between two events of progress: only 1,000 events are kept.
const BETWEEN: Duration = Duration::from_millis(500);

/// Clears the mark of a running scan, however the scan ends.
struct Running(Arc<Api>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.is_scanning.store(false, Ordering::Release);
    }
}

/// `POST /api/models/rescan`: begins a scan of the configured roots; its progress is reported as events.
/// None begins while a disk is full that it writes to.
pub(super) async fn rescan(State(api): State<Arc<Api>>) -> Result<Response, ApiError> {
    let pressures = api.status().await?.pressures;
    let full = pressures.into_iter().find(|pressure| pressure.kind == PressureKind::Disk && pressure.is_high);
    if let Some(Pressure { message, .. }) = full {
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "Rescan put off", message));
    }
    if api.is_scanning.swap(true, Ordering::AcqRel) {
        return Err(ApiError::new(StatusCode::CONFLICT, "Rescan already running", "One scan runs at a time"));
    }
    let running = Running(Arc::clone(&api));
    tokio::task::spawn_blocking(move || {
        let api = &running.0;
        let log = api.control.events();
        log.add(Happening::new("scan.started", json!({})));
        let config = api.config();
        match run(&config, log) {
            Ok(fields) => {
                // The catalog also follows the database by itself, a little later.
                if let Err(error) = api.catalogs.refresh(&config.database) {
                    log.add(Happening::new("scan.warning", json!({ "message": format!("{error:#}") })));
                }
                log.add(Happening::new("scan.finished", fields));
            }
            Err(error) => log.add(Happening::new("scan.failed", json!({ "error": format!("{error:#}") }))),
        }
    });
    let body = json!({ "message": "Rescan started", "status": "scanning" });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

fn run(config: &Config, log: &EventLog) -> anyhow::Result<serde_json::Value> {
    let mut session = Session::new(config.clone(), clock::now());
    let mut reported: Option<Instant> = None;
    let mut on = |event: OpEvent| match event {
        OpEvent::Progress(progress) => {
            let now = clock::instant();
            if reported.is_none_or(|at| now.saturating_duration_since(at) >= BETWEEN) {
                reported = Some(now);
                log.add(Happening::new("scan.progress", json!({ "done": progress.done, "total": progress.total })));
            }
        }
        OpEvent::Warning { message } => log.add(Happening::new("scan.warning", json!({ "message": message }))),
        _ => {}
    };
    let done = scan::scan(&mut session, &scan::Request::default(), &StopSignal::new(), &mut on)?;
    let counts = done.report.outcome.counts;
    Ok(json!({ "counts": counts, "seconds": crate::ops::daemon::seconds(done.took) }))
}

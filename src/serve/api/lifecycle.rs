//! What the lifecycle knows and decides, and what people and programs ask of it. A GET changes nothing.

use super::view::display_name;
use super::{Api, ApiError};
use crate::clock::{self, Timestamp};
use crate::lifecycle::{Offloaded, ServerKey};
use crate::model::lifecycle::{Mode, Priority, Status};
use crate::ops::daemon::{OffloadReply, PauseReply, PressureReply, PriorityReply};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// The longest time for which a person can set a priority.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// `GET /api/lifecycle`
pub(super) async fn status(State(api): State<Arc<Api>>) -> Result<Json<Status>, ApiError> {
    Ok(Json(api.status().await?))
}

/// `GET /api/lifecycle/pressure`
pub(super) async fn pressure(State(api): State<Arc<Api>>) -> Result<Json<PressureReply>, ApiError> {
    let Status { pressures, throttle_factor, .. } = api.status().await?;
    Ok(Json(PressureReply { schema: "modelctl.pressure/1".to_owned(), pressures, throttle_factor }))
}

/// `POST /api/lifecycle/pause`
pub(super) async fn pause(State(api): State<Arc<Api>>) -> Result<Json<PauseReply>, ApiError> {
    set_paused(&api, true).await
}

/// `POST /api/lifecycle/resume`
pub(super) async fn resume(State(api): State<Arc<Api>>) -> Result<Json<PauseReply>, ApiError> {
    set_paused(&api, false).await
}

async fn set_paused(api: &Api, paused: bool) -> Result<Json<PauseReply>, ApiError> {
    let was_paused = api.control.pause(paused).await?;
    Ok(Json(PauseReply { schema: "modelctl.pause/1".to_owned(), paused, was_paused }))
}

/// `POST /api/models/{id}/priority` and `/api/models/{id}/offload`. Names of models may contain slashes.
pub(super) async fn of_model(
    State(api): State<Arc<Api>>,
    Path(rest): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::new(StatusCode::NOT_FOUND, "Not found", "There is no such path");
    let (name, action) = rest.rsplit_once('/').ok_or_else(unknown)?;
    match action {
        "priority" => Ok(Json(priority(&api, name, &body).await?).into_response()),
        "offload" => Ok(Json(offload(&api, name, &body).await?).into_response()),
        _ => Err(unknown()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriorityAsk {
    /// Null takes an earlier one back.
    priority: Option<Priority>,
    ttl_seconds: Option<u64>,
}

async fn priority(api: &Api, name: &str, body: &[u8]) -> Result<PriorityReply, ApiError> {
    let (key, display_name) = api.key(name).await?;
    let PriorityAsk { priority, ttl_seconds } = read("Priority cannot be set", body)?;
    let lasts = ttl_seconds.filter(|_| priority.is_some()).map(Duration::from_secs);
    if lasts.is_some_and(|lasts| lasts.is_zero() || lasts > LONGEST) {
        let detail = "`ttl_seconds`: give 1 to 31536000";
        return Err(ApiError::bad_request("Priority cannot be set", detail));
    }
    let model_id = key.model.to_string();
    api.control.set_priority(key, priority, lasts).await?;
    let until = lasts.map(in_future);
    Ok(PriorityReply { schema: "modelctl.priority/1".to_owned(), model_id, display_name, priority, until })
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OffloadAsk {
    /// None: one step lower.
    to: Option<String>,
}

async fn offload(api: &Api, name: &str, body: &[u8]) -> Result<OffloadReply, ApiError> {
    const TITLE: &str = "Mode cannot be changed";
    let (key, display_name) = api.key(name).await?;
    let asked: OffloadAsk = if body.is_empty() { OffloadAsk::default() } else { read(TITLE, body)? };
    let to = match asked.to.as_deref() {
        None => None,
        Some("gpu") => Some(Mode::Gpu),
        Some("cpu_offload") => Some(Mode::CpuOffload),
        Some("cpu" | "cpu_only") => Some(Mode::CpuOnly),
        Some(_) => return Err(ApiError::bad_request(TITLE, "`to`: give one of gpu, cpu_offload, cpu")),
    };
    let model_id = key.model.to_string();
    let refuse = |status, why: &str, detail: String| {
        let mut error = ApiError::new(status, TITLE, detail);
        error.body.why = Some(why.to_owned());
        Err(error)
    };
    let outcome = match api.control.offload(key, to).await? {
        Offloaded::Done => "done",
        Offloaded::AlreadyThere => "already_there",
        Offloaded::NotLoaded => {
            return refuse(StatusCode::CONFLICT, "not_loaded", format!("{display_name} is not loaded"));
        }
        Offloaded::Unknown => {
            let detail = format!("{display_name} cannot be loaded in that mode on this machine");
            return refuse(StatusCode::CONFLICT, "unknown_mode", detail);
        }
    };
    let schema = "modelctl.offload/1".to_owned();
    Ok(OffloadReply { schema, model_id, display_name, outcome: outcome.to_owned() })
}

impl Api {
    pub(super) async fn status(&self) -> Result<Status, ApiError> {
        Ok(self.control.status().await?)
    }

    /// Finds the server of the model or service that a client names, with its name for people.
    pub(super) async fn key(&self, name: &str) -> Result<(ServerKey, String), ApiError> {
        if let Some(service) = self.service(name) {
            return Ok((ServerKey::service(&service.name), service.name));
        }
        let row = self.model(name).await?;
        Ok((ServerKey::main(row.id.clone()), display_name(&row)))
    }
}

/// Reads the document of a request.
pub(super) fn read<T: DeserializeOwned>(title: &str, body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let what = if error.is_syntax() || error.is_eof() { "the body is not JSON: " } else { "" };
        ApiError::bad_request(title, format!("{what}{error}"))
    })
}

/// Returns the time that is so far ahead, in RFC 3339.
pub(super) fn in_future(time: Duration) -> String {
    let ahead = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Timestamp(clock::now().millis().saturating_add(ahead)).rfc3339()
}

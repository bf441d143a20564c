//! What was in the last hour, and the requests of now.

use super::{Api, ApiError};
use crate::serve::history::Hour;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    /// The `next` of an earlier answer: only what came after it.
    since: Option<u64>,
}

/// `GET /api/history`
pub(super) async fn hour(State(api): State<Arc<Api>>, Query(options): Query<Options>) -> Json<Hour> {
    Json(api.history.after(options.since))
}

/// `GET /api/requests`: the requests that run, and the last ones that have ended.
pub(super) async fn requests(State(api): State<Arc<Api>>) -> Json<Value> {
    let rows = api.metrics.records().recent().rows();
    Json(json!({ "schema": "modelctl.requests/1", "requests": rows }))
}

/// `DELETE /api/requests/{number}`: ends a request that waits or is being answered.
pub(super) async fn cancel(State(api): State<Arc<Api>>, Path(number): Path<u64>) -> Result<Json<Value>, ApiError> {
    match api.metrics.records().recent().cancel(number) {
        true => Ok(Json(json!({ "message": format!("Request {number} canceled"), "number": number }))),
        false => {
            let detail = "It has ended or was already canceled";
            Err(ApiError::new(StatusCode::NOT_FOUND, format!("No such request: {number}"), detail))
        }
    }
}

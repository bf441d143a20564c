//! The queue of tasks, and the switch that lets them run.

use super::lifecycle::read;
use super::{Api, ApiError};
use crate::clock::Timestamp;
use crate::model::task::{Inference, TaskFilter, TaskState};
use crate::ops::{inference, tasks};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The tasks that are listed.
const LIMIT: u32 = 200;

/// `GET /api/tasks`: the tasks that run or wait, without their texts, the number in each state, and the switch.
pub(super) async fn list(State(api): State<Arc<Api>>) -> Result<Json<Value>, ApiError> {
    let listed = api
        .recipe(|session| {
            let states = vec![TaskState::Running, TaskState::Queued, TaskState::Scheduled];
            let filter = TaskFilter { states, ..TaskFilter::default() };
            let listing = tasks::list::newest(session, &filter, LIMIT)?;
            let (switch, counts) = (inference::state(session)?, inference::counts(session)?);
            Ok(json!({
                "schema": "modelctl.queue/1",
                "inference": switched(switch),
                "counts": counts,
                "is_full": listing.is_full,
                "tasks": listing.report().tasks,
            }))
        })
        .await?;
    Ok(Json(listed))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    on: bool,
}

/// `POST /api/inference`: lets tasks be started, or makes them wait.
pub(super) async fn switch(State(api): State<Arc<Api>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let Ask { on } = read("Inference cannot be switched", &body)?;
    let now = api.recipe(move |session| inference::switch(session, on)).await?;
    Ok(Json(json!({ "schema": "modelctl.inference/1", "inference": switched(now) })))
}

fn switched(inference: Inference) -> Value {
    json!({ "on": inference.on, "since": inference.since.map(Timestamp::rfc3339) })
}

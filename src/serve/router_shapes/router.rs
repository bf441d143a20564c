//! The shapes of llama-server's router.

use super::is_up;
use crate::lifecycle::{Phase, ServerKey};
use crate::openai::ApiError;
use crate::serve::catalog::Entry;
use crate::serve::control::Server;
use crate::serve::gateway::{Gateway, Problem, read_json};
use crate::serve::listen::read_body;
use axum::Json;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
struct Named {
    model: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    model: Option<String>,
}

/// An error as llama-server writes it, with the status as `code`.
pub(super) struct Refused(ApiError);

impl Refused {
    fn bad_request(message: &str) -> Refused {
        Refused(ApiError::bad_request(message))
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused(match problem.status {
            StatusCode::NOT_FOUND => ApiError::new(404, "not_found_error", problem.message),
            status => ApiError::new(status.as_u16(), "invalid_request_error", problem.message),
        })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code).unwrap_or(StatusCode::BAD_REQUEST);
        (status, Json(self.0.body())).into_response()
    }
}

/// `POST /models/load`: answers at once; how the load ends is seen in `/v1/models`, `/running` and the events.
pub(super) async fn load(State(gateway): State<Arc<Gateway>>, request: Request) -> Result<Json<Value>, Refused> {
    let entry = gateway.resolve(&named(&gateway, request.into_body()).await?).await?;
    if server_of(&gateway, &entry).is_some_and(|server| is_up(&server)) {
        return Err(Refused::bad_request("model is already running"));
    }
    let (control, key) = (gateway.control.clone(), ServerKey::main(entry.row.id.clone()));
    // Nobody waits for it here. A failure is an event, and a line of the log of the server.
    drop(tokio::spawn(async move { control.start(key, true).await }));
    Ok(Json(json!({"success": true})))
}

/// `POST /models/unload`: answers at once. Running answers have 30 seconds.
pub(super) async fn unload(State(gateway): State<Arc<Gateway>>, request: Request) -> Result<Json<Value>, Refused> {
    let name = named(&gateway, request.into_body()).await?;
    let entry = gateway.resolve(&name).await.map_err(|problem| match problem.status {
        StatusCode::NOT_FOUND => Refused::bad_request(&problem.message),
        _ => Refused::from(problem),
    })?;
    let servers = gateway.control.servers();
    if !servers.iter().any(|server| server.view.key.model == entry.row.id && is_up(server)) {
        return Err(Refused::bad_request("model is not running"));
    }
    let model = entry.row.id.clone();
    drop(tokio::spawn(async move { gateway.control.stop_model(&model, false).await }));
    Ok(Json(json!({"success": true})))
}

async fn named(gateway: &Gateway, body: Body) -> Result<String, Refused> {
    let config = Arc::clone(&gateway.config.borrow());
    let body = read_body(body, &config.serve.limits).await.map_err(Problem::from)?;
    let Named { model } = read_json(&body)?;
    Ok(model)
}

fn server_of(gateway: &Gateway, entry: &Entry) -> Option<Server> {
    let key = ServerKey::main(entry.row.id.clone());
    gateway.control.servers().iter().find(|server| server.view.key == key).cloned()
}

/// `GET /props?model=`: how the server of a model is set up, or would be; without a model those of the router.
pub(super) async fn props(
    State(gateway): State<Arc<Gateway>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Refused> {
    let build = concat!("modelctl ", env!("CARGO_PKG_VERSION"));
    let Some(name) = asked.model.filter(|name| !name.is_empty()) else {
        // As many models as the memory admits.
        let props = json!({"role": "router", "max_instances": 0, "models_autoload": true, "build_info": build});
        return Ok(Json(props));
    };
    let entry = gateway.resolve(&name).await?;
    let (row, settings) = (&entry.row, gateway.settings(&entry.row));
    let info = server_of(&gateway, &entry).filter(|server| server.view.phase == Phase::Ready).and_then(|s| s.info);
    let context = info.as_ref().map_or(settings.context, |info| info.context);
    Ok(Json(json!({
        "default_generation_settings": {"n_ctx": context, "params": {}},
        "total_slots": info.as_ref().map_or(settings.parallel, |info| Some(info.slots)),
        "model_alias": entry.name(),
        "model_ftype": row.quant,
        "model_path": row.path.to_string_lossy(),
        "modalities": {"vision": false, "video": false, "audio": false},
        "endpoint_slots": true,
        "endpoint_props": false,
        "endpoint_metrics": false,
        "build_info": build,
        "is_sleeping": info.is_none(),
    })))
}

/// `GET /slots?model=`: the slots of a server that runs; of one that does not, none.
pub(super) async fn slots(
    State(gateway): State<Arc<Gateway>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Refused> {
    let name = asked.model.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refused::bad_request("model name is missing from the request"))?;
    let entry = gateway.resolve(&name).await?;
    let Some((server, info)) = server_of(&gateway, &entry).and_then(|server| Some((server.view, server.info?))) else {
        return Ok(Json(json!([])));
    };
    // Which of the slots is busy does not matter to anybody; how many are does.
    let slot = |id: u32| json!({"id": id, "n_ctx": info.context, "speculative": false, "is_processing": id < server.in_flight});
    Ok(Json((0..info.slots).map(slot).collect()))
}

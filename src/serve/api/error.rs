use crate::failure::{ErrorReport, Kind, classify};
use crate::lifecycle::{Denial, Why};
use crate::ops::daemon::ErrorReply;
use crate::serve::ports::{Held, HeldBy, NoPort};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;

/// An error of the API: `{"error","detail"}`.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: Box<ErrorReply>,
}

const NOT_STARTED: &str = "Failed to start server";

impl ApiError {
    pub fn new(status: StatusCode, error: impl Into<String>, detail: impl Into<String>) -> ApiError {
        let body = ErrorReply {
            error: error.into(),
            detail: detail.into(),
            why: None,
            holders: Vec::new(),
            last_log: None,
            candidates: Vec::new(),
        };
        ApiError { status, retry_after: None, body: Box::new(body) }
    }

    pub fn internal(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error", detail)
    }

    pub fn bad_request(error: impl Into<String>, detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, error, detail)
    }

    pub fn no_model(name: &str) -> ApiError {
        let error = format!("Model not found: {}", name.escape_debug());
        ApiError::new(StatusCode::NOT_FOUND, error, "Model does not exist in registry")
    }

    /// A server that cannot be started for a reason that a person has to remove.
    pub fn not_started(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::CONFLICT, NOT_STARTED, detail)
    }

    /// A server that cannot have a port.
    pub fn no_port(error: &NoPort) -> ApiError {
        let holder = |held: &Held| {
            let (name, pid) = match &held.by {
                HeldBy::Model(name) => (Some(name), None),
                HeldBy::Process(holder) => (Some(&holder.name), Some(holder.pid)),
                HeldBy::Unknown | HeldBy::Error(_) => (None, None),
            };
            json!({"port": held.port, "name": name, "pid": pid, "why": held.to_string()})
        };
        let mut refused = ApiError::not_started(error.to_string());
        refused.body.why = Some("no_port".to_owned());
        refused.body.holders = error.held.iter().map(holder).collect();
        refused
    }

    /// A wish that the deciding task refuses.
    pub fn denied(title: &'static str, denial: Denial) -> ApiError {
        let status = match denial.why {
            Why::Unknown => StatusCode::NOT_FOUND,
            Why::QueueFull => StatusCode::TOO_MANY_REQUESTS,
            Why::Stopped | Why::BadFile | Why::BelowTier => StatusCode::CONFLICT,
            Why::Stopping | Why::NoMemory | Why::PinnedMemory | Why::Backoff => StatusCode::SERVICE_UNAVAILABLE,
            Why::Failed | Why::Unready | Why::Died => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut error = ApiError::new(status, title, denial.message);
        error.retry_after = denial.retry_after;
        error.body.why = name(&denial.why);
        error.body.holders = denial.holders.iter().filter_map(|holder| serde_json::to_value(holder).ok()).collect(); // plain data
        error.body.last_log = denial.last_log;
        error
    }

    /// The error of a recipe.
    pub fn of(error: &anyhow::Error) -> ApiError {
        let report = ErrorReport::of(error);
        let (status, title) = match classify(error).0 {
            Kind::Usage | Kind::CannotMeet | Kind::Answer => (StatusCode::BAD_REQUEST, "Request cannot be met"),
            Kind::Busy => (StatusCode::CONFLICT, "Busy"),
            Kind::Interrupted | Kind::Terminated => (StatusCode::SERVICE_UNAVAILABLE, "Stopping"),
            Kind::Engine | Kind::Bug => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
        };
        let mut detail = report.message;
        for cause in report.causes {
            detail.push_str(": ");
            detail.push_str(&cause);
        }
        // Of a bug it is how to report one.
        if let Some(hint) = report.hint.filter(|_| !status.is_server_error()) {
            detail.push_str("; ");
            detail.push_str(&hint);
        }
        ApiError::new(status, title, detail)
    }
}

impl From<Denial> for ApiError {
    fn from(denial: Denial) -> ApiError {
        ApiError::denied(NOT_STARTED, denial)
    }
}

/// Returns the name of a reason in JSON.
fn name(why: &Why) -> Option<String> {
    let value = serde_json::to_value(why).ok()?; // a variant without fields is a text
    value.as_str().map(str::to_owned)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        // In full seconds, rounded up: an earlier try would be refused again.
        let seconds = self.retry_after.map(|time| time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)));
        let seconds = seconds.or((self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(5));
        if let Some(seconds) = seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

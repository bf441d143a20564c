//! Answers to requests that are not let in.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::json;

/// The reason why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    /// OpenAI's `code`.
    pub code: &'static str,
    /// One sentence for a person.
    pub message: String,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into() }
    }

    /// Creates the refusal of a request that is malformed (400).
    pub fn malformed(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// Creates the refusal of a request from somewhere that is not allowed (403).
    pub fn forbidden(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// Returns OpenAI's `type`.
    pub fn kind(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::FORBIDDEN => "permission_error",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }

    /// Returns the body of the answer: OpenAI's object, or `{"error", "detail"}` below `/api/`.
    pub(super) fn body(&self, path: &str) -> String {
        let body = if path.starts_with("/api/") {
            json!({"error": self.message, "detail": self.code})
        } else {
            json!({"error": {"message": self.message, "type": self.kind(), "param": null, "code": self.code}})
        };
        body.to_string()
    }

    /// Returns the answer to a request for `path`.
    pub fn answer(&self, path: &str) -> Response<Body> {
        let mut answer = Response::new(Body::from(self.body(path)));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self.status {
            StatusCode::UNAUTHORIZED => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("1"))),
            _ => {}
        }
        answer
    }
}

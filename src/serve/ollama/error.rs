use crate::ollama;
use crate::serve::gateway::Problem;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// An error in Ollama's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct OllamaError(Problem);

impl OllamaError {
    pub fn bad_request(message: impl Into<String>) -> OllamaError {
        OllamaError::from(Problem::bad_request(message))
    }

    /// Returns the error for an answer of a server that cannot be used.
    pub fn broken(why: impl Into<String>) -> OllamaError {
        OllamaError::from(Problem::new(StatusCode::BAD_GATEWAY, "server_error", why))
    }

    pub fn problem(&self) -> &Problem {
        &self.0
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl From<Problem> for OllamaError {
    fn from(problem: Problem) -> OllamaError {
        match problem.status {
            // Ollama's status and words for a full queue.
            StatusCode::TOO_MANY_REQUESTS => {
                let message = format!("server busy, please try again.  {}", problem.message);
                OllamaError(problem.told(message).with_status(StatusCode::SERVICE_UNAVAILABLE))
            }
            _ => OllamaError(problem),
        }
    }
}

impl IntoResponse for OllamaError {
    fn into_response(self) -> Response {
        let (status, body) = (self.0.status, Json(ollama::error(&self.0.message)));
        let mut headers = self.0.into_response().into_parts().0.headers;
        headers.remove(header::CONTENT_TYPE);
        headers.remove(header::CONTENT_LENGTH);
        (status, headers, body).into_response()
    }
}

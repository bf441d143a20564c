//! Errors as OpenAI's clients read them: `{"error": {"message", "type", "param", "code"}}`.

use super::overflow::Overflow;
use crate::display::units;
use crate::lifecycle::{Denial, Holder, Why};
use crate::openai::ApiError;
use crate::serve::catalog::Entry;
use crate::serve::listen::Refusal;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Models that the message of an ambiguous name lists.
const CANDIDATES: usize = 20;

/// An error, and whether another try makes sense.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub status: StatusCode,
    pub message: String,
    pub code: Option<&'static str>,
    pub retry: Retry,
    kind: Box<str>,
    param: Option<&'static str>,
    /// Further members of the error object.
    further: Vec<(&'static str, Value)>,
}

/// What a client is advised to do. OpenAI's packages obey it, and otherwise try twice more whatever the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Nothing is said: the status says it.
    Unsaid,
    /// Waiting will not help.
    Never,
    After(Duration),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::new(refusal.status, refusal.kind(), refusal.message.clone()).code(refusal.code)
    }
}

impl Problem {
    pub fn new(status: StatusCode, kind: &str, message: impl Into<String>) -> Problem {
        let (kind, further) = (kind.into(), Vec::new());
        Problem { status, message: message.into(), code: None, retry: Retry::Unsaid, kind, param: None, further }
    }

    pub fn bad_request(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// Returns the error for a name that leads to no model that is served.
    pub fn no_model(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "invalid_request_error", message).param("model").code("model_not_found")
    }

    /// Returns the error for a name that leads to several models.
    pub fn ambiguous(name: &str, entries: &[Arc<Entry>]) -> Problem {
        let ids: Vec<&str> = entries.iter().map(|entry| entry.row.id.as_str()).collect();
        let told: Vec<String> =
            entries.iter().take(CANDIDATES).map(|e| format!("{} ({})", e.row.id, e.row.name)).collect();
        let more = ids.len().checked_sub(CANDIDATES).filter(|more| *more > 0);
        let more = more.map(|more| format!(" and {more} more")).unwrap_or_default();
        let message =
            format!("`{name}` is the name of {} models: {}{more}; ask for one by its id", ids.len(), told.join(", "));
        let problem = Problem::bad_request(message).param("model").code("model_ambiguous");
        problem.further("models", json!(ids))
    }

    /// Returns the error for a request that got no server.
    pub fn denied(denial: &Denial) -> Problem {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let (status, kind, code) = match denial.why {
            Why::QueueFull => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "rate_limit_exceeded"),
            Why::Unknown => (StatusCode::NOT_FOUND, "invalid_request_error", "model_not_found"),
            Why::Died => (StatusCode::BAD_GATEWAY, "server_error", "model_died"),
            Why::NoMemory | Why::PinnedMemory => (unavailable, "server_error", "insufficient_memory"),
            Why::Unready => (unavailable, "server_error", "model_loading"),
            Why::Stopping | Why::Stopped | Why::Backoff | Why::Failed | Why::BadFile | Why::BelowTier => {
                (unavailable, "server_error", "model_unavailable")
            }
        };
        let mut problem = Problem::new(status, kind, denial.message.clone()).code(code);
        problem.retry = match (denial.retry_after, denial.why) {
            (Some(time), _) => Retry::After(time),
            (None, Why::Unknown) => Retry::Unsaid,
            (None, _) => Retry::Never,
        };
        if !denial.holders.is_empty() {
            let told: Vec<String> = denial.holders.iter().map(held).collect();
            problem.message = format!("{}; memory is held by {}", problem.message, told.join(", "));
            problem = problem.further("holders", json!(denial.holders));
        }
        match &denial.last_log {
            Some(line) => problem.further("last_log", json!(line)),
            None => problem,
        }
    }

    /// Returns the error for an answer that was broken off by the end of its server.
    pub fn died(why: Option<&Denial>) -> Problem {
        match why {
            Some(denial) => Problem::denied(denial),
            None => {
                Problem::new(StatusCode::BAD_GATEWAY, "server_error", "the connection to the server of the model broke")
                    .code("model_died")
            }
        }
    }

    /// Returns the error for a request that a person has cancelled.
    pub fn cancelled() -> Problem {
        let problem = Problem::new(StatusCode::CONFLICT, "server_error", "the request was canceled by an operator");
        Problem { retry: Retry::Never, ..problem.code("cancelled") }
    }

    /// Returns the error for an answer of a server that is not one.
    pub fn unreadable() -> Problem {
        let message = "the server of the model sent an answer that is not a JSON object; see `modelctl logs MODEL`";
        Problem::new(StatusCode::BAD_GATEWAY, "server_error", message).code("bad_answer")
    }

    /// Returns the error for a request during which two servers of its model died.
    pub fn killer(why: Option<&Denial>) -> Problem {
        let mut problem = Problem::died(why);
        problem.message = format!("two servers of the model ended before they had answered: {}", problem.message);
        Problem { status: StatusCode::BAD_GATEWAY, retry: Retry::Never, ..problem }
    }

    /// Returns the error that a server reports in the body of its answer.
    pub fn of_server(status: StatusCode, body: &[u8]) -> Problem {
        let Some(error) = ApiError::read(body) else {
            let message = format!("the server of the model answered {}", status.as_u16());
            return Problem::new(StatusCode::BAD_GATEWAY, "server_error", message);
        };
        let mut problem = Problem::new(status, "", error.message.clone());
        if let Some(Value::Object(members)) = error.openai_body().get_mut("error").map(Value::take) {
            problem.kind = members.get("type").and_then(Value::as_str).unwrap_or_default().into();
            problem.code = (members.get("code") == Some(&json!(CONTEXT))).then_some(CONTEXT);
            let figures = ["n_prompt_tokens", "n_ctx"].into_iter();
            problem.further = figures.filter_map(|key| Some((key, members.get(key)?.clone()))).collect();
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            problem.retry = Retry::After(Duration::from_secs(1));
        }
        if status == StatusCode::NOT_IMPLEMENTED {
            problem.status = StatusCode::BAD_REQUEST;
        }
        problem
    }

    /// Returns the figures of a prompt that does not fit, where this is the error and has them.
    pub(super) fn overflow(&self) -> Option<Overflow> {
        let figure = |key: &str| self.further.iter().find(|(of, _)| *of == key)?.1.as_u64();
        let figures = (self.code == Some(CONTEXT)).then(|| (figure("n_prompt_tokens"), figure("n_ctx")))?;
        Some(Overflow { prompt: figures.0?, context: figures.1? })
    }

    /// Returns the same error in other words.
    pub fn told(self, message: impl Into<String>) -> Problem {
        Problem { message: message.into(), ..self }
    }

    pub fn with_status(self, status: StatusCode) -> Problem {
        Problem { status, ..self }
    }

    pub fn param(self, param: &'static str) -> Problem {
        Problem { param: Some(param), ..self }
    }

    pub fn code(self, code: &'static str) -> Problem {
        Problem { code: Some(code), ..self }
    }

    pub fn further(mut self, key: &'static str, value: Value) -> Problem {
        self.further.push((key, value));
        self
    }

    /// Returns the body of the answer.
    pub fn body(&self) -> Value {
        let mut error = json!({"message": self.message, "type": self.kind, "param": self.param, "code": self.code});
        if let Value::Object(members) = &mut error {
            members.extend(self.further.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        }
        json!({"error": error})
    }
}

const CONTEXT: &str = "context_length_exceeded";

fn held(holder: &Holder) -> String {
    let bytes = holder.held.iter().map(|held| format!("{} on {}", units::bytes(held.bytes), held.device));
    format!("{} ({}: {})", holder.name, holder.why, bytes.collect::<Vec<_>>().join(", "))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body())).into_response();
        let headers = response.headers_mut();
        let should_retry = match self.retry {
            Retry::Unsaid => return response,
            Retry::Never => "false",
            Retry::After(time) => {
                let seconds = time.as_millis().div_ceil(1_000).max(1);
                // Digits are always a header.
                headers
                    .extend(HeaderValue::from_str(&seconds.to_string()).ok().map(|value| (header::RETRY_AFTER, value)));
                "true"
            }
        };
        headers.insert("x-should-retry", HeaderValue::from_static(should_retry));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::DeviceBytes;

    fn denial(why: Why, retry_after: Option<u64>) -> Denial {
        let retry_after = retry_after.map(Duration::from_millis);
        Denial { retry_after, ..Denial::new(why, "no") }
    }

    fn header(response: &Response, name: &str) -> Option<String> {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_client_is_told_whether_another_try_helps() {
        let answer = |why, after| Problem::denied(&denial(why, after)).into_response();
        let full = answer(Why::QueueFull, Some(1_500));
        assert_eq!(full.status(), 429);
        assert_eq!(
            (header(&full, "retry-after").as_deref(), header(&full, "x-should-retry").as_deref()),
            (Some("2"), Some("true"))
        );
        for why in [Why::NoMemory, Why::BadFile, Why::Failed] {
            let never = answer(why, None);
            assert_eq!((never.status().as_u16(), header(&never, "x-should-retry").as_deref()), (503, Some("false")));
            assert_eq!(header(&never, "retry-after"), None);
        }
        let unknown = answer(Why::Unknown, None);
        assert_eq!((unknown.status().as_u16(), header(&unknown, "x-should-retry")), (404, None));
    }

    #[test]
    fn what_holds_the_memory_is_named() {
        let held = vec![DeviceBytes { device: "CUDA0".into(), bytes: 8 << 30 }];
        let holders = vec![Holder { name: "qwen".into(), why: "pinned", held }];
        let body = Problem::denied(&Denial { holders, ..denial(Why::PinnedMemory, None) }).body();
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("qwen (pinned: 8") && message.contains("CUDA0"), "{message}");
        assert_eq!(body["error"]["holders"][0]["name"], "qwen");
    }

    #[test]
    fn the_errors_of_a_server_are_openais() {
        let body = br#"{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}"#;
        let problem = Problem::of_server(StatusCode::BAD_REQUEST, body);
        let expected = json!({"error": {"message": "too long", "type": "invalid_request_error", "param": null,
            "code": "context_length_exceeded", "n_prompt_tokens": 9, "n_ctx": 8}});
        assert_eq!((problem.body(), problem.status.as_u16()), (expected, 400));
        let odd = Problem::of_server(StatusCode::INTERNAL_SERVER_ERROR, b"<html>");
        assert_eq!((odd.status.as_u16(), odd.body()["error"]["type"].as_str()), (502, Some("server_error")));
    }
}

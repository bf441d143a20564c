//! The answer file. Each line depends on the database alone, so the file can be written again at any time, byte for
//! byte.

use crate::model::task::{Endpoint, ErrorKind, Phase, Task};
use serde::Serialize;
use serde_json::{Value, json};

/// One line of an answer file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutputLine {
    pub id: String,
    pub custom_id: String,
    pub response: Option<Response>,
    pub error: Option<LineError>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Response {
    pub status_code: u16,
    pub request_id: String,
    pub body: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineError {
    pub code: String,
    pub message: String,
}

/// Returns the line of a task that has ended; None before that.
pub fn output_line(task: &Task) -> Option<OutputLine> {
    let ticket = &task.ticket;
    let custom_id = ticket.key.clone().unwrap_or_else(|| format!("task-{}", ticket.id));
    let line =
        |response, error| Some(OutputLine { id: format!("batch_req_{}", ticket.id), custom_id, response, error });
    let error = |code: &str, message: &str| Some(LineError { code: code.to_owned(), message: message.to_owned() });
    match &ticket.phase {
        Phase::Done { at } => {
            let body = body(task, at.millis().div_euclid(1000))?;
            let request_id = format!("req_{}_{}", ticket.id, ticket.token);
            line(Some(Response { status_code: 200, request_id, body }), None)
        }
        Phase::Failed { .. } => match &ticket.error {
            Some(e) if e.kind == ErrorKind::Expired => line(None, error("batch_expired", &e.message)),
            Some(e) => line(None, error(e.kind.name(), &e.message)),
            None => line(None, error("failed", "it failed")),
        },
        Phase::Cancelled { .. } => line(None, error("batch_cancelled", "it was canceled")),
        Phase::Queued | Phase::Scheduled { .. } | Phase::Running(_) => None,
    }
}

/// Returns whether a line belongs in the error file, where there is one.
pub fn is_error(line: &OutputLine) -> bool {
    line.error.is_some()
}

fn body(task: &Task, created: i64) -> Option<Value> {
    let result = task.result.as_ref()?;
    let (object, prefix, choice) = match task.request.endpoint {
        Endpoint::Chat => (
            "chat.completion",
            "chatcmpl",
            json!({
                "index": 0,
                "message": { "role": "assistant", "content": result.text },
                "logprobs": null,
                "finish_reason": result.finish_reason,
            }),
        ),
        Endpoint::Completions => (
            "text_completion",
            "cmpl",
            json!({ "index": 0, "text": result.text, "logprobs": null, "finish_reason": result.finish_reason }),
        ),
    };
    Some(json!({
        "id": format!("{prefix}-{}", task.ticket.id),
        "object": object,
        "created": created,
        "model": result.model_name,
        "choices": [choice],
        "usage": {
            "prompt_tokens": result.prompt_tokens,
            "completion_tokens": result.completion_tokens,
            "total_tokens": result.prompt_tokens.saturating_add(result.completion_tokens),
        },
    }))
}

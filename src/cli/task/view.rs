//! A task as a person sees it.

use crate::model::task::{TaskRequest, TaskState};
use crate::ui::Tone;
use serde_json::Value;

/// Returns a text that identifies a request to a person: its last message, or its prompt.
pub fn preview(request: &TaskRequest) -> String {
    let body: Value = serde_json::from_str(&request.body).unwrap_or(Value::Null);
    let message = body.get("messages").and_then(Value::as_array).and_then(|m| m.last()).and_then(|m| m.get("content"));
    let text = match message.or_else(|| body.get("prompt")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|p| p.get("text")?.as_str()).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn tone(state: TaskState) -> Tone {
    match state {
        TaskState::Failed => Tone::Bad,
        TaskState::Cancelled => Tone::Warn,
        TaskState::Running => Tone::Bold,
        TaskState::Scheduled => Tone::Dim,
        TaskState::Queued | TaskState::Done => Tone::Plain,
    }
}

//! A task as scripts and people see it.

use crate::clock::Timestamp;
use crate::model::Tier;
use crate::model::task::{Attempt, AttemptEnd, Task, TaskError, TaskId, TaskRequest, TaskResult, TaskState, Ticket};
use crate::ui::Tone;
use serde::Serialize;
use serde_json::Value;

/// One shape for every command that prints tasks. Times are RFC 3339 in UTC, durations milliseconds.
#[derive(Debug, Serialize)]
pub struct TicketJson {
    pub id: TaskId,
    pub key: Option<String>,
    pub batch: Option<String>,
    pub state: TaskState,
    pub priority: i32,
    /// The model that was asked for.
    pub wants_model: Option<String>,
    pub wants_tier: Option<Tier>,
    /// The model of the latest attempt.
    pub model: Option<String>,
    pub created: String,
    pub not_before: Option<String>,
    pub deadline: Option<String>,
    pub timeout_ms: Option<u64>,
    /// When a scheduled task is due.
    pub due: Option<String>,
    pub started: Option<String>,
    pub finished: Option<String>,
    pub attempts: u32,
    pub max_attempts: u32,
    pub crashes: u32,
    pub interruptions: u32,
    pub swaps: u32,
    pub round: u32,
    pub error: Option<TaskError>,
}

#[derive(Debug, Serialize)]
pub struct TaskJson {
    #[serde(flatten)]
    pub ticket: TicketJson,
    pub url: &'static str,
    pub request: Value,
    pub result: Option<TaskResult>,
}

#[derive(Debug, Serialize)]
pub struct AttemptJson {
    pub round: u32,
    pub owner: String,
    pub model: Option<String>,
    pub started: String,
    pub ended: Option<String>,
    pub end: Option<AttemptEnd>,
    pub error: Option<TaskError>,
}

impl TicketJson {
    pub fn of(ticket: &Ticket) -> TicketJson {
        let text = |time: Option<Timestamp>| time.map(Timestamp::rfc3339);
        TicketJson {
            id: ticket.id,
            key: ticket.key.clone(),
            batch: Some(ticket.batch.clone()).filter(|b| !b.is_empty()),
            state: ticket.state(),
            priority: ticket.priority,
            wants_model: ticket.wish.model().map(str::to_owned),
            wants_tier: ticket.wish.tier(),
            model: ticket.model.as_ref().map(|m| m.0.clone()),
            created: ticket.created.rfc3339(),
            not_before: text(ticket.not_before),
            deadline: text(ticket.deadline),
            timeout_ms: ticket.timeout_ms,
            due: (ticket.state() == TaskState::Scheduled).then(|| ticket.ready.rfc3339()),
            started: text(ticket.lease().map(|lease| lease.since)),
            finished: text(ticket.phase.finished()),
            attempts: ticket.attempts,
            max_attempts: ticket.max_attempts,
            crashes: ticket.crashes,
            interruptions: ticket.interruptions,
            swaps: ticket.swaps,
            round: ticket.round,
            error: ticket.error.clone(),
        }
    }
}

impl TaskJson {
    pub fn of(task: &Task) -> TaskJson {
        TaskJson {
            ticket: TicketJson::of(&task.ticket),
            url: task.request.endpoint.url(),
            // What we stored is JSON; a body that somebody else wrote into the database is shown as the text it is.
            request: serde_json::from_str(&task.request.body).unwrap_or(Value::String(task.request.body.clone())),
            result: task.result.clone(),
        }
    }
}

impl AttemptJson {
    pub fn of(attempt: &Attempt) -> AttemptJson {
        AttemptJson {
            round: attempt.round,
            owner: attempt.owner.to_string(),
            model: attempt.model.as_ref().map(|m| m.0.clone()),
            started: attempt.started.rfc3339(),
            ended: attempt.ended.map(Timestamp::rfc3339),
            end: attempt.end,
            error: attempt.error.clone(),
        }
    }
}

/// What a person recognises a request by: its last message, or its prompt.
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

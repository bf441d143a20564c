//! A task, for a client.

use super::Lens;
use crate::clock::Timestamp;
use crate::display::Document;
use crate::model::Tier;
use crate::model::task::{Attempt, AttemptEnd, Task, TaskError, TaskId, TaskResult, TaskState, Ticket};
use serde::Serialize;
use serde_json::Value;

/// A task without its texts. One format for all output of tasks. Times are RFC 3339 in UTC, durations milliseconds.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct TicketReport {
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
    /// The time at which a scheduled task is due.
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
    /// Whether another model may answer where the named one cannot.
    pub fallback: bool,
    /// The reason why a due task waits here.
    pub waits_for: Option<String>,
}

impl Document for TicketReport {
    const SCHEMA: &'static str = "modelctl.task-follow/1";
}

/// Several tasks without their texts: the document of `task list --json` and `task wait --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct TasksReport {
    pub tasks: Vec<TicketReport>,
}

impl Document for TasksReport {
    const SCHEMA: &'static str = "modelctl.task-list/1";
}

/// A task with its request and its answer.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct TaskReport {
    #[serde(flatten)]
    pub ticket: TicketReport,
    pub url: &'static str,
    pub request: Value,
    pub result: Option<TaskResult>,
}

/// One attempt of a task.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct AttemptReport {
    pub round: u32,
    pub owner: String,
    pub model: Option<String>,
    pub started: String,
    pub ended: Option<String>,
    pub end: Option<AttemptEnd>,
    pub error: Option<TaskError>,
}

impl TicketReport {
    pub fn of(ticket: &Ticket) -> TicketReport {
        let text = |time: Option<Timestamp>| time.map(Timestamp::rfc3339);
        TicketReport {
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
            fallback: ticket.fallback,
            waits_for: None,
        }
    }

    /// Returns the report of a ticket as an executor would find it now, with the reason why it waits.
    pub fn seen(ticket: &Ticket, lens: &Lens) -> TicketReport {
        let ticket = lens.ticket(ticket);
        TicketReport { waits_for: lens.waits_for(&ticket).map(str::to_owned), ..TicketReport::of(&ticket) }
    }
}

impl TaskReport {
    pub fn of(task: &Task) -> TaskReport {
        TaskReport {
            ticket: TicketReport::of(&task.ticket),
            url: task.request.endpoint.url(),
            // We store JSON; a body that another program wrote into the database is shown as text.
            request: serde_json::from_str(&task.request.body).unwrap_or(Value::String(task.request.body.clone())),
            result: task.result.clone(),
        }
    }
}

impl AttemptReport {
    pub fn of(attempt: &Attempt) -> AttemptReport {
        AttemptReport {
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

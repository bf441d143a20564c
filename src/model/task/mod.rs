//! The types of the queue: tasks, their requests, states and results.
//!
//! A [`Ticket`] is the small part of a task that changes and that decisions are based on. Request and result are stored
//! separately, so that state changes never touch the texts. The allowed transitions are in [`machine`], and nowhere
//! else.

mod attempt;
mod figures;
pub mod machine;
pub mod order;
mod owner;
mod policy;
mod port;
mod state;

pub use super::backoff::Jitter;
pub use attempt::{Attempt, AttemptEnd, ErrorKind, TaskError};
pub use figures::{Counts, Inference, ModelStats, Recovered, Removed, Standing, Stats, TaskFilter};
pub use owner::{DeadOwners, Nonce, OwnerId};
pub use policy::{ClockMemory, Moment, Policy, Retention};
pub use port::{ChangeMark, OpenQueue, Queue};
pub use state::{Lease, Phase, TaskState};

use super::{ModelId, Tier};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The number of a task: counts up from 1, never used twice in one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct TaskId(pub u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The OpenAI endpoint that a request is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Endpoint {
    #[serde(rename = "/v1/chat/completions")]
    Chat,
    #[serde(rename = "/v1/completions")]
    Completions,
}

impl Endpoint {
    pub const ALL: &'static [Endpoint] = &[Endpoint::Chat, Endpoint::Completions];

    /// Returns the path, as batch files spell it.
    pub fn url(self) -> &'static str {
        match self {
            Endpoint::Chat => "/v1/chat/completions",
            Endpoint::Completions => "/v1/completions",
        }
    }

    pub fn from_url(url: &str) -> Option<Endpoint> {
        Self::ALL.iter().copied().find(|e| e.url() == url)
    }
}

/// The request of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRequest {
    pub endpoint: Endpoint,
    /// The body: a JSON object in OpenAI's format, kept as the text that was handed in.
    pub body: String,
}

/// The model that a task asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    /// Any available model.
    Any,
    /// A model of this tier, by the tier limits (`[tiers]`) of the machine that claims the task. Machines that share a
    /// queue should have the same limits: the wish is not resolved when the task is handed in, since only the claimer
    /// knows its models.
    Tier(Tier),
    /// A certain model: an id if the inventory knew it, otherwise the text as given.
    Model(String),
}

impl Wish {
    pub fn tier(&self) -> Option<Tier> {
        match self {
            Wish::Tier(tier) => Some(*tier),
            _ => None,
        }
    }

    pub fn model(&self) -> Option<&str> {
        match self {
            Wish::Model(model) => Some(model),
            _ => None,
        }
    }
}

/// A task as it is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// The batch that it belongs to; empty for a task without a batch. Keys are unique within their batch.
    pub batch: String,
    /// The key of the task: a task with the same key is the same task.
    pub key: Option<String>,
    /// The priority; a higher one runs first.
    pub priority: i32,
    pub wish: Wish,
    /// Whether another model may answer where the named one cannot. Tasks that name no model may always use a second
    /// one.
    pub fallback: bool,
    /// The time before which the task is not started.
    pub not_before: Option<Timestamp>,
    /// The deadline, after which the task is not worth starting.
    pub deadline: Option<Timestamp>,
    /// The time limit of one attempt, ms.
    pub timeout_ms: Option<u64>,
    /// The number of attempts that may end in an error, at least 1.
    pub max_attempts: u32,
    pub request: TaskRequest,
}

impl NewTask {
    /// Creates a task without a batch, with the defaults.
    pub fn new(request: TaskRequest) -> NewTask {
        NewTask {
            batch: String::new(),
            key: None,
            priority: 0,
            wish: Wish::Any,
            fallback: false,
            not_before: None,
            deadline: None,
            timeout_ms: None,
            max_attempts: Policy::MAX_ATTEMPTS,
            request,
        }
    }

    /// Returns why the task cannot be handed in; None when it can. Other stores and other programs' files cannot hold a
    /// NUL in a text, and many tools would cut the text there.
    pub fn refusal(&self) -> Option<&'static str> {
        let wish = self.wish.model().unwrap_or("");
        let named = [
            (self.key.as_deref().unwrap_or(""), "the key of a task cannot hold a NUL character"),
            (self.batch.as_str(), "the name of a batch cannot hold a NUL character"),
            (wish, "the name of a model cannot hold a NUL character"),
        ];
        named.into_iter().find(|(text, _)| text.contains('\0')).map(|(_, why)| why)
    }

    /// Returns whether an existing task with this key equals the new one: request, model, priority, time limit and
    /// fallback. Start time and deadline are not compared: "in two hours" is a different time on every call.
    pub fn is(&self, there: &Ticket, request: &TaskRequest) -> bool {
        &self.request == request
            && self.wish == there.wish
            && self.fallback == there.fallback
            && self.priority == there.priority
            && self.timeout_ms == there.timeout_ms
    }
}

/// The action for a key whose task has already ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFinished {
    /// Keep the finished task: it is the answer.
    Keep,
    /// Run the task again, with the new request.
    Replace,
}

/// The result of handing in a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Enqueued {
    pub id: TaskId,
    pub how: Accepted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    New,
    /// The task of the key existed, and equals the new one.
    Existing,
    /// The task of the key existed with another request, model, priority or time limit, and stays unchanged.
    ExistingDiffers,
    /// The task of the key had ended and runs again.
    Replaced,
}

/// The part of a task that decisions are based on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ticket {
    pub id: TaskId,
    /// The batch; empty for a task without one.
    pub batch: String,
    pub key: Option<String>,
    pub priority: i32,
    pub wish: Wish,
    pub created: Timestamp,
    pub not_before: Option<Timestamp>,
    pub deadline: Option<Timestamp>,
    /// The time limit of one attempt, ms.
    pub timeout_ms: Option<u64>,
    pub max_attempts: u32,
    pub phase: Phase,
    /// The time since which the task has been due, or will be: it decides the order among tasks of one priority.
    pub ready: Timestamp,
    /// The fence: it increases with every claim and every swap, and never decreases. A write with an older token is
    /// refused.
    pub token: u64,
    /// The number of times a person started the task over; the four counters below are then reset.
    pub round: u32,
    /// The number of attempts started, except those that were given back, crashed or were interrupted.
    pub attempts: u32,
    /// The number of times its worker died while this task was the only one in it.
    pub crashes: u32,
    /// The number of times its worker process died or stopped responding.
    pub interruptions: u32,
    /// The number of times another model was tried in place of one that failed: 0 or 1.
    pub swaps: u32,
    /// The model of the latest attempt.
    pub model: Option<ModelId>,
    /// The latest error; None once the task is done.
    pub error: Option<TaskError>,
    /// Whether another model may answer where the named one cannot.
    pub fallback: bool,
}

impl Ticket {
    pub fn state(&self) -> TaskState {
        self.phase.state()
    }

    /// Returns whether a second model may be tried after a failure. A model that a person named answers or fails,
    /// unless that person allowed another one.
    pub fn may_fall_back(&self) -> bool {
        self.fallback || self.wish.model().is_none()
    }

    pub fn lease(&self) -> Option<&Lease> {
        match &self.phase {
            Phase::Running(lease) => Some(lease),
            _ => None,
        }
    }
}

/// The answer to a task, with its token counts and times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TaskResult {
    pub text: String,
    /// The reason why generation ended, as OpenAI names it: `stop`, `length`.
    pub finish_reason: String,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Milliseconds from the start of the attempt to the first token.
    pub prompt_ms: u64,
    /// Milliseconds from the first token to the last.
    pub generate_ms: u64,
    pub model: ModelId,
    /// The name of the model for people.
    pub model_name: String,
}

/// A task with its texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    #[serde(flatten)]
    pub ticket: Ticket,
    pub request: TaskRequest,
    /// The result, present exactly when the task is done.
    pub result: Option<TaskResult>,
}

/// The proof of a worker's claim: the task and the fence for its writes.
///
/// The token alone is not enough: a database restored from a backup issues the same token again to another owner, and a
/// worker that held it before the restore would be mistaken for that owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hold {
    pub id: TaskId,
    pub token: u64,
    /// The nonce of the owner of the claim; None for a ticket that is not running, with which no write is accepted.
    pub nonce: Option<Nonce>,
}

impl From<&Ticket> for Hold {
    fn from(ticket: &Ticket) -> Hold {
        let nonce = ticket.lease().and_then(|lease| lease.owner.nonce());
        Hold { id: ticket.id, token: ticket.token, nonce }
    }
}

//! The words of the queue: a task, what it asks for, where it stands, and what became of it.
//!
//! A [`Ticket`] is the small part of a task that decisions are made on and that changes; request and result are kept
//! apart from it, so that moving a task through its states never touches the texts. What may follow on what is in
//! [`machine`], and nowhere else.

mod attempt;
pub mod machine;
pub mod order;
mod owner;
mod policy;
mod state;

pub use attempt::{Attempt, AttemptEnd, ErrorKind, TaskError};
pub use owner::{Gone, OwnerId};
pub use policy::{ClockMemory, Jitter, Moment, Policy, Retention};
pub use state::{Lease, Phase, TaskState};

use super::{ModelId, Tier};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The number of a task: counts up from 1, never used twice in one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which of OpenAI's endpoints a request is shaped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Endpoint {
    #[serde(rename = "/v1/chat/completions")]
    Chat,
    #[serde(rename = "/v1/completions")]
    Completions,
}

impl Endpoint {
    pub const ALL: &'static [Endpoint] = &[Endpoint::Chat, Endpoint::Completions];

    /// The path, as batch files spell it.
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

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRequest {
    pub endpoint: Endpoint,
    /// A JSON object in OpenAI's shape, kept as the text it came in.
    pub body: String,
}

/// Which model a task wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    /// Whichever is at hand.
    Any,
    /// One of this tier.
    Tier(Tier),
    /// This one: an id where the inventory knew it, else the text as given.
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
    /// The batch it belongs to; empty for a task of its own. Keys are unique within their batch.
    pub batch: String,
    /// The same key twice is the same task.
    pub key: Option<String>,
    /// Higher runs first.
    pub priority: i32,
    pub wish: Wish,
    /// Not to be started before this.
    pub not_before: Option<Timestamp>,
    /// Not worth starting after this.
    pub deadline: Option<Timestamp>,
    /// How long one attempt may take, ms.
    pub timeout_ms: Option<u64>,
    /// Attempts that may end in an error, at least 1.
    pub max_attempts: u32,
    pub request: TaskRequest,
}

impl NewTask {
    /// A task of its own with the defaults.
    pub fn new(request: TaskRequest) -> NewTask {
        NewTask {
            batch: String::new(),
            key: None,
            priority: 0,
            wish: Wish::Any,
            not_before: None,
            deadline: None,
            timeout_ms: None,
            max_attempts: Policy::MAX_ATTEMPTS,
            request,
        }
    }

    /// Whether a task that is there under its key is the one that is asked for: request, model, priority and limit of
    /// time. Not the times of day: "in two hours" is another one whenever it is said.
    pub fn is(&self, there: &Ticket, request: &TaskRequest) -> bool {
        &self.request == request
            && self.wish == there.wish
            && self.priority == there.priority
            && self.timeout_ms == there.timeout_ms
    }
}

/// What to do with a key whose task has already ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFinished {
    /// The finished task is the answer.
    Keep,
    /// It runs again, with the new request.
    Replace,
}

/// What became of a task that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Enqueued {
    pub id: TaskId,
    pub how: Accepted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    New,
    /// The key's task was there, asked for in the same way.
    Existing,
    /// The key's task was there with another request, model, priority or limit of time, which stay.
    ExistingDiffers,
    /// The key's task had ended and runs again.
    Replaced,
}

/// The part of a task that decisions are made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ticket {
    pub id: TaskId,
    /// Empty for a task of its own.
    pub batch: String,
    pub key: Option<String>,
    pub priority: i32,
    pub wish: Wish,
    pub created: Timestamp,
    pub not_before: Option<Timestamp>,
    pub deadline: Option<Timestamp>,
    /// How long one attempt may take, ms.
    pub timeout_ms: Option<u64>,
    pub max_attempts: u32,
    pub phase: Phase,
    /// Since when it has been due, or when it will be: its place among tasks of one priority.
    pub ready: Timestamp,
    /// The fence: goes up with every claim and every swap, never down. A write that carries an older one is refused.
    pub token: u64,
    /// How often a person started it over; the four counters below begin again then.
    pub round: u32,
    /// Attempts begun, without those that were given back, that crashed or were interrupted.
    pub attempts: u32,
    /// How often its worker died while this task alone was in it.
    pub crashes: u32,
    /// How often its executor died or fell silent.
    pub interruptions: u32,
    /// How often another model was tried in place of one that failed: 0 or 1.
    pub swaps: u32,
    /// The model of the latest attempt.
    pub model: Option<ModelId>,
    /// What went wrong last; None once it is done.
    pub error: Option<TaskError>,
}

impl Ticket {
    pub fn state(&self) -> TaskState {
        self.phase.state()
    }

    pub fn lease(&self) -> Option<&Lease> {
        match &self.phase {
            Phase::Running(lease) => Some(lease),
            _ => None,
        }
    }
}

/// The answer to a task and what it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    pub text: String,
    /// `stop`, `length`, as OpenAI names them.
    pub finish_reason: String,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Milliseconds from the start of the attempt to the first token.
    pub prompt_ms: u64,
    /// Milliseconds from the first token to the last.
    pub generate_ms: u64,
    pub model: ModelId,
    /// The name of the model as a person knows it.
    pub model_name: String,
}

/// A task with its texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    #[serde(flatten)]
    pub ticket: Ticket,
    pub request: TaskRequest,
    /// Present exactly when the task is done.
    pub result: Option<TaskResult>,
}

/// What a worker holds: the task and the fence it writes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hold {
    pub id: TaskId,
    pub token: u64,
}

impl From<&Ticket> for Hold {
    fn from(ticket: &Ticket) -> Hold {
        Hold { id: ticket.id, token: ticket.token }
    }
}

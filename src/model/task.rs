//! The words of the queue: a task, what it asks for, where it stands, and what became of it.
//!
//! A [`Ticket`] is the small part of a task that decisions are made on and that changes; request and result are kept
//! apart from it, so that moving a task through its states never touches the texts. What may follow on what is in
//! [`machine`], and nowhere else.

pub mod machine;
pub mod order;
mod owner;
mod policy;

pub use owner::OwnerId;
pub use policy::{Jitter, Moment, Policy, Retention};

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
    /// The key's task was there, with the same request.
    Existing,
    /// The key's task was there with another request, which stays.
    ExistingDiffers,
    /// The key's task had ended and runs again.
    Replaced,
}

/// The right to work on a task: who, and until when without a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub owner: OwnerId,
    pub until: Timestamp,
    /// When this claim began.
    pub since: Timestamp,
}

/// Where a task stands, with what belongs to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Due, waiting for a worker.
    Queued,
    /// Not due before then: asked for later, or waiting to be tried again.
    Scheduled {
        until: Timestamp,
    },
    Running(Lease),
    Done {
        at: Timestamp,
    },
    Failed {
        at: Timestamp,
    },
    Cancelled {
        at: Timestamp,
    },
}

/// The name of a [`Phase`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    Queued,
    Scheduled,
    Running,
    Done,
    Failed,
    Cancelled,
}

impl TaskState {
    pub const ALL: &'static [TaskState] = &[
        TaskState::Queued,
        TaskState::Scheduled,
        TaskState::Running,
        TaskState::Done,
        TaskState::Failed,
        TaskState::Cancelled,
    ];

    /// The name used on the command line, in JSON and in the database.
    pub fn name(self) -> &'static str {
        match self {
            TaskState::Queued => "queued",
            TaskState::Scheduled => "scheduled",
            TaskState::Running => "running",
            TaskState::Done => "done",
            TaskState::Failed => "failed",
            TaskState::Cancelled => "cancelled",
        }
    }

    pub fn from_name(name: &str) -> Option<TaskState> {
        Self::ALL.iter().copied().find(|s| s.name() == name)
    }

    /// Nothing happens to it any more unless a person asks for it.
    pub fn is_finished(self) -> bool {
        matches!(self, TaskState::Done | TaskState::Failed | TaskState::Cancelled)
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Phase {
    pub fn state(&self) -> TaskState {
        match self {
            Phase::Queued => TaskState::Queued,
            Phase::Scheduled { .. } => TaskState::Scheduled,
            Phase::Running(_) => TaskState::Running,
            Phase::Done { .. } => TaskState::Done,
            Phase::Failed { .. } => TaskState::Failed,
            Phase::Cancelled { .. } => TaskState::Cancelled,
        }
    }

    /// When it ended, if it has.
    pub fn finished(&self) -> Option<Timestamp> {
        match self {
            Phase::Done { at } | Phase::Failed { at } | Phase::Cancelled { at } => Some(*at),
            _ => None,
        }
    }
}

/// What kind of thing went wrong; scripts branch on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The model: loading, decoding, an empty answer or one against its schema.
    Model,
    /// The request: a bad body, a prompt longer than the context.
    Request,
    /// No model here can serve it.
    NoModel,
    /// An attempt took longer than the task allows.
    Timeout,
    /// Its workers died under it, as often as the policy allows.
    KilledWorker,
    /// Its deadline passed before it could run.
    Expired,
}

impl ErrorKind {
    pub const ALL: &'static [ErrorKind] = &[
        ErrorKind::Model,
        ErrorKind::Request,
        ErrorKind::NoModel,
        ErrorKind::Timeout,
        ErrorKind::KilledWorker,
        ErrorKind::Expired,
    ];

    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Model => "model",
            ErrorKind::Request => "request",
            ErrorKind::NoModel => "no_model",
            ErrorKind::Timeout => "timeout",
            ErrorKind::KilledWorker => "killed_worker",
            ErrorKind::Expired => "expired",
        }
    }

    pub fn from_name(name: &str) -> Option<ErrorKind> {
        Self::ALL.iter().copied().find(|k| k.name() == name)
    }
}

/// Why an attempt or a task failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskError {
    pub kind: ErrorKind,
    pub message: String,
}

impl TaskError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> TaskError {
        TaskError { kind, message: message.into() }
    }
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
    /// How often a person started it over; the three counters below begin again then.
    pub round: u32,
    /// Attempts begun, without those that were given back and those that crashed.
    pub attempts: u32,
    /// How often its worker died.
    pub crashes: u32,
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

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    Done,
    Failed,
    GivenBack,
    Crashed,
    /// Another model took over.
    Swapped,
    Cancelled,
}

impl AttemptEnd {
    pub const ALL: &'static [AttemptEnd] = &[
        AttemptEnd::Done,
        AttemptEnd::Failed,
        AttemptEnd::GivenBack,
        AttemptEnd::Crashed,
        AttemptEnd::Swapped,
        AttemptEnd::Cancelled,
    ];

    pub fn name(self) -> &'static str {
        match self {
            AttemptEnd::Done => "done",
            AttemptEnd::Failed => "failed",
            AttemptEnd::GivenBack => "given_back",
            AttemptEnd::Crashed => "crashed",
            AttemptEnd::Swapped => "swapped",
            AttemptEnd::Cancelled => "cancelled",
        }
    }

    pub fn from_name(name: &str) -> Option<AttemptEnd> {
        Self::ALL.iter().copied().find(|e| e.name() == name)
    }
}

/// One try of a task, kept as long as the task is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The fence it worked under, which also names it.
    pub token: u64,
    pub round: u32,
    pub owner: OwnerId,
    pub model: Option<ModelId>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub end: Option<AttemptEnd>,
    pub error: Option<TaskError>,
}

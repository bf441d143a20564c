use super::OwnerId;
use crate::clock::Timestamp;
use crate::model::ModelId;
use serde::{Deserialize, Serialize};

/// The kind of an error of a task; scripts branch on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// An error of the model: loading, decoding, an answer that is empty or violates its schema.
    Model,
    /// An error in the request: an invalid body, a prompt longer than the context.
    Request,
    /// No model here can serve it.
    NoModel,
    /// An attempt took longer than the task allows.
    Timeout,
    /// The worker died while this task was the only one running in it.
    KilledWorker,
    /// The executor died or stopped renewing its lease while the task was running.
    Interrupted,
    /// The deadline of the task passed before it could run.
    Expired,
}

impl ErrorKind {
    pub const ALL: &'static [ErrorKind] = &[
        ErrorKind::Model,
        ErrorKind::Request,
        ErrorKind::NoModel,
        ErrorKind::Timeout,
        ErrorKind::KilledWorker,
        ErrorKind::Interrupted,
        ErrorKind::Expired,
    ];

    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Model => "model",
            ErrorKind::Request => "request",
            ErrorKind::NoModel => "no_model",
            ErrorKind::Timeout => "timeout",
            ErrorKind::KilledWorker => "killed_worker",
            ErrorKind::Interrupted => "interrupted",
            ErrorKind::Expired => "expired",
        }
    }

    pub fn from_name(name: &str) -> Option<ErrorKind> {
        Self::ALL.iter().copied().find(|k| k.name() == name)
    }
}

/// The reason why an attempt or a task failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TaskError {
    pub kind: ErrorKind,
    pub message: String,
}

impl TaskError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> TaskError {
        TaskError { kind, message: message.into() }
    }
}

/// The outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    Done,
    Failed,
    GivenBack,
    /// The worker died.
    Crashed,
    /// The executor died or lost its lease.
    Interrupted,
    /// Another model took over the task.
    Swapped,
    Cancelled,
}

impl AttemptEnd {
    pub const ALL: &'static [AttemptEnd] = &[
        AttemptEnd::Done,
        AttemptEnd::Failed,
        AttemptEnd::GivenBack,
        AttemptEnd::Crashed,
        AttemptEnd::Interrupted,
        AttemptEnd::Swapped,
        AttemptEnd::Cancelled,
    ];

    pub fn name(self) -> &'static str {
        match self {
            AttemptEnd::Done => "done",
            AttemptEnd::Failed => "failed",
            AttemptEnd::GivenBack => "given_back",
            AttemptEnd::Crashed => "crashed",
            AttemptEnd::Interrupted => "interrupted",
            AttemptEnd::Swapped => "swapped",
            AttemptEnd::Cancelled => "cancelled",
        }
    }

    pub fn from_name(name: &str) -> Option<AttemptEnd> {
        Self::ALL.iter().copied().find(|e| e.name() == name)
    }
}

/// One attempt at a task, kept as long as the task is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The fence of the attempt, which also identifies it.
    pub token: u64,
    pub round: u32,
    pub owner: OwnerId,
    pub model: Option<ModelId>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub end: Option<AttemptEnd>,
    pub error: Option<TaskError>,
}

use super::DeviceBytes;
use crate::model::ModelId;
use serde::Serialize;
use std::time::Duration;

/// Why a request gets no server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denial {
    pub why: Why,
    /// One sentence for a person.
    pub message: String,
    /// The time after which another try makes sense; `None` where waiting will not help.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
    /// What holds the memory, where memory is the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Holder>,
    /// What another model may need to be loaded instead, where this one can never be.
    #[serde(skip)]
    pub instead: Option<Instead>,
    /// The last line that the server logged, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_log: Option<String>,
    /// Whether the request was the only one that the server had, or had had a moment before, when it ended.
    #[serde(skip)]
    pub was_alone: bool,
}

impl Denial {
    /// Creates a denial for which waiting does not help.
    pub fn new(why: Why, message: impl Into<String>) -> Denial {
        Denial {
            why,
            message: message.into(),
            retry_after: None,
            holders: Vec::new(),
            instead: None,
            last_log: None,
            was_alone: false,
        }
    }
}

/// The room that there is for another model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// The model that was refused.
    pub of: ModelId,
    pub capacity: Vec<DeviceBytes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Too many requests wait already (429).
    QueueFull,
    /// The daemon is about to end (503).
    Stopping,
    /// Somebody stopped the server while the request waited for it (503).
    Stopped,
    /// It does not fit into memory, whatever is evicted (503).
    NoMemory,
    /// It fits only without a pinned model (503).
    PinnedMemory,
    /// It crashed, and is not started again before a time (503).
    Backoff,
    /// It crashed too often, or cannot be loaded; a person has to do something (503).
    Failed,
    /// The file is missing, cannot be read or is damaged (503).
    BadFile,
    /// It was not ready within its time (503).
    Unready,
    /// The model needs a larger machine, and no person has started it (503).
    BelowTier,
    /// Lifecycle was asked for a model that is not in the database (404).
    Unknown,
    /// The server died while it answered (502).
    Died,
}

/// Who holds memory that a model would need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// The name of a model, or of a process that is not ours.
    pub name: String,
    /// `pinned`, `reserved`, `stuck`, `busy`, `idle`, `loading`, `external`, `other`.
    pub why: &'static str,
    pub held: Vec<DeviceBytes>,
}

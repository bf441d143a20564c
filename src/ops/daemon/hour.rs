//! The documents of the daemon's API about the last hour and the queue of tasks, as a reader of the command line needs
//! them.

use crate::model::task::TaskId;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The last hour in steps.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Hour {
    pub step_seconds: u64,
    /// The numbers of the first step and of the one after the last.
    pub first: u64,
    pub next: u64,
    /// When the last step ended, in seconds since 1970.
    pub end: i64,
    pub tokens_per_second: Vec<Option<f32>>,
    pub queued: Vec<Option<u32>>,
    pub lanes: Vec<Lane>,
}

/// What one server did.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Lane {
    pub id: String,
    pub name: String,
    pub runs: Vec<Run>,
}

/// A state that lasted from one step to before another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Run(pub u64, pub u64, pub String);

/// The tasks that run or wait.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Queue {
    pub inference: Switch,
    /// How many there are in each state.
    pub counts: Map<String, Value>,
    /// Whether there may be more tasks than are listed.
    pub is_full: bool,
    pub tasks: Vec<QueueTask>,
}

/// Whether tasks are started.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Switch {
    pub on: bool,
    pub since: Option<String>,
}

/// One task, without its texts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct QueueTask {
    pub id: TaskId,
    pub state: String,
    pub priority: i32,
    pub wants_model: Option<String>,
    pub wants_tier: Option<String>,
    pub model: Option<String>,
    pub created: String,
    pub due: Option<String>,
    pub waits_for: Option<String>,
}

//! Reports of a queue: filters, counts, places and statistics.

use super::{AttemptEnd, TaskId, TaskState};
use crate::clock::Timestamp;
use crate::model::ModelId;
use serde::Serialize;
use std::collections::BTreeMap;

/// A selection of tasks. The default selects all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// The states to select; all when empty.
    pub states: Vec<TaskState>,
    pub batch: Option<String>,
}

/// The number of tasks in each state.
pub type Counts = BTreeMap<TaskState, u64>;

/// The switch that allows tasks to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Inference {
    pub on: bool,
    /// The time of the last change; `None` when there was none.
    pub since: Option<Timestamp>,
}

/// The result of a step of recovery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Tasks taken back from dead executors; due again, now or after a wait.
    pub requeued: Vec<TaskId>,
    /// Tasks that have failed: their executors died too often, or their deadline passed.
    pub failed: Vec<TaskId>,
    /// Whether there may be more to recover: each call takes a bounded step.
    pub more: bool,
}

/// The result of a step of retention.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    pub tasks: u64,
    /// Bytes of their requests and answers. The file keeps its size, and the space is used again.
    pub bytes: u64,
    /// Whether there is more to remove.
    pub more: bool,
}

/// A task's place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The number of due tasks that come before it.
    pub ahead: u64,
    /// The number of tasks that run now.
    pub running: u64,
    /// The average run time of the latest tasks, ms; `None` before any was done.
    pub mean_ms: Option<u64>,
}

impl Standing {
    /// Estimates the wait until the task starts, ms, from the run time of recent tasks.
    pub fn wait_ms(&self) -> Option<u64> {
        Some(self.ahead.saturating_mul(self.mean_ms?) / self.running.max(1))
    }
}

/// Statistics of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    pub counts: Counts,
    /// The time since which the task that has waited longest has been due.
    pub oldest_due: Option<Timestamp>,
    /// The time when the next scheduled task is due.
    pub next_due: Option<Timestamp>,
    /// Bytes of the texts of finished tasks, which retention limits.
    pub finished_bytes: u64,
    /// The number of attempts by how they ended; running attempts are not counted.
    pub attempts: BTreeMap<AttemptEnd, u64>,
    pub models: Vec<ModelStats>,
}

/// Statistics of the answers of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ModelStats {
    pub model: ModelId,
    pub name: String,
    pub tasks: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Total milliseconds from the first token to the last of each answer.
    pub generate_ms: u64,
}

use super::OwnerId;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The right to work on a task: the owner, and the time when the right ends without a renewal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub owner: OwnerId,
    pub until: Timestamp,
    /// The time when this claim began.
    pub since: Timestamp,
}

/// The state of a task, with its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Due, waiting for a worker.
    Queued,
    /// Not due before `until`: scheduled for later, or waiting for another attempt.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
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

    /// Returns the name used on the command line, in JSON and in the database.
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

    /// Returns whether the task has ended: it changes only if a person asks for it.
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

    /// Returns the time when the task ended, if it has.
    pub fn finished(&self) -> Option<Timestamp> {
        match self {
            Phase::Done { at } | Phase::Failed { at } | Phase::Cancelled { at } => Some(*at),
            _ => None,
        }
    }
}

use super::{DeviceBytes, ServerKey};
use crate::model::lifecycle::Mode;
use serde::Serialize;
use std::time::Duration;

/// The state of a server, for people and programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Phase {
    Stopped,
    /// Waits for memory, or for its turn to read from its disk.
    Queued,
    Starting {
        /// 0.0 to 1.0.
        progress: f32,
    },
    Ready,
    /// Answers what is running, then ends.
    Stopping,
    /// Crashed; is started again at this time at the earliest.
    Backoff {
        until: Duration,
    },
    Failed {
        reason: String,
    },
}

impl Phase {
    pub fn name(&self) -> &'static str {
        match self {
            Phase::Stopped => "stopped",
            Phase::Queued => "queued",
            Phase::Starting { .. } => "starting",
            Phase::Ready => "ready",
            Phase::Stopping => "stopping",
            Phase::Backoff { .. } => "backoff",
            Phase::Failed { .. } => "failed",
        }
    }
}

/// How a server is loaded; empty for one that is not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Shape {
    pub mode: Option<Mode>,
    /// Layers on the GPU; `None`: all.
    pub gpu_layers: Option<u32>,
    /// Why it is not loaded in full.
    pub mode_reason: Option<String>,
}

/// One server as everybody outside of the deciding task sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServerView {
    pub key: ServerKey,
    pub name: String,
    #[serde(flatten)]
    pub phase: Phase,
    pub pinned: bool,
    /// Requests that are being answered.
    pub in_flight: u32,
    /// Requests that wait for this server.
    pub queued: u32,
    /// The same by the class that they came with, in the order of [`super::Class::ALL`].
    #[serde(skip)]
    pub waiting: [u32; 3],
    /// Requests that it answers at once; 0 until it was ready once.
    pub slots: u32,
    /// What is reserved for it.
    pub reserved: Vec<DeviceBytes>,
    #[serde(flatten)]
    pub shape: Shape,
    /// When it is stopped unless it is used again, on the clock of the state; `None`: when its memory is needed.
    #[serde(skip)]
    pub expires: Option<Duration>,
    /// Why it failed or crashed last.
    pub last_error: Option<String>,
}

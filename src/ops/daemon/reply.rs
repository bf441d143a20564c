//! The documents of the daemon's API about servers: what the daemon writes and the command line reads.

use crate::display::Document;
use crate::model::ModelId;
use crate::model::lifecycle::Mode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// The answer to the start of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StartReply {
    pub message: String,
    pub model_id: ModelId,
    pub display_name: String,
    pub port: Option<u16>,
    /// `started`, or `running` where it ran already.
    pub status: String,
    pub startup_time_seconds: f64,
}

/// The answer to the stop of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StopReply {
    pub message: String,
    pub model_id: ModelId,
    pub display_name: String,
    pub status: String,
    /// Whether it ran.
    pub was_running: bool,
    pub shutdown_time_seconds: f64,
}

/// The answer to the start of all servers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StartAllReply {
    pub message: String,
    pub started: usize,
    pub total: usize,
    pub startup_time_seconds: f64,
    pub models: Vec<StartedModel>,
    pub failed: Vec<FailedModel>,
}

impl Document for StartAllReply {
    const SCHEMA: &'static str = "modelctl.start-all/1";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StartedModel {
    pub model_id: ModelId,
    pub display_name: String,
    pub port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FailedModel {
    pub model_id: ModelId,
    pub display_name: String,
    pub error: String,
    pub detail: String,
}

/// The answer to the stop of all servers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StopAllReply {
    pub message: String,
    pub stopped: usize,
    pub shutdown_time_seconds: f64,
}

impl Document for StopAllReply {
    const SCHEMA: &'static str = "modelctl.stop-all/1";
}

/// All servers that are not stopped, and those that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Servers {
    pub schema: String,
    pub servers: Vec<ServerRow>,
    pub total_running: usize,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServerRow {
    /// The id of the model; `service:NAME` for a service.
    pub model_id: ModelId,
    /// `model`, `service`, or `headroom` for memory that is reserved for another program.
    #[serde(default)]
    pub kind: String,
    pub display_name: String,
    pub port: Option<u16>,
    /// `running`, `starting`, `stopping`, `stopped` or `failed`.
    pub status: String,
    pub uptime_seconds: Option<u64>,
    /// Memory of its process, and of the GPU where the driver reports it, in MiB; null where it cannot be measured.
    pub memory_used_mb: Option<u64>,
    pub memory_used_bytes: Option<u64>,
    /// `queued`, `starting`, `ready`, `stopping`, `stopped`, `backoff` or `failed`.
    pub state: String,
    /// 0.0 to 1.0, while it starts.
    pub progress: Option<f32>,
    /// The time until it is started again at the earliest.
    pub retry_in_seconds: Option<f64>,
    /// `main`, or `vectors` for the second server of a model that generates text.
    pub purpose: String,
    pub pid: Option<u32>,
    pub engine: Option<String>,
    pub device: Option<String>,
    /// `gpu`, `cpu_offload` or `cpu_only`, while it has memory.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Layers on the GPU; null: all.
    #[serde(default)]
    pub gpu_layers: Option<u32>,
    /// Why it is not loaded in full.
    #[serde(default)]
    pub mode_reason: Option<String>,
    pub pinned: bool,
    /// Requests that are being answered, and requests that wait.
    pub in_flight: u32,
    pub queued: u32,
    /// Tokens of context of one request.
    pub context: Option<u32>,
    pub slots: Option<u32>,
    pub last_error: Option<String>,
}

/// Lines of the log of a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Logs {
    pub schema: String,
    pub model_id: ModelId,
    pub lines: Vec<LogRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LogRow {
    /// RFC 3339, UTC; null for a line whose time is not known.
    pub at: Option<String>,
    pub text: String,
}

/// A line of `logs --follow --json`.
impl Document for LogRow {
    const SCHEMA: &'static str = "modelctl.log-line/1";
}

/// The last events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Events {
    pub schema: String,
    pub events: Vec<EventRow>,
}

/// One event, with the members of its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EventRow {
    pub id: u64,
    pub at: String,
    pub event: String,
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// A line of `events --follow --json`.
impl Document for EventRow {
    const SCHEMA: &'static str = "modelctl.event/1";
}

/// Which daemon answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DaemonInfo {
    pub schema: String,
    pub version: String,
    pub pid: u32,
    /// The model database that it serves.
    pub database: String,
}

/// An error of the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorReply {
    pub error: String,
    pub detail: String,
    /// The reason for programs: `no_memory`, `backoff`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What holds the memory or the ports, where they are the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Value>,
    /// The last line that the server logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_log: Option<String>,
    /// The models that an ambiguous name fits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}

/// Returns seconds with three digits after the point.
pub fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000.0).round() / 1_000.0
}

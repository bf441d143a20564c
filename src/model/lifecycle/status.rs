use super::{External, Mode, NodeTier, Priority, Readings};
use crate::model::DeviceBytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All that is known and decided at one time. Times are seconds; wall-clock times are RFC 3339.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Status {
    /// `modelctl.lifecycle/1`; empty inside of another document.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub schema: String,
    pub running: bool,
    pub tick_count: u64,
    pub interval_s: f64,
    pub paused: bool,
    /// The longest step of the deciding loop so far, in milliseconds.
    pub longest_step_ms: f64,
    pub node_tier: Option<NodeTier>,
    pub models: Vec<ModelStatus>,
    pub devices: Vec<DeviceStatus>,
    pub pressures: Vec<Pressure>,
    /// The share of the slots that tasks of the queue may use, 0 to 1.
    pub throttle_factor: f64,
    pub readings: Option<Readings>,
    pub restart_pending: Vec<RestartPending>,
    pub swap_queue: Vec<SwapEntry>,
    pub externals: Vec<External>,
    /// The services of the config, whether they run or not.
    #[serde(default)]
    pub services: Vec<ServiceStatus>,
    /// The newest last; 200 at most.
    pub decisions: Vec<Decision>,
    /// How many there were of each kind since the daemon began.
    pub decision_counts: BTreeMap<String, u64>,
}

/// One model, service or reservation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ModelStatus {
    pub id: String,
    /// `main`, or `vectors` for the second server of a model that generates text.
    pub purpose: String,
    pub name: String,
    /// `model`, `service`, `headroom`.
    pub kind: String,
    /// As in `ps`: `stopped`, `queued`, `starting`, `ready`, `stopping`, `backoff`, `failed`.
    pub state: String,
    /// The device that holds most of it.
    pub device: Option<String>,
    pub mode: Option<Mode>,
    pub gpu_layers: Option<u32>,
    pub context: Option<u32>,
    /// Why it is not loaded in full.
    pub mode_reason: Option<String>,
    pub priority: Option<Priority>,
    /// A person's override of the priority, and its end.
    pub priority_override: Option<Priority>,
    pub override_until: Option<String>,
    pub last_access_time: Option<String>,
    pub load_time: Option<f64>,
    pub access_count: u64,
    pub idle_seconds: Option<f64>,
    pub idle_timeout_s: Option<f64>,
    pub vram_gb: Option<f64>,
    pub ram_gb: Option<f64>,
    pub bytes: Vec<DeviceBytes>,
    pub popularity: f64,
    pub boost: bool,
    pub active_inference_count: u32,
    /// Requests that wait for it.
    pub queued: u32,
    pub crash_count: u32,
    pub last_exit_code: Option<i32>,
    pub last_error: Option<String>,
    pub downgraded: bool,
    /// `None`: it is not known.
    pub healthy: Option<bool>,
    pub pinned: bool,
    pub pressure_evict_only: bool,
    pub essential: bool,
    pub expires_at: Option<String>,
    pub threads: Option<u32>,
}

/// A service of the config. One that runs, or did since the daemon began, is one of [`Status::models`] too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServiceStatus {
    /// `service:NAME`.
    pub id: String,
    pub name: String,
    /// `stt`, `tts`, `image`, `other`.
    pub kind: String,
    /// As that of a model.
    pub state: String,
    pub routes: Vec<String>,
    pub capabilities: Vec<String>,
    pub pinned: bool,
}

/// The memory of one device, in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeviceStatus {
    pub device: String,
    pub total: Option<u64>,
    pub free: Option<u64>,
    pub ours: u64,
    pub external: u64,
    pub reserved: u64,
}

/// What there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PressureKind {
    Vram,
    Ram,
    Cpu,
    Disk,
}

impl PressureKind {
    pub const ALL: [PressureKind; 4] = [PressureKind::Vram, PressureKind::Ram, PressureKind::Cpu, PressureKind::Disk];

    pub fn name(self) -> &'static str {
        match self {
            PressureKind::Vram => "vram",
            PressureKind::Ram => "ram",
            PressureKind::Cpu => "cpu",
            PressureKind::Disk => "disk",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Pressure {
    pub kind: PressureKind,
    pub is_high: bool,
    /// Percent used, or for a disk the bytes that are free; `None`: unknown.
    pub value: Option<f64>,
    /// In the unit of `value`.
    pub threshold: f64,
    /// What it is about, with numbers, or why it is not known.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RestartPending {
    pub id: String,
    pub name: String,
    pub retry_in_s: f64,
    /// The mode of the next start, where it is a lesser one.
    pub downgrade: Option<Mode>,
}

/// A server that was stopped for another one and comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SwapEntry {
    pub id: String,
    pub name: String,
    /// The name of the one that it was stopped for.
    pub evicted_by: String,
    pub seconds_ago: f64,
    /// What it waits for.
    pub waits_for: String,
}

/// One decision, with its reason and numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Decision {
    /// Counts from 1 in this run of the daemon.
    #[serde(default)]
    pub number: u64,
    /// RFC 3339.
    pub time: String,
    /// The model or service; `None`: the machine.
    pub id: Option<String>,
    pub name: Option<String>,
    /// `load`, `unload`, `evict`, `downgrade`, `upgrade`, `restore`, `restart`, `give_up`, `refuse`, `pause`, `resume`, …
    pub what: String,
    /// A sentence with the numbers.
    pub reason: String,
}

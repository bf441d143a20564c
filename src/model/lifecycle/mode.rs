use crate::model::DeviceBytes;
use serde::{Deserialize, Serialize};

/// Where the layers of a model are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Gpu,
    /// As many layers on the GPU as fit.
    CpuOffload,
    CpuOnly,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::Gpu => "gpu",
            Mode::CpuOffload => "cpu_offload",
            Mode::CpuOnly => "cpu_only",
        }
    }
}

/// One way to load a model. The ways of a model are a ladder: each further one needs less of what ran out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    pub mode: Mode,
    /// Tokens of context of one request.
    pub context: u32,
    /// Layers on the GPU; `None`: all.
    pub gpu_layers: Option<u32>,
    /// Bytes that its server takes, per device.
    pub needs: Vec<DeviceBytes>,
}

/// What may become less when memory runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Degrade {
    Layers,
    Context,
}

/// How much a server is needed, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Idle for longer than its timeout.
    Evictable,
    /// Idle for less than its timeout.
    Idle,
    /// Idle for less than half of its timeout, or boosted.
    Warm,
    /// Answers requests, or is pinned.
    Active,
}

impl Priority {
    pub const ALL: [Priority; 4] = [Priority::Evictable, Priority::Idle, Priority::Warm, Priority::Active];

    pub fn name(self) -> &'static str {
        match self {
            Priority::Evictable => "evictable",
            Priority::Idle => "idle",
            Priority::Warm => "warm",
            Priority::Active => "active",
        }
    }
}

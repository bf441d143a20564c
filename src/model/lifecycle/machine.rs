use crate::model::{DeviceBytes, ModelId, Reading};
use serde::{Deserialize, Serialize};

/// What the machine has and what is used of it, as it was read at one time. A reading that is late is unavailable, never
/// zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// GPUs, by the names that the ledger uses. Unavailable: the driver did not answer.
    pub devices: Reading<Vec<DeviceReading>>,
    pub memory: Reading<MemoryReading>,
    /// The share of the time in which some task waited for memory, over the last 10 s, in percent (PSI `some avg10`).
    pub stalls: Reading<f64>,
    /// The share of all cores that was busy, as the mean of the last 30 s, in percent.
    pub cpu: Reading<f64>,
    pub disks: Vec<DiskReading>,
}

/// The memory of one GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReading {
    /// As in [`DeviceBytes::device`].
    pub device: String,
    /// Bytes.
    pub total: u64,
    /// Bytes.
    pub free: u64,
}

/// The main memory, within the limits of the control group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryReading {
    /// Bytes: of the machine, or the smallest limit of a control group.
    pub total: u64,
    /// Bytes that can still be taken: what the kernel can take back counts as free.
    pub available: u64,
}

/// A file system that is written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskReading {
    /// What lies on it: `database`, or the folder of a store.
    pub what: String,
    /// Bytes that an ordinary user can still write.
    pub free: Reading<u64>,
}

/// A model server that somebody else started. It is never signalled, restarted or reconfigured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct External {
    /// Unique and stable: `pid:PID:START`, or the name of its `[[external]]`.
    pub id: String,
    /// `llama-server`, `ollama`, `vllm`, `other`.
    pub program: String,
    pub pid: Option<u32>,
    pub user: Option<String>,
    pub port: Option<u16>,
    pub url: Option<String>,
    /// The model of the database that it serves.
    pub model: Option<ModelId>,
    /// The name of its model as the server or its command gives it.
    pub model_name: Option<String>,
    /// How it was recognized: `nvml`, `maps`, `listener`, `config`.
    pub known_by: Vec<String>,
    /// What it holds, per device.
    pub bytes: Vec<DeviceBytes>,
    /// Whether it answers requests at its URL; unavailable where it has none, or was not asked.
    pub healthy: Reading<bool>,
    /// Whether requests for its model are sent to it.
    pub attached: bool,
}

/// The size of a machine, by which models are started by themselves or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeTier {
    /// Less than 4 GiB of memory.
    Embedded,
    /// Less than 12 GiB of memory.
    Lite,
    /// Less than 32 GiB of memory or less than 8 GiB on a GPU.
    Standard,
    Full,
    /// 64 GiB of memory or more, with a GPU of 24 GiB or more, or two such GPUs.
    ComputeHost,
}

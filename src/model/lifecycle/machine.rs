use crate::model::{DeviceBytes, ModelId, Reading};
use serde::{Deserialize, Serialize};

/// What the machine has and what is used of it, as it was read at one time. A reading that is late is unavailable, never
/// zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeviceReading {
    /// As in [`DeviceBytes::device`].
    pub device: String,
    /// Bytes.
    pub total: u64,
    /// Bytes.
    pub free: u64,
}

/// The main memory, within the limits of the control group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemoryReading {
    /// Bytes: of the machine, or the smallest limit of a control group.
    pub total: u64,
    /// Bytes that can still be taken: what the kernel can take back counts as free.
    pub available: u64,
}

/// A file system that is written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DiskReading {
    /// What lies on it: `database`, or the folder of a store.
    pub what: String,
    /// Bytes that an ordinary user can still write.
    pub free: Reading<u64>,
}

/// A model server that somebody else started. It is never signalled, restarted or reconfigured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
    /// How it was recognized: `command`, `maps`, `nvml`, `listener`, `config`.
    pub known_by: Vec<String>,
    /// What it holds, per device.
    pub bytes: Vec<DeviceBytes>,
    /// Whether it answers requests at its URL; unavailable where it has none, or was not asked.
    pub healthy: Reading<bool>,
    /// Whether requests for its model are sent to it.
    pub attached: bool,
}

/// The size of a machine, by which models are started by themselves or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeTier {
    /// Less than 4 GiB of memory.
    Embedded,
    /// Less than 12 GiB of memory.
    Lite,
    /// Less than 32 GiB of memory, or no GPU of 8 GiB.
    Standard,
    Full,
    /// 64 GiB of memory or more, with a GPU of 24 GiB or more, or two such GPUs.
    ComputeHost,
}

impl NodeTier {
    pub const ALL: [NodeTier; 5] =
        [NodeTier::Embedded, NodeTier::Lite, NodeTier::Standard, NodeTier::Full, NodeTier::ComputeHost];

    pub fn name(self) -> &'static str {
        match self {
            NodeTier::Embedded => "embedded",
            NodeTier::Lite => "lite",
            NodeTier::Standard => "standard",
            NodeTier::Full => "full",
            NodeTier::ComputeHost => "compute_host",
        }
    }

    pub fn from_name(name: &str) -> Option<NodeTier> {
        NodeTier::ALL.into_iter().find(|tier| tier.name() == name)
    }

    /// Returns the tier of a machine by its memory and that of each GPU, in bytes. A machine of 32 GiB reports a little
    /// less, since firmware and kernel keep some: up to a sixteenth may be missing.
    pub fn of(memory: u64, gpus: &[u64]) -> NodeTier {
        let has = |bytes: u64, gib: u64| bytes >= (gib << 30).saturating_sub(gib << 26);
        let largest = gpus.iter().copied().max().unwrap_or(0);
        let large = gpus.iter().filter(|bytes| has(**bytes, 24)).count();
        match () {
            () if !has(memory, 4) => NodeTier::Embedded,
            () if !has(memory, 12) => NodeTier::Lite,
            () if large >= 2 || (large == 1 && has(memory, 64)) => NodeTier::ComputeHost,
            () if has(memory, 32) && has(largest, 8) => NodeTier::Full,
            () => NodeTier::Standard,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model would not be started on a machine that it was set for, or would on one that it overloads.
    #[test]
    fn the_tier_of_a_machine_follows_from_its_memory() {
        use NodeTier::{ComputeHost, Embedded, Full, Lite, Standard};
        const MIB: u64 = 1 << 20;
        let of = |memory: u64, gpus: &[u64]| {
            let gpus: Vec<u64> = gpus.iter().map(|mib| mib * MIB).collect();
            NodeTier::of(memory * MIB, &gpus)
        };
        for (memory, gpus, tier) in [
            (0, &[] as &[u64], Embedded),
            (2_048, &[24_576, 24_576], Embedded),
            (4_096, &[], Lite),
            (11_264, &[8_192], Lite),
            (12_288, &[], Standard),
            (65_536, &[], Standard),
            (16_384, &[24_576], Standard),
            (32_768, &[6_144], Standard),
            (32_768, &[8_192], Full),
            (32_768, &[24_576], Full),
            (65_536, &[16_384, 16_384], Full),
            (65_536, &[24_576], ComputeHost),
            (32_768, &[24_576, 24_576], ComputeHost),
            // What such machines report: memory less what firmware and kernel keep.
            (31_700, &[8_188], Full),
            (64_100, &[24_564], ComputeHost),
        ] {
            assert_eq!(of(memory, gpus), tier, "{memory} MiB, {gpus:?}");
        }
        assert_eq!(NodeTier::of(u64::MAX, &[u64::MAX]), ComputeHost);
        for tier in NodeTier::ALL {
            assert_eq!(NodeTier::from_name(tier.name()), Some(tier));
            assert_eq!(serde_json::to_value(tier).unwrap(), tier.name());
        }
        assert!(NodeTier::ALL.is_sorted());
    }
}

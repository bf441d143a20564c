use serde::{Deserialize, Serialize};

/// The memory that a loaded model takes on one device, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeviceMemory {
    /// The device name of ggml: `CPU` (main memory), `CUDA0`.
    pub device: String,
    pub weights: u64,
    /// KV cache and recurrent state.
    pub kv_cache: u64,
    pub compute: u64,
}

/// Bytes on one device. Devices have ggml's names: `CPU` is main memory, `CUDA0` the first GPU.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeviceBytes {
    pub device: String,
    pub bytes: u64,
}

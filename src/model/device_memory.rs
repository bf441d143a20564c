use serde::{Deserialize, Serialize};

/// What a loaded model takes on one device, bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceMemory {
    /// ggml's name: `CPU` (main memory), `CUDA0`.
    pub device: String,
    pub weights: u64,
    /// KV cache and recurrent state.
    pub kv_cache: u64,
    pub compute: u64,
}

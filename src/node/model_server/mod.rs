//! Processes that serve models, whoever started them: by their command lines, by the model files that they have mapped,
//! and by the memory of GPUs that they hold. They are read, never signalled.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod family;
mod files;
mod program;
mod scan;
#[cfg(test)]
mod tests;

pub use files::ModelFiles;
pub use program::{OTHER, program};
pub use scan::Scanner;

use crate::model::{DeviceBytes, ModelId};
use std::net::SocketAddr;

/// A process that serves a model, or holds memory of a GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelServer {
    pub pid: u32,
    /// Time of its start, in clock ticks since boot.
    pub start: u64,
    pub uid: Option<u32>,
    /// `llama-server`, `ollama`, `vllm`, `other`.
    pub program: &'static str,
    /// Where it listens; None: nowhere, or it cannot be seen.
    pub address: Option<SocketAddr>,
    /// The port that its command names.
    pub named_port: Option<u16>,
    /// Whether an address of this machine leads to it: it is not in a network of its own.
    pub is_reachable: bool,
    /// The model of the database whose file it has.
    pub model: Option<ModelId>,
    /// The file or the name that its command gives.
    pub model_name: Option<String>,
    /// `command`, `maps`, `nvml`, `listener`.
    pub known_by: Vec<&'static str>,
    /// What it holds, per device.
    pub bytes: Vec<DeviceBytes>,
}

//! The documents of the daemon's API about the lifecycle: what the daemon writes and the command line reads.

use crate::model::lifecycle::{Pressure, Priority};
use serde::{Deserialize, Serialize};

/// What there is too little of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PressureReply {
    pub schema: String,
    pub pressures: Vec<Pressure>,
    pub throttle_factor: f64,
}

/// The answer to `pause` and `resume`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PauseReply {
    pub schema: String,
    pub paused: bool,
    pub was_paused: bool,
}

/// The answer to a priority that a person set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PriorityReply {
    pub schema: String,
    pub model_id: String,
    pub display_name: String,
    /// Null: the lifecycle decides.
    pub priority: Option<Priority>,
    /// RFC 3339; null: until it is cleared.
    pub until: Option<String>,
}

/// The answer to a change of the mode of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OffloadReply {
    pub schema: String,
    pub model_id: String,
    pub display_name: String,
    /// `done` or `already_there`.
    pub outcome: String,
}

/// The answer to a request for memory for another program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadroomReply {
    pub schema: String,
    /// Renews or releases it.
    pub id: String,
    pub requester: String,
    pub device: String,
    pub bytes: u64,
    /// RFC 3339.
    pub expires_at: String,
    /// The names of the models and services that were stopped for it.
    pub evicted: Vec<String>,
}

/// The answer to the release of memory for another program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseReply {
    pub schema: String,
    pub id: String,
    pub released: bool,
}

/// The answer to a request for a swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwapReply {
    pub schema: String,
    pub needed: String,
    /// The names of the models and services that were stopped for it.
    pub evicted: Vec<String>,
}

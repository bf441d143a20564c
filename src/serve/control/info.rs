//! The facts about servers that answer: ours, and those of others.

use crate::http::{Endpoint, Kept};
use crate::model::ModelId;
use crate::model::server::Engine;
use std::sync::Arc;
use std::time::Duration;

/// The facts about a server that is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// `None`: a service, which has none of ours.
    pub engine: Option<Engine>,
    pub pid: u32,
    /// The port that it listens on itself.
    pub port: Option<u16>,
    /// Tokens of context of one request; 0 for a service.
    pub context: u32,
    pub slots: u32,
    /// The device that holds its layers: `cpu`, `gpu`, `cpu_offload`.
    pub device: String,
    /// How long loading took.
    pub took: Duration,
    /// Connections for its next requests.
    pub connections: Kept,
}

/// A server of somebody else that is to answer the requests for a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// As in [`crate::model::lifecycle::External`].
    pub id: String,
    pub model: ModelId,
    pub endpoint: Endpoint,
    pub info: Arc<ServerInfo>,
    /// The name that requests must give; `None`: any.
    pub required_name: Option<String>,
    /// What it said that it serves.
    pub identity: String,
    /// Whether the config names it; else it was found on the port of a model.
    pub is_named: bool,
}

use crate::model::backoff::Backoff;
use crate::model::lifecycle::{NodeTier, Thresholds};
use std::time::Duration;

/// The numbers by which servers are decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The number of requests that may wait, over all models.
    pub queue: usize,
    /// The time for which requests of a loaded model are answered before one of a model that needs its memory.
    pub gather: Duration,
    /// The time that running answers have when a person stops their server.
    pub drain: Duration,
    /// The number of loads that read from one disk at once.
    pub loads_per_disk: usize,
    /// The number of starts that follow a crash by themselves, or for a request.
    pub restarts: u32,
    pub backoff: Backoff,
    /// The time after which earlier crashes are forgotten.
    pub healthy: Duration,
    /// The time after which a refused reservation is tried again: memory that others held may be free.
    pub readmit: Duration,
    /// How often two servers may change places within ten minutes while the one that is loaded is needed, and how often one
    /// comes back by itself.
    pub swaps: usize,
    pub thresholds: Thresholds,
    /// The cores that generating servers share; 0: unknown, and nothing is shared.
    pub cores: u32,
    /// The size of this machine; `None`: it follows from what is read.
    pub tier: Option<NodeTier>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            queue: 512,
            gather: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            loads_per_disk: 2,
            restarts: 3,
            backoff: Backoff::doubling(Duration::from_secs(5), Duration::from_secs(300)),
            healthy: Duration::from_secs(300),
            readmit: Duration::from_secs(1),
            swaps: 4,
            thresholds: Thresholds::default(),
            cores: 0,
            tier: None,
        }
    }
}

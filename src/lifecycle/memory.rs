use crate::model::DeviceBytes;
use crate::model::lifecycle::{NodeTier, Rung};
use std::time::Duration;

/// What has to be known of a model before it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// The name for people and for the `model` of answers without another one.
    pub name: String,
    /// Bytes that its server takes, per device.
    pub needs: Vec<DeviceBytes>,
    /// A pinned model is never evicted.
    pub pinned: bool,
    /// The time without a request after which its server is stopped, unless a request wished for another one; `None`:
    /// it stays until its memory is needed.
    pub idle_timeout: Option<Duration>,
    /// The ways to load it, the full one first; empty: there is only one, with `needs`.
    pub rungs: Vec<Rung>,
    /// It is stopped only when bytes are needed, never because it is idle and never for the CPU.
    pub pressure_evict_only: bool,
    /// It is restarted for ever.
    pub essential: bool,
    /// The least node on which it is started without a person.
    pub min_tier: Option<NodeTier>,
    /// The disk of its files (`st_dev`): at most two loads at once read from one disk.
    pub disk: u64,
    /// Identifies the files as they are now. A model whose file was refused is tried again when it has changed.
    pub files: u64,
}

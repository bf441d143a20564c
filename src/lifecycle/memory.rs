use super::idle::IdleKind;
use super::pressure::MEMORY;
use crate::model::DeviceBytes;
use crate::model::lifecycle::{Mode, NodeTier, Rung};
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
    /// What it is used for, by which its idle timeout follows where `idle_timeout` is `None`; `None`: it has none.
    pub idle_kind: Option<IdleKind>,
    /// The ways to load it, the full one first; empty: there is only one, with `needs`.
    pub rungs: Vec<Rung>,
    /// A further rung is taken only by a person: where the full one does not work, loading fails.
    pub no_degrade: bool,
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

/// The way in which a server is loaded: its place in [`Profile::rungs`], from 0, and what it is. Without rungs there is
/// one, with the needs of the profile and a context of 0: as the settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenRung {
    pub index: usize,
    pub rung: Rung,
}

impl Profile {
    /// Returns the number of ways to load it.
    pub fn rung_count(&self) -> usize {
        self.rungs.len().max(1)
    }

    /// Returns a way to load it; the last one where there are fewer.
    pub fn rung(&self, index: usize) -> ChosenRung {
        let index = index.min(self.rung_count().saturating_sub(1));
        let rung = self.rungs.get(index).cloned().unwrap_or_else(|| {
            let is_on_gpu = self.needs.iter().any(|need| need.device != MEMORY && need.bytes > 0);
            let mode = if is_on_gpu { Mode::Gpu } else { Mode::CpuOnly };
            Rung { mode, context: 0, gpu_layers: None, needs: self.needs.clone() }
        });
        ChosenRung { index, rung }
    }
}

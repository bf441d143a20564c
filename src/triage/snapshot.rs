//! The figures of a node before and after a change of settings.

use super::facts::Facts;
use crate::model::tuning::{ServiceSnapshot, Snapshot};

impl Facts {
    /// Returns the figures that a change of settings is judged by.
    pub fn snapshot(&self) -> Snapshot {
        let services = self.services.iter().map(|service| {
            let counters = || service.endpoint()?.samples.iter().rev().find_map(|sample| sample.metrics.known());
            let resident: Vec<u64> = service.all_processes().filter_map(|process| process.rss).collect();
            ServiceSnapshot {
                name: service.name().to_owned(),
                is_well: service.trouble().is_none(),
                tokens_per_second: counters().and_then(|counters| counters.tokens_per_second),
                deferred: counters().and_then(|counters| counters.deferred),
                resident_bytes: (!resident.is_empty()).then(|| resident.iter().sum()),
            }
        });
        let gpu = self.gpus.known().and_then(|gpus| gpus.nvml.known());
        let used: Vec<u64> =
            gpu.iter().flat_map(|nvml| &nvml.devices).filter_map(|device| device.memory_used).collect();
        Snapshot {
            taken: self.taken,
            services: services.collect(),
            memory_available_bytes: self.machine.memory.known().map(|memory| memory.available),
            gpu_used_bytes: (!used.is_empty()).then(|| used.iter().sum()),
        }
    }
}

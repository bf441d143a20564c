//! Who else holds the memory of a GPU.

use super::step::Step;
use crate::display::units;
use crate::node::gpu::Device;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence};

/// The largest user of a GPU's memory that is not the service itself.
pub(super) struct Holder {
    pid: u32,
    who: String,
    held: String,
    index: u32,
}

impl Facts {
    pub(super) fn devices(&self) -> &[Device] {
        self.nvml().map(|nvml| nvml.devices.as_slice()).unwrap_or_default()
    }

    pub(super) fn holder(&self, device: &Device, service: &ServiceFacts) -> Option<Holder> {
        let own = |pid: u32| service.all_processes().any(|process| process.pid == pid);
        let others = device.processes.iter().filter(|(pid, _)| !own(*pid));
        let (pid, bytes) = others.max_by_key(|(_, bytes)| bytes.unwrap_or(0))?;
        let held = bytes.map_or_else(|| "memory".to_owned(), units::bytes);
        Some(Holder { pid: *pid, who: self.who(*pid), held, index: device.index })
    }
}

impl Holder {
    /// Returns the end of a cause.
    pub(super) fn words(&self) -> String {
        format!("; {} uses {}", self.who, self.held)
    }

    pub(super) fn evidence(&self, facts: &Facts) -> Evidence {
        let text = format!("GPU {}: pid {} uses {}", self.index, self.pid, self.held);
        Evidence::new("NVML", Some(facts.gpus.time), text)
    }

    pub(super) fn step(&self) -> Step {
        let undo = format!("start {} again with the same command", self.who);
        Step::change(Changes::Host, format!("stop {}, if it is not needed", self.who), undo)
            .command(&["kill", &self.pid.to_string()])
    }
}

use super::super::Fact;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is there of GPUs, by files and by the driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gpus {
    /// The version of the kernel module (`/proc/driver/nvidia/version`).
    pub module_version: Option<String>,
    /// The version in the name of `libnvidia-ml.so.1`'s target.
    pub library_version: Option<String>,
    /// `/dev/nvidia*`, `/dev/kfd`, `/dev/dri/renderD*`: path, mode, gid, and the errno of an open.
    pub nodes: Vec<Node>,
    pub has_nouveau: bool,
    /// What NVML answered in its child.
    pub nvml: Fact<Nvml>,
    /// The state of the child that did not answer: `D`, `S`, `R`, and the kernel function it waits in.
    pub stuck: Option<(char, Option<String>)>,
    pub amd: Vec<Amd>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub path: PathBuf,
    pub mode: u32,
    pub gid: u32,
    /// 0: it opens.
    pub errno: i32,
}

/// The answer of NVML: a return code (`nvml.h`, `nvmlReturn_t`) and the devices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Nvml {
    /// 0: success; 9 driver not loaded; 12 library not found; 15 lost; 18 versions; 28 none; 999 unknown.
    pub code: u32,
    pub driver_version: Option<String>,
    pub devices: Vec<Device>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Device {
    pub index: u32,
    pub uuid: Option<String>,
    pub name: String,
    /// The code that asking this device gave; 0: success.
    pub code: u32,
    /// `domain:bus:device.function`
    pub pci: Option<String>,
    /// `8.9`
    pub capability: Option<(u32, u32)>,
    /// In bytes.
    pub memory_total: Option<u64>,
    pub memory_used: Option<u64>,
    pub memory_free: Option<u64>,
    /// In percent.
    pub utilisation: Option<u32>,
    /// In degrees Celsius.
    pub temperature: Option<u32>,
    /// Reasons for a lower clock in two samples, as NVML's bits.
    pub clock_events: Vec<u64>,
    pub remap_pending: Option<bool>,
    pub remap_failed: Option<bool>,
    /// `NVML_FI_DEV_GET_GPU_RECOVERY_ACTION`: 0 none, 1 reset, 2 reboot, 3 drain peer-to-peer, 4 drain and reset.
    pub recovery_action: Option<u32>,
    pub mig: Option<bool>,
    /// pid and bytes, where the driver says so.
    pub processes: Vec<(u32, Option<u64>)>,
}

/// An AMD card, by sysfs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amd {
    pub card: String,
    pub memory_total: Option<u64>,
    pub memory_used: Option<u64>,
    pub busy_percent: Option<u32>,
}

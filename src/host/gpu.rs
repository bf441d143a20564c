//! NVIDIA GPUs and their memory, by NVML. NVML can block in the kernel for ever when a driver or a card is ill, so
//! [`gpus`] asks a child process (see [`super::probe`]); [`read_here`] is what that child runs.

use super::probe;
use crate::model::Reading;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// A busy node can take seconds to answer; two seconds gave false alarms on loaded clusters, so be patient.
const LIMIT: Duration = Duration::from_secs(10);
/// Exists while the NVIDIA kernel module is loaded.
const KERNEL_MODULE: &str = "/proc/driver/nvidia/version";

/// One GPU as the driver presents it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// The number the driver gives it, from 0.
    pub index: u32,
    /// `GPU-…`; stays the same over reboots. None when the driver does not tell.
    pub uuid: Option<String>,
    /// As the driver spells it: clean it before printing.
    pub name: String,
    pub memory: Reading<GpuMemory>,
}

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuMemory {
    pub total: u64,
    pub free: u64,
    pub used: u64,
}

/// The GPUs of this machine. `modelctl` is the program to ask, normally [`probe::OURSELVES`]. No driver, a broken
/// driver, a hung driver and a machine whose driver sees no GPU (known, and none) are four different answers.
/// Takes at most 10.5 seconds.
pub fn gpus(modelctl: &Path) -> Reading<Vec<Gpu>> {
    probe::ask(modelctl, probe::Probe::Gpu, LIMIT)
}

/// Reads the GPUs in this process. May never return: only the probe calls it.
pub fn read_here() -> Reading<Vec<Gpu>> {
    let read = || -> Result<Vec<Gpu>, NvmlError> {
        let nvml = Nvml::init()?;
        (0..nvml.device_count()?)
            .map(|index| {
                // One card that has fallen off the bus must not hide the others.
                Ok(match nvml.device_by_index(index) {
                    Ok(device) => described(index, &device),
                    Err(error) => lost(index, &error),
                })
            })
            .collect()
    };
    match read() {
        Ok(gpus) => Reading::Known(gpus),
        Err(error) => Reading::Unavailable(said(&error)),
    }
}

fn described(index: u32, device: &Device<'_>) -> Gpu {
    let memory = match device.memory_info() {
        Ok(m) => Reading::Known(GpuMemory { total: m.total, free: m.free, used: m.used }),
        Err(error) => Reading::Unavailable(said(&error)),
    };
    Gpu {
        index,
        // An old driver without one is no news here; health reports what is wrong with a card.
        uuid: device.uuid().ok(),
        name: device.name().unwrap_or_else(|error| format!("unnamed ({})", said(&error))),
        memory,
    }
}

fn lost(index: u32, error: &NvmlError) -> Gpu {
    Gpu { index, uuid: None, name: "unreachable".to_owned(), memory: Reading::Unavailable(said(error)) }
}

/// What an NVML error means for the person at this machine (return codes: `nvml.h`, `nvmlReturn_t`).
fn said(error: &NvmlError) -> String {
    let text = match error {
        // The kernel's half can be there without its library: a container that was not given the utilities.
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound if Path::new(KERNEL_MODULE).exists() => {
            "an NVIDIA driver is loaded, but its library libnvidia-ml.so.1 cannot be loaded here"
        }
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => {
            "no NVIDIA driver here: libnvidia-ml.so.1 cannot be loaded"
        }
        NvmlError::DriverNotLoaded => "the NVIDIA driver is installed but not loaded",
        NvmlError::LibRmVersionMismatch => {
            "the NVIDIA kernel module and its library have different versions: reboot, or reload the module"
        }
        NvmlError::NoPermission => "no permission to ask the NVIDIA driver",
        NvmlError::OperatingSystem => "the operating system or a control group keeps the GPUs from us",
        NvmlError::GpuLost => "the GPU has fallen off the bus",
        NvmlError::ResetRequired => "the GPU needs a reset",
        NvmlError::Unknown => "the NVIDIA driver reports an unknown error; in a container: its devices were taken away",
        other => return format!("the NVIDIA driver: {other}"),
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_driver_and_a_broken_driver_read_differently() {
        let texts = [
            NvmlError::LibraryNotFound,
            NvmlError::DriverNotLoaded,
            NvmlError::LibRmVersionMismatch,
            NvmlError::GpuLost,
            NvmlError::Unknown,
        ]
        .map(|e| said(&e));
        for (i, text) in texts.iter().enumerate() {
            assert!(!texts.iter().skip(i + 1).any(|t| t == text), "{text}");
        }
    }

    #[test]
    fn the_answer_survives_the_way_through_the_pipe() {
        let reading = Reading::Known(vec![
            Gpu {
                index: 0,
                uuid: Some("GPU-1".into()),
                name: "NVIDIA H200".into(),
                memory: Reading::Known(GpuMemory { total: 3, free: 2, used: 1 }),
            },
            lost(1, &NvmlError::GpuLost),
        ]);
        let text = serde_json::to_string(&reading).unwrap();
        assert_eq!(serde_json::from_str::<Reading<Vec<Gpu>>>(&text).unwrap(), reading);
    }
}

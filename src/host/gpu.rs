//! NVIDIA GPUs and their memory, by NVML. NVML can block in the kernel forever when a driver or a card is faulty, so
//! [`gpus`] asks a child process (see [`super::self_child`]); [`read_here`] is what that child runs.

use super::self_child::{self, NoAnswer};
use crate::model::Reading;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use nvml_wrapper::{Device, Nvml};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Limit for the answer. A busy node can take seconds; two seconds gave false alarms on loaded clusters.
const LIMIT: Duration = Duration::from_secs(10);
/// The hidden command that runs [`read_here`].
pub const PROBE: [&str; 2] = ["probe", "gpu"];
/// A file that exists while the NVIDIA kernel module is loaded.
const KERNEL_MODULE: &str = "/proc/driver/nvidia/version";

/// Files of which one exists where a driver of NVIDIA may answer: its module, its control device, that of WSL.
const SIGNS: [&str; 3] = [KERNEL_MODULE, "/dev/nvidiactl", "/dev/dxg"];

/// One GPU as the driver presents it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// The number that the driver assigns, from 0.
    pub index: u32,
    /// `GPU-…`; stays the same over reboots. None when the driver does not report it.
    pub uuid: Option<String>,
    /// The name as the driver spells it: clean it before printing.
    pub name: String,
    pub memory: Reading<GpuMemory>,
    /// The processes that hold memory of it, as far as the driver says; in a container it often says nothing.
    #[serde(default)]
    pub processes: Vec<GpuProcess>,
}

/// A process that holds memory of a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuProcess {
    pub pid: u32,
    /// In bytes.
    pub used: u64,
}

/// Memory of one GPU, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuMemory {
    pub total: u64,
    pub free: u64,
    pub used: u64,
}

/// Returns the GPUs of this machine. `modelctl` is the program to ask, normally [`self_child::OURSELVES`]. No driver, a
/// broken driver, a hung driver and a machine whose driver sees no GPU (known, and none) are four different answers.
/// Takes at most 10.5 seconds.
pub fn gpus(modelctl: &Path) -> Reading<Vec<Gpu>> {
    self_child::ask(modelctl, PROBE, LIMIT).unwrap_or_else(|why| Reading::Unavailable(unanswered(why)))
}

/// Returns whether anything of a driver is there. Where it is not, nobody needs to be asked.
pub fn is_driver_there() -> bool {
    SIGNS.iter().any(|sign| Path::new(sign).exists())
}

fn unanswered(why: NoAnswer) -> String {
    match why {
        NoAnswer::Unreadable { why } => format!("the GPU probe sent an invalid answer: {why}"),
        NoAnswer::Ended(ending) => format!("the gpu probe {ending}"),
        NoAnswer::TimedOut { limit, .. } => {
            format!("the GPU probe did not answer within {} s: the driver is hung or very slow", limit.as_secs())
        }
        NoAnswer::Hung { limit, pid, wchan } => {
            let place = wchan.map_or_else(String::new, |w| format!(" in {w}"));
            format!(
                "the driver is hung: the GPU probe (process {pid}) did not answer within {} s, cannot be killed and waits in the kernel{place}",
                limit.as_secs()
            )
        }
        NoAnswer::NotStarted { why } => format!("the gpu probe could not be run: {why}"),
    }
}

/// Reads the GPUs in this process. May never return, so only the probe calls it.
pub fn read_here() -> Reading<Vec<Gpu>> {
    let read = || -> Result<Vec<Gpu>, NvmlError> {
        let nvml = Nvml::init()?;
        (0..nvml.device_count()?)
            .map(|index| {
                // A card that has fallen off the bus must not hide the others.
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
        // An old driver without one is not reported here; health reports what is wrong with a card.
        uuid: device.uuid().ok(),
        name: device.name().unwrap_or_else(|error| format!("unnamed ({})", said(&error))),
        memory,
        processes: processes(device),
    }
}

/// Returns the processes whose memory the driver knows. A driver that does not say has none to name.
fn processes(device: &Device<'_>) -> Vec<GpuProcess> {
    let of = |info: &ProcessInfo| match info.used_gpu_memory {
        UsedGpuMemory::Used(used) => Some(GpuProcess { pid: info.pid, used }),
        UsedGpuMemory::Unavailable => None,
    };
    let mut found: Vec<GpuProcess> = Vec::new();
    // A game draws and llama.cpp with Vulkan does too: what they hold is gone for others all the same.
    let all = [device.running_compute_processes(), device.running_graphics_processes()];
    for process in all.iter().flatten().flatten().filter_map(of) {
        if !found.iter().any(|known| known.pid == process.pid) {
            found.push(process);
        }
    }
    found
}

fn lost(index: u32, error: &NvmlError) -> Gpu {
    Gpu {
        index,
        uuid: None,
        name: "unreachable".to_owned(),
        memory: Reading::Unavailable(said(error)),
        processes: Vec::new(),
    }
}

/// Explains an NVML error to the user of this machine (return codes: `nvml.h`, `nvmlReturn_t`).
fn said(error: &NvmlError) -> String {
    let text = match error {
        // The kernel module can be loaded without its library, in a container that was not given the utilities.
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
        NvmlError::Unknown => {
            "the NVIDIA driver reports an unknown error; in a container: it lost access to its devices"
        }
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
    fn slow_hung_crashed_and_garbled_are_different_answers() {
        let limit = Duration::from_secs(10);
        let texts = [
            NoAnswer::TimedOut { limit, state: None, wchan: None },
            NoAnswer::Hung { limit, pid: 7, wchan: Some("nv_wait".into()) },
            NoAnswer::NotStarted { why: "no such file".into() },
            NoAnswer::Ended(crate::supervise::Ending::Signalled { signal: 11, core_dumped: false }),
            NoAnswer::Unreadable { why: "garbage".into() },
        ]
        .map(unanswered);
        assert!(texts[1].contains("nv_wait") && texts[1].contains("process 7"));
        for (i, text) in texts.iter().enumerate() {
            assert!(!texts.iter().skip(i + 1).any(|t| t == text), "{text}");
        }
    }

    #[test]
    fn a_real_child_is_asked() {
        // `echo` prints its arguments: an answer, though not one that can be read.
        let reading = gpus(Path::new("/bin/echo"));
        assert!(matches!(reading, Reading::Unavailable(why) if why.contains("sent an invalid answer")));
    }

    #[test]
    fn the_answer_survives_the_way_through_the_pipe() {
        let reading = Reading::Known(vec![
            Gpu {
                index: 0,
                uuid: Some("GPU-1".into()),
                name: "NVIDIA H200".into(),
                memory: Reading::Known(GpuMemory { total: 3, free: 2, used: 1 }),
                processes: vec![GpuProcess { pid: 7, used: 1 }],
            },
            lost(1, &NvmlError::GpuLost),
        ]);
        let text = serde_json::to_string(&reading).unwrap();
        assert_eq!(serde_json::from_str::<Reading<Vec<Gpu>>>(&text).unwrap(), reading);
    }
}

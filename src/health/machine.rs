//! Checks of the machine: disks, memory, GPUs, the clock.

use super::{Check, CheckName, Limits};
use crate::node::gpu::{Device, Gpus};
use crate::node::machine::{ClockState, Disk, Memory};
use crate::node::{Fact, Outcome};

/// Clock event bits that are reasons to worry (`nvml.h`): hardware slowdown, software and hardware thermal slowdown,
/// power brake.
const SLOWED: u64 = 0x8 | 0x20 | 0x40 | 0x80;

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { (part as f64 / whole as f64 * 1_000.0).round() / 10.0 }
}

/// Judges a file system that holds something of ours.
pub fn disk(disk: &Fact<Disk>, limits: &Limits) -> Vec<Check> {
    const NAME: CheckName = CheckName::Disk;
    let Some(known) = disk.known() else {
        return match &disk.outcome {
            // A folder that is named and not there yet is on no disk.
            Outcome::Absent { .. } => Vec::new(),
            _ => vec![Check::of_unknown(NAME, &disk.source, "cannot be read", disk)],
        };
    };
    let target = known.mount_point.display().to_string();
    let holds = known.holds.join(", ");
    let of = if holds.is_empty() { String::new() } else { format!(" ({holds})") };
    let free = percent(known.available, known.total);
    let mut space = Check::ok(NAME, &target, format!("{free}% free{of}"));
    // A file system that is made read-only: an error has turned it, or an image whose files are all it has.
    let is_written = known.holds.iter().any(|held| !held.starts_with("models"));
    if known.is_super_read_only && !known.is_read_only {
        space = Check::critical(NAME, &target, "read-only", format!("remounted read-only by the kernel{of}"));
    } else if known.is_read_only && is_written {
        space = Check::critical(NAME, &target, "read-only", format!("not writable{of}"));
    }
    // A full image that nobody writes to is as it should be.
    if known.total > 0 && !known.is_read_only {
        space = space.measured("disk_free", free, limits);
    }
    let mut checks = vec![space];
    // btrfs and others have no fixed number of inodes.
    if known.inodes > 0 && !known.is_read_only {
        let free = percent(known.inodes_available, known.inodes);
        let inodes = Check::ok(NAME, &target, format!("{free} % of inodes free"));
        checks.push(inodes.measured("inodes_free", free, limits));
    }
    checks
}

pub fn memory(memory: &Fact<Memory>, limits: &Limits) -> Check {
    const NAME: CheckName = CheckName::Memory;
    let Some(known) = memory.known() else {
        return Check::of_unknown(NAME, "node", "cannot be read", memory);
    };
    let available = percent(known.available, known.total);
    Check::ok(NAME, "node", format!("{available} % available")).measured("memory_available", available, limits)
}

/// Judges the GPUs. `is_required`: there must be one that answers; else a machine without any has nothing to check.
pub fn gpus(gpus: &Fact<Gpus>, is_required: bool, limits: &Limits) -> Vec<Check> {
    const NAME: CheckName = CheckName::Gpu;
    let Some(known) = gpus.known() else {
        return match gpus.is_unknown() || is_required {
            true => vec![Check::of_unknown(NAME, "node", "GPUs are unknown", gpus)],
            false => Vec::new(),
        };
    };
    let is_nvidia = |path: &std::path::Path| path.to_string_lossy().starts_with("/dev/nvidia");
    let has_driver = known.module_version.is_some() || known.nodes.iter().any(|node| is_nvidia(&node.path));
    let mut checks: Vec<Check> = known
        .amd
        .iter()
        .map(|card| {
            let check = Check::ok(NAME, &card.card, "answers");
            match card.memory_total.zip(card.memory_used).filter(|(total, _)| *total > 0) {
                Some((total, used)) => {
                    check.measured("gpu_memory_free", percent(total.saturating_sub(used), total), limits)
                }
                None => check,
            }
        })
        .collect();
    match &known.nvml.outcome {
        Outcome::Ok { value } if value.code == 0 => {
            checks.extend(value.devices.iter().flat_map(|device| device_checks(device, limits)));
        }
        Outcome::Ok { value } if has_driver => {
            let reason = format!("NVML returns code {}: {}", value.code, nvml_word(value.code));
            let right = (value.code == 4).then(|| "access to /dev/nvidia*".to_owned());
            let check = match value.code {
                // No permission is not knowing.
                4 => Check::unknown(NAME, "node", "GPUs are unknown", reason),
                _ => Check::critical(NAME, "node", "the driver does not work", reason),
            };
            checks.push(Check { right, ..check });
        }
        Outcome::Ok { .. } | Outcome::Absent { .. } => {}
        Outcome::TimedOut { why } if has_driver => {
            checks.push(Check::critical(NAME, "node", "the driver does not respond", why.as_str()));
        }
        _ if has_driver || is_required => {
            checks.push(Check::of_unknown(NAME, "node", "GPUs are unknown", &known.nvml));
        }
        _ => {}
    }
    if checks.is_empty() && is_required {
        let reason = match known.nodes.is_empty() {
            true => "there are no GPU device nodes and no driver",
            false => "there are device nodes but no driver that responds",
        };
        checks.push(Check::critical(NAME, "node", "no GPU", reason));
    }
    checks
}

fn device_checks(device: &Device, limits: &Limits) -> Vec<Check> {
    const NAME: CheckName = CheckName::Gpu;
    let target = format!("gpu{}", device.index);
    let what = if device.name.is_empty() { "answers".to_owned() } else { device.name.clone() };
    let is_slowed = device.clock_events.len() > 1 && device.clock_events.iter().all(|bits| bits & SLOWED != 0);
    let action = match device.recovery_action {
        Some(1) => Some("the driver requests a reset"),
        Some(2) => Some("the driver requests a reboot"),
        Some(3 | 4) => Some("the driver requests a drain and reset"),
        _ => None,
    };
    let check = match (device.code, action) {
        (0, Some(action)) => Check::critical(NAME, &target, what, action),
        (0, None) if device.remap_failed == Some(true) => {
            Check::critical(NAME, &target, what, "memory rows could not be remapped: the GPU is defective")
        }
        (0, None) if device.remap_pending == Some(true) => {
            Check::warning(NAME, &target, what, "memory rows will be remapped at the next reset")
        }
        (0, None) if is_slowed => Check::warning(NAME, &target, what, "throttled by heat or power in two samples"),
        (0, None) => Check::ok(NAME, &target, what),
        (code, _) => Check::critical(NAME, &target, what, format!("it returns code {code}: {}", nvml_word(code))),
    };
    let memory = device.memory_free.zip(device.memory_total).filter(|(_, total)| *total > 0);
    let check = match memory {
        Some((free, total)) => check.measured("gpu_memory_free", percent(free, total), limits),
        None => check,
    };
    let temperature = device.temperature.map(|degrees| {
        Check::ok(NAME, &target, format!("{degrees} °C")).measured("gpu_temperature", f64::from(degrees), limits)
    });
    std::iter::once(check).chain(temperature).collect()
}

/// Judges whether a service has a GPU where it must, and none where it must not. `has`: whether one of its processes is
/// on a GPU; None: unknown.
pub fn service_gpu(target: &str, must: bool, has: Option<bool>) -> Check {
    const NAME: CheckName = CheckName::Gpu;
    match (must, has) {
        (true, Some(true)) => Check::ok(NAME, target, "uses a GPU"),
        (false, Some(false)) => Check::ok(NAME, target, "uses no GPU"),
        (true, Some(false)) => Check::critical(NAME, target, "uses no GPU", "it must use one (`gpu = true`)"),
        (false, Some(true)) => Check::critical(NAME, target, "uses a GPU", "it must not use one (`gpu = false`)"),
        (_, None) => {
            let reason = "whether it uses a GPU is unknown: its open files cannot be read";
            let right = Some("the user of the service, or root".to_owned());
            Check { right, ..Check::unknown(NAME, target, "GPU use unknown", reason) }
        }
    }
}

/// Describes a return code of `nvml.h` (`nvmlReturn_t`).
fn nvml_word(code: u32) -> &'static str {
    match code {
        4 => "no permission",
        9 => "the driver is not loaded",
        12 => "the library is missing",
        13 => "the driver is too old for this query",
        15 => "the GPU is lost",
        16 => "the GPU needs a reset",
        17 => "the operating system or the container blocks the GPU",
        18 => "driver and library versions differ",
        28 => "no GPU",
        999 => "unknown error",
        _ => "an error",
    }
}

/// Judges the clock by what the machine says of it. Many healthy virtual machines do not report a synchronized one.
pub fn clock(clock: &Fact<ClockState>) -> Check {
    let what = match clock.known().and_then(|clock| clock.is_synchronised) {
        Some(true) => "synchronized",
        Some(false) => "not reported as synchronized",
        None => "synchronization unknown",
    };
    Check::ok(CheckName::Clock, "node", what)
}

/// Judges the clock of an endpoint, by the time of its answer.
pub fn skew(target: &str, skew_s: f64, limits: &Limits) -> Check {
    let what = if skew_s == 0.0 {
        "agrees with this machine's clock".to_owned()
    } else {
        format!("{skew_s:+.0} s off this machine's clock")
    };
    Check::ok(CheckName::Clock, target, what).measured("clock_skew", skew_s, limits)
}

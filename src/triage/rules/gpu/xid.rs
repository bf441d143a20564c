//! Faults that the NVIDIA driver logged (Xid), by NVIDIA's catalogue. An event ages, and a GPU that answers a fresh
//! question is not held to be broken for ever.

use super::{all_answer, code, nvml_code, show_nvml};
use crate::node::gpu::Device;
use crate::node::kernel::Xid;
use crate::node::log::LogLine;
use crate::triage::facts::Facts;
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::{Check, Need, Rule};

pub(super) const GPU_07: Rule = Rule {
    id: "GPU-07",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Critical,
    title: "a GPU has a memory, firmware or hardware fault",
    why: "Since boot, the kernel logged an Xid that is not an application error, and the GPU is in a bad state now or \
          the driver requests a reset; or the driver requests one without an Xid. The driver's recovery action decides \
          the step. A GPU that works again is informational.",
    explains: &["GPU-08", "GPU-09", "LLM-12", "LLM-14", "WRK-03", "WRK-05", "WHS-02"],
    needs: &[Need::Gpu, Need::Kernel],
    signs: &[],
    check: Check::Node(has_a_fault),
};

pub(super) const GPU_08: Rule = Rule {
    id: "GPU-08",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::App,
    severity: Severity::Warning,
    title: "a program caused a GPU fault",
    why: "An application-class Xid (13, 31, 32, 43, 69, or 45 without another cause): the driver stopped a process's \
          work on the GPU, and the GPU itself is fine. Check the process that the line names, not the card.",
    explains: &[],
    needs: &[Need::Kernel],
    signs: &[],
    check: Check::Node(has_an_application_fault),
};

pub(super) const GPU_09: Rule = Rule {
    id: "GPU-09",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::App,
    severity: Severity::Info,
    title: "a GPU fault that follows another one",
    why: "Xid 45 with `caused by previous Xid N`, and Xids 154, 171 and 172, only follow or add detail to another Xid, \
          which is the cause.",
    explains: &[],
    needs: &[Need::Kernel],
    signs: &[],
    check: Check::Node(follows_another),
};

/// What an Xid says of the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// The GPU is fine; a program did it.
    Application,
    /// The other Xid says it.
    Follows,
    /// Recorded, and nothing to do.
    Recorded,
    /// The program has to be started again.
    RestartProgram,
    Reset,
    Host,
    /// Not in the table.
    Other,
}

fn class(xid: &Xid) -> Class {
    match xid.number {
        45 if xid.caused_by.is_some() => Class::Follows,
        13 | 31 | 32 | 43 | 45 | 68 | 69 => Class::Application,
        154 | 171 | 172 => Class::Follows,
        63 => Class::Recorded,
        94 => Class::RestartProgram,
        46 | 48 | 62 | 64 | 92 | 95 | 109 | 110 | 119 | 120 | 136 | 140 | 143 | 155 | 158 => Class::Reset,
        79 => Class::Host,
        _ => Class::Other,
    }
}

fn name(number: u32) -> &'static str {
    match number {
        13 => "graphics engine exception",
        31 => "GPU memory page fault",
        32 => "invalid push buffer",
        43 => "GPU stopped processing",
        45 => "work removed",
        46 => "GPU stopped processing and needs a reset",
        48 => "double-bit memory error",
        62 => "micro-controller halt",
        64 => "row remapping failed",
        69 => "graphics engine class error",
        79 => "GPU off the bus",
        92 => "many single-bit memory errors",
        94 => "contained memory error",
        95 => "uncontained memory error",
        109 => "context switch timed out",
        119 | 120 => "GSP firmware error",
        140 => "unrecovered memory error",
        _ => "see NVIDIA's Xid catalog",
    }
}

/// Returns whether a line is from after the last boot; the kernel's buffer can survive a restart of a container's host.
pub(super) fn is_of_this_boot(facts: &Facts, line: &LogLine) -> bool {
    let booted = facts.machine.clock.known().and_then(|clock| clock.booted);
    line.time.zip(booted).is_none_or(|(time, booted)| time >= booted)
}

/// Finds the device of a PCI address: `0000:01:00` in the kernel's line, `00000000:01:00.0` from NVML.
fn device_of<'a>(facts: &'a Facts, xid: &Xid) -> Option<&'a Device> {
    let address = xid.device.trim_start_matches("PCI:").split(['.', ' ']).next()?.to_ascii_lowercase();
    let (_, tail) = address.split_once(':')?;
    facts.nvml()?.devices.iter().find(|device| {
        let pci = device.pci.as_deref().unwrap_or_default().to_ascii_lowercase();
        let own = pci.split('.').next().unwrap_or_default();
        own.split_once(':').is_some_and(|(_, own)| own == tail)
    })
}

fn is_bad(device: &Device) -> bool {
    device.code != 0
        || device.recovery_action.is_some_and(|action| (1..=4).contains(&action))
        || device.remap_failed == Some(true)
}

fn show_device(facts: &Facts, device: &Device) -> Evidence {
    let action = match device.recovery_action {
        None => "unknown",
        Some(0) => "none",
        Some(1) => "reset",
        Some(2) => "reboot",
        Some(3) => "drain peer-to-peer",
        Some(4) => "drain and reset",
        Some(_) => "another one",
    };
    let text = format!("GPU {} {}: NVML {}; recovery action: {action}", device.index, device.name, device.code);
    Evidence::new("NVML", Some(facts.gpus.time), text)
}

fn recover(device: Option<&Device>, class: Class) -> Step {
    let index = device.map_or(0, |device| device.index).to_string();
    let undo = "none: start the services on this GPU again afterwards";
    match (device.and_then(|device| device.recovery_action), class) {
        (Some(2), _) | (None | Some(0), Class::Host) => {
            Step::change(Changes::Host, "drain the node and reboot it", undo).command(&["systemctl", "reboot"])
        }
        (_, Class::RestartProgram) => Step::inspect("restart the program that the line names; the GPU keeps working"),
        (Some(3), _) => {
            Step::change(Changes::Host, format!("stop the work that uses peer-to-peer on GPU {index}"), undo)
        }
        _ => Step::change(Changes::Host, format!("stop everything that uses GPU {index}, then reset it"), undo)
            .command(&["nvidia-smi", "--gpu-reset", "-i", &index]),
    }
}

fn has_a_fault(facts: &Facts) -> Vec<Hit> {
    let Some(gpus) = facts.known_gpus() else { return Vec::new() };
    let xids = facts.kernel.known().map(|kernel| kernel.xids.as_slice()).unwrap_or_default();
    let is_fault = |xid: &&Xid| {
        matches!(class(xid), Class::Reset | Class::RestartProgram | Class::Other) && is_of_this_boot(facts, &xid.line)
    };
    let xid = xids.iter().rev().find(is_fault);
    let device = xid.and_then(|xid| device_of(facts, xid));
    let bad = device.filter(|device| is_bad(device)).or_else(|| {
        let devices = facts.devices();
        devices.iter().find(|device| {
            device.code == code::RESET_REQUIRED
                || device.recovery_action.is_some_and(|action| (1..=4).contains(&action))
        })
    });
    let answers_badly = matches!(nvml_code(facts), Some(number) if number != 0 && number != code::LIBRARY_NOT_FOUND)
        || gpus.nvml.is_unknown();
    let severity = match (xid, bad) {
        (_, Some(_)) => None,
        (Some(_), None) if answers_badly => None,
        (Some(xid), None) if facts.is_recent(&xid.line) && all_answer(facts) => Some(Severity::Info),
        // Not asked, or answered by nobody: the event alone.
        (Some(xid), None) if facts.is_recent(&xid.line) => Some(Severity::Warning),
        _ => return Vec::new(),
    };
    let shown = bad.or(device);
    let which = shown.map_or_else(
        || xid.map_or_else(|| "a GPU".to_owned(), |xid| format!("the GPU at {}", xid.device)),
        |device| format!("GPU {} ({})", device.index, device.name),
    );
    let cause = match (xid, severity) {
        (Some(xid), None) => format!("{which} has a fault: Xid {}, {}", xid.number, name(xid.number)),
        (Some(xid), Some(_)) => {
            format!("{which} had a fault (Xid {}, {}) and responds now", xid.number, name(xid.number))
        }
        (None, _) => format!("the driver requests a recovery of {which}"),
    };
    let cause = if severity == Some(Severity::Warning) { cause.replace(" and responds now", "") } else { cause };
    let mut evidence: Vec<Evidence> = xid.map(|xid| Evidence::of_line(&xid.line)).into_iter().collect();
    evidence.extend(shown.map(|device| show_device(facts, device)));
    evidence.push(show_nvml(&gpus.nvml));
    let step = match severity {
        Some(Severity::Info) => Step::inspect("nothing to do now; check its memory in the next maintenance window")
            .command(&["nvidia-smi", "-q", "-d", "ECC,ROW_REMAPPER"]),
        _ => recover(shown, xid.map_or(Class::Reset, class)),
    };
    vec![hit(None, cause, evidence, step).confidence(proven_if(bad.is_some() || severity.is_some())).severity(severity)]
}

fn has_an_application_fault(facts: &Facts) -> Vec<Hit> {
    let xids = facts.kernel.known().map(|kernel| kernel.xids.as_slice()).unwrap_or_default();
    let is_meant = |xid: &&Xid| {
        class(xid) == Class::Application && facts.is_recent(&xid.line) && is_of_this_boot(facts, &xid.line)
    };
    let Some(xid) = xids.iter().rev().find(is_meant) else { return Vec::new() };
    let of_pid = |pid: u32| {
        facts.services.iter().find(|service| {
            service.all_processes().any(|process| process.pid == pid)
                || service.lives.iter().any(|life| life.pid == Some(pid))
        })
    };
    let service = xid.pid.and_then(of_pid);
    let who = match (&xid.process, xid.pid) {
        (Some(process), Some(pid)) => format!("{process} (pid {pid})"),
        (None, Some(pid)) => format!("pid {pid}"),
        (Some(process), None) => process.clone(),
        (None, None) => "a program".to_owned(),
    };
    let times = xids.iter().filter(is_meant).count();
    let again = if times > 1 { format!(", {times} times") } else { String::new() };
    let cause = format!("{who} caused a GPU fault: Xid {}, {}{again}; the GPU is fine", xid.number, name(xid.number));
    let second = match (service, facts.known_gpus()) {
        (Some(service), _) => Evidence::of_state(service),
        (None, Some(gpus)) => show_nvml(&gpus.nvml),
        (None, None) => Evidence::of_fact(&facts.gpus, facts.gpus.why().unwrap_or("unknown")),
    };
    let step = Step::inspect(format!("check the log of {who} at that time, not the card"));
    vec![hit(service, cause, vec![Evidence::of_line(&xid.line), second], step)]
}

fn follows_another(facts: &Facts) -> Vec<Hit> {
    let xids = facts.kernel.known().map(|kernel| kernel.xids.as_slice()).unwrap_or_default();
    let is_meant = |xid: &&Xid| class(xid) == Class::Follows && facts.is_recent(&xid.line);
    let Some(xid) = xids.iter().rev().find(is_meant) else { return Vec::new() };
    let first =
        xid.caused_by.map_or_else(|| "another one".to_owned(), |number| format!("Xid {number}, {}", name(number)));
    let cause = format!("Xid {} follows {first}", xid.number);
    let other = xids.iter().rev().find(|other| Some(other.number) == xid.caused_by || class(other) != Class::Follows);
    let second = match (other, facts.known_gpus()) {
        (Some(other), _) => Evidence::of_line(&other.line),
        (None, Some(gpus)) => show_nvml(&gpus.nvml),
        (None, None) => Evidence::of_fact(&facts.gpus, facts.gpus.why().unwrap_or("unknown")),
    };
    let step = Step::inspect(format!("look at {first}"));
    vec![hit(None, cause, vec![Evidence::of_line(&xid.line), second], step)]
}

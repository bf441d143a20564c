//! GPUs and their driver: what NVML answers in its child, what the files say, what the kernel logged.

mod driver;
mod faults;
mod load;
mod lost;
#[cfg(test)]
mod tests;
mod xid;

use super::Rule;
use crate::node::gpu::{Gpus, Nvml};
use crate::node::{Fact, Outcome};
use crate::triage::facts::Facts;
use crate::triage::finding::{Evidence, Severity};

pub const RULES: &[Rule] = &[
    driver::GPU_01,
    driver::GPU_02,
    driver::GPU_03,
    driver::GPU_04,
    lost::GPU_05,
    lost::GPU_06,
    xid::GPU_07,
    xid::GPU_08,
    xid::GPU_09,
    lost::GPU_10,
    lost::GPU_11,
    faults::GPU_12,
    faults::GPU_13,
    load::GPU_14,
    load::GPU_15,
];

/// `nvmlReturn_t`.
mod code {
    pub const NO_PERMISSION: u32 = 4;
    pub const DRIVER_NOT_LOADED: u32 = 9;
    pub const LIBRARY_NOT_FOUND: u32 = 12;
    pub const GPU_IS_LOST: u32 = 15;
    pub const RESET_REQUIRED: u32 = 16;
    pub const OPERATING_SYSTEM: u32 = 17;
    pub const VERSION_MISMATCH: u32 = 18;
    pub const UNKNOWN: u32 = 999;
}

/// Returns the code of the last answer of NVML. A library that is not there is code 12.
fn nvml_code(facts: &Facts) -> Option<u32> {
    let nvml = &facts.known_gpus()?.nvml;
    match &nvml.outcome {
        Outcome::Ok { value } => Some(value.code),
        Outcome::Absent { .. } => Some(code::LIBRARY_NOT_FOUND),
        _ => None,
    }
}

/// Returns whether every GPU answered the probe just made.
fn all_answer(facts: &Facts) -> bool {
    facts.nvml().is_some_and(|nvml| {
        nvml.code == 0 && !nvml.devices.is_empty() && nvml.devices.iter().all(|device| device.code == 0)
    })
}

fn has_node(gpus: &Gpus, name: &str) -> bool {
    gpus.nodes.iter().any(|node| node.path.file_name().is_some_and(|file| file == name))
}

/// Returns whether there is a node of a GPU itself: `/dev/nvidia0`, `/dev/nvidia1`, …
fn has_gpu_node(gpus: &Gpus) -> bool {
    gpus.nodes.iter().any(|node| {
        let name = node.path.file_name().and_then(|name| name.to_str());
        let index = name.and_then(|name| name.strip_prefix("nvidia"));
        index.is_some_and(|index| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// Returns the severity of a fault of all GPUs: the rule's where a service should use one, else a warning where this
/// machine has one, else information.
fn severity(facts: &Facts) -> Option<Severity> {
    let has_one = facts.known_gpus().is_some_and(|gpus| has_gpu_node(gpus) || gpus.module_version.is_some());
    match (facts.gpu_services().next(), has_one) {
        (Some(_), _) => None,
        (None, true) => Some(Severity::Warning),
        (None, false) => Some(Severity::Info),
    }
}

fn show_nvml(nvml: &Fact<Nvml>) -> Evidence {
    let text = match &nvml.outcome {
        Outcome::Ok { value } => match value.code {
            0 => format!("NVML: {} devices respond", value.devices.len()),
            code => format!("NVML: {code} ({})", meaning(code)),
        },
        _ => format!("NVML: {}", nvml.why().unwrap_or("unknown")),
    };
    Evidence::of_fact(nvml, text)
}

fn meaning(code: u32) -> &'static str {
    match code {
        3 => "not supported",
        code::NO_PERMISSION => "no permission",
        code::DRIVER_NOT_LOADED => "driver not loaded",
        code::LIBRARY_NOT_FOUND => "library not found",
        13 => "function not found: an old driver",
        14 => "corrupted infoROM",
        code::GPU_IS_LOST => "GPU is lost",
        code::RESET_REQUIRED => "reset required",
        code::OPERATING_SYSTEM => "blocked by the operating system",
        code::VERSION_MISMATCH => "driver and library have different versions",
        28 => "no GPU found",
        code::UNKNOWN => "unknown error",
        _ => "see nvmlReturn_t",
    }
}

/// Shows what the files say, as the second source beside NVML.
fn show_files(facts: &Facts, gpus: &Gpus) -> Evidence {
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
    let nodes: Vec<String> = gpus.nodes.iter().map(|node| node.path.display().to_string()).take(6).collect();
    let nodes = if nodes.is_empty() { "no device nodes".to_owned() } else { nodes.join(" ") };
    let text =
        format!("kernel module {}, library {}, {nodes}", version(&gpus.module_version), version(&gpus.library_version));
    Evidence::of_fact(&facts.gpus, text)
}

/// Returns the services that should use a GPU, for a sentence.
fn who_wants(facts: &Facts) -> String {
    let names: Vec<&str> = facts.gpu_services().map(|service| service.name()).take(4).collect();
    if names.is_empty() { String::new() } else { format!("; {} should use one", names.join(", ")) }
}

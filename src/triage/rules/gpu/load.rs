//! Who holds the memory of a GPU.

use crate::display::units;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::{between, number_after};
use crate::triage::rules::{Check, Need, Rule};

/// Memory that the driver itself takes, in bytes.
const DRIVER_BYTES: u64 = 1 << 30;
const NOT_FREE: &str = "Free memory on device";
const NOT_RECOVERED: &str = "gpu VRAM usage didn't recover within timeout";

pub(super) const GPU_14: Rule = Rule {
    id: "GPU-14",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::App,
    severity: Severity::Info,
    title: "GPU memory is used by processes that are not visible in this container",
    why: "NVML identifies processes by the host's pids, so inside a container its table is empty although memory is in \
          use. That is normal; only the host can tell which processes they are.",
    explains: &[],
    needs: &[Need::Gpu],
    signs: &[],
    check: Check::Node(hides_processes),
};

pub(super) const GPU_15: Rule = Rule {
    id: "GPU-15",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Memory,
    severity: Severity::Critical,
    title: "another process uses the GPU memory that the server needs at start",
    why: "vLLM and Ollama log at start how much memory is free and how much they need. An older instance that was not \
          stopped, or another program, is using it. The last line (`EngineCore failed to start`) says nothing about \
          the cause. Lower the server's share only if no other process can be stopped.",
    explains: &["LLM-13", "PY-06", "SUP-10", "SUP-17", "SYS-03", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[NOT_FREE, NOT_RECOVERED],
    check: Check::Service(is_held),
};

fn hides_processes(facts: &Facts) -> Vec<Hit> {
    let Some(container) = &facts.machine.container else { return Vec::new() };
    let hidden =
        facts.devices().iter().filter(|device| device.memory_used > Some(DRIVER_BYTES) && device.processes.is_empty());
    hidden
        .map(|device| {
            let used = units::bytes(device.memory_used.unwrap_or(0));
            let cause = format!("{used} of GPU {} are used by processes that only the host can see", device.index);
            let evidence = vec![
                Evidence::new(
                    "NVML",
                    Some(facts.gpus.time),
                    format!("GPU {}: {used} used, no processes", device.index),
                ),
                Evidence::new("machine", Some(facts.taken), format!("container: {container}")),
            ];
            let step = Step::inspect("if it matters, check on the host").command(&["nvidia-smi"]);
            hit(None, cause, evidence, step)
        })
        .collect()
}

fn is_held(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.sign_of_trouble(&[NOT_FREE, NOT_RECOVERED])?;
    let figures = between(&line.text, "(", " GiB)").and_then(|ratio| ratio.split_once('/'));
    let wanted = number_after(&line.text, "utilization (").and_then(|_| {
        let inside = line.text.split_once("utilization (")?.1.split_once(", ")?.1;
        inside.split_once(" GiB").map(|(gib, _)| gib.to_owned())
    });
    let index = number_after(&line.text, "cuda:").map_or(0, |index| index as u32);
    let device = facts.devices().iter().find(|device| device.index == index);
    let holder = device.and_then(|device| facts.holder(device, service));
    let mut cause = match figures {
        Some((free, total)) => format!("only {free} of {total} GiB were free on GPU {index} when it started"),
        None => format!("the memory of GPU {index} was not released"),
    };
    if let Some(wanted) = wanted {
        cause.push_str(&format!(", and it needs {wanted} GiB"));
    }
    let mut evidence = vec![Evidence::of_line(line)];
    let step = match &holder {
        Some(holder) => {
            cause.push_str(&holder.words());
            evidence.push(holder.evidence(facts));
            holder.step()
        }
        None => {
            if facts.machine.container.is_some() {
                cause.push_str("; a process outside this container uses the rest");
            }
            Step::inspect("on the host, find out which process uses the memory").command(&[
                "nvidia-smi",
                "--query-compute-apps=pid,name,used_memory",
                "--format=csv",
            ])
        }
    };
    if let Some(device) = device.filter(|_| holder.is_none()) {
        let free = device.memory_free.map_or_else(|| "unknown".to_owned(), units::bytes);
        evidence.push(Evidence::new("NVML", Some(facts.gpus.time), format!("GPU {index}: {free} free now")));
    }
    if evidence.len() < 2 {
        evidence.push(Evidence::of_state(service));
    }
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(holder.is_some())))
}

//! GPU memory, and a server that runs on the CPU although it should not.

use crate::display::units;
use crate::model::service::Role;
use crate::triage::counters;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::ask::{CONTEXT, GPU_LAYERS};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::{between, number_after};
use crate::triage::rules::{Check, Need, Rule};

const NO_VRAM: &[&str] = &[
    "cudaMalloc failed: out of memory",
    "unable to allocate CUDA",
    "CUDA error: out of memory",
    "CUDA out of memory",
    "CUDA failed with error out of memory",
    "failed to allocate CUDA",
];
const ALLOCATING: &str = "allocating ";

const NO_GPU: &[&str] = &["no usable GPU found", "failed to initialize CUDA", "no CUDA-capable device is detected"];
const OFFLOADED: &str = "offloaded ";
const TO_GPU: &str = "layers to GPU";

pub(super) const LLM_13: Rule = Rule {
    id: "LLM-13",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Memory,
    severity: Severity::Critical,
    title: "the GPU is out of memory",
    why: "An allocation on the GPU failed. First find out which other processes use its memory; then try a smaller \
          context, and fewer GPU layers last. Main memory and the driver are not the problem.",
    explains: &["LLM-12", "SUP-10", "SUP-15", "SUP-17", "SYS-03", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[NO_VRAM[0], NO_VRAM[1], NO_VRAM[2], NO_VRAM[3], NO_VRAM[4], NO_VRAM[5], " MiB on device "],
    check: Check::Service(has_no_vram),
};

pub(super) const LLM_14: Rule = Rule {
    id: "LLM-14",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "llama-server runs on the CPU although it should use a GPU",
    why: "GPU layers are requested, or the config expects a GPU, but the process has neither a GPU open nor the driver \
          library mapped; llama-server logs one line about it and continues slowly. At its default verbosity it does \
          not log how many layers are on the GPU, so a missing line proves nothing. Do not change -ngl; find out why \
          no GPU is visible.",
    explains: &["LLM-17", "LLM-07"],
    needs: &[Need::Process],
    signs: NO_GPU,
    check: Check::Service(runs_on_the_cpu),
};

pub(super) const LLM_15: Rule = Rule {
    id: "LLM-15",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Memory,
    severity: Severity::Warning,
    title: "fewer layers are on the GPU than requested",
    why: "llama.cpp put k of N layers on the GPU, fewer than requested or than in the baseline, because not enough \
          memory was free when the model was loaded. It works, but more slowly. Fewer layers because of an explicit \
          -ngl are intended and not reported.",
    explains: &["LLM-17"],
    needs: &[Need::Logs],
    signs: &[TO_GPU],
    check: Check::Service(is_offloaded_in_part),
};

fn has_no_vram(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.sign_of_trouble(NO_VRAM)?;
    let same_life = |sign: &str| {
        service.lines_of_trouble().into_iter().rev().find(|other| other.life == line.life && other.text.contains(sign))
    };
    let sized = same_life(" MiB on device ").unwrap_or(line);
    let wanted = number_after(&sized.text, ALLOCATING).map(|mib| format!(" for {mib:.0} MiB"));
    let index = number_after(&sized.text, "on device ").map_or(0, |index| index as u32);
    let device = facts.devices().iter().find(|device| device.index == index);
    let holder = device.and_then(|device| facts.holder(device, service));
    let free = device.and_then(|device| device.memory_free);
    let mut cause = format!("GPU {index} does not have enough free memory{}", wanted.unwrap_or_default());
    if let Some(free) = free {
        cause.push_str(&format!(": {} are free now", units::bytes(free)));
    }
    let mut evidence = vec![Evidence::of_line(line)];
    if let Some(device) = device {
        let shown = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), units::bytes);
        let text = format!("GPU {index} {}: {} free of {}", device.name, shown(free), shown(device.memory_total));
        evidence.push(Evidence::new("NVML", Some(facts.gpus.time), text));
    }
    let step = if let Some(holder) = &holder {
        cause.push_str(&holder.words());
        evidence.push(holder.evidence(facts));
        holder.step()
    } else {
        smaller(service)
    };
    if evidence.len() < 2 {
        evidence.push(Evidence::of_state(service));
    }
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(device.is_some())))
}

/// The step where nobody else holds the memory: a smaller context, then fewer layers; a smaller model for Whisper.
fn smaller(service: &ServiceFacts) -> Step {
    if service.service.role != Role::Llama {
        let (place, changes) = service.place_of("--model");
        return Step::change(
            changes,
            format!("use a smaller model, or compute_type=int8_float16, in {place}"),
            format!("restore the current model and compute type in {place}"),
        );
    }
    let (place, changes) = service.place_of("-c");
    if let Some(context) = service.argument(CONTEXT).and_then(|value| value.parse::<u64>().ok()).filter(|n| *n > 4_096)
    {
        return Step::change(
            changes,
            format!("lower `-c` from {context} to {} in {place}", context / 2),
            format!("restore `-c {context}` in {place}"),
        );
    }
    let (place, changes) = service.place_of("-ngl");
    match service.gpu_layers() {
        Some(layers) if layers > 1 && layers < 1_000 => Step::change(
            changes,
            format!("lower `-ngl` from {layers} by one step in {place}"),
            format!("restore `-ngl {layers}` in {place}"),
        ),
        _ => Step::change(changes, format!("set `-c 4096` in {place}"), format!("remove `-c 4096` from {place}")),
    }
}

fn runs_on_the_cpu(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if service.service.role != Role::Llama || !service.wants_gpu() {
        return None;
    }
    let server = service.server()?;
    let line = service.sign_now(NO_GPU);
    let uses = service.uses_gpu();
    if uses == Some(true) || (line.is_none() && uses.is_none()) {
        return None;
    }
    let asked = match (service.gpu_layers(), service.service.gpu) {
        (Some(u64::MAX), _) => "all layers are requested on a GPU".to_owned(),
        (Some(layers), _) => format!("{layers} layers are requested on a GPU (-ngl)"),
        (None, _) => "a GPU is expected".to_owned(),
    };
    let works = facts.nvml().is_some_and(|nvml| nvml.code == 0 && !nvml.devices.is_empty());
    let program = server.exe.as_ref().map(|exe| exe.display().to_string());
    let program = program.or_else(|| service.argv().first().cloned()).unwrap_or_else(|| "llama-server".to_owned());
    let why = match works {
        true => format!("; the GPU responds, so {program} was most likely built without GPU support"),
        false => "; no GPU responds on this machine".to_owned(),
    };
    let mut evidence = Vec::new();
    evidence.extend(line.map(Evidence::of_line));
    if uses == Some(false) {
        let text = format!("pid {}: libcuda is not mapped, no GPU device is open", server.pid);
        let shown = Evidence::of_process(service, server, text);
        evidence.push(Evidence { source: format!("/proc/{}/maps", server.pid), ..shown });
    }
    evidence.extend(Evidence::of_command(service));
    let step = if works {
        Step::inspect(format!(
            "check whether {program} lists a GPU; if not, install a build with GPU support, and leave -ngl as it is"
        ))
        .command(&[program.as_str(), "--list-devices"])
    } else {
        Step::inspect("find out why no GPU responds, and leave -ngl as it is").command(&["nvidia-smi", "-L"])
    };
    let cause = format!("runs on the CPU although {asked}{why}");
    let both = line.is_some() && uses == Some(false);
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(both || service.service.gpu == Some(true))))
}

fn is_offloaded_in_part(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.line_now(&[OFFLOADED, TO_GPU])?;
    let ratio = between(&line.text, OFFLOADED, " layers")?;
    let (on, all) = ratio.split_once('/')?;
    // No ratio: not the line that is meant.
    let (on, all): (u64, u64) = (on.trim().parse().ok()?, all.trim().parse().ok()?);
    let before = facts.counter(&counters::offloaded_layers(service.name()));
    let asked = service.gpu_layers();
    let should = match (before, asked) {
        (Some(before), _) if before > on as f64 => format!("{before:.0} in the baseline"),
        (Some(_), _) => return None,
        (None, Some(asked)) if on < asked.min(all) => format!("{} requested", asked.min(all)),
        (None, None) if on < all && service.service.gpu == Some(true) => format!("{all} of the model"),
        _ => return None,
    };
    let cause = format!("{on} of {all} layers are on the GPU, fewer than the {should}");
    let device = facts.devices().first();
    let second = match (before, device) {
        (Some(before), _) => Evidence::new("baseline", None, format!("offloaded layers: {before:.0}")),
        (None, Some(device)) => {
            let free = device.memory_free.map_or_else(|| "unknown".to_owned(), units::bytes);
            Evidence::new("NVML", Some(facts.gpus.time), format!("GPU {}: {free} free", device.index))
        }
        (None, None) => Evidence::of_command(service)?,
    };
    let given = service.argument(GPU_LAYERS).map_or_else(String::new, |layers| format!(" (-ngl {layers})"));
    let step = Step::inspect(format!(
        "find out which other processes use the GPU's memory before {} is loaded again{given}",
        service.name()
    ))
    .command(&["nvidia-smi", "--query-compute-apps=pid,name,used_memory", "--format=csv"]);
    Some(hit(Some(service), cause, vec![Evidence::of_line(line), second], step))
}

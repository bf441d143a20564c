//! On what Whisper works: a GPU, or the CPU without a word.

use crate::display::units;
use crate::model::service::Role;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::{Check, Need, Rule};

/// A service that was just started may not have opened its GPU yet, in seconds.
const START_S: f64 = 60.0;
/// What Whisper's servers write when they work on the CPU.
const ON_CPU: &[&str] = &[
    "device=cpu",
    "device: cpu",
    "device='cpu'",
    "device=\"cpu\"",
    "falling back to CPU",
    "Falling back to CPU",
    "fallback to CPU",
    "FP16 is not supported on CPU",
    "do not support efficient float16 computation. The model weights have been automatically converted",
];
const FLOAT16: &str =
    "Requested float16 compute type, but the target device or backend do not support efficient float16";
/// The first compute capability with fast float16.
const FAST_FLOAT16: (u32, u32) = (7, 0);

pub(super) const WHS_02: Rule = Rule {
    id: "WHS-02",
    version: 1,
    playbook: Playbook::Whisper,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "Whisper fell back to the CPU",
    why: "A GPU is expected, but the log says cpu, or the process has neither a GPU open nor the driver library \
          mapped. It works, but many times slower. While the GPU cannot be used safely (it does not respond, or has \
          less free memory than the model needs), the fallback is right, and the finding says so.",
    explains: &[],
    needs: &[Need::Process],
    signs: ON_CPU,
    check: Check::Service(is_on_the_cpu),
};

pub(super) const WHS_04: Rule = Rule {
    id: "WHS-04",
    version: 1,
    playbook: Playbook::Whisper,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "the device does not support fast float16",
    why: "CTranslate2 rejects compute_type=float16 on the CPU and on GPUs below compute capability 7.0, with the same \
          message. If the device is the CPU, find out why.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "PY-06", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[FLOAT16],
    check: Check::Service(has_no_float16),
};

fn is_on_the_cpu(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if service.service.role != Role::Whisper || !service.wants_gpu() {
        return None;
    }
    let process = service.server()?;
    let line = service.sign_now(ON_CPU);
    let uses = service.uses_gpu();
    // The library of the driver alone may be mapped by a failed try.
    let has_device = service.all_processes().any(|process| !process.gpu_nodes.is_empty());
    let by_maps = uses == Some(false) && service.age_s(facts.taken).is_some_and(|age| age >= START_S);
    if has_device || (line.is_none() && !by_maps) {
        return None;
    }
    let mut evidence: Vec<Evidence> = line.map(Evidence::of_line).into_iter().collect();
    if uses == Some(false) {
        let text = format!("pid {}: libcuda is not mapped, no GPU device is open", process.pid);
        let shown = Evidence::of_process(service, process, text);
        evidence.push(Evidence { source: format!("/proc/{}/maps", process.pid), ..shown });
    }
    let model = service.model.as_ref().and_then(|fact| fact.known());
    let size = model.and_then(|model| model.service.known().or(model.ours.known())).map(|file| file.size);
    let nvml = facts.nvml().filter(|nvml| nvml.code == 0);
    let most_free = nvml.and_then(|nvml| nvml.devices.iter().filter_map(|device| device.memory_free).max());
    let unsafe_why = match (nvml, most_free, size) {
        (None, ..) => Some("no GPU responds".to_owned()),
        (Some(_), Some(free), Some(size)) if free < size => {
            Some(format!("the GPU has {} free for a model of {}", units::bytes(free), units::bytes(size)))
        }
        _ => None,
    };
    evidence.push(match (nvml, most_free) {
        (Some(nvml), free) => {
            let free = free.map_or_else(|| "unknown".to_owned(), units::bytes);
            Evidence::new("NVML", Some(facts.gpus.time), format!("{} devices respond; {free} free", nvml.devices.len()))
        }
        (None, _) => match facts.known_gpus() {
            Some(gpus) => {
                let text = gpus.nvml.known().map_or_else(
                    || gpus.nvml.why().unwrap_or("unknown").to_owned(),
                    |nvml| format!("code {}", nvml.code),
                );
                Evidence::of_fact(&gpus.nvml, format!("NVML: {text}"))
            }
            None => Evidence::of_fact(&facts.gpus, facts.gpus.why().unwrap_or("unknown")),
        },
    });
    let confidence = proven_if(line.is_some() && uses == Some(false));
    if let Some(why) = unsafe_why {
        let cause = format!("runs on the CPU although a GPU is expected; that is right while {why}");
        let step = Step::inspect("fix the GPU first, and leave the fallback as it is").command(&["nvidia-smi"]);
        return Some(hit(Some(service), cause, evidence, step).confidence(confidence));
    }
    let (place, changes) = service.place_of("--device");
    let old =
        service.argument(&["--device"]).map_or_else(|| "no device".to_owned(), |device| format!("device {device}"));
    let cause = "silently runs on the CPU although a GPU is expected and responds".to_owned();
    let step = Step::change(
        changes,
        format!(
            "require the device (`--device cuda`, not auto) in {place}, so that a start without a GPU fails and logs \
             the reason"
        ),
        format!("restore {old} in {place}"),
    );
    Some(hit(Some(service), cause, evidence, step).confidence(confidence))
}

fn has_no_float16(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.sign_of_trouble(&[FLOAT16]).or_else(|| {
        service.sign_now(&[FLOAT16]).filter(|line| line.text.contains("ValueError") && facts.is_recent(line))
    })?;
    let nvml = facts.nvml().filter(|nvml| nvml.code == 0);
    let devices = nvml.map(|nvml| nvml.devices.as_slice()).unwrap_or_default();
    let old = devices.iter().find(|device| device.capability.is_some_and(|capability| capability < FAST_FLOAT16));
    let (place, changes) = service.place_of("--compute_type");
    let undo = format!("restore compute_type=float16 in {place}");
    let change =
        |compute: &str| Step::change(changes.clone(), format!("set compute_type={compute} in {place}"), undo.clone());
    let (cause, second, step, confidence) = match old {
        Some(device) => {
            let (major, minor) = device.capability.unwrap_or_default();
            (
                format!(
                    "{} (compute capability {major}.{minor}) does not support the requested fast float16",
                    device.name
                ),
                Evidence::new(
                    "NVML",
                    Some(facts.gpus.time),
                    format!("GPU {} {}: compute capability {major}.{minor}", device.index, device.name),
                ),
                change("int8_float32"),
                Confidence::Proven,
            )
        }
        None => {
            let shown = match (service.uses_gpu(), service.server()) {
                (Some(false), Some(process)) => {
                    Evidence::of_process(service, process, format!("pid {}: libcuda is not mapped", process.pid))
                }
                _ => Evidence::of_fact(&facts.gpus, format!("{} GPUs answer", devices.len())),
            };
            let step = match service.wants_gpu() || !devices.is_empty() {
                true => Step::inspect("find out why it runs on the CPU before you change its compute type")
                    .command(&["nvidia-smi", "-L"]),
                false => change("int8"),
            };
            (
                "runs on the CPU, which does not support the requested fast float16".to_owned(),
                shown,
                step,
                proven_if(devices.is_empty()),
            )
        }
    };
    Some(hit(Some(service), cause, vec![Evidence::of_line(line), second], step).confidence(confidence))
}

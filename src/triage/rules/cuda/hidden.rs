//! A GPU that is there and that the service cannot reach: by its environment, a device node, a group.

use crate::display::units;
use crate::model::service::Role;
use crate::node::gpu::{Gpus, Node};
use crate::node::process::Process;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::{Check, Need, Rule};

const EACCES: i32 = 13;
/// Variables that say which GPUs a process may see.
const VISIBLE: &[&str] = &["CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"];

pub(super) const CUD_01: Rule = Rule {
    id: "CUD-01",
    version: 1,
    playbook: Playbook::Worker,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the environment of the service hides the GPU",
    why: "CUDA_VISIBLE_DEVICES of the process is empty, is -1, or names a GPU that does not exist (CUDA ignores that \
          one and all that follow), or NVIDIA_VISIBLE_DEVICES is void or none. nvidia-smi ignores the variable and \
          still shows the GPU. For a service that should not use a GPU this is informational.",
    explains: &["LLM-14", "WRK-03", "WRK-05", "WHS-02", "WHS-04"],
    needs: &[Need::Environment],
    signs: &[],
    check: Check::Service(is_hidden),
};

pub(super) const CUD_02: Rule = Rule {
    id: "CUD-02",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Critical,
    title: "a device node that CUDA needs is missing",
    why: "/dev/nvidia0 exists but /dev/nvidia-uvm does not. nvidia-smi does not need it and works; every CUDA program \
          fails with an unknown error (999).",
    explains: &["LLM-14", "WRK-03", "WRK-05", "WHS-02", "WHS-04"],
    needs: &[Need::Gpu],
    signs: &[],
    check: Check::Node(lacks_uvm),
};

pub(super) const AMD_01: Rule = Rule {
    id: "AMD-01",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Limits,
    severity: Severity::Critical,
    title: "the service is not allowed to open the AMD GPU",
    why: "/dev/kfd or /dev/dri/renderD* belongs to a group (render or video) that the user of the service is not in. \
          In a container, the group's number counts, not its name.",
    explains: &["LLM-14", "WRK-03", "WRK-05", "WHS-02"],
    needs: &[Need::Gpu, Need::Process],
    signs: &[],
    check: Check::Service(may_not_open_amd),
};

/// Returns what is wrong with a value of one of [`VISIBLE`].
fn hides(facts: &Facts, value: &str) -> Option<String> {
    let value = value.trim();
    if value.is_empty() {
        return Some("hides every GPU: it is empty".to_owned());
    }
    let devices = facts.nvml().filter(|nvml| nvml.code == 0).map(|nvml| nvml.devices.as_slice());
    let first = value.split(',').next().unwrap_or_default().trim();
    if first.starts_with('-') || first.eq_ignore_ascii_case("none") || first.eq_ignore_ascii_case("nodevfiles") {
        return Some("hides every GPU".to_owned());
    }
    let devices = devices.filter(|devices| !devices.is_empty())?;
    let is_unknown = |name: &str| match name.parse::<u32>() {
        Ok(index) => !devices.iter().any(|device| device.index == index),
        // A UUID may be given by its beginning; one of a MIG instance is not among those of the devices.
        Err(_) if name.starts_with("GPU-") => {
            devices.iter().all(|device| device.uuid.as_deref().is_some_and(|uuid| !uuid.starts_with(name)))
        }
        Err(_) => false,
    };
    let unknown = value.split(',').map(str::trim).find(|name| is_unknown(name))?;
    let which = if unknown == first { "hides every GPU" } else { "hides a GPU" };
    Some(format!("{which}: there is no GPU {unknown}, only {}", units::plural(devices.len() as u64, "GPU")))
}

fn is_hidden(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if service.service.gpu == Some(false) {
        return None;
    }
    let server = service.server()?;
    let environment = server.environment.known()?;
    let value_of = |name: &str| environment.get(name).and_then(|value| value.as_deref());
    let by_visible = VISIBLE.iter().find_map(|name| {
        let value = value_of(name)?;
        Some((*name, value, hides(facts, value)?))
    });
    let by_container = || {
        let value = value_of("NVIDIA_VISIBLE_DEVICES").filter(|value| matches!(*value, "void" | "none"))?;
        // The variable speaks to the container's start; a process that has a GPU got it in another way.
        (service.uses_gpu() != Some(true))
            .then(|| ("NVIDIA_VISIBLE_DEVICES", value, "keeps GPUs out of its container".to_owned()))
    };
    let (name, value, what) = by_visible.or_else(by_container)?;
    let wants = service.wants_gpu();
    let is_for_gpus = matches!(service.service.role, Role::Llama | Role::Worker | Role::Whisper);
    if !wants && !is_for_gpus {
        return None;
    }
    let (place, changes) = service.place_of_variable(name);
    let cause = format!("{name}={value:?} in the service's environment {what}");
    let shown = Evidence::of_process(service, server, format!("{name}={value}"));
    let mut evidence = vec![Evidence { source: format!("/proc/{}/environ", server.pid), ..shown }];
    evidence.push(match service.uses_gpu() {
        Some(false) => {
            let text = format!("pid {}: libcuda is not mapped, no GPU device is open", server.pid);
            Evidence { source: format!("/proc/{}/maps", server.pid), ..Evidence::of_process(service, server, text) }
        }
        _ => match facts.known_gpus() {
            Some(gpus) => Evidence::of_fact(&gpus.nvml, devices_text(gpus)),
            None => Evidence::of_state(service),
        },
    });
    let step = Step::change(
        changes,
        format!("remove {name} from {place}, then restart {}", service.name()),
        format!("set {name}={value:?} again in the same place"),
    );
    // Nobody says that it should have one: it may be meant.
    let severity = (!wants).then_some(Severity::Info);
    Some(hit(Some(service), cause, evidence, step).severity(severity))
}

fn devices_text(gpus: &Gpus) -> String {
    match gpus.nvml.known() {
        Some(nvml) if nvml.code == 0 => format!("NVML: {} devices answer", nvml.devices.len()),
        Some(nvml) => format!("NVML: {}", nvml.code),
        None => format!("NVML: {}", gpus.nvml.why().unwrap_or("unknown")),
    }
}

fn lacks_uvm(facts: &Facts) -> Vec<Hit> {
    let Some(gpus) = facts.known_gpus() else { return Vec::new() };
    let name = |node: &Node| node.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let has_gpu = gpus.nodes.iter().any(|node| {
        name(node)
            .strip_prefix("nvidia")
            .is_some_and(|index| !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()))
    });
    let has_uvm = gpus.nodes.iter().any(|node| name(node) == "nvidia-uvm");
    if !has_gpu || has_uvm {
        return Vec::new();
    }
    let nodes: Vec<String> = gpus.nodes.iter().map(|node| node.path.display().to_string()).collect();
    let evidence = vec![
        Evidence::of_fact(&facts.gpus, format!("nodes: {}; no /dev/nvidia-uvm", nodes.join(" "))),
        Evidence::of_fact(&gpus.nvml, devices_text(gpus)),
    ];
    let (cause, step) = match &facts.machine.container {
        Some(container) => (
            format!("/dev/nvidia-uvm is missing in this {container} container: CUDA does not work, nvidia-smi does"),
            Step::change(
                Changes::Host,
                "recreate the container with the device /dev/nvidia-uvm",
                "recreate it without the device",
            ),
        ),
        None => (
            "/dev/nvidia-uvm is missing: CUDA does not work, nvidia-smi does".to_owned(),
            Step::change(Changes::Host, "load nvidia_uvm and create its device node", "modprobe -r nvidia_uvm")
                .command(&["nvidia-modprobe", "-u", "-c=0"]),
        ),
    };
    let nobody = facts.gpu_services().next().is_none();
    vec![hit(None, cause, evidence, step).severity(nobody.then_some(Severity::Warning))]
}

/// Returns whether the modes of a node refuse a process.
fn refuses(node: &Node, process: &Process) -> Option<bool> {
    let uid = process.uid?;
    let by_group = process.groups.contains(&node.gid) && node.mode & 0o060 == 0o060;
    Some(uid != 0 && !by_group && node.mode & 0o006 != 0o006)
}

fn may_not_open_amd(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let gpus = facts.known_gpus()?;
    let is_amd = |node: &&Node| {
        let path = node.path.to_string_lossy();
        path == "/dev/kfd" || (path.starts_with("/dev/dri/renderD") && !gpus.amd.is_empty())
    };
    let is_for_gpus = matches!(service.service.role, Role::Llama | Role::Worker | Role::Whisper);
    if service.service.gpu == Some(false) || !(service.wants_gpu() || is_for_gpus) || service.uses_gpu() == Some(true) {
        return None;
    }
    let process = service.server();
    let node =
        gpus.nodes.iter().filter(is_amd).find(|node| match process.and_then(|process| refuses(node, process)) {
            Some(refused) => refused,
            // Its process cannot be read: what we may do ourselves is a hint.
            None => node.errno == EACCES,
        })?;
    let by_process = process.and_then(|process| refuses(node, process)).is_some();
    let path = node.path.display();
    let who = match process.and_then(|process| process.uid) {
        Some(uid) => format!("uid {uid}"),
        None => "its user".to_owned(),
    };
    let mode = node.mode & 0o7777;
    let cause = format!("{who} cannot open {path}: mode {mode:04o}, group {}, which it is not a member of", node.gid);
    let shown =
        Evidence::of_fact(&facts.gpus, format!("{path}: mode {mode:04o}, gid {}, errno {}", node.gid, node.errno));
    let second = match process {
        Some(process) => {
            let groups: Vec<String> = process.groups.iter().map(u32::to_string).collect();
            Evidence::of_process(service, process, format!("pid {}: {who}, groups {}", process.pid, groups.join(" ")))
        }
        None => Evidence::of_state(service),
    };
    let gid = node.gid.to_string();
    let user = service.settings().and_then(|settings| settings.user.clone());
    let step = match (&facts.machine.container, user) {
        (Some(_), _) => Step::change(
            Changes::Host,
            format!("recreate the container with --group-add {gid}"),
            "recreate it without the group",
        ),
        (None, Some(user)) => Step::change(
            Changes::Host,
            format!("add {user} to group {gid}, then restart {}", service.name()),
            format!("gpasswd -d {user} GROUP, where GROUP is the name of group {gid}"),
        )
        .command(&["usermod", "-aG", &gid, &user]),
        (None, None) => Step::change(
            Changes::Host,
            format!("add {who} to group {gid}, then restart {}", service.name()),
            format!("remove {who} from group {gid}"),
        ),
    };
    let severity = (!service.wants_gpu()).then_some(Severity::Warning);
    Some(hit(Some(service), cause, vec![shown, second], step).confidence(proven_if(by_process)).severity(severity))
}

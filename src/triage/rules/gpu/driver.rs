//! The driver and its library: there, loaded, of one version.

use super::{all_answer, code, has_gpu_node, nvml_code, severity, show_files, show_nvml, who_wants};
use crate::triage::facts::Facts;
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::{Check, Need, Rule};

const MISMATCH: &str = "API mismatch";

pub(super) const GPU_01: Rule = Rule {
    id: "GPU-01",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Critical,
    title: "There is no GPU driver here",
    why: "Neither the library of the NVIDIA driver nor its kernel module nor a device node is there, and no AMD card. \
          Where no service should use a GPU that is only information. It is no broken driver.",
    explains: &["LLM-14", "WRK-03", "WHS-02", "WHS-04"],
    needs: &[Need::Gpu],
    signs: &[],
    check: Check::Node(has_no_driver),
};

pub(super) const GPU_02: Rule = Rule {
    id: "GPU-02",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Critical,
    title: "The GPU is there and the library of its driver is not",
    why: "Device nodes exist and libnvidia-ml.so.1 does not: a container that was made without the capability \
          `utility`, or a driver that is installed in part. The GPU itself may work: a warning where every service \
          that wants one has it.",
    explains: &["WHS-04"],
    needs: &[Need::Gpu],
    signs: &[],
    check: Check::Node(lacks_the_library),
};

pub(super) const GPU_03: Rule = Rule {
    id: "GPU-03",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Critical,
    title: "The kernel module of the GPU is not loaded",
    why: "NVML answers 9: its library is there, the kernel module is not in use. After an update of the kernel it was \
          not built for the new one, or nouveau has the card. It is no different version (GPU-04).",
    explains: &["LLM-14", "WRK-03", "WHS-02", "WHS-04", "CUD-02", "CUD-03"],
    needs: &[Need::Gpu],
    signs: &[],
    check: Check::Node(is_not_loaded),
};

pub(super) const GPU_04: Rule = Rule {
    id: "GPU-04",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Critical,
    title: "The GPU driver and its library have different versions",
    why: "The loaded kernel module has another version than libnvidia-ml.so.1 (NVML 18): packages were updated, \
          mostly unattended, and the old module is still loaded. Processes that were started before go on; new ones \
          fail.",
    explains: &["LLM-14", "WRK-03", "WHS-02", "WHS-04", "CUD-03"],
    needs: &[Need::Gpu],
    signs: &[MISMATCH],
    check: Check::Node(has_two_versions),
};

fn has_no_driver(facts: &Facts) -> Vec<Hit> {
    let Some(gpus) = facts.known_gpus() else { return Vec::new() };
    let is_absent = nvml_code(facts) == Some(code::LIBRARY_NOT_FOUND)
        && gpus.module_version.is_none()
        && gpus.nodes.iter().all(|node| !node.path.to_string_lossy().contains("nvidia"))
        && gpus.amd.is_empty();
    if !is_absent {
        return Vec::new();
    }
    let wanted = who_wants(facts);
    let cause = format!("no NVIDIA driver and no AMD card on this machine{wanted}");
    let step = match wanted.is_empty() {
        true => Step::inspect("nothing, unless a service should use a GPU"),
        false => Step::inspect(
            "run these services on a machine with a GPU, or give this one its driver (in a container: the GPU)",
        ),
    };
    vec![hit(None, cause, vec![show_nvml(&gpus.nvml), show_files(facts, gpus)], step).severity(severity(facts))]
}

fn lacks_the_library(facts: &Facts) -> Vec<Hit> {
    let Some(gpus) = facts.known_gpus() else { return Vec::new() };
    if nvml_code(facts) != Some(code::LIBRARY_NOT_FOUND) || !has_gpu_node(gpus) {
        return Vec::new();
    }
    let all_have_it = facts.gpu_services().all(|service| service.uses_gpu() == Some(true));
    let severity = severity(facts).or(all_have_it.then_some(Severity::Warning));
    let evidence = vec![show_nvml(&gpus.nvml), show_files(facts, gpus)];
    let (cause, step) = match &facts.machine.container {
        Some(container) => (
            format!(
                "the GPU is in this {container} container without the library of its driver (capability `utility`)"
            ),
            Step::change(
                Changes::Host,
                "make the container anew with NVIDIA_DRIVER_CAPABILITIES=compute,utility",
                "make it anew with the old value",
            ),
        ),
        None => (
            "the GPU is there, and libnvidia-ml.so.1 is not installed".to_owned(),
            Step::change(
                Changes::Host,
                format!("install the user libraries of driver {}", gpus.module_version.as_deref().unwrap_or("in use")),
                "remove the package again",
            ),
        ),
    };
    vec![hit(None, cause, evidence, step).severity(severity)]
}

fn is_not_loaded(facts: &Facts) -> Vec<Hit> {
    let Some(gpus) = facts.known_gpus() else { return Vec::new() };
    if nvml_code(facts) != Some(code::DRIVER_NOT_LOADED) {
        return Vec::new();
    }
    let wanted = who_wants(facts);
    let (cause, step) = if gpus.has_nouveau {
        (
            format!("nouveau has the GPU, so the NVIDIA driver is not loaded{wanted}"),
            Step::change(
                Changes::Host,
                "keep nouveau from being loaded (`blacklist nouveau` in /etc/modprobe.d/nouveau.conf), then reboot",
                "rm /etc/modprobe.d/nouveau.conf, then reboot",
            ),
        )
    } else if gpus.module_version.is_some() {
        (
            format!("the kernel module is loaded and NVML does not reach it: device nodes are missing{wanted}"),
            Step::change(Changes::Host, "make the device nodes", "rm /dev/nvidia0 /dev/nvidiactl")
                .command(&["nvidia-modprobe", "-c=0"]),
        )
    } else {
        (
            format!("the kernel module of the NVIDIA driver is not loaded (kernel {}){wanted}", facts.machine.kernel),
            Step::change(
                Changes::Host,
                "load the module; if there is none, build it for this kernel",
                "modprobe -r nvidia",
            )
            .command(&["modprobe", "nvidia"]),
        )
    };
    let severity = if gpus.has_nouveau { severity(facts).map(|_| Severity::Warning) } else { severity(facts) };
    vec![hit(None, cause, vec![show_nvml(&gpus.nvml), show_files(facts, gpus)], step).severity(severity)]
}

fn has_two_versions(facts: &Facts) -> Vec<Hit> {
    let Some(gpus) = facts.known_gpus() else { return Vec::new() };
    let nvml_says = nvml_code(facts) == Some(code::VERSION_MISMATCH);
    let versions = gpus.module_version.as_deref().zip(gpus.library_version.as_deref());
    let differ = versions.is_some_and(|(module, library)| module != library);
    // Where NVML answers, it uses a library that fits.
    if !(nvml_says || differ) || all_answer(facts) || nvml_code(facts) == Some(0) {
        return Vec::new();
    }
    let of_versions = versions.filter(|_| differ).map_or_else(String::new, |(module, library)| {
        format!(": the kernel module is {module}, the library {library}")
    });
    let cause = format!("GPU driver and library have different versions{of_versions}{}", who_wants(facts));
    let mut evidence = vec![show_nvml(&gpus.nvml), show_files(facts, gpus)];
    let line =
        facts.kernel.known().and_then(|kernel| kernel.lines.iter().rev().find(|line| line.text.contains(MISMATCH)));
    evidence.extend(line.map(Evidence::of_line));
    let step = Step::change(
        Changes::Host,
        "reboot in a window, or load the nvidia modules anew while nothing uses the GPU; hold the driver package",
        "install the old library version again, if the new driver fails",
    )
    .command(&["systemctl", "reboot"]);
    let confidence = proven_if(differ || line.is_some());
    vec![hit(None, cause, evidence, step).confidence(confidence).severity(severity(facts))]
}

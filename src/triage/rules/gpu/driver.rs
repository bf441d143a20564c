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
    title: "no GPU driver is installed",
    why: "There is no NVIDIA driver library, no kernel module, no device node, and no AMD card. If no service should \
          use a GPU, this is informational. It is not a broken driver.",
    explains: &["LLM-14", "WRK-03", "WRK-05", "WHS-02", "WHS-04"],
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
    title: "the GPU is present but its driver library is missing",
    why: "Device nodes exist but libnvidia-ml.so.1 does not: the container was created without the `utility` \
          capability, or the driver is only partly installed. The GPU itself may work; if every service that needs one \
          uses it, this is a warning.",
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
    title: "the NVIDIA kernel module is not loaded",
    why: "NVML returns 9: its library is installed, but the kernel module is not loaded. After a kernel update it was \
          not rebuilt, or nouveau is driving the card. A version mismatch is GPU-04.",
    explains: &["LLM-14", "WRK-03", "WRK-05", "WHS-02", "WHS-04", "CUD-02", "CUD-03"],
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
    title: "the versions of the GPU driver and its library differ",
    why: "The loaded kernel module and libnvidia-ml.so.1 have different versions (NVML 18): packages were updated, \
          usually by unattended upgrades, and the old module is still loaded. Processes that are already running \
          continue; new ones fail.",
    explains: &["LLM-14", "WRK-03", "WRK-05", "WHS-02", "WHS-04", "CUD-03"],
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
        true => Step::inspect("nothing to do, unless a service should use a GPU"),
        false => Step::inspect(
            "run these services on a machine with a GPU, or install the driver here (in a container: pass the GPU \
             through)",
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
            format!("this {container} container has the GPU but not its driver library (capability `utility`)"),
            Step::change(
                Changes::Host,
                "recreate the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility",
                "recreate it with the old value",
            ),
        ),
        None => (
            "the GPU is present but libnvidia-ml.so.1 is not installed".to_owned(),
            Step::change(
                Changes::Host,
                format!(
                    "install the user-space libraries of driver {}",
                    gpus.module_version.as_deref().unwrap_or("in use")
                ),
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
            format!("nouveau is driving the GPU, so the NVIDIA driver is not loaded{wanted}"),
            Step::change(
                Changes::Host,
                "keep nouveau from being loaded (`blacklist nouveau` in /etc/modprobe.d/nouveau.conf), then reboot",
                "rm /etc/modprobe.d/nouveau.conf, then reboot",
            ),
        )
    } else if gpus.module_version.is_some() {
        (
            format!("the kernel module is loaded but NVML cannot reach it: device nodes are missing{wanted}"),
            Step::change(Changes::Host, "create the device nodes", "rm /dev/nvidia0 /dev/nvidiactl")
                .command(&["nvidia-modprobe", "-c=0"]),
        )
    } else {
        (
            format!("the kernel module of the NVIDIA driver is not loaded (kernel {}){wanted}", facts.machine.kernel),
            Step::change(
                Changes::Host,
                "load the module; if it does not exist, build it for this kernel",
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
    let cause = format!("the versions of the GPU driver and its library differ{of_versions}{}", who_wants(facts));
    let mut evidence = vec![show_nvml(&gpus.nvml), show_files(facts, gpus)];
    let line =
        facts.kernel.known().and_then(|kernel| kernel.lines.iter().rev().find(|line| line.text.contains(MISMATCH)));
    evidence.extend(line.map(Evidence::of_line));
    let step = Step::change(
        Changes::Host,
        "reboot in a maintenance window, or reload the nvidia modules while nothing uses the GPU; hold the driver \
         package",
        "reinstall the old library version if the new driver fails",
    )
    .command(&["systemctl", "reboot"]);
    let confidence = proven_if(differ || line.is_some());
    vec![hit(None, cause, evidence, step).confidence(confidence).severity(severity(facts))]
}

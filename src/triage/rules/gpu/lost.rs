//! GPUs that were there and no longer answer.

use super::{all_answer, code, has_gpu_node, has_node, nvml_code, severity, show_files, show_nvml, who_wants, xid};
use crate::node::Outcome;
use crate::triage::facts::Facts;
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::{Check, Need, Rule};

const OFF_THE_BUS: &str = "fallen off the bus";
const EPERM: i32 = 1;

pub(super) const GPU_05: Rule = Rule {
    id: "GPU-05",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Critical,
    title: "the container has lost its GPU devices",
    why: "NVML returns an unknown error or is blocked although the device nodes exist: the container's cgroup no \
          longer allows the devices, usually after `systemctl daemon-reload` on the host. The host itself is fine. \
          Outside a container, the same code appears after suspend and resume.",
    explains: &["LLM-14", "WRK-03", "WRK-05", "WHS-02", "WHS-04", "CUD-02"],
    needs: &[Need::Gpu],
    signs: &[],
    check: Check::Node(has_lost_devices),
};

pub(super) const GPU_06: Rule = Rule {
    id: "GPU-06",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Host,
    severity: Severity::Critical,
    title: "a GPU has fallen off the bus",
    why: "NVML reports that a GPU is lost, or the kernel logged Xid 79: the card no longer responds over PCIe because \
          of power, heat, its seating or a defect. If the GPU responds to the probe now, this is only a warning. \
          Restarting services does not help.",
    explains: &["GPU-07", "GPU-10", "LLM-12", "LLM-14", "WRK-03", "WRK-05", "WHS-02"],
    needs: &[Need::Gpu, Need::Kernel],
    signs: &[OFF_THE_BUS],
    check: Check::Node(is_off_the_bus),
};

pub(super) const GPU_10: Rule = Rule {
    id: "GPU-10",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Critical,
    title: "the GPU driver hangs",
    why: "The process that queried NVML did not return and is waiting in the kernel (state D), where no signal reaches \
          it. Every further nvidia-smi would hang in the same way. A process in another state is only slow (GPU-11).",
    explains: &["GPU-11", "LLM-10", "LLM-11", "LLM-14", "WRK-03", "WRK-05", "WHS-02"],
    needs: &[],
    signs: &[],
    check: Check::Node(hangs),
};

pub(super) const GPU_11: Rule = Rule {
    id: "GPU-11",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Driver,
    severity: Severity::Unknown,
    title: "the GPU did not respond in time",
    why: "The process that queried NVML did not finish in time but was not stuck in the kernel: the machine is busy, \
          or the driver initializes the GPU for every query because persistence mode is off. The state of the GPU is \
          unknown.",
    explains: &[],
    needs: &[],
    signs: &[],
    check: Check::Node(is_slow),
};

fn has_lost_devices(facts: &Facts) -> Vec<Hit> {
    let Some(gpus) = facts.known_gpus() else { return Vec::new() };
    let answer = nvml_code(facts);
    let is_bad = matches!(answer, Some(code::UNKNOWN | code::OPERATING_SYSTEM | code::NO_PERMISSION));
    // A mode that allows everybody and an open that is refused: the control group refuses.
    let blocked = gpus.nodes.iter().find(|node| node.errno == EPERM && node.mode & 0o006 == 0o006);
    if !is_bad || !(has_gpu_node(gpus) || has_node(gpus, "nvidiactl")) {
        return Vec::new();
    }
    let mut evidence = vec![show_nvml(&gpus.nvml), show_files(facts, gpus)];
    evidence.extend(blocked.map(|node| {
        let text =
            format!("{}: mode {:04o}, open fails with errno {}", node.path.display(), node.mode & 0o7777, node.errno);
        Evidence::of_fact(&facts.gpus, text)
    }));
    let wanted = who_wants(facts);
    let code = answer.unwrap_or(code::UNKNOWN);
    let (cause, step, is_sure) = match (&facts.machine.container, code) {
        (_, code::NO_PERMISSION) if blocked.is_none() => (
            format!("no permission to query the GPU (NVML {code}): uid {}{wanted}", facts.machine.uid),
            Step::inspect("check the modes of the device nodes").command(&[
                "ls",
                "-la",
                "/dev/nvidiactl",
                "/dev/nvidia0",
            ]),
            true,
        ),
        (Some(container), _) => (
            format!("this {container} container has lost its GPU devices (NVML {code}){wanted}"),
            Step::change(
                Changes::Host,
                "recreate the container on its host; to fix it for good, use CDI, or cgroupfs as the cgroup driver",
                "none: the new container is the same as the old one",
            ),
            true,
        ),
        (None, _) => (
            format!("the GPU driver returns an unknown error (NVML {code}){wanted}"),
            Step::change(Changes::Host, "unload and load nvidia_uvm while nothing uses the GPU", "modprobe nvidia_uvm")
                .command(&["modprobe", "-r", "nvidia_uvm"]),
            blocked.is_some(),
        ),
    };
    vec![hit(None, cause, evidence, step).confidence(proven_if(is_sure)).severity(severity(facts))]
}

fn is_off_the_bus(facts: &Facts) -> Vec<Hit> {
    let Some(gpus) = facts.known_gpus() else { return Vec::new() };
    let lost = facts.nvml().and_then(|nvml| nvml.devices.iter().find(|device| device.code == code::GPU_IS_LOST));
    let is_lost = lost.is_some() || nvml_code(facts) == Some(code::GPU_IS_LOST);
    let kernel = facts.kernel.known();
    let event = kernel.and_then(|kernel| {
        let by_number = kernel.xids.iter().rev().find(|xid| xid.number == 79).map(|xid| &xid.line);
        by_number.or_else(|| kernel.lines.iter().rev().find(|line| line.text.contains(OFF_THE_BUS)))
    });
    let event = event.filter(|line| xid::is_of_this_boot(facts, line));
    let answers = all_answer(facts);
    let severity = match (is_lost, event) {
        (true, _) => None,
        // An old event of a GPU that answers is history.
        (false, Some(line)) if answers && facts.is_recent(line) => Some(Severity::Warning),
        (false, Some(_)) if answers => return Vec::new(),
        (false, Some(_)) => None,
        (false, None) => return Vec::new(),
    };
    let which = lost.map_or_else(String::new, |device| format!(" {} ({})", device.index, device.name));
    let cause = match severity {
        None => format!("GPU{which} has fallen off the bus{}", who_wants(facts)),
        Some(_) => "a GPU had fallen off the bus and responds again".to_owned(),
    };
    let mut evidence: Vec<Evidence> = event.map(Evidence::of_line).into_iter().collect();
    evidence.push(match lost {
        Some(device) => Evidence::of_fact(&gpus.nvml, format!("GPU {}: NVML 15 (GPU is lost)", device.index)),
        None => show_nvml(&gpus.nvml),
    });
    evidence.push(show_files(facts, gpus));
    let step = match severity {
        None => Step::change(
            Changes::Host,
            "save a report (nvidia-bug-report.sh), drain the node, then power-cycle it",
            "none: put the node back into service when the GPU responds",
        )
        .command(&["nvidia-bug-report.sh"]),
        Some(_) => Step::inspect(
            "save a report now; check the card's power, cooling and seating in the next \
                                  maintenance window",
        )
        .command(&["nvidia-bug-report.sh"]),
    };
    vec![hit(None, cause, evidence, step).severity(severity)]
}

fn hangs(facts: &Facts) -> Vec<Hit> {
    let Some(gpus) = facts.known_gpus() else { return Vec::new() };
    let Some(('D', wchan)) = &gpus.stuck else { return Vec::new() };
    let place = wchan.as_ref().map_or_else(String::new, |wchan| format!(" in {wchan}"));
    let cause =
        format!("the GPU driver hangs: a process that queried it is waiting in the kernel{place}{}", who_wants(facts));
    let evidence = vec![
        show_nvml(&gpus.nvml),
        Evidence::of_fact(&facts.gpus, format!("process that queried NVML: state D{place}")),
        show_files(facts, gpus),
    ];
    let step = Step::change(
        Changes::Host,
        "do not run nvidia-smi again; drain the node and reboot it in a maintenance window",
        "none: a reboot loads the same driver again",
    )
    .command(&["systemctl", "reboot"]);
    vec![hit(None, cause, evidence, step).severity(severity(facts))]
}

fn is_slow(facts: &Facts) -> Vec<Hit> {
    let Some(gpus) = facts.known_gpus() else { return Vec::new() };
    let is_late = matches!(gpus.nvml.outcome, Outcome::TimedOut { .. });
    if !is_late || matches!(gpus.stuck, Some(('D', _))) {
        return Vec::new();
    }
    let state = gpus.stuck.as_ref().map_or_else(|| "unknown".to_owned(), |(state, _)| state.to_string());
    let cause =
        format!("the GPU did not respond in time (state of the querying process: {state}); it may just be slow");
    let evidence = vec![
        show_nvml(&gpus.nvml),
        Evidence::of_fact(&facts.gpus, format!("process that queried NVML: state {state}")),
    ];
    let step = Step::inspect("query it again; if it is always slow, turn persistence mode on").command(&[
        "nvidia-smi",
        "--query-gpu=persistence_mode",
        "--format=csv",
    ]);
    vec![hit(None, cause, evidence, step).confidence(Confidence::Possible)]
}

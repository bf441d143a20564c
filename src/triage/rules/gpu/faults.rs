//! Memory that wears out, and clocks that are held down.

use crate::node::gpu::Device;
use crate::triage::facts::Facts;
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit};
use crate::triage::rules::{Check, Need, Rule};

/// Bits of NVML's clock event reasons that are no normal work: idle, application clocks and the power cap are.
const THROTTLES: &[(u64, &str)] =
    &[(0x08, "hardware slowdown"), (0x20, "heat (software)"), (0x40, "heat (hardware)"), (0x80, "power brake")];

pub(super) const GPU_12: Rule = Rule {
    id: "GPU-12",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Host,
    severity: Severity::Critical,
    title: "GPU memory is failing and must be remapped or replaced",
    why: "Row remapping failed: the card has no spare rows left and must be replaced. Remapping pending: the next \
          reset swaps in a spare row, and running work is not affected; that is only a warning.",
    explains: &[],
    needs: &[Need::Gpu],
    signs: &[],
    check: Check::Node(is_worn),
};

pub(super) const GPU_13: Rule = Rule {
    id: "GPU-13",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Host,
    severity: Severity::Warning,
    title: "a GPU is throttled by heat or power",
    why: "Two samples show that the clocks are held down by heat, the hardware or the power supply. The power cap \
          under load and low clocks when idle are normal and not reported. No software change helps.",
    explains: &["LLM-17"],
    needs: &[Need::Gpu],
    signs: &[],
    check: Check::Node(is_throttled),
};

fn of_device(facts: &Facts, text: String) -> Evidence {
    Evidence::new("NVML", Some(facts.gpus.time), text)
}

fn identity(device: &Device) -> String {
    let uuid = device.uuid.as_deref().unwrap_or("no UUID");
    format!("GPU {} {}, {uuid}, {}", device.index, device.name, device.pci.as_deref().unwrap_or("no address"))
}

fn is_worn(facts: &Facts) -> Vec<Hit> {
    let worn =
        facts.devices().iter().filter(|device| device.remap_failed == Some(true) || device.remap_pending == Some(true));
    worn.map(|device| {
        let index = device.index.to_string();
        let has_failed = device.remap_failed == Some(true);
        let shown = format!("row remapper: failure {has_failed}, pending {}", device.remap_pending == Some(true));
        let evidence = vec![of_device(facts, shown), of_device(facts, identity(device))];
        let (cause, step) = if has_failed {
            (
                format!("GPU {index} ({}) has no spare memory rows left: remapping failed", device.name),
                Step::inspect("drain this GPU and have it replaced; keep the report").command(&[
                    "nvidia-smi",
                    "-q",
                    "-d",
                    "ROW_REMAPPER",
                    "-i",
                    &index,
                ]),
            )
        } else {
            (
                format!("GPU {index} ({}) will remap a memory row at its next reset", device.name),
                Step::change(
                    Changes::Host,
                    format!("reset GPU {index} in the next maintenance window; running work is not affected"),
                    "none: start its services again afterwards",
                )
                .command(&["nvidia-smi", "--gpu-reset", "-i", &index]),
            )
        };
        hit(None, cause, evidence, step).severity((!has_failed).then_some(Severity::Warning))
    })
    .collect()
}

fn is_throttled(facts: &Facts) -> Vec<Hit> {
    let throttled = facts.devices().iter().filter_map(|device| {
        let [first, .., last] = device.clock_events.as_slice() else { return None };
        let both = first & last;
        let reasons: Vec<&str> = THROTTLES.iter().filter(|(bit, _)| both & bit != 0).map(|(_, name)| *name).collect();
        (!reasons.is_empty()).then_some((device, reasons, *first, *last))
    });
    throttled
        .map(|(device, reasons, first, last)| {
            let index = device.index.to_string();
            let heat = device.temperature.map_or_else(String::new, |celsius| format!(" at {celsius} °C"));
            let cause = format!("GPU {index} ({}) is throttled: {}{heat}", device.name, reasons.join(", "));
            let evidence = vec![
                of_device(facts, format!("GPU {index}: clock events {first:#x}, later {last:#x}{heat}")),
                of_device(facts, identity(device)),
            ];
            let step = Step::inspect("check the cooling and power supply of the card; no software change helps")
                .command(&["nvidia-smi", "-q", "-d", "PERFORMANCE,TEMPERATURE,POWER", "-i", &index]);
            hit(None, cause, evidence, step)
        })
        .collect()
}

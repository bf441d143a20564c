//! The facts of a look without a verdict.

use crate::clock::Timestamp;
use crate::node::Fact;
use crate::node::endpoint::Answer;
use crate::node::gpu::Device;
use crate::node::log::LogFacts;
use crate::triage::facts::{Facts, ServiceFacts, TorchFacts};
use crate::triage::show::{Line, Lines, Tone, size_and_age, state_line, when};
use crate::ui::units::{bytes, plural};

/// Models of a folder that are listed.
const MODELS: usize = 20;

pub fn lines(facts: &Facts, is_selected: &dyn Fn(&str) -> bool, width: usize) -> Vec<Line> {
    let mut lines = Lines::new(width);
    node(&mut lines, facts);
    let selected: Vec<&ServiceFacts> = facts.services.iter().filter(|service| is_selected(service.name())).collect();
    for service in selected {
        one(&mut lines, service, facts.taken);
    }
    lines.into_vec()
}

/// Adds what was read, or the reason why it was not.
fn reading<T>(lines: &mut Lines, label: &str, fact: &Fact<T>, show: impl FnOnce(&mut Lines, &T)) {
    match fact.known() {
        Some(value) => show(lines, value),
        None => lines.field(label, &format!("unknown: {}", fact.why().unwrap_or("no reason given"))),
    }
}

fn node(lines: &mut Lines, facts: &Facts) {
    let machine = &facts.machine;
    let container = machine.container.as_ref().map(|container| format!(", in {container}")).unwrap_or_default();
    lines.wrapped(
        Tone::Bold,
        "",
        &format!("{}, Linux {}{container}, {}", machine.host, machine.kernel, facts.taken.rfc3339()),
    );
    reading(lines, "memory", &machine.memory, |lines, memory| {
        lines.field("memory", &format!("{} available of {}", bytes(memory.available), bytes(memory.total)));
        for (pid, name, rss) in &memory.largest {
            lines.field("", &format!("{} {name} (pid {pid})", bytes(*rss)));
        }
    });
    reading(lines, "gpu", &facts.gpus, |lines, gpus| {
        reading(lines, "gpu", &gpus.nvml, |lines, nvml| {
            if nvml.devices.is_empty() {
                lines.field("gpu", &format!("none by NVML (code {})", nvml.code));
            }
            nvml.devices.iter().for_each(|device| gpu(lines, device));
        });
        for card in &gpus.amd {
            let memory = card.memory_used.zip(card.memory_total);
            let memory = memory.map(|(used, total)| format!(", {} used of {}", bytes(used), bytes(total)));
            lines.field("gpu", &format!("{}{}", card.card, memory.unwrap_or_default()));
        }
    });
    for disk in &machine.disks {
        reading(lines, "disk", disk, |lines, disk| {
            let free = format!("{} free of {}", bytes(disk.available), bytes(disk.total));
            let read_only = if disk.is_read_only { ", read-only" } else { "" };
            lines.field(
                "disk",
                &format!("{}: {free}{read_only} ({})", disk.mount_point.display(), disk.holds.join(", ")),
            );
        });
    }
    lines.empty();
}

fn gpu(lines: &mut Lines, device: &Device) {
    let memory = device.memory_used.zip(device.memory_total);
    let memory = memory.map(|(used, total)| format!(", {} used of {}", bytes(used), bytes(total))).unwrap_or_default();
    let busy = device.utilisation.map(|percent| format!(", {percent} % busy")).unwrap_or_default();
    let warm = device.temperature.map(|degrees| format!(", {degrees} °C")).unwrap_or_default();
    lines.field("gpu", &format!("{} {}{memory}{busy}{warm}", device.index, device.name));
    for (pid, used) in &device.processes {
        let used = used.map_or_else(|| "memory unknown".to_owned(), bytes);
        lines.field("", &format!("pid {pid}: {used}"));
    }
}

fn one(lines: &mut Lines, service: &ServiceFacts, now: Timestamp) {
    lines.wrapped(Tone::Bold, "", &state_line(service));
    for life in service.lives.iter().rev().take(3).rev() {
        let lasted = life.lasted_s.map(|seconds| format!(", {seconds:.1} s")).unwrap_or_default();
        lines.field("life", &format!("{}{lasted}: {}", when(life.began), life.end));
    }
    if let Some(fact) = &service.endpoint {
        reading(lines, "endpoint", fact, |lines, endpoint| {
            lines.field("endpoint", &format!("{}: {}", endpoint.url, answer(&endpoint.health)));
            reading(lines, "models", &endpoint.models, |lines, models| {
                let ids: Vec<&str> = models.iter().map(|(id, _)| id.as_str()).collect();
                lines.field("models", &if ids.is_empty() { "none listed".to_owned() } else { ids.join(", ") });
            });
        });
    }
    if let Some(fact) = &service.python {
        reading(lines, "python", fact, |lines, python| {
            let torch = python.torch_version.as_ref().map(|version| format!(", torch {version}")).unwrap_or_default();
            lines.field("python", &format!("{}{torch}", python.interpreter.display()));
        });
    }
    if let Some(fact) = &service.torch {
        reading(lines, "torch", fact, |lines, torch| lines.field("torch", &in_words(torch)));
    }
    if let Some(fact) = &service.model {
        reading(lines, "model", fact, |lines, model| {
            let view = model.service.known();
            let text = match view {
                Some(view) => size_and_age(Some(view.size), view.modified, now),
                None => model.service.why().unwrap_or("unknown").to_owned(),
            };
            lines.field("model", &format!("{}: {text}", model.path.display()));
            for (name, size) in model.neighbours.iter().take(MODELS) {
                lines.field("", &format!("{name}, {}", bytes(*size)));
            }
        });
    }
    for file in &service.app_files {
        let text = file.why.clone().unwrap_or_else(|| size_and_age(file.size, file.modified, now));
        lines.field("file", &format!("{}: {text}", file.path.display()));
    }
    for fact in &service.logs {
        match fact.known() {
            Some(log) => log_end(lines, log, now),
            None => lines.field("log", &format!("{}: {}", fact.source, fact.why().unwrap_or("unknown"))),
        }
    }
    lines.empty();
}

fn in_words(torch: &TorchFacts) -> String {
    match (torch.is_available, &torch.error) {
        (Some(true), _) => format!("sees {}", plural(u64::from(torch.devices), "GPU")),
        (Some(false), error) => format!("cannot use CUDA: {}", error.as_deref().unwrap_or("no reason given")),
        (None, error) => format!("cannot be imported: {}", error.as_deref().unwrap_or("no reason given")),
    }
}

fn log_end(lines: &mut Lines, log: &LogFacts, now: Timestamp) {
    lines.field("log", &format!("{}, {}", log.path.display(), size_and_age(Some(log.size), log.modified, now)));
    for line in &log.last {
        lines.whole(Tone::Dim, &format!("    {}", line.text));
    }
}

fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Http { code, seconds, .. } => format!("{code} in {:.0} ms", seconds * 1000.0),
        Answer::Refused => "refused".to_owned(),
        Answer::Silent { seconds } => format!("no response within {seconds:.1} s"),
        Answer::Unreachable { why } => format!("unreachable: {why}"),
        Answer::Garbage { why } => format!("not HTTP: {why}"),
        Answer::Tls => "https, which is not checked".to_owned(),
        Answer::NotAsked => "not checked".to_owned(),
    }
}

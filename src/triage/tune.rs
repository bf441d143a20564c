//! The smallest setting to change for what is seen now (pure): threads and parallelism first, then batch, context and
//! the size of the model, the GPU last and never while no GPU is seen.

use super::facts::{Facts, ServiceFacts};
use super::finding::Evidence;
use crate::model::service::Role;
use crate::node::log::LogLine;
use serde::Serialize;

/// One change of one setting.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Suggestion {
    pub service: String,
    /// `--threads`, `--parallel`, `--ctx-size`, `--n-gpu-layers`, …
    pub knob: String,
    pub from: String,
    pub to: String,
    pub why: String,
    pub evidence: Vec<Evidence>,
    /// Where it is set, as far as that is known.
    pub place: Option<String>,
    pub undo: String,
}

/// Share of time, in hundredths of a percent over a minute, from which on tasks wait for a processor.
const BUSY_CPU: u32 = 2_000;
/// The same for memory, where everything stands still meanwhile.
const THRASHING: u32 = 1_000;
/// The smallest context that is worth serving.
const SMALLEST_CONTEXT: u64 = 4_096;
/// Sizes of Whisper's models, the largest first.
const WHISPER: &[&str] = &["large-v3", "large-v2", "large", "medium", "small", "base", "tiny"];

/// Names the next setting to change; None where nothing that is seen asks for one.
pub fn next(facts: &Facts, only: Option<&str>) -> Option<Suggestion> {
    let services: Vec<&ServiceFacts> =
        facts.services.iter().filter(|service| only.is_none_or(|only| only == service.name())).collect();
    let steps: [fn(&Facts, &ServiceFacts) -> Option<Suggestion>; 7] =
        [threads, concurrency, context, parallel, whisper_size, fewer_layers, more_layers];
    steps.iter().find_map(|step| services.iter().find_map(|service| step(facts, service)))
}

fn suggest(
    service: &ServiceFacts,
    knob: &str,
    from: String,
    to: String,
    why: String,
    evidence: Vec<Evidence>,
) -> Suggestion {
    let place = service.settings().and_then(|settings| settings.place.as_ref());
    let place = place.map(|(path, line)| format!("{}:{line}", path.display()));
    let undo = format!("set {knob} back to {from}");
    Suggestion { service: service.name().to_owned(), knob: knob.to_owned(), from, to, why, evidence, place, undo }
}

fn number(service: &ServiceFacts, names: &[&str]) -> Option<u64> {
    service.argument(names)?.parse().ok() // a word that is no number is none that could be changed by one
}

const THREADS: &[&str] = &["-t", "--threads"];
const CONTEXT: &[&str] = &["-c", "--ctx-size"];
const PARALLEL: &[&str] = &["-np", "--parallel"];
const LAYERS: &[&str] = &["-ngl", "--gpu-layers", "--n-gpu-layers"];

fn command_line(service: &ServiceFacts, names: &[&str], value: u64) -> Evidence {
    let source =
        service.process().map_or_else(|| "command".to_owned(), |process| format!("/proc/{}/cmdline", process.pid));
    Evidence::new(source, None, format!("{} {value}", names.last().unwrap_or(&"")))
}

/// More threads than cores while tasks wait for a processor: threads that spin at barriers cost each other their time.
fn threads(facts: &Facts, service: &ServiceFacts) -> Option<Suggestion> {
    let pressure = facts.machine.pressure.known()?;
    let cpus = u64::from(facts.machine.cpus?);
    let threads = number(service, THREADS)?;
    if service.service.role != Role::Llama || threads <= cpus || pressure.cpu_some.avg60 < BUSY_CPU {
        return None;
    }
    let waits = f64::from(pressure.cpu_some.avg60) / 100.0;
    let evidence = vec![
        command_line(service, THREADS, threads),
        Evidence::new(
            &facts.machine.pressure.source,
            Some(facts.machine.pressure.time),
            format!("cpu some avg60={waits:.2}"),
        ),
    ];
    let why =
        format!("{threads} threads on {cpus} cores, and tasks waited for a CPU for {waits:.0} % of the last minute");
    Some(suggest(service, "--threads", threads.to_string(), cpus.to_string(), why, evidence))
}

/// A queue that grows while processors are idle asks for one more at once; busy processors for one less.
fn concurrency(facts: &Facts, service: &ServiceFacts) -> Option<Suggestion> {
    const NAMES: &[&str] = &["--concurrency", "-c", "--max-concurrency", "--workers"];
    if service.service.role != Role::Worker {
        return None;
    }
    let now = number(service, NAMES)?;
    let queue = service.queue.as_ref()?;
    let backlog = queue.known()?.backlog.filter(|backlog| *backlog > 0)?;
    let pressure = facts.machine.pressure.known()?.cpu_some.avg60;
    let (to, words) = if pressure >= BUSY_CPU && now > 1 {
        (now.checked_sub(1)?, "the CPUs are busy")
    } else if pressure < BUSY_CPU / 2 {
        (now.checked_add(1)?, "the CPUs are idle")
    } else {
        return None;
    };
    let waits = f64::from(pressure) / 100.0;
    let evidence = vec![
        Evidence::new(&queue.source, Some(queue.time), format!("backlog {backlog}")),
        Evidence::new(
            &facts.machine.pressure.source,
            Some(facts.machine.pressure.time),
            format!("cpu some avg60={waits:.2}"),
        ),
    ];
    let why = format!("{backlog} tasks are waiting in the queue and {words}");
    Some(suggest(service, "--concurrency", now.to_string(), to.to_string(), why, evidence))
}

/// A machine that moves memory to and fro needs a smaller context before anything else.
fn context(facts: &Facts, service: &ServiceFacts) -> Option<Suggestion> {
    let pressure = facts.machine.pressure.known()?;
    let memory = facts.machine.memory.known()?;
    if service.service.role != Role::Llama || pressure.memory_full.avg60 < THRASHING {
        return None;
    }
    let context = number(service, CONTEXT).or_else(|| {
        let slots = service.endpoint()?.samples.last()?.slots.known()?;
        let total: u64 = slots.iter().filter_map(|slot| slot.context).sum();
        (total > 0).then_some(total)
    })?;
    let smaller = (context / 2).max(SMALLEST_CONTEXT);
    if smaller >= context {
        return None;
    }
    let waits = f64::from(pressure.memory_full.avg60) / 100.0;
    let evidence = vec![
        Evidence::new(
            &facts.machine.pressure.source,
            Some(facts.machine.pressure.time),
            format!("memory full avg60={waits:.2}"),
        ),
        Evidence::new(
            &facts.machine.memory.source,
            Some(facts.machine.memory.time),
            format!("available {} MiB", memory.available >> 20),
        ),
    ];
    let why = format!("all tasks were stalled on memory for {waits:.0} % of the last minute");
    Some(suggest(service, "--ctx-size", context.to_string(), smaller.to_string(), why, evidence))
}

/// Requests that wait in two samples while every slot is busy: one slot more, where memory allows it.
fn parallel(facts: &Facts, service: &ServiceFacts) -> Option<Suggestion> {
    let endpoint = service.endpoint()?;
    let deferred = |sample: &crate::node::endpoint::Sample| sample.metrics.known()?.deferred.filter(|n| *n > 0.0);
    let waiting: Vec<f64> = endpoint.samples.iter().filter_map(deferred).collect();
    let slots = endpoint.samples.last()?.slots.known()?;
    if service.service.role != Role::Llama || waiting.len() < 2 || slots.iter().any(|slot| !slot.is_processing) {
        return None;
    }
    let now = number(service, PARALLEL).unwrap_or(slots.len() as u64).max(1);
    let resident: u64 = service.all_processes().filter_map(|process| process.rss).sum();
    let memory = facts.machine.memory.known()?;
    // A slot more takes at most its share of what the server has; on a GPU its memory is not known here.
    if memory.available < resident / now {
        return None;
    }
    let evidence = vec![
        Evidence::new(&endpoint.url, None, format!("requests_deferred {} and {}", waiting.first()?, waiting.last()?)),
        Evidence::new(&endpoint.url, None, format!("{} of {} slots are processing", slots.len(), slots.len())),
    ];
    let why = format!("{:.0} requests are waiting while all {} slots are busy", waiting.last()?, slots.len());
    Some(suggest(service, "--parallel", now.to_string(), now.checked_add(1)?.to_string(), why, evidence))
}

/// A Whisper whose model leaves no memory needs the next smaller one.
fn whisper_size(facts: &Facts, service: &ServiceFacts) -> Option<Suggestion> {
    if service.service.role != Role::Whisper {
        return None;
    }
    let model = service.argument(&["--model", "-m", "--whisper-model"])?;
    let at = WHISPER.iter().position(|name| model == *name || model.ends_with(&format!("-{name}")))?;
    let smaller = WHISPER.get(at.checked_add(1)?)?;
    let memory = facts.machine.memory.known()?;
    let is_short = memory.available < memory.total / 20;
    let line = service.line_of_trouble(&["out of memory"]);
    if !is_short && line.is_none() {
        return None;
    }
    let mut evidence: Vec<Evidence> = line.into_iter().map(Evidence::of_line).collect();
    let free = format!("available {} of {} MiB", memory.available >> 20, memory.total >> 20);
    evidence.push(Evidence::new(&facts.machine.memory.source, Some(facts.machine.memory.time), free));
    evidence.push(Evidence::new("command", None, format!("--model {model}")));
    let why = "its model leaves no memory".to_owned();
    Some(suggest(service, "--model", model, (*smaller).to_owned(), why, evidence))
}

/// Returns free bytes of the GPU with the most, where a GPU is seen.
fn free_on_gpu(facts: &Facts) -> Option<u64> {
    let nvml = facts.gpus.known()?.nvml.known().filter(|nvml| nvml.code == 0)?;
    nvml.devices.iter().filter(|device| device.code == 0).filter_map(|device| device.memory_free).max()
}

/// Returns how many of how many layers a log says are offloaded: `offloaded 20/33 layers to GPU`.
fn offloaded(lines: &[&LogLine]) -> Option<(u64, u64, Evidence)> {
    lines.iter().rev().find_map(|line| {
        let (part, all) = line.text.split_once("offloaded ")?.1.split_whitespace().next()?.split_once('/')?;
        Some((part.parse().ok()?, all.parse().ok()?, Evidence::of_line(line))) // other words than numbers are another line
    })
}

/// Memory of the GPU that ran out at a load: a tenth of the layers less.
fn fewer_layers(facts: &Facts, service: &ServiceFacts) -> Option<Suggestion> {
    free_on_gpu(facts)?;
    let line = service
        .line_of_trouble(&["cudaMalloc failed"])
        .or_else(|| service.line_of_trouble(&["unable to allocate CUDA"]))?;
    let known = offloaded(&service.lines_of_trouble());
    let named = number(service, LAYERS);
    let now = match (known.as_ref(), named) {
        (Some((part, _, _)), _) => *part,
        // `-ngl 99` means all of them, and how many that is was not seen.
        (None, Some(named)) if named < 99 => named,
        _ => return None,
    };
    let fewer = now.checked_sub((now / 10).max(1))?;
    let mut evidence = vec![Evidence::of_line(line)];
    match known {
        Some((_, _, line)) => evidence.push(line),
        None => evidence.push(command_line(service, LAYERS, now)),
    }
    let why = format!("{now} layers do not fit in GPU memory");
    Some(suggest(service, "--n-gpu-layers", named.unwrap_or(now).to_string(), fewer.to_string(), why, evidence))
}

/// Layers that are left on the processor while the GPU has room for them.
fn more_layers(facts: &Facts, service: &ServiceFacts) -> Option<Suggestion> {
    let free = free_on_gpu(facts)?;
    let (part, all, line) = offloaded(&service.lines_of_this_life())?;
    let size = service.model.as_ref()?.known()?.ours.known()?.size;
    let layer = size.checked_div(all)?.max(1);
    // A layer's share of the cache and of scratch memory is about as large as a quarter of its weights.
    let room = free / layer.saturating_add(layer / 4).max(1);
    let more = part.checked_add(room.saturating_sub(1).min(all.checked_sub(part)?))?;
    if more <= part {
        return None;
    }
    let evidence = vec![
        line,
        Evidence::new(&facts.gpus.source, Some(facts.gpus.time), format!("{} MiB of GPU memory free", free >> 20)),
    ];
    let why = format!("{part} of {all} layers are on the GPU, which has room for {}", more - part);
    Some(suggest(service, "--n-gpu-layers", part.to_string(), more.to_string(), why, evidence))
}

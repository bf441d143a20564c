//! Memory that gets short: waits for memory, a cache that grows, one state that does not fit.

use crate::display::units;
use crate::model::service::Role;
use crate::node::Fact;
use crate::node::log::LifeEnd;
use crate::node::machine::{ControlGroup, Memory, Pressure};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::number_after;
use crate::triage::rules::{Check, Need, Rule};

/// Share of time that all tasks waited for memory in the last minute, in hundredths of a percent, that is too much.
const THRASH: u32 = 1_000;
const CACHE: &[&str] = &["--cache-ram", "-cram"];
/// llama-server's own limit of its prompt cache (`--cache-ram`), in bytes.
const CACHE_BYTES: u64 = 8 << 30;
/// More than the file and so much for the context is growth, in bytes.
const LEAST_GROWTH: u64 = 4 << 30;

const SAVE: &str = "prompt_save";
const STATE: &str = "total state size = ";

pub(super) const MEM_03: Rule = Rule {
    id: "MEM-03",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Memory,
    severity: Severity::Warning,
    title: "memory is so low that everything waits for it",
    why: "All tasks were stalled on memory for more than 10 % of the last minute (PSI, full), and pages are read back \
          from swap or from the model files. A mapped model that is larger than memory shows up this way and never as \
          an OOM kill. No single request is at fault.",
    explains: &["LLM-17", "LLM-09"],
    needs: &[Need::Memory],
    signs: &[],
    check: Check::Node(thrashes),
};

pub(super) const MEM_04: Rule = Rule {
    id: "MEM-04",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Memory,
    severity: Severity::Warning,
    title: "the server uses far more memory than its model needs",
    why: "Resident memory exceeds the model file by more than a context explains, and memory is running low. \
          llama-server caches the states of earlier prompts, up to 8 GiB per server by default. With plenty of memory \
          this is intended and not reported.",
    explains: &[],
    needs: &[Need::Process, Need::ModelFile, Need::Memory],
    signs: &[],
    check: Check::Service(has_grown),
};

pub(super) const MEM_05: Rule = Rule {
    id: "MEM-05",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Memory,
    severity: Severity::Critical,
    title: "the state of one prompt did not fit in memory",
    why: "The last log line before the process was killed saves a prompt to the cache, with the size of its state. A \
          smaller --cache-ram does not help if a single state is too large. It is a single jump, not steady growth \
          (MEM-04).",
    explains: &["MEM-01", "MEM-02", "MEM-04", "SUP-10", "SUP-13", "SUP-17", "SYS-03", "SYS-04", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[SAVE, STATE],
    check: Check::Service(saved_too_much),
};

fn is_thrashing(pressure: &Pressure) -> bool {
    pressure.memory_full.avg60 >= THRASH
}

fn percent(share: u32) -> f64 {
    f64::from(share) / 100.0
}

fn thrashes(facts: &Facts) -> Vec<Hit> {
    let of_groups = facts.services.iter().filter_map(|service| group_thrashes(facts, service));
    let hits: Vec<Hit> = of_groups.collect();
    if !hits.is_empty() {
        return hits;
    }
    machine_thrashes(facts).into_iter().collect()
}

fn swaps(memory: Option<&Memory>, pressure: &Pressure) -> Option<String> {
    let used = memory.map(|memory| memory.swap_total.saturating_sub(memory.swap_free)).filter(|used| *used > 0);
    match used {
        Some(used) => Some(format!("{} of swap in use", units::bytes(used))),
        None if pressure.io_full.avg60 >= THRASH => Some(format!(
            "all tasks were stalled on disks for {:.1} % of the last minute",
            percent(pressure.io_full.avg60)
        )),
        None => None,
    }
}

/// The step: the service with the most memory.
fn unload(facts: &Facts, candidates: &[&ServiceFacts]) -> Step {
    let rss = |service: &&&ServiceFacts| -> u64 { service.all_processes().filter_map(|process| process.rss).sum() };
    match candidates.iter().max_by_key(rss) {
        Some(service) => {
            let (place, _) = service.place_of("-c");
            let bytes = units::bytes(rss(&service));
            Step::change(
                Changes::Service(service.name().to_owned()),
                format!("unload a model, or lower `-c` for {} ({bytes}) in {place}", service.name()),
                "load the model again, or restore the old `-c`",
            )
        }
        None => match facts.machine.memory.known().and_then(|memory| memory.largest.first()) {
            Some((pid, name, bytes)) => {
                Step::inspect(format!("check whether {name} (pid {pid}) really needs {}", units::bytes(*bytes)))
                    .command(&["ps", "-o", "pid,user,rss,args", "-p", &pid.to_string()])
            }
            None => Step::inspect("find the process that uses the most memory").command(&["ps", "aux", "--sort=-rss"]),
        },
    }
}

fn machine_thrashes(facts: &Facts) -> Option<Hit> {
    let pressure = facts.machine.pressure.known().filter(|pressure| is_thrashing(pressure))?;
    let memory = facts.machine.memory.known();
    let swap = swaps(memory, pressure)?;
    let share = percent(pressure.memory_full.avg60);
    let cause = format!("memory is low: all tasks were stalled on it for {share:.1} % of the last minute; {swap}");
    let available = memory.map_or_else(|| "unknown".to_owned(), |memory| units::bytes(memory.available));
    let evidence = vec![
        Evidence::of_fact(&facts.machine.pressure, format!("memory full avg60={share:.2}")),
        Evidence::of_fact(&facts.machine.memory, format!("{available} available; {swap}")),
    ];
    let services: Vec<&ServiceFacts> = facts.services.iter().collect();
    let users: Vec<&ServiceFacts> = services
        .into_iter()
        .filter(|service| service.all_processes().any(|process| process.rss.is_some_and(|rss| rss > 1 << 28)))
        .collect();
    Some(hit(None, cause, evidence, unload(facts, &users)))
}

fn limited(service: &ServiceFacts) -> impl Iterator<Item = (&Fact<ControlGroup>, &ControlGroup, u64)> {
    service.cgroups.iter().filter_map(|fact| {
        let group = fact.known()?;
        Some((fact, group, group.memory_limit?))
    })
}

fn group_thrashes(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (fact, group, limit) =
        limited(service).find(|(_, group, _)| group.pressure.as_ref().is_some_and(is_thrashing))?;
    let pressure = group.pressure?;
    let swapped: u64 = service.all_processes().filter_map(|process| process.swap).sum();
    let is_full = group.memory_used.is_some_and(|used| used >= limit / 10 * 9);
    if swapped == 0 && pressure.io_full.avg60 < THRASH && !is_full {
        return None;
    }
    let share = percent(pressure.memory_full.avg60);
    let used = group.memory_used.map_or_else(|| "unknown".to_owned(), units::bytes);
    let cause = format!(
        "memory is low: it was stalled for {share:.1} % of the last minute, at {used} of its cgroup's {}",
        units::bytes(limit)
    );
    let evidence = vec![
        Evidence::of_fact(fact, format!("{}: memory full avg60={share:.2}", group.path)),
        Evidence::of_fact(fact, format!("{}: {used} of {limit} bytes; {} swapped", group.path, units::bytes(swapped))),
    ];
    Some(hit(Some(service), cause, evidence, unload(facts, &[service])))
}

fn has_grown(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let process = service.server()?;
    let rss = process.rss?;
    let model = service.model.as_ref()?.known()?;
    let size = model.service.known().or(model.ours.known())?.size;
    let cache = service.argument(CACHE);
    let excess = rss.checked_sub(size)?;
    if service.service.role != Role::Llama || cache.as_deref() == Some("0") || excess < LEAST_GROWTH.max(size) {
        return None;
    }
    // Memory that nobody else needs is well used.
    let memory = facts.machine.memory.known();
    let machine_is_short = memory.is_some_and(|memory| memory.available < memory.total / 10);
    let group = limited(service).find(|(_, group, limit)| group.memory_used.is_some_and(|used| used >= limit / 10 * 8));
    if !machine_is_short && group.is_none() {
        return None;
    }
    let second = match (group, memory) {
        (Some((fact, group, limit)), _) => {
            let used = group.memory_used.unwrap_or(0);
            Evidence::of_fact(fact, format!("{}: {used} of {limit} bytes", group.path))
        }
        (None, Some(memory)) => {
            let text = format!("{} of {} available", units::bytes(memory.available), units::bytes(memory.total));
            Evidence::of_fact(&facts.machine.memory, text)
        }
        (None, None) => return None,
    };
    let (place, changes) = service.place_of("--cache-ram");
    let old = cache.map_or_else(
        || format!("remove --cache-ram from {place} (the default is {})", units::bytes(CACHE_BYTES)),
        |cache| format!("restore `--cache-ram {cache}` in {place}"),
    );
    let cause = format!(
        "uses {} of memory for a model of {}: most likely cached states of earlier prompts",
        units::bytes(rss),
        units::bytes(size)
    );
    let evidence = vec![
        Evidence::of_process(
            service,
            process,
            format!("pid {}: resident {rss} bytes; model {size} bytes", process.pid),
        ),
        second,
    ];
    let step = Step::change(changes, format!("set `--cache-ram 1024` in {place}"), old);
    Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely))
}

fn saved_too_much(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    if service.argument(CACHE).as_deref() == Some("0") {
        return None;
    }
    let lines = service.lines_of_trouble();
    let at = lines.iter().rposition(|line| line.text.contains(STATE) && line.text.contains(SAVE))?;
    let line = lines.get(at)?;
    // What was written after it in the same life speaks for another end.
    let later = lines.iter().skip(at + 1).any(|other| other.life == line.life && other.source == line.source);
    let life = line.life.and_then(|life| service.lives.get(life));
    let was_killed = match life.map(|life| &life.end) {
        Some(LifeEnd::Killed { signal }) => signal.ends_with("KILL"),
        Some(LifeEnd::Exited { code, .. }) => *code == 137,
        Some(_) => false,
        None => service.was_killed(),
    };
    let unit = service.unit.as_ref().and_then(Fact::known);
    let by_unit = unit.is_some_and(|unit| unit.result.as_deref() == Some("oom-kill"));
    let pid = life.and_then(|life| life.pid);
    let oom = facts.kernel.known().and_then(|kernel| kernel.ooms.iter().rev().find(|oom| Some(oom.pid) == pid));
    if later || !(was_killed || by_unit || oom.is_some()) {
        return None;
    }
    let mib = number_after(&line.text, STATE)?;
    let tokens = number_after(&line.text, "length ").map_or_else(String::new, |n| format!(" of {n:.0} tokens"));
    let limit = limited(service).map(|(.., limit)| limit).min();
    let beside = limit.map_or_else(String::new, |limit| format!(" (limit {})", units::bytes(limit)));
    let cause =
        format!("the state of one prompt{tokens}, {mib:.0} MiB, did not fit in memory next to the model{beside}");
    let (place, changes) = service.place_of("--cache-ram");
    let old = service.argument(CACHE).map_or_else(
        || format!("remove --cache-ram from {place}"),
        |cache| format!("restore `--cache-ram {cache}` in {place}"),
    );
    let step = Step::change(changes, format!("set `--cache-ram 0` in {place}"), old);
    let second = oom.map_or_else(|| Evidence::of_state(service), |oom| Evidence::of_line(&oom.line));
    let confidence = proven_if(oom.is_some() || by_unit);
    Some(hit(Some(service), cause, vec![Evidence::of_line(line), second], step).confidence(confidence))
}

//! Kills by the kernel for lack of memory.

use crate::display::units;
use crate::model::service::Manager;
use crate::node::kernel::OomKill;
use crate::node::log::Life;
use crate::node::machine::ControlGroup;
use crate::node::{Fact, Outcome};
use crate::triage::counters;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::ask::CONTEXT;
use crate::triage::rules::step::{Step, hit};
use crate::triage::rules::{Check, Need, Rule};

/// The time of the kernel's line and that of the manager may differ by so much, in milliseconds.
const SLACK_MS: i64 = 10_000;
/// The kernel cuts names at so many bytes.
const NAME_BYTES: usize = 15;

pub(super) const MEM_01: Rule = Rule {
    id: "MEM-01",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Memory,
    severity: Severity::Critical,
    title: "the kernel killed the service because memory ran out",
    why: "The kernel log has an OOM kill of a process of this service, matched by pid or by name, cgroup and time; or \
          the OOM counter of its cgroup has grown. CONSTRAINT_MEMCG: the limit of that cgroup; CONSTRAINT_NONE: the \
          whole machine. The service's own log ends without an error. OOM kills of other processes are ignored.",
    explains: &[
        "MEM-02", "MEM-03", "MEM-04", "SUP-10", "SUP-11", "SUP-13", "SUP-17", "SYS-03", "SYS-04", "LLM-04", "TOOL-02",
    ],
    needs: &[Need::Kernel],
    signs: &[],
    check: Check::Service(was_oom_killed),
};

pub(super) const MEM_02: Rule = Rule {
    id: "MEM-02",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Memory,
    severity: Severity::Unknown,
    title: "the service was killed, possibly because memory ran out",
    why: "It was killed by SIGKILL without a stop request, and neither the kernel log nor the counters of its cgroup \
          can be read. An OOM kill looks the same as a manual kill.",
    explains: &[],
    needs: &[],
    signs: &[],
    check: Check::Service(was_perhaps_oom_killed),
};

/// The kill of a process of the service, and how it is known to be its.
struct Kill<'a> {
    oom: &'a OomKill,
    by: &'static str,
}

/// Returns the last kill of the present trouble.
fn kill_of<'a>(facts: &'a Facts, service: &ServiceFacts) -> Option<Kill<'a>> {
    let kernel = facts.kernel.known()?;
    kernel.ooms.iter().rev().find_map(|oom| Some(Kill { oom, by: whose(service, oom)? }))
}

fn is_in(life: &Life, oom: &OomKill) -> bool {
    let Some(time) = oom.line.time else { return true };
    let Some(began) = life.began else { return true };
    let end = life.lasted_s.map(|lasted| began.millis().saturating_add((lasted * 1_000.0) as i64));
    time.millis() >= began.millis() - SLACK_MS && end.is_none_or(|end| time.millis() <= end + SLACK_MS)
}

fn whose(service: &ServiceFacts, oom: &OomKill) -> Option<&'static str> {
    let of_life = |life: &&Life| life.pid == Some(oom.pid) && is_in(life, oom);
    if service.unwanted_ends().any(|life| of_life(&life)) {
        return Some("by its pid");
    }
    let words: Vec<String> = service.argv();
    let named = words.iter().take(2).filter_map(|word| word.rsplit('/').next()).any(|name| {
        // Cut as the kernel cuts it, where that is between two characters.
        name.get(..NAME_BYTES).unwrap_or(name) == oom.task
    });
    let named = named || service.all_processes().any(|process| process.name == oom.task);
    let group = oom.task_memcg.as_deref()?;
    let is_its_group = |path: &str| {
        path.len() > 1 && (group == path || group.ends_with(path) || path.ends_with(group) && group.len() > 1)
    };
    let groups = service.cgroups.iter().filter_map(Fact::known).map(|own| own.path.as_str());
    let unit = service.unit.as_ref().and_then(Fact::known).and_then(|unit| unit.cgroup.as_deref());
    let grouped = groups.chain(unit).any(is_its_group);
    let timed = service.unwanted_ends().any(|life| is_in(life, oom));
    (named && grouped && timed && oom.line.time.is_some()).then_some("by name, cgroup and time")
}

/// Returns the group whose counter of kills has grown since the baseline, with the kills since.
fn grown<'a>(facts: &Facts, service: &'a ServiceFacts) -> Option<(&'a Fact<ControlGroup>, u64)> {
    if !facts.changes.as_ref()?.is_same_boot {
        return None;
    }
    service.cgroups.iter().find_map(|fact| {
        let group = fact.known()?;
        let before = facts.counter(&counters::oom_kills(&group.path, group.inode))?;
        let since = group.oom_kills?.checked_sub(before as u64)?;
        (since > 0).then_some((fact, since))
    })
}

fn limit_of(service: &ServiceFacts, oom: &OomKill) -> Option<u64> {
    let path = oom.oom_memcg.as_deref()?;
    let groups = service.cgroups.iter().filter_map(Fact::known);
    groups.filter(|group| group.path == path || path.ends_with(&group.path)).find_map(|group| group.memory_limit)
}

fn was_oom_killed(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    service.trouble()?;
    let Some(Kill { oom, by }) = kill_of(facts, service) else {
        return counter_has_grown(facts, service);
    };
    let held = oom.anon_rss.map_or_else(String::new, |bytes| format!(" while it used {}", units::bytes(bytes)));
    let evidence = vec![Evidence::of_line(&oom.line), Evidence::of_state(service)];
    if oom.constraint != "CONSTRAINT_MEMCG" {
        let memory = facts.machine.memory.known();
        let largest = memory.and_then(|memory| memory.largest.iter().find(|(pid, ..)| *pid != oom.pid));
        let mut cause = format!(
            "{} (pid {}) was killed by the kernel{held}: the whole machine was out of memory",
            oom.task, oom.pid
        );
        let step = match largest {
            Some((pid, name, bytes)) => {
                cause.push_str(&format!(
                    "; the largest process now is {name} (pid {pid}) with {}",
                    units::bytes(*bytes)
                ));
                Step::inspect(format!(
                    "check whether {name} (pid {pid}) really needs {}; otherwise lower `-c` for {}",
                    units::bytes(*bytes),
                    service.name()
                ))
                .command(&["ps", "-o", "pid,user,rss,args", "-p", &pid.to_string()])
            }
            None => lower_context(service),
        };
        return Some(hit(Some(service), cause, evidence, step).confidence(confidence(by)));
    }
    let group = oom.oom_memcg.as_deref().or(oom.task_memcg.as_deref()).unwrap_or("its cgroup");
    let limit = limit_of(service, oom);
    let limited = limit.map_or_else(String::new, |limit| format!(" of {}", units::bytes(limit)));
    let cause = format!(
        "{} (pid {}) was killed by the kernel{held}: it hit the limit{limited} of its cgroup {group}",
        oom.task, oom.pid
    );
    Some(hit(Some(service), cause, evidence, raise_limit(service, group, limit)).confidence(confidence(by)))
}

fn confidence(by: &str) -> Confidence {
    if by.contains("pid") { Confidence::Proven } else { Confidence::Likely }
}

fn raise_limit(service: &ServiceFacts, group: &str, limit: Option<u64>) -> Step {
    let old = limit.map_or_else(|| "the old limit".to_owned(), |limit| format!("the limit of {limit} bytes"));
    let text = format!("raise the memory limit of {group}, or lower `-c` or `-np` for {}", service.name());
    match (&service.service.manager, limit) {
        (Manager::Systemd(unit), Some(limit)) => {
            let twice = limit.saturating_mul(2);
            let step = Step::change(
                Changes::Service(unit.clone()),
                text,
                format!("systemctl set-property {unit} MemoryMax={limit}"),
            );
            step.command(&["systemctl", "set-property", unit, &format!("MemoryMax={twice}")])
        }
        _ => Step::change(Changes::Host, text, format!("restore {old} for {group}")),
    }
}

fn lower_context(service: &ServiceFacts) -> Step {
    let (place, changes) = service.place_of("-c");
    match service.argument(CONTEXT) {
        Some(context) => Step::change(
            changes,
            format!("lower `-c` from {context} in {place}"),
            format!("restore `-c {context}` in {place}"),
        ),
        None => Step::change(
            changes,
            format!("use a smaller context or model in {place}"),
            format!("restore the current command in {place}"),
        ),
    }
}

/// No line of the kernel, and the counter of the group has grown.
fn counter_has_grown(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (fact, kills) = grown(facts, service)?;
    if !service.was_killed() {
        return None;
    }
    let group = fact.known()?;
    let limited = group.memory_limit.map_or_else(String::new, |limit| format!(", limit {}", units::bytes(limit)));
    let cause = format!(
        "was killed because memory ran out: {} in its cgroup {} since the baseline{limited}",
        units::plural(kills, "OOM kill"),
        group.path
    );
    let evidence = vec![
        Evidence::of_fact(fact, format!("{}: oom_kill {} (+{kills})", group.path, group.oom_kills.unwrap_or(0))),
        Evidence::of_state(service),
    ];
    let step = raise_limit(service, &group.path, group.memory_limit);
    Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely))
}

fn was_perhaps_oom_killed(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    service.trouble()?;
    let knows_counters = service.cgroups.iter().filter_map(Fact::known).any(|group| group.oom_kills.is_some());
    if !service.was_killed() || !facts.kernel.is_unknown() || knows_counters {
        return None;
    }
    let why = facts.kernel.why().unwrap_or("unknown");
    let (right, command) = match &facts.kernel.outcome {
        Outcome::Denied { right, command, .. } => (right.as_str(), command.clone()),
        _ => ("CAP_SYSLOG", None),
    };
    let command = command.unwrap_or_else(|| {
        ["sudo", "modelctl", "triage", "--service", service.name()].iter().map(|word| (*word).to_owned()).collect()
    });
    let cause = "was killed (SIGKILL), possibly because memory ran out: the kernel log cannot be read".to_owned();
    let step = Step::inspect(format!("run triage again with {right}")).command(&command);
    let evidence = vec![Evidence::of_state(service), Evidence::of_fact(&facts.kernel, format!("kernel log: {why}"))];
    Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Possible))
}

//! Kills by the kernel for lack of memory.

use crate::display::units;
use crate::model::service::Manager;
use crate::node::kernel::OomKill;
use crate::node::log::{Life, LifeEnd};
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
/// What a parent says of a child that was killed.
const KILLED: &[&str] = &[
    "SIGKILL",
    "signal: killed",
    "signal 9",
    "exit status -9",
    "returncode=-9",
    "returncode -9",
    "exit code 137",
    "was killed",
];

pub(super) const MEM_01: Rule = Rule {
    id: "MEM-01",
    version: 2,
    playbook: Playbook::Llama,
    layer: Layer::Memory,
    severity: Severity::Critical,
    title: "the kernel killed the service because memory ran out",
    why: "The kernel log has an OOM kill of a process of this service, matched by pid or by name, cgroup and time; or \
          the OOM counter of its cgroup has grown. CONSTRAINT_MEMCG: the limit of that cgroup; CONSTRAINT_NONE: the \
          whole machine. The service's own log ends without an error. A service that keeps running after a process of \
          its cgroup was killed, as Ollama does without its runner, is a warning: that request is lost. OOM kills of \
          other processes are ignored.",
    explains: &[
        "MEM-02", "MEM-03", "MEM-04", "SUP-10", "SUP-11", "SUP-13", "SUP-17", "SYS-03", "SYS-04", "LLM-04", "PY-06",
        "PY-07", "TOOL-02",
    ],
    needs: &[Need::Kernel],
    signs: KILLED,
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
    by: By,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The pid of the life that it ended.
    Pid,
    /// Name, control group and time.
    Name,
    /// The service ended right after it, and its log speaks of it.
    Log,
    /// A process of its control group, which it outlived.
    Outlived,
}

/// Returns the last kill of the present trouble; of a service without trouble the last one that it outlived.
fn kill_of<'a>(facts: &'a Facts, service: &ServiceFacts) -> Option<Kill<'a>> {
    let kernel = facts.kernel.known()?;
    let is_well = service.trouble().is_none();
    let kills = kernel.ooms.iter().rev().filter_map(|oom| Some(Kill { oom, by: whose(facts, service, oom)? }));
    kills.into_iter().find(|kill| !is_well || kill.by == By::Outlived)
}

fn end_of(life: &Life) -> Option<i64> {
    let lasted = life.lasted_s?;
    Some(life.began?.millis().saturating_add((lasted * 1_000.0) as i64))
}

fn is_in(life: &Life, oom: &OomKill) -> bool {
    let Some(time) = oom.line.time else { return true };
    let Some(began) = life.began else { return true };
    time.millis() >= began.millis() - SLACK_MS && end_of(life).is_none_or(|end| time.millis() <= end + SLACK_MS)
}

fn whose(facts: &Facts, service: &ServiceFacts, oom: &OomKill) -> Option<By> {
    if service.unwanted_ends().any(|life| life.pid == Some(oom.pid) && is_in(life, oom)) {
        return Some(By::Pid);
    }
    let time = oom.line.time?;
    let is_named = has_name(service, oom);
    let timed = service.unwanted_ends().any(|life| is_in(life, oom));
    let grouped = groups(service).any(|path| is_of_group(path, oom));
    if is_named && grouped && timed {
        return Some(By::Name);
    }
    // A program that ends because a process of it was killed: its group is gone with it.
    let ended_by_it = |life: &Life| {
        end_of(life).is_some_and(|end| (time.millis()..=time.millis().saturating_add(SLACK_MS)).contains(&end))
            && is_in(life, oom)
    };
    if service.unwanted_ends().any(ended_by_it) && log_speaks_of(service, oom) {
        return Some(By::Log);
    }
    outlived(facts, service, oom).then_some(By::Outlived)
}

/// Returns whether the service has run since before the kill of a process of its control group. A group that others share
/// says nothing: there the name of the process, if it is one of its own, or the log of the service has to.
fn outlived(facts: &Facts, service: &ServiceFacts, oom: &OomKill) -> bool {
    let (Some(time), Some(running)) = (oom.line.time, service.lives.last()) else { return false };
    let ran = running.end == LifeEnd::Running && running.began.is_some_and(|began| began <= time);
    let Some(group) = groups(service).find(|path| is_of_group(path, oom)).filter(|_| ran) else { return false };
    let is_shared = facts
        .services
        .iter()
        .filter(|other| other.name() != service.name())
        .any(|other| groups(other).any(|path| path == group || is_of_group(path, oom)));
    // What a person has started by hand shares the group of a login with everything else there.
    let is_own = !is_shared && !group.contains("/user.slice") && !group.ends_with(".scope");
    is_own || log_speaks_of(service, oom) || has_name(service, oom) && !is_interpreter(&oom.task)
}

fn groups(service: &ServiceFacts) -> impl Iterator<Item = &str> {
    let of_processes = service.cgroups.iter().filter_map(Fact::known).map(|own| own.path.as_str());
    let unit = service.unit.as_ref().and_then(Fact::known).and_then(|unit| unit.cgroup.as_deref());
    of_processes.chain(unit)
}

/// Returns whether a path of a control group is that of the killed process, which may be seen from within a container.
fn is_of_group(path: &str, oom: &OomKill) -> bool {
    let group = oom.task_memcg.as_deref().unwrap_or_default();
    path.len() > 1
        && group.len() > 1
        && (group == path
            || group.ends_with(path)
            || path.ends_with(group)
            || group.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
}

fn has_name(service: &ServiceFacts, oom: &OomKill) -> bool {
    let words: Vec<String> = service.argv();
    let named = words.iter().take(2).filter_map(|word| word.rsplit('/').next()).any(|name| {
        // Cut as the kernel cuts it, where that is between two characters.
        name.get(..NAME_BYTES).unwrap_or(name) == oom.task
    });
    named || service.all_processes().any(|process| process.name == oom.task)
}

/// Returns whether many programs have this name.
fn is_interpreter(name: &str) -> bool {
    name.starts_with("python") || ["sh", "bash", "dash", "node", "java", "perl", "ruby", "php"].contains(&name)
}

/// Returns whether the log names the killed process by its number, or says that something was killed.
fn log_speaks_of(service: &ServiceFacts, oom: &OomKill) -> bool {
    let pid = oom.pid.to_string();
    let logs = service.logs.iter().filter_map(Fact::known).flat_map(|log| log.marked.iter().chain(&log.last));
    let of_lives = service.ends_of_trouble().into_iter().filter_map(|life| life.first_error.as_ref());
    logs.chain(of_lives).any(|line| {
        let mut words = line.text.split(|c: char| !c.is_ascii_alphanumeric());
        let is_late = line.time.zip(oom.line.time).is_none_or(|(line, kill)| line.millis() + SLACK_MS >= kill.millis());
        is_late && (words.any(|word| word == pid) || KILLED.iter().any(|sign| line.text.contains(sign)))
    })
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
    let Some(Kill { oom, by }) = kill_of(facts, service) else {
        return counter_has_grown(facts, service);
    };
    let is_well = service.trouble().is_none();
    let severity = is_well.then_some(Severity::Warning);
    let who = match by {
        By::Outlived => format!("{} (pid {}), a process of its cgroup,", oom.task, oom.pid),
        By::Pid | By::Name | By::Log => format!("{} (pid {})", oom.task, oom.pid),
    };
    let goes_on = if is_well { "; the service itself keeps running" } else { "" };
    let held = oom.anon_rss.map_or_else(String::new, |bytes| format!(" while it used {}", units::bytes(bytes)));
    let evidence = vec![Evidence::of_line(&oom.line), Evidence::of_state(service)];
    if oom.constraint != "CONSTRAINT_MEMCG" {
        let memory = facts.machine.memory.known();
        let largest = memory.and_then(|memory| memory.largest.iter().find(|(pid, ..)| *pid != oom.pid));
        let mut cause = format!("{who} was killed by the kernel{held}: the whole machine was out of memory{goes_on}");
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
        return Some(hit(Some(service), cause, evidence, step).confidence(confidence(by)).severity(severity));
    }
    let group = oom.oom_memcg.as_deref().or(oom.task_memcg.as_deref()).unwrap_or("its cgroup");
    let limit = limit_of(service, oom);
    let limited = limit.map_or_else(String::new, |limit| format!(" of {}", units::bytes(limit)));
    let cause =
        format!("{who} was killed by the kernel{held}: it hit the limit{limited} of its cgroup {group}{goes_on}");
    let hit = hit(Some(service), cause, evidence, raise_limit(service, group, limit));
    Some(hit.confidence(confidence(by)).severity(severity))
}

fn confidence(by: By) -> Confidence {
    if by == By::Pid { Confidence::Proven } else { Confidence::Likely }
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
    // A log of the kernel that may be read and says nothing of it means that the counter grew before.
    let is_well = service.trouble().is_none();
    if is_well && facts.kernel.known().is_some() || !is_well && !service.was_killed() {
        return None;
    }
    let group = fact.known()?;
    let limited = group.memory_limit.map_or_else(String::new, |limit| format!(", limit {}", units::bytes(limit)));
    let whom = if is_well { "a process of it was killed" } else { "was killed" };
    let cause = format!(
        "{whom} because memory ran out: {} in its cgroup {} since the baseline{limited}",
        units::plural(kills, "OOM kill"),
        group.path
    );
    let evidence = vec![
        Evidence::of_fact(fact, format!("{}: oom_kill {} (+{kills})", group.path, group.oom_kills.unwrap_or(0))),
        Evidence::of_state(service),
    ];
    let step = raise_limit(service, &group.path, group.memory_limit);
    let severity = is_well.then_some(Severity::Warning);
    Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely).severity(severity))
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

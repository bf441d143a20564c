//! The machine and its limits: clock, open files.

use super::manage::symptoms;
use super::step::{Step, hit, proven_if};
use super::text::seconds;
use super::{Check, Need, Rule};
use crate::model::service::Manager;
use crate::node::process::Process;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};

pub const RULES: &[Rule] = &[HOST_01, HOST_02];

/// Seconds from which on a jump or a difference matters to the times in logs, certificates and caches.
const MATTERS_S: f64 = 5.0;

const HOST_01: Rule = Rule {
    id: "HOST-01",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Host,
    severity: Severity::Warning,
    title: "the clock jumped or is wrong",
    why: "Since the baseline, the wall clock moved relative to the time since boot, or it differs from another \
          machine's clock: log times cannot be compared, and tokens and certificates fail. An unsynchronized clock \
          (UNSYNC) alone is informational: many healthy virtual machines report it.",
    explains: &["MDL-15"],
    needs: &[Need::Clock],
    signs: &[],
    check: Check::Node(clock),
};

fn clock(facts: &Facts) -> Vec<Hit> {
    let Some(clock) = facts.machine.clock.known() else { return Vec::new() };
    let matters = |difference: &f64| difference.is_finite() && difference.abs() >= MATTERS_S;
    let jump = clock.jumped_s.filter(matters);
    // A server of this machine has the same clock; what counts is that of another one.
    let skew = clock.peer_skew_s.filter(matters);
    let is_unsynchronised = clock.is_synchronised == Some(false);
    if jump.is_none() && skew.is_none() && !is_unsynchronised {
        return Vec::new();
    }
    let state = match clock.is_synchronised {
        Some(true) => "the clock is synchronized",
        Some(false) => "UNSYNC: the clock is not synchronized",
        None => "whether the clock is synchronized is unknown",
    };
    let signed = |difference: f64| format!("{}{}", if difference < 0.0 { "-" } else { "+" }, seconds(difference.abs()));
    let fact = &facts.machine.clock;
    let mut evidence = vec![Evidence::of_fact(fact, state)];
    evidence.push(Evidence::of_fact(
        fact,
        match clock.jumped_s {
            Some(jump) => format!("moved by {} relative to the time since boot, since the baseline", signed(jump)),
            None => "no baseline to detect a jump with".to_owned(),
        },
    ));
    evidence.extend(
        clock.peer_skew_s.map(|skew| Evidence::of_fact(fact, format!("{} off another machine's clock", signed(skew)))),
    );
    let step =
        Step::inspect("check time synchronization before you compare log times").command(&["timedatectl", "status"]);
    let (cause, severity) = match (jump, skew) {
        (Some(jump), _) => (format!("the clock jumped by {} since the baseline", signed(jump)), None),
        (None, Some(skew)) => (format!("the clock differs by {} from another machine's", signed(skew)), None),
        (None, None) => {
            ("the clock is not synchronized (UNSYNC), but no jump or skew is known".to_owned(), Some(Severity::Info))
        }
    };
    vec![hit(None, cause, evidence, step).severity(severity)]
}

const TOO_MANY: &[&str] = &["Too many open files", "too many open files", "EMFILE", "Errno 24"];

const HOST_02: Rule = Rule {
    id: "HOST-02",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Limits,
    severity: Severity::Warning,
    title: "a service is running out of file descriptors",
    why: "A process has nearly as many files and sockets open as its limit allows, or a failing service logs that it \
          has too many: accept, open and dlopen fail from then on. Programs inherit supervisord's own limit (minfds=); \
          systemd sets LimitNOFILE=. Old log lines of a healthy service are ignored.",
    explains: symptoms!["PY-03", "SUP-20"],
    needs: &[Need::Process, Need::Logs],
    signs: TOO_MANY,
    check: Check::Service(open_files),
};

fn open_files(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let usage =
        |process: &Process| Some((*process.open_files.known()?, process.open_files_limit.filter(|limit| *limit > 0)?));
    let near = service.all_processes().find_map(|process| {
        let (open, limit) = usage(process)?;
        (open.saturating_mul(10) >= limit.saturating_mul(9)).then_some((process, open, limit))
    });
    let line = TOO_MANY.iter().find_map(|sign| service.line_of_trouble(&[sign]));
    let mut evidence: Vec<Evidence> = line.map(Evidence::of_line).into_iter().collect();
    if let Some((process, open, limit)) = near {
        let pid = process.pid;
        evidence.push(Evidence::of_process(service, process, format!("{open} files open")));
        evidence.push(Evidence::new(
            format!("/proc/{pid}/limits"),
            Some(facts.taken),
            format!("Max open files {limit}"),
        ));
        let wanted = limit.saturating_mul(4).clamp(4096, 1 << 20);
        let text = format!(
            "raise the limit of the running process to {wanted}; {} makes it permanent",
            lasting(facts, service, wanted)
        );
        let undo = format!("prlimit --pid {pid} --nofile={limit}");
        let step = Step::change(Changes::Service(service.name().to_owned()), text, undo).command(&[
            "prlimit",
            "--pid",
            &pid.to_string(),
            &format!("--nofile={wanted}:{wanted}"),
        ]);
        let cause = format!("{} (pid {pid}) has {open} of {limit} file descriptors open", process.name);
        let severity = (line.is_some()).then_some(Severity::Critical);
        return Some(hit(Some(service), cause, evidence, step).severity(severity));
    }
    let line = line?;
    evidence = service.line_and_state(line);
    let limit = service.process().and_then(|process| process.open_files_limit);
    if let (Some(process), Some(limit)) = (service.process(), limit) {
        evidence.push(Evidence::of_process(service, process, format!("Max open files {limit}")));
    }
    let wanted = limit.unwrap_or(1024).saturating_mul(4).clamp(4096, 1 << 20);
    let shown = limit.map_or_else(String::new, |limit| format!(" (limit {limit})"));
    let (changes, undo, command) = match &service.service.manager {
        Manager::Systemd(unit) => (
            Changes::File(format!("a drop-in for {unit}")),
            format!("systemctl revert {unit}"),
            Some(super::manage::argv(&["systemctl", "edit", unit])),
        ),
        _ => {
            let config = facts.supervisord_of(service).and_then(|one| one.search.config_file.as_ref());
            let config = config.map_or_else(|| "supervisord's config".to_owned(), |file| file.display().to_string());
            let undo = format!("restore the old minfds= in {config} and restart supervisord");
            (Changes::File(config), undo, None)
        }
    };
    let text = format!("set {}, and restart it", lasting(facts, service, wanted));
    let cause = format!("it ran out of file descriptors{shown}: {}", line.text.trim());
    let step = Step::change(changes, text, undo).maybe_command(command);
    Some(
        hit(Some(service), cause, evidence, step)
            .confidence(proven_if(limit.is_some()))
            .severity(Some(Severity::Critical)),
    )
}

/// Returns the setting that gives a service this limit at each start.
fn lasting(facts: &Facts, service: &ServiceFacts, wanted: u64) -> String {
    match &service.service.manager {
        Manager::Systemd(unit) => format!("LimitNOFILE={wanted} in {unit}"),
        Manager::Supervisor(_) => {
            let config = facts.supervisord_of(service).and_then(|one| one.search.config_file.as_ref());
            let config = config.map_or_else(String::new, |file| format!(" in {}", file.display()));
            format!("minfds={wanted} in [supervisord]{config}")
        }
        Manager::Pid(_) | Manager::Process(_) | Manager::None => format!("ulimit -n {wanted} before it starts"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::log::LifeEnd;
    use crate::node::machine::ClockState;
    use crate::node::{Fact, Outcome};
    use crate::triage::testing::{fails, healthy_facts, hit, hits, known, says, says_all};

    fn with_clock(state: ClockState) -> Facts {
        let mut facts = healthy_facts();
        facts.machine.clock = known("adjtimex", state);
        facts
    }

    // Every virtual machine without a time service would be called sick.
    #[test]
    fn an_unsynchronised_clock_alone_is_information() {
        let found = hit("HOST-01", &with_clock(ClockState { is_synchronised: Some(false), ..ClockState::default() }));
        assert_eq!(found.severity, Some(Severity::Info));
        says_all(&found, &["UNSYNC", "timedatectl"]);
        assert!(hits("HOST-01", &healthy_facts()).is_empty());
    }

    #[test]
    fn a_jump_and_a_skew_are_warnings() {
        let found = hit("HOST-01", &with_clock(ClockState { jumped_s: Some(-3600.0), ..ClockState::default() }));
        assert_eq!(found.severity, None);
        says_all(&found, &["jumped by -60 min"]);
        let found = hit("HOST-01", &with_clock(ClockState { peer_skew_s: Some(90.0), ..ClockState::default() }));
        says_all(&found, &["differs by +90 s"]);
        assert!(hits("HOST-01", &with_clock(ClockState { jumped_s: Some(0.4), ..ClockState::default() })).is_empty());
    }

    #[test]
    fn a_process_near_its_limit_of_files_gets_a_higher_one() {
        let mut facts = healthy_facts();
        let Some(Fact { outcome: Outcome::Ok { value }, .. }) = facts.services[0].processes.first_mut() else {
            panic!()
        };
        value.open_files = known("/proc/100/fd", 1000);
        let found = hit("HOST-02", &facts);
        says_all(&found, &["1000 of 1024", "prlimit", "--nofile=4096:4096", "--nofile=1024", "minfds=4096"]);
        assert_eq!(found.severity, None);
    }

    #[test]
    fn a_line_counts_only_with_trouble() {
        let mut facts = healthy_facts();
        says(&mut facts.services[0], &["OSError: [Errno 24] Too many open files"]);
        assert!(hits("HOST-02", &facts).is_empty());
        let mut facts = healthy_facts();
        let end = LifeEnd::Exited { code: 1, expected: false };
        fails(&mut facts.services[0], end, &["OSError: [Errno 24] Too many open files"]);
        says_all(
            &hit("HOST-02", &facts),
            &["ran out of file descriptors", "minfds=4096", "/etc/supervisor/supervisord.conf"],
        );
    }
}

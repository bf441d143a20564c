//! Units that end with a result of their own: a limit of time, of starts, of memory, the watchdog.

use super::super::manage::symptoms;
use super::super::step::{Step, hit};
use super::super::text::seconds;
use super::super::{Check, Need, Rule};
use super::{edit, place_of, unit_of};
use crate::node::Fact;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};

const TIMED_OUT: &str = "start operation timed out";

pub(super) const SYS_02: Rule = Rule {
    id: "SYS-02",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Limits,
    severity: Severity::Critical,
    title: "systemd stops a unit that is not ready in time",
    why: "The unit did not report readiness within TimeoutStartSec= and was killed: loading takes longer, or a \
          Type=notify service never sends READY=1. It did not crash. A stop that takes too long has the same result \
          but a different log line.",
    explains: symptoms!["LLM-06"],
    needs: &[Need::Systemd, Need::Logs],
    signs: &[TIMED_OUT, "Failed with result 'timeout'", "stop-sigterm' timed out"],
    check: Check::Service(start_timed_out),
};

fn start_timed_out(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let unit_name = unit_of(service)?;
    let mut evidence = result_evidence(service, "timeout");
    let line = service.line_of_trouble(&[TIMED_OUT]);
    if line.is_none() && (evidence.is_empty() || service.line_of_trouble(&["stop-sigterm' timed out"]).is_some()) {
        return None;
    }
    evidence.splice(0..0, line.map(Evidence::of_line));
    let limit = service.known_unit().and_then(|unit| unit.start_timeout_s);
    let wanted = f64::max(limit.unwrap_or(90.0) * 2.5, service.expected_load_s.unwrap_or(0.0) * 3.0).ceil();
    let old = limit.map_or_else(|| "its limit".to_owned(), |limit| format!("TimeoutStartSec={limit}"));
    let load = match service.expected_load_s {
        Some(expected) => format!("; loading its model should take {}", seconds(expected)),
        None => String::new(),
    };
    if let (Some(fact), Some(limit)) = (&service.unit, limit) {
        evidence.push(Evidence::of_fact(fact, format!("TimeoutStartSec={limit}")));
    }
    complete(&mut evidence, service);
    let place = place_of(service, &unit_name);
    let text = format!("set TimeoutStartSec={wanted} in {unit_name}, then restart it");
    let step = edit(&unit_name, &place, text, &["systemctl", "edit", &unit_name]);
    Some(hit(Some(service), format!("was not ready within {old} and was killed{load}"), evidence, step))
}

pub(super) const SYS_03: Rule = Rule {
    id: "SYS-03",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "systemd gave up on a unit after too many starts",
    why: "The unit failed StartLimitBurst= times (5) within StartLimitIntervalSec= (10 s): systemd no longer restarts it. \
          This is a consequence; the reason for the failures is earlier in the log. A unit that runs longer \
          than two seconds never reaches this limit and is restarted forever (SUP-10).",
    explains: &["SUP-10", "WRK-01", "LLM-11"],
    needs: &[Need::Systemd, Need::Logs],
    signs: &["Start request repeated too quickly"],
    check: Check::Service(start_limit),
};

fn start_limit(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let unit_name = unit_of(service)?;
    let mut evidence = result_evidence(service, "start-limit-hit");
    let line = service.line_of_trouble(&["Start request repeated too quickly"]);
    if line.is_none() && evidence.is_empty() {
        return None;
    }
    evidence.splice(0..0, line.map(Evidence::of_line));
    let end = service.last_end();
    let error = end.and_then(|life| life.first_error.as_ref());
    evidence.extend(error.map(Evidence::of_line));
    complete(&mut evidence, service);
    let status = service.known_unit().and_then(|unit| unit.exit_status).map(|status| format!("exit status {status}"));
    let how = end.map(|life| life.end.to_string()).or(status).unwrap_or_else(|| "status unknown".to_owned());
    let error = error.map_or_else(String::new, |line| format!("; first error: {}", line.text.trim()));
    let text = format!("fix the cause, then run systemctl reset-failed {unit_name} and systemctl start {unit_name}");
    let undo = format!("none needed: only the count of failed starts is reset; systemctl stop {unit_name} stops it");
    let step = Step::change(Changes::Service(service.name().to_owned()), text, undo).command(&[
        "systemctl",
        "reset-failed",
        &unit_name,
    ]);
    Some(hit(Some(service), format!("failed too often and is not restarted: {how}{error}"), evidence, step))
}

pub(super) const SYS_04: Rule = Rule {
    id: "SYS-04",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Memory,
    severity: Severity::Critical,
    title: "systemd reported an OOM kill in a unit",
    why: "Result oom-kill: the kernel killed a process of the unit because its cgroup or the machine ran out of \
          memory. The kernel log tells which of the two, and how much was used (MEM-01).",
    explains: symptoms!["MEM-02"],
    needs: &[Need::Systemd, Need::Logs],
    signs: &["Failed with result 'oom-kill'", "A process of this unit has been killed by the OOM killer"],
    check: Check::Service(oom),
};

fn oom(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let unit_name = unit_of(service)?;
    let mut evidence = result_evidence(service, "oom-kill");
    evidence.extend(service.line_of_trouble(&["killed by the OOM killer"]).map(Evidence::of_line));
    if evidence.is_empty() {
        return None;
    }
    let group = service.cgroups.iter().find_map(|fact| Some((fact, fact.known()?)));
    let limit = match group.and_then(|(fact, group)| Some((fact, group, group.memory_limit?))) {
        Some((fact, group, limit)) => {
            let limit = super::super::manage::bytes(limit);
            evidence.push(Evidence::of_fact(fact, format!("{}: limit {limit}", group.path)));
            format!(" (limit of its cgroup: {limit})")
        }
        None => String::new(),
    };
    if let Some(memory) = facts.machine.memory.known() {
        let text = format!(
            "{} of {} available",
            super::super::manage::bytes(memory.available),
            super::super::manage::bytes(memory.total)
        );
        evidence.push(Evidence::of_fact(&facts.machine.memory, text));
    }
    complete(&mut evidence, service);
    let step = Step::inspect("compare its limit with its peak, and check the kernel log for whose memory ran out")
        .command(&["systemctl", "show", &unit_name, "-p", "MemoryMax,MemoryPeak,OOMPolicy,Result"]);
    Some(hit(Some(service), format!("was killed because memory ran out: result oom-kill{limit}"), evidence, step))
}

pub(super) const SYS_06: Rule = Rule {
    id: "SYS-06",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "the watchdog killed a unit",
    why: "The unit did not send its keep-alive within WatchdogSec=, so systemd killed it with SIGABRT. It hung or was \
          too busy; it did not crash by itself, although the signal looks like it (SUP-15).",
    explains: symptoms![],
    needs: &[Need::Systemd, Need::Logs],
    signs: &["Watchdog timeout", "Failed with result 'watchdog'"],
    check: Check::Service(watchdog),
};

fn watchdog(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let unit_name = unit_of(service)?;
    let mut evidence = result_evidence(service, "watchdog");
    let line = service.line_of_trouble(&["Watchdog timeout"]);
    if line.is_none() && evidence.is_empty() {
        return None;
    }
    evidence.splice(0..0, line.map(Evidence::of_line));
    complete(&mut evidence, service);
    let limit = line.and_then(|line| super::super::text::between(&line.text, "(limit ", ")"));
    let limit = limit.map_or_else(String::new, |limit| format!(" within {limit}"));
    let step = Step::inspect("read what it logged before that").maybe_command(service.tail(facts));
    Some(hit(
        Some(service),
        format!("sent no keep-alive{limit} and was killed by the watchdog of {unit_name}"),
        evidence,
        step,
    ))
}

/// Shows that the unit's last result is this one, of a unit with trouble.
fn result_evidence(service: &ServiceFacts, result: &str) -> Vec<Evidence> {
    if service.trouble().is_none() {
        return Vec::new();
    }
    let line = service.line_of_trouble(&[&format!("Failed with result '{result}'")]);
    let mut evidence: Vec<Evidence> = line.map(Evidence::of_line).into_iter().collect();
    let is_result = |unit: &crate::node::systemd::Unit| unit.result.as_deref() == Some(result);
    if service.unit.as_ref().and_then(Fact::known).is_some_and(is_result) {
        evidence.push(service.reported_state());
    }
    evidence
}

/// Adds what else there is until there are two.
fn complete(evidence: &mut Vec<Evidence>, service: &ServiceFacts) {
    for more in [service.reported_state(), Evidence::of_state(service)] {
        if evidence.len() < 2 && !evidence.contains(&more) {
            evidence.push(more);
        }
    }
    if evidence.len() < 2 {
        let text = format!("{} lives of {}", service.lives.len(), service.name());
        evidence.push(Evidence::new("lives", service.unit.as_ref().map(|fact| fact.time), text));
    }
}

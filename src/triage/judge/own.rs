//! The rules about the triage itself: what was not recognized, what gave no facts, what is as it was.

use super::services::{answer_in_words, cadence, end_in_words, evidence_of_state, state, usual_life};
use super::unread::Unreads;
use super::{Found, JudgeOptions};
use crate::model::service::Manager;
use crate::node::Fact;
use crate::node::log::{Life, LogKind, LogLine};
use crate::triage::facts::{CollectorReport, CollectorStatus, Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::report::{Finding, Proof};
use crate::triage::rules::{self, Check, Rule, Trouble};
use std::collections::{BTreeMap, BTreeSet};

fn nothing(_: &Facts) -> Vec<Hit> {
    Vec::new()
}

const fn own(id: &'static str, layer: Layer, severity: Severity, title: &'static str, why: &'static str) -> Rule {
    Rule {
        id,
        version: 1,
        playbook: Playbook::Node,
        layer,
        severity,
        title,
        why,
        explains: &[],
        needs: &[],
        signs: &[],
        check: Check::Node(nothing),
    }
}

static NO_FACTS: Rule = own(
    "TOOL-01",
    Layer::App,
    Severity::Unknown,
    "part of the node could not be checked",
    "A collector was denied access, failed or timed out. What it would have seen is unknown, which does not mean \
     healthy: the finding names the rules that could not be applied and a command with the missing permission. A \
     kernel log that this user cannot read is listed as unknown and is not a finding.",
);

pub static NOT_KNOWN: Rule = own(
    "TOOL-02",
    Layer::App,
    Severity::Critical,
    "a service is failing and no rule recognizes why",
    "The service is not running, keeps restarting or does not respond, and no rule recognized the cause. The finding \
     shows how it ends, how often, and the first error line of a run: llama-server and most frameworks print the cause \
     first and the same last lines for everything. It does not guess.",
);

static NO_CHANGE: Rule = own(
    "TOOL-03",
    Layer::App,
    Severity::Info,
    "same findings as in the last run",
    "Rules and services are the same as in the last stored run.",
);

/// Returns every rule, with the judge's own, by id.
pub fn catalog() -> Vec<&'static Rule> {
    let of_rules = rules::all().filter(|rule| !is_own(rule.id));
    let mut all: Vec<&'static Rule> = of_rules.chain([&NO_FACTS, &NOT_KNOWN, &NO_CHANGE]).collect();
    all.sort_by_key(|rule| rule.id);
    all
}

pub fn is_own(id: &str) -> bool {
    id.starts_with("TOOL-0") && [NO_FACTS.id, NOT_KNOWN.id, NO_CHANGE.id].contains(&id)
}

/// Returns the finding for a service in trouble that no critical or warning finding is about.
pub fn not_known(service: &ServiceFacts, found: &[Found]) -> Option<Found> {
    let trouble = service.trouble()?;
    if found.iter().any(|found| found.is_about(service.name()) && found.is_problem()) {
        return None;
    }
    let ended = service.unwanted_ends().last();
    let line = ended.and_then(|life| life.first_error.as_ref()).or_else(|| first_error(service));
    let mut words: Vec<String> = Vec::new();
    words.push(match &trouble {
        Trouble::NotRunning => format!("state {}", state(service)),
        Trouble::Flapping { ends } => format!("ended {ends} times unexpectedly"),
        Trouble::NotAnswering => match service.endpoint() {
            Some(endpoint) => answer_in_words(endpoint),
            None => "its endpoint does not respond".to_owned(),
        },
    });
    words.extend(ended.map(|life| end_in_words(&life.end)));
    words.extend(cadence(service).map(|seconds| format!("started every {seconds} s")));
    words.extend(usual_life(service).map(|seconds| format!("runs of {seconds} s")));
    words.push(match line {
        Some(line) => format!("first error: {}", short(&line.text)),
        None => match last_line(service).filter(|_| has_logged_since(service, ended)) {
            Some(last) => format!("no error line in its logs, last line: {}", short(&last.text)),
            None => "no error line in its logs".to_owned(),
        },
    });
    let mut evidence: Vec<Evidence> = line.into_iter().map(Evidence::of_line).collect();
    evidence.extend(ended.and_then(|life| life.end_line.as_ref()).map(Evidence::of_line));
    evidence.push(evidence_of_state(service));
    if line.is_none() {
        evidence.extend(last_line(service).map(Evidence::of_line));
    }
    let (command, log) = log_command(service, line);
    let hit = Hit {
        service: Some(service.name().to_owned()),
        affects: None,
        cause: format!("not known: {}", words.join(", ")),
        confidence: Confidence::Possible,
        severity: None,
        evidence,
        step: format!("read {log} from the first error after a start"),
        command,
        changes: Changes::Nothing,
        undo: String::new(),
    };
    Some(Found::new(&NOT_KNOWN, hit))
}

/// Returns the first line that looks like an error in the part of the logs that is about the present trouble.
fn first_error(service: &ServiceFacts) -> Option<&LogLine> {
    service.lines_of_trouble().into_iter().find(|line| line.error)
}

/// Returns whether the log with the last line was written since the last life began.
fn has_logged_since(service: &ServiceFacts, ended: Option<&Life>) -> bool {
    let written = service.logs.iter().filter_map(Fact::known).filter_map(|log| log.modified).max();
    let began = ended.and_then(|life| life.began);
    // A second of grace, as above: times of a manager may be whole seconds.
    began.zip(written).is_some_and(|(began, written)| written.0.saturating_add(1_000) >= began.0)
}

fn last_line(service: &ServiceFacts) -> Option<&LogLine> {
    let known = || service.logs.iter().filter_map(Fact::known);
    let newest = known().max_by_key(|log| (log.kind == LogKind::Stderr, log.modified));
    newest.and_then(|log| log.last.iter().rev().find(|line| !line.text.trim().is_empty()))
}

fn short(text: &str) -> String {
    const MOST: usize = 160;
    let text = text.trim();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// Returns a command that shows the log with the error, and the words for that log.
fn log_command(service: &ServiceFacts, line: Option<&LogLine>) -> (Option<Vec<String>>, String) {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>());
    let file = line.map(|line| line.source.clone()).filter(|source| source.starts_with('/'));
    let known = service.logs.iter().filter_map(Fact::known);
    let newest = || known.max_by_key(|log| (log.kind == LogKind::Stderr, log.modified));
    let file = file.or_else(|| newest().map(|log| log.path.display().to_string()).filter(|path| path.starts_with('/')));
    match (file, &service.service.manager) {
        (_, Manager::Systemd(unit)) => {
            (words(&["journalctl", "-u", unit, "-n", "200", "--no-pager"]), format!("the journal of {unit}"))
        }
        (Some(file), _) => (words(&["tail", "-n", "200", &file]), file.clone()),
        (None, Manager::Supervisor(name)) => {
            (words(&["supervisorctl", "tail", "-8000", name, "stderr"]), format!("the stderr log of {name}"))
        }
        (None, _) => (None, format!("the log of {}", service.name())),
    }
}

/// Returns the finding for collectors that gave nothing.
pub fn no_facts(facts: &Facts, unread: &Unreads<'_>) -> Option<Found> {
    let gave_nothing = |of: &&CollectorReport| match of.status {
        CollectorStatus::Ok | CollectorStatus::Absent => false,
        CollectorStatus::Denied => !of.name.contains("kernel"),
        CollectorStatus::TimedOut | CollectorStatus::Failed => true,
    };
    let silent: Vec<&CollectorReport> = facts.collectors.iter().filter(gave_nothing).collect();
    let first = silent.first()?;
    let names: Vec<&str> = silent.iter().map(|of| of.name.as_str()).collect();
    let evidence = silent.iter().map(|of| {
        let why = of.why.as_deref().unwrap_or("no reason given");
        Evidence::new(
            format!("collector {}", of.name),
            Some(facts.taken),
            format!("{} after {} ms: {why}", status(of.status), of.ms),
        )
    });
    let mut evidence: Vec<Evidence> = evidence.collect();
    let rules = unread.rules();
    let judged = match rules.len() {
        0 => "no rule depends on it".to_owned(),
        n => format!("{n} rules not applied: {}", rules.into_iter().collect::<Vec<_>>().join(", ")),
    };
    evidence.push(Evidence::new("rules", None, judged));
    let with_command = silent.iter().find(|of| of.command.is_some()).unwrap_or(first);
    let right = with_command.right.as_ref().map(|right| format!(" with {right}")).unwrap_or_default();
    let hit = Hit {
        service: None,
        affects: None,
        cause: format!("incomplete: nothing could be read from {}", names.join(", ")),
        confidence: Confidence::Proven,
        severity: None,
        evidence,
        step: format!("run triage again{right}"),
        command: with_command.command.clone(),
        changes: Changes::Nothing,
        undo: String::new(),
    };
    Some(Found::new(&NO_FACTS, hit))
}

fn status(status: CollectorStatus) -> &'static str {
    match status {
        CollectorStatus::Ok => "ok",
        CollectorStatus::Absent => "absent",
        CollectorStatus::Denied => "denied",
        CollectorStatus::TimedOut => "timed out",
        CollectorStatus::Failed => "failed",
    }
}

/// Returns the finding that nothing has changed since the last run.
pub fn no_change(findings: &[Finding], options: &JudgeOptions) -> Option<Finding> {
    let last = options.last.as_ref().filter(|_| options.shows(NO_CHANGE.id))?;
    let key = |rule: &str, service: &Option<String>| (rule.to_owned(), service.clone());
    let problems = findings.iter().filter(|finding| finding.is_problem());
    let now: BTreeSet<_> = problems.map(|finding| key(&finding.rule, &finding.service)).collect();
    let then: BTreeSet<_> = last.iter().map(|(rule, service)| key(rule, service)).collect();
    if now.is_empty() || now != then {
        return None;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    now.iter().for_each(|(rule, _)| *counts.entry(rule).or_default() += 1);
    let names = counts.keys().copied().collect::<Vec<_>>().join(", ");
    let evidence = ["last run", "this run"].map(|run| Proof::from(Evidence::new(run, None, names.clone()))).to_vec();
    Some(Finding {
        rule: NO_CHANGE.id.to_owned(),
        version: NO_CHANGE.version,
        severity: NO_CHANGE.severity,
        confidence: Confidence::Proven,
        playbook: NO_CHANGE.playbook,
        layer: NO_CHANGE.layer,
        service: None,
        cause: format!("same findings as in the last run: {names}"),
        evidence,
        step: "take the step of the first finding".to_owned(),
        command: None,
        changes: "nothing".to_owned(),
        undo: String::new(),
        explains: Vec::new(),
        changed: Vec::new(),
    })
}

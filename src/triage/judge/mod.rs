//! The verdict over facts (pure): every rule is asked, causes are put above what they explain, and what could not be
//! looked at is said.

mod explain;
mod own;
mod services;
#[cfg(test)]
mod tests;
mod unread;

pub use own::catalog;

use super::facts::{Facts, ServiceFacts};
use super::finding::{Confidence, Evidence, Hit, Layer, Playbook, Severity};
use super::report::{
    Collector, Explained, Finding, REPORT_SCHEMA, Report, ServiceReport, Time, Verdict, changes_in_words,
};
use super::rules::{self, Check, Rule};
use crate::clock::Timestamp;
use crate::model::service::{Role, Service};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is judged, and what is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeOptions {
    /// Ids of rules; empty: all.
    pub only: Vec<String>,
    pub skip: Vec<String>,
    /// Names of services; empty: all.
    pub services: Vec<String>,
    /// The playbook whose services are judged; the node is judged with each.
    pub playbook: Option<Playbook>,
    /// The findings of the last run, where one is stored: rule and service.
    pub last: Option<Vec<(String, Option<String>)>>,
}

impl JudgeOptions {
    /// Returns these options, with those of a bundle for what is not given.
    #[must_use]
    pub fn or_those_of(self, other: JudgeOptions) -> JudgeOptions {
        let either = |ours: Vec<String>, theirs: Vec<String>| if ours.is_empty() { theirs } else { ours };
        JudgeOptions {
            only: either(self.only, other.only),
            skip: either(self.skip, other.skip),
            services: either(self.services, other.services),
            playbook: self.playbook.or(other.playbook),
            last: self.last.or(other.last),
        }
    }

    fn shows(&self, rule: &str) -> bool {
        let has = |ids: &[String]| ids.iter().any(|id| id.eq_ignore_ascii_case(rule));
        (self.only.is_empty() || has(&self.only)) && !has(&self.skip)
    }

    /// Returns whether flags name this rule.
    fn names_rule(&self, rule: &str) -> bool {
        self.only.iter().any(|id| id.eq_ignore_ascii_case(rule))
    }

    fn selects(&self, service: &Service) -> bool {
        let by_name = self.services.is_empty() || self.services.contains(&service.name);
        let by_role = match self.playbook {
            None | Some(Playbook::Node) => true,
            Some(Playbook::Api) => service.role == Role::Api,
            Some(Playbook::Llama) => matches!(service.role, Role::Llama | Role::Sync),
            Some(Playbook::Worker) => service.role == Role::Worker,
            Some(Playbook::Whisper) => service.role == Role::Whisper,
        };
        by_name && by_role
    }
}

/// A hit of a rule, before it is decided whether it is a cause of its own.
struct Found {
    rule: &'static Rule,
    severity: Severity,
    hit: Hit,
}

impl Found {
    fn new(rule: &'static Rule, hit: Hit) -> Found {
        Found { rule, severity: hit.severity.unwrap_or(rule.severity), hit }
    }

    fn is_problem(&self) -> bool {
        matches!(self.severity, Severity::Critical | Severity::Warning)
    }

    fn is_about(&self, service: &str) -> bool {
        self.hit.service.as_deref() == Some(service)
    }

    /// The causal order.
    fn order(&self) -> (Layer, Severity, &Option<String>, &'static str) {
        (self.rule.layer, self.severity, &self.hit.service, self.rule.id)
    }
}

/// Judges the facts of one look at a node by all rules.
pub fn judge(facts: &Facts, options: &JudgeOptions) -> Report {
    judge_by(rules::all(), facts, options)
}

/// Like [`judge`], by these rules; the judge's own are added.
fn judge_by(rules: impl Iterator<Item = &'static Rule>, facts: &Facts, options: &JudgeOptions) -> Report {
    let selected: Vec<&ServiceFacts> =
        facts.services.iter().filter(|service| options.selects(&service.service)).collect();
    let mut found = Vec::new();
    let mut unread = unread::Unreads::new(facts, &selected, options);
    for rule in rules.filter(|rule| !own::is_own(rule.id)) {
        let shown = options.shows(rule.id);
        match rule.check {
            Check::Service(check) => {
                for &service in &selected {
                    match check(facts, service) {
                        Some(hit) => found.push(Found::new(rule, hit)),
                        None if shown => unread.blocks(rule, Some(service)),
                        None => {}
                    }
                }
            }
            Check::Node(check) => {
                let hits = check(facts);
                if hits.is_empty() && shown {
                    unread.blocks(rule, None);
                }
                let is_selected =
                    |hit: &Hit| hit.service.as_ref().is_none_or(|name| selected.iter().any(|s| s.name() == name));
                found.extend(hits.into_iter().filter(is_selected).map(|hit| Found::new(rule, hit)));
            }
        }
    }
    // A service in trouble that a skipped rule knows is not unknown: this is asked before anything is left out.
    let unexplained: Vec<Found> = selected.iter().filter_map(|service| own::not_known(service, &found)).collect();
    found.extend(unexplained);
    found.extend(own::no_facts(facts, &unread));
    found.retain(|found| options.shows(found.rule.id));
    found.iter_mut().for_each(|found| complete(found, facts));
    found.sort_by(|a, b| a.order().cmp(&b.order()));
    found.dedup_by(|a, b| a.rule.id == b.rule.id && a.hit == b.hit);
    report(facts, &selected, found, unread, options)
}

/// Returns what a script reads of a service, over all lives that are known.
pub fn service_report(service: &ServiceFacts) -> ServiceReport {
    services::report(service, Timestamp(i64::MIN))
}

/// Adds to a hit with too little evidence what is known of its facts; such a hit is only possible.
fn complete(found: &mut Found, facts: &Facts) {
    let mut seen: Vec<Evidence> = Vec::new();
    found.hit.evidence.retain(|evidence| {
        let is_new = !seen.contains(evidence);
        seen.extend(is_new.then(|| evidence.clone()));
        is_new
    });
    if found.hit.evidence.len() >= 2 {
        return;
    }
    found.hit.confidence = Confidence::Possible;
    let service = found.hit.service.as_ref().and_then(|name| facts.services.iter().find(|s| s.name() == name));
    let mut more: Vec<Evidence> =
        found.rule.needs.iter().filter_map(|need| unread::witness(*need, facts, service)).collect();
    more.extend(service.map(services::evidence_of_state));
    more.push(Evidence::new("this run", Some(facts.taken), format!("rule {} matched", found.rule.id)));
    more.push(Evidence::new("host", Some(facts.taken), format!("{}, {}", facts.machine.host, facts.machine.kernel)));
    let missing = 2 - found.hit.evidence.len();
    more.retain(|evidence| !found.hit.evidence.contains(evidence));
    found.hit.evidence.extend(more.into_iter().take(missing));
}

fn report(
    facts: &Facts,
    selected: &[&ServiceFacts],
    found: Vec<Found>,
    unread: unread::Unreads<'_>,
    options: &JudgeOptions,
) -> Report {
    let roots = explain::roots(&found, facts);
    let mut findings: Vec<(u8, Finding)> = Vec::new();
    let mut explained = Vec::new();
    for (at, one) in found.iter().enumerate() {
        let root = roots.get(at).copied().unwrap_or(at);
        if let Some(by) = found.get(root).filter(|_| root != at) {
            explained.push(Explained {
                rule: one.rule.id.to_owned(),
                by: by.rule.id.to_owned(),
                cause: one.hit.cause.clone(),
                service: one.hit.service.clone(),
                by_service: by.hit.service.clone(),
                severity: one.severity,
            });
            continue;
        }
        let below = || found.iter().zip(&roots).enumerate().filter(|(of, (_, root))| *of != at && **root == at);
        let explains: BTreeSet<String> = below().map(|(_, (found, _))| found.rule.id.to_owned()).collect();
        let explains_critical = below().any(|(_, (found, _))| found.severity == Severity::Critical);
        findings.push((rank(one.severity, explains_critical), finding(one, explains.into_iter().collect(), facts)));
    }
    // A warning that explains nothing is no cause of what is critical, whatever its layer.
    findings.sort_by_key(|(rank, _)| *rank);
    let mut findings: Vec<Finding> = findings.into_iter().map(|(_, finding)| finding).collect();
    findings.extend(own::no_change(&findings, options));
    let unknown = unread.listed();
    let verdict = match () {
        () if findings.iter().any(Finding::is_problem) => Verdict::Sick,
        () if unknown.iter().any(|unknown| unknown.asked) => Verdict::Unknown,
        () => Verdict::Healthy,
    };
    let collectors = facts.collectors.iter();
    Report {
        schema: REPORT_SCHEMA,
        verdict,
        time: Time(facts.taken),
        since: Time(facts.since),
        took_ms: 0,
        services: selected.iter().map(|service| services::report(service, facts.since)).collect(),
        findings,
        explained,
        unknown,
        collectors: collectors
            .map(|of| Collector { name: of.name.clone(), status: of.status, ms: of.ms, bytes: of.bytes })
            .collect(),
        redacted: 0,
    }
}

/// The group of a finding in the list; within a group the causal order counts.
fn rank(severity: Severity, explains_critical: bool) -> u8 {
    match severity {
        Severity::Critical => 0,
        Severity::Warning if explains_critical => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
        Severity::Unknown => 3,
    }
}

fn finding(found: &Found, explains: Vec<String>, facts: &Facts) -> Finding {
    let hit = &found.hit;
    let is_near = |of: &Option<String>| of.is_none() || *of == hit.service;
    let changes = facts.changes.iter().flat_map(|changes| &changes.changes).filter(|change| is_near(&change.service));
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    Finding {
        rule: found.rule.id.to_owned(),
        version: found.rule.version,
        severity: found.severity,
        confidence: hit.confidence,
        playbook: found.rule.playbook,
        layer: found.rule.layer,
        service: hit.service.clone(),
        cause: hit.cause.clone(),
        evidence: hit.evidence.iter().cloned().map(Into::into).collect(),
        step: hit.step.clone(),
        command: hit.command.clone(),
        changes: changes_in_words(&hit.changes),
        undo: hit.undo.clone(),
        explains,
        changed: changes.map(|c| format!("{}: {} → {}", c.what, or_none(&c.was), or_none(&c.is))).collect(),
    }
}

//! Failures of several lives compared.

use super::super::step::{Step, hit};
use super::super::{Check, Need, Rule};
use super::exception::{Exception, exception, shown, signature};
use crate::node::Fact;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use std::collections::BTreeSet;

/// Lives with an exception from which on they are compared.
const LIVES: usize = 3;

pub(super) const PY_06: Rule = Rule {
    id: "PY-06",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "the same exception ends every run",
    why: "Three or more runs ended with the same exception (class and message, ignoring numbers): it depends on code, \
          settings or data that do not change, not on load or timing. Restarting does not help.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "WRK-01"],
    needs: &[Need::Logs],
    signs: &["Error: ", "Exception: "],
    check: Check::Service(same),
};

fn same(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (exceptions, distinct) = of_lives(service);
    let (first, last) = (exceptions.first()?, exceptions.last()?);
    if exceptions.len() < LIVES || distinct != 1 {
        return None;
    }
    let changes: Vec<String> = facts
        .changes
        .iter()
        .flat_map(|changes| &changes.changes)
        .filter(|change| change.service.as_deref() == Some(service.name()))
        .map(|change| change.what.clone())
        .collect();
    let changed = if changes.is_empty() {
        String::new()
    } else {
        format!(" (since the baseline changed: {})", changes.join(", "))
    };
    let mut evidence = vec![Evidence::of_line(first.line), Evidence::of_line(last.line)];
    evidence.push(Evidence::of_state(service));
    let cause = format!("the same exception ended each of its last {} runs: {}", exceptions.len(), shown(last));
    let text = format!("go back to the last release that worked{changed}, or fix what the exception names");
    let step = Step::change(Changes::Service(service.name().to_owned()), text, "reinstall the current release");
    Some(hit(Some(service), cause, evidence, step))
}

pub(super) const PY_07: Rule = Rule {
    id: "PY-07",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::App,
    severity: Severity::Warning,
    title: "a different exception ends every run",
    why: "Three or more runs ended with mostly different exceptions: that is rarely the code, more often a resource or \
          a service that it depends on (memory, disk, network). A single bug fails the same way each time (PY-06).",
    explains: &["SUP-10", "SUP-17", "SYS-03"],
    needs: &[Need::Logs],
    signs: &["Error: ", "Exception: "],
    check: Check::Service(different),
};

fn different(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (exceptions, distinct) = of_lives(service);
    if exceptions.len() < LIVES || distinct * 2 <= exceptions.len() || distinct < 2 {
        return None;
    }
    let evidence: Vec<Evidence> =
        exceptions.iter().rev().take(3).rev().map(|one| Evidence::of_line(one.line)).collect();
    let kinds: BTreeSet<&str> = exceptions.iter().map(|one| one.class).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    let cause = format!(
        "{} different exceptions ended its last {} runs ({}): probably a resource or another service, not its code",
        distinct,
        exceptions.len(),
        kinds.join(", ")
    );
    let step = Step::inspect("check memory, disks and the services it depends on first").command(&[
        "modelctl",
        "triage",
        "--look",
        "--service",
        service.name(),
    ]);
    Some(hit(Some(service), cause, evidence, step))
}

/// Returns the last exception of each life of the present trouble that ended, and how many of them differ.
fn of_lives(service: &ServiceFacts) -> (Vec<Exception<'_>>, usize) {
    let ends = service.ends_of_trouble();
    let marked = || service.logs.iter().filter_map(Fact::known).flat_map(|log| log.marked.iter().rev());
    let mut exceptions = Vec::new();
    for (index, life) in service.lives.iter().enumerate() {
        if !ends.iter().any(|end| std::ptr::eq(*end, life)) {
            continue;
        }
        let of_log = marked().filter(|line| line.life == Some(index)).find_map(exception);
        exceptions.extend(of_log.or_else(|| life.first_error.as_ref().and_then(exception)));
    }
    let distinct = exceptions.iter().map(signature).collect::<BTreeSet<_>>().len();
    (exceptions, distinct)
}

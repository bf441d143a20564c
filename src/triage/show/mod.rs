//! The answer as a person reads it, as lines with a tone: on the screen and as `report.txt` of a bundle.

mod lines;
#[cfg(test)]
mod tests;

pub use lines::{Line, Lines, Tone, shell, size_and_age, when};

use super::facts::ServiceFacts;
use super::finding::{Confidence, Severity};
use super::report::{Explained, Finding, Proof, Report, ServiceReport, Time, Unknown, Verdict};
use crate::display::units::{plural, took};
use std::time::Duration;

/// How the answer is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Columns; only paths and commands are wider.
    pub width: usize,
    /// Whether to show everything: hints, what is explained in full, collectors.
    pub all: bool,
}

/// Lines of proof of one finding without `--all`.
const PROOFS: usize = 4;
/// Entries of a block without `--all`.
const ENTRIES: usize = 8;

/// Returns the answer as lines.
pub fn show(report: &Report, layout: Layout) -> Vec<Line> {
    let mut lines = Lines::new(layout.width);
    let shown: Vec<&Finding> = report.findings.iter().filter(|finding| layout.all || finding.is_problem()).collect();
    let problems = report.problems().count();
    if problems > 1 {
        let explained = report.explained.len();
        let explained = if explained > 0 {
            format!(", {} explained by them", plural(explained as u64, "finding"))
        } else {
            String::new()
        };
        lines.wrapped(Tone::Bold, "", &format!("{problems} causes, in causal order{explained}"));
        lines.empty();
    }
    for (at, finding) in shown.iter().enumerate() {
        let number = if shown.len() > 1 { format!("{}. ", at + 1) } else { String::new() };
        one(&mut lines, report, finding, &number, layout);
        lines.empty();
    }
    if problems == 0 {
        healthy(&mut lines, report);
        lines.empty();
    }
    if !layout.all {
        hints(&mut lines, report);
    }
    unknown(&mut lines, &report.unknown, layout);
    if layout.all {
        collectors(&mut lines, report);
    }
    lines.wrapped(Tone::Dim, "", &last_line(report));
    lines.into_vec()
}

fn one(lines: &mut Lines, report: &Report, finding: &Finding, number: &str, layout: Layout) {
    let tone = match finding.severity {
        Severity::Critical => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Info | Severity::Unknown => Tone::Plain,
    };
    lines.wrapped(tone, number, &format!("{}: {}", subject(report, finding), finding.cause));
    lines.label("proof");
    let most = if layout.all { usize::MAX } else { PROOFS };
    for proof in finding.evidence.iter().take(most) {
        self::proof(lines, proof, layout);
    }
    if let Some(more) = finding.evidence.len().checked_sub(most).filter(|more| *more > 0) {
        lines.wrapped(Tone::Dim, "    ", &format!("{} more (--all)", plural(more as u64, "line")));
    }
    lines.field("step", &finding.step);
    if let Some(command) = &finding.command {
        lines.whole(Tone::Bold, &format!("           $ {}", shell(command)));
    }
    if finding.changes != "nothing" {
        lines.field("changes", &finding.changes);
    }
    if !finding.undo.is_empty() {
        lines.field("undo", &finding.undo);
    }
    for changed in finding.changed.iter().take(if layout.all { usize::MAX } else { 3 }) {
        lines.field("changed", changed);
    }
    let explained: Vec<&Explained> = report
        .explained
        .iter()
        .filter(|explained| explained.by == finding.rule && explained.by_service == finding.service)
        .collect();
    if !explained.is_empty() {
        lines.field("explains", &plural(explained.len() as u64, "finding"));
        for explained in explained.iter().take(if layout.all { usize::MAX } else { 3 }) {
            let service = explained.service.as_deref().unwrap_or("node");
            lines.wrapped(
                Tone::Plain,
                "           ",
                &format!("{service}: {} ({})", cut(&explained.cause, 200), explained.rule),
            );
        }
    }
    let confidence = match finding.confidence {
        Confidence::Proven => "proven",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    };
    lines.field("rule", &format!("{}, {}, {confidence}", finding.rule, severity(finding.severity)));
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
        Severity::Unknown => "unknown",
    }
}

/// Returns, for example, `llama is flapping`.
fn subject(report: &Report, finding: &Finding) -> String {
    let Some(name) = &finding.service else { return "node".to_owned() };
    let trouble = report.services.iter().find(|service| service.name == *name).and_then(|service| service.trouble);
    let verb = match (trouble, finding.severity) {
        (Some("not-running"), _) => "is down",
        (Some("flapping"), _) => "is flapping",
        (Some("not-answering"), _) => "does not respond",
        (_, Severity::Critical) => "is degraded",
        (_, Severity::Warning) => "is at risk",
        (_, Severity::Info | Severity::Unknown) => "runs",
    };
    format!("{name} {verb}")
}

fn proof(lines: &mut Lines, proof: &Proof, layout: Layout) {
    let line = proof.line.map(|line| format!(":{line}")).unwrap_or_default();
    let time = proof.time.map(|Time(time)| format!("  {}", time.rfc3339())).unwrap_or_default();
    lines.whole(Tone::Dim, &format!("    {}{line}{time}", proof.source));
    let text = if layout.all { proof.text.clone() } else { cut(&proof.text, 400) };
    lines.wrapped(Tone::Plain, "      ", &text);
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// Shows that nothing is wrong, and of what.
fn healthy(lines: &mut Lines, report: &Report) {
    let services = plural(report.services.len() as u64, "service");
    let since = report.since.0.rfc3339();
    match report.verdict {
        Verdict::Unknown => {
            lines.wrapped(
                Tone::Warn,
                "",
                &format!(
                    "unknown: no problem found in {services} since {since}, but not \
                                                    everything you asked for could be checked"
                ),
            );
        }
        _ => lines.wrapped(Tone::Bold, "", &format!("healthy: {services}, no problem since {since}")),
    }
    for service in report.services.iter().take(20) {
        lines.wrapped(Tone::Plain, "  ", &service_line(service));
    }
    if let Some(more) = report.services.len().checked_sub(20).filter(|more| *more > 0) {
        lines.wrapped(Tone::Dim, "  ", &format!("{more} more (--json)"));
    }
}

/// Returns, for example, `llama  RUNNING, pid 17, since 2026-11-29T11:00:00Z`.
pub fn service_line(service: &ServiceReport) -> String {
    let mut words = vec![service.state.clone()];
    words.extend(service.pid.map(|pid| format!("pid {pid}")));
    words.extend(service.since.map(|Time(since)| format!("since {}", since.rfc3339())));
    if service.flapping {
        let cadence = service.cadence_s.map(|seconds| format!(", every {seconds} s")).unwrap_or_default();
        words.push(format!("flapping: {}{cadence}", plural(service.starts, "start")));
    }
    words.extend(service.endpoint.clone());
    format!("{}  {}", service.name, words.join(", "))
}

/// Lists findings that are no problems, a line each.
fn hints(lines: &mut Lines, report: &Report) {
    let hints: Vec<&Finding> = report.findings.iter().filter(|finding| !finding.is_problem()).collect();
    if hints.is_empty() {
        return;
    }
    lines.label("also");
    for finding in hints.iter().take(ENTRIES) {
        lines.wrapped(
            Tone::Plain,
            "    ",
            &format!("{}: {} ({})", subject(report, finding), cut(&finding.cause, 200), finding.rule),
        );
    }
    if let Some(more) = hints.len().checked_sub(ENTRIES).filter(|more| *more > 0) {
        lines.wrapped(Tone::Dim, "    ", &format!("{more} more (--all)"));
    }
    lines.empty();
}

fn unknown(lines: &mut Lines, unknown: &[Unknown], layout: Layout) {
    if unknown.is_empty() {
        return;
    }
    lines.label("unknown");
    let most = if layout.all { usize::MAX } else { ENTRIES };
    for entry in unknown.iter().take(most) {
        let right = entry.right.as_ref().map(|right| format!("; needs {right}")).unwrap_or_default();
        let asked = if entry.asked { " (requested)" } else { "" };
        let tone = if entry.asked { Tone::Warn } else { Tone::Plain };
        lines.wrapped(tone, "    ", &format!("{}: {}{right}{asked}", entry.what, cut(&entry.why, 200)));
        if layout.all && !entry.rules.is_empty() {
            lines.wrapped(Tone::Dim, "      ", &format!("rules not applied: {}", entry.rules.join(", ")));
        }
        if let Some(command) = &entry.command {
            lines.whole(Tone::Plain, &format!("      $ {}", shell(command)));
        }
    }
    if let Some(more) = unknown.len().checked_sub(most).filter(|more| *more > 0) {
        lines.wrapped(Tone::Dim, "    ", &format!("{more} more (--all)"));
    }
    lines.empty();
}

fn collectors(lines: &mut Lines, report: &Report) {
    lines.label("collectors");
    for of in &report.collectors {
        let status = serde_json::to_value(of.status).ok().and_then(|value| value.as_str().map(str::to_owned));
        let status = status.unwrap_or_default();
        lines.wrapped(Tone::Plain, "    ", &format!("{}: {status}, {} ms, {} bytes", of.name, of.ms, of.bytes));
    }
    lines.empty();
}

fn last_line(report: &Report) -> String {
    let redacted = match report.redacted {
        0 => String::new(),
        n => format!("; {} redacted", plural(n, "secret or private text")),
    };
    let services = plural(report.services.len() as u64, "service");
    let since = report.since.0.rfc3339();
    format!("{services} since {since}, in {}{redacted}", took(Duration::from_millis(report.took_ms)))
}

/// Returns the state of a service, for the views of facts.
pub fn state_line(service: &ServiceFacts) -> String {
    service_line(&super::judge::service_report(service))
}

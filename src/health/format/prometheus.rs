//! The text format of Prometheus (0.0.4), for node_exporter's textfile collector: no timestamps, each series once.

use super::super::{Report, Status};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Formats a report. Every series of a status is the worst of its checks.
pub fn prometheus(report: &Report) -> String {
    let mut statuses: BTreeMap<(&str, &str), Status> = BTreeMap::new();
    let mut values: BTreeMap<[&str; 4], f64> = BTreeMap::new();
    for check in &report.checks {
        let key = (check.name.name(), check.target.as_str());
        let status = statuses.entry(key).or_insert(check.status);
        *status = (*status).max(check.status);
        if let (Some(metric), Some(value), Some(unit)) = (check.metric, check.value, check.unit) {
            values.insert([check.name.name(), check.target.as_str(), metric, word(unit)], value);
        }
    }
    let mut out = String::new();
    head(&mut out, "modelctl_health_status", "Result of a check: 0 ok, 1 warning, 2 critical, 3 unknown.");
    for ((check, target), status) in statuses {
        let labels = labels(&[("check", check), ("target", target)]);
        line(&mut out, "modelctl_health_status", &labels, f64::from(status.number()));
    }
    head(&mut out, "modelctl_health_value", "Value measured by a check, in its unit.");
    for ([check, target, metric, unit], value) in values {
        let labels = labels(&[("check", check), ("target", target), ("metric", metric), ("unit", unit)]);
        line(&mut out, "modelctl_health_value", &labels, value);
    }
    head(&mut out, "modelctl_health_duration_seconds", "Duration of the last run.");
    line(&mut out, "modelctl_health_duration_seconds", "", report.took_ms as f64 / 1_000.0);
    head(&mut out, "modelctl_health_last_run_timestamp_seconds", "Time of the last run.");
    line(&mut out, "modelctl_health_last_run_timestamp_seconds", "", report.time.millis() as f64 / 1_000.0);
    out
}

fn word(unit: &str) -> &str {
    match unit {
        "s" => "seconds",
        "%" => "percent",
        other => other,
    }
}

fn head(out: &mut String, name: &str, help: &str) {
    // Writing to a string never fails.
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n");
}

fn line(out: &mut String, name: &str, labels: &str, value: f64) {
    // As above. Display of f64 has no exponent.
    let _ = writeln!(out, "{name}{labels} {value}");
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

//! The dashboard and the alert rules ask for figures that there are.

use super::packaged;
use crate::sandbox::Sandbox;
use modelctl::serve::api::METRICS;
use regex::Regex;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

/// The figures of `modelctl health --format prometheus`.
const HEALTH: &[(&str, &[&str])] = &[
    ("modelctl_health_status", &["check", "target"]),
    ("modelctl_health_value", &["check", "target", "metric", "unit"]),
    ("modelctl_health_duration_seconds", &[]),
    ("modelctl_health_last_run_timestamp_seconds", &[]),
];

/// Every figure with its labels.
fn figures() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let of_serve = METRICS.iter().map(|(name, _)| {
        let (name, labels) = name.split_once('{').unwrap_or((name, ""));
        (name, labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).collect())
    });
    of_serve.chain(HEALTH.iter().map(|(name, labels)| (*name, labels.iter().copied().collect()))).collect()
}

/// Returns what is wrong with a query: figures or labels that there are not.
fn faults(query: &str, figures: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let selector = Regex::new(r"(modelctl_[a-z_]+)(?:\{([^}]*)\})?").unwrap();
    let label = Regex::new(r#"([a-z_]+)[=!]"#).unwrap();
    let by = Regex::new(r"by \(([a-z_, ]+)\)").unwrap();
    let mut known = BTreeSet::from(["instance", "job", "le"]);
    let mut faults = Vec::new();
    for found in selector.captures_iter(query) {
        let name = &found[1];
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let Some(labels) = figures.get(name).or_else(|| figures.get(of_histogram?)) else {
            faults.push(format!("there is no {name}"));
            continue;
        };
        known.extend(labels);
        let asked = found.get(2).map_or("", |labels| labels.as_str());
        let foreign = label.captures_iter(asked).map(|found| found[1].to_owned());
        faults.extend(
            foreign.filter(|label| !known.contains(label.as_str())).map(|label| format!("{name} has no {label}")),
        );
    }
    for found in by.captures_iter(query) {
        let foreign = found[1].split(',').map(str::trim).filter(|label| !known.contains(label));
        faults.extend(foreign.map(|label| format!("nothing has the label {label}")));
    }
    faults
}

fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("expr").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| queries(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

/// A panel without data, or an alert that never fires, looks like a machine on which all is well.
#[test]
fn dashboard_and_alerts_ask_for_figures_that_there_are() {
    let dashboard: Value = serde_json::from_slice(&fs::read(packaged("grafana/modelctl.json")).unwrap()).unwrap();
    let rules = fs::read_to_string(packaged("prometheus/modelctl.rules.yml")).unwrap();
    let rules: Value = serde_saphyr::from_str(&rules).unwrap();
    let figures = figures();
    for (what, of, least) in [("dashboard", &dashboard, 30), ("rules", &rules, 12)] {
        let mut found = Vec::new();
        queries(of, &mut found);
        assert!(found.len() >= least, "{what}: {found:?}");
        for query in found {
            assert_eq!(faults(&query, &figures), [""; 0], "{what}: {query}");
        }
    }
    let shown = dashboard.to_string();
    let unseen: Vec<&&str> =
        figures.keys().filter(|name| !name.contains("_health_") && !shown.contains(**name)).collect();
    assert!(unseen.is_empty(), "no panel shows {unseen:?}");
    assert_eq!(faults("sum by (colour) (modelctl_servers{shape=\"x\"}) / modelctl_nothing", &figures).len(), 3);
}

/// As above, for what cron writes.
#[test]
fn the_figures_of_health_are_those_that_it_writes() {
    let sandbox = Sandbox::new();
    sandbox.write("a.gguf", b"no model");
    sandbox.run(["scan"]);
    let config = sandbox.path("config.toml");
    fs::write(&config, "[[services]]\nname = \"a\"\n").unwrap();
    let run = sandbox.run(["--config", config.to_str().unwrap(), "health", "--format", "prometheus"]);
    let written: BTreeSet<&str> =
        run.out.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(written, HEALTH.iter().map(|(name, _)| *name).collect(), "{run:#?}");
}

/// Where Prometheus is installed, it finds no fault with the rules.
#[test]
fn prometheus_understands_the_rules() {
    let rules = packaged("prometheus/modelctl.rules.yml");
    match Command::new("promtool").args(["check", "rules"]).arg(rules).output() {
        Ok(verdict) => assert!(verdict.status.success(), "{verdict:?}"),
        Err(_) => eprintln!("there is no promtool: the rules were read as YAML alone"),
    }
}

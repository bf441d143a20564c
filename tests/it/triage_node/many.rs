//! A node with very many programs.

use super::timed;
use crate::sandbox::Sandbox;
use crate::supervised::{Supervisord, until};
use std::time::Duration;

const ALL: usize = 200;
const FLAPPING: usize = 40;

/// supervisord answers such a node slowly, since it writes 4 KiB a turn and ends and starts programs between: the verdict
/// must come all the same, and a probe must not call the programs unknown that run.
#[test]
fn two_hundred_programs_have_a_verdict_in_time() {
    let sandbox = Sandbox::new();
    let name = |n: usize| format!("{}{n:03}", if n < FLAPPING { "flaps" } else { "runs" });
    let programs: Vec<(String, String)> = (0..ALL)
        .map(|n| {
            let lines = match n < FLAPPING {
                true => {
                    let sleep = 1.0 + (n % 10) as f64 / 10.0;
                    format!("command=sh -c \"sleep {sleep}; echo 'ERROR: the moon is full' >&2; exit 7\"\nstartsecs=0\nautorestart=true")
                }
                false => "command=/bin/sleep 600".to_owned(),
            };
            (name(n), lines)
        })
        .collect();
    let sections: Vec<(&str, &str)> = programs.iter().map(|(name, lines)| (name.as_str(), lines.as_str())).collect();
    let supervisord = Supervisord::start(&sandbox, &sections);
    until("five ends of each program that flaps", || {
        let log = std::fs::read_to_string(sandbox.path("supervisord.log")).unwrap();
        (0..FLAPPING).all(|n| log.matches(&format!("exited: {} ", name(n))).count() >= 5)
    });

    let (health, took) = timed(&sandbox, &["health", "--check", "services", "--timeout", "20s", "--json"]);
    assert!(took < Duration::from_secs(21), "{took:?}");
    let report = health.json();
    // Other programs of the machine may be services as well.
    let is_ours = |check: &&serde_json::Value| {
        let target = check["target"].as_str().unwrap();
        target.starts_with("flaps") || target.starts_with("runs")
    };
    let checks: Vec<_> = report["checks"].as_array().unwrap().iter().filter(is_ours).collect();
    assert_eq!(checks.len(), ALL, "{report:#}");
    for check in checks {
        let (target, status) = (check["target"].as_str().unwrap(), check["status"].as_str().unwrap());
        // One that flaps may be between two lives.
        assert!(target.starts_with("flaps") || matches!(status, "ok" | "warning"), "{check:#}");
    }

    let (triage, took) = timed(&sandbox, &["triage", "--json"]);
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(triage.code, Some(1));
    let report = triage.json();
    let services = report["services"].as_array().unwrap().iter().map(|service| service["name"].as_str().unwrap());
    assert_eq!(services.filter(|name| name.starts_with("flaps") || name.starts_with("runs")).count(), ALL);
    let of_rule = |rule: &str| {
        let findings = report["findings"].as_array().unwrap().iter().filter(|one| one["rule"] == rule);
        findings.map(|one| one["service"].as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    let flapping = of_rule("SUP-10");
    assert!(flapping.iter().all(|service| service.starts_with("flaps")), "{flapping:?}");
    // Some may wait in BACKOFF, which is another rule.
    assert!(flapping.len() + of_rule("SUP-17").len() >= FLAPPING / 2, "{flapping:?}");
    let first = report["findings"].as_array().unwrap().iter().find(|one| one["rule"] == "SUP-10").unwrap();
    assert!(first["cause"].as_str().unwrap().contains("the moon is full"), "{first:#}");
    drop(supervisord);
}

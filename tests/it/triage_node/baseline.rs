//! The baseline of a node that works, and what a triage says has changed since.

use super::timed;
use crate::sandbox::Sandbox;
use crate::supervised::{Supervisord, script};
use serde_json::Value;

/// A list of everything, on a node where one file was edited, hides the one thing that an operator looks for.
#[test]
fn only_what_has_changed_is_named() {
    let sandbox = Sandbox::new();
    let launcher = script(&sandbox, "bin/start.sh", "#!/bin/sh\nexec sleep 600\n");
    let command = format!("command={}", launcher.display());
    let supervisord = Supervisord::start(&sandbox, &[("api", &command), ("other", "command=/bin/sleep 600")]);
    supervisord.log_has(&sandbox, "success: other entered RUNNING");
    supervisord.log_has(&sandbox, "success: api entered RUNNING");
    timed(&sandbox, &["triage", "--baseline", "save"]);
    // Other programs of the machine come and go.
    let changes = || -> Vec<(String, String)> {
        let report = timed(&sandbox, &["triage", "--baseline", "diff", "--json"]).0.json();
        let name = |value: &Value| value.as_str().unwrap_or("node").to_owned();
        let all = report["changes"].as_array().unwrap().iter();
        let all = all.map(|change| (name(&change["service"]), name(&change["what"])));
        all.filter(|(service, _)| service == "api" || service == "other").collect()
    };
    assert_eq!(changes(), []);

    std::fs::write(&launcher, "#!/bin/sh\nexec sleep 6000\n").unwrap();
    assert_eq!(changes(), [("api".to_owned(), format!("file {}", launcher.display()))]);
    let (diff, _) = timed(&sandbox, &["triage", "--baseline", "diff"]);
    assert!(diff.code == Some(1) && diff.out.contains("restore the previous"), "{diff:?}");
    let (report, _) = timed(&sandbox, &["triage", "--json"]);
    // What it answered is counted, so that a collector that returns nothing shows.
    let collectors = report.json()["collectors"].as_array().unwrap().clone();
    let of_api = collectors.iter().find(|one| one["name"] == "process of api").unwrap();
    assert!(of_api["bytes"].as_u64().unwrap() > 500, "{of_api:#}");
}

//! Disks that are full, and disks without inodes.

use super::finding;
use crate::full_disk::Small;
use crate::sandbox::Sandbox;
use crate::supervised::{Supervisord, script, triage};
use serde_json::json;

/// The same error has two causes on one node: each service is sent to its own disk. df shows room on one of them.
#[test]
fn no_space_is_told_from_no_inodes_and_each_service_has_its_disk() {
    let sandbox = Sandbox::new();
    let Some(crowded) = Small::mount_with(sandbox.path("crowded"), "size=3m,nr_inodes=12") else { return };
    let Some(full) = Small::mount_with(sandbox.path("full"), "size=256k") else { return };
    let many = script(
        &sandbox,
        "many.py",
        "import sys\nn = 0\nwhile True:\n    n += 1\n    open('%s/part-%d' % (sys.argv[1], n), 'w').close()\n",
    );
    let large =
        script(&sandbox, "large.py", "f = open('large', 'ab', buffering=0)\nwhile True: f.write(b'x' * 4096)\n");
    let quick = "startsecs=1\nstartretries=1";
    let whisper = format!("command=python3 {} {}\n{quick}", many.display(), crowded.0.display());
    let sync = format!("command=python3 {}\ndirectory={}\n{quick}", large.display(), full.0.display());
    let supervisord = Supervisord::start(
        &sandbox,
        &[("whisper", whisper.as_str()), ("sync", sync.as_str()), ("well", "command=/bin/sleep 600")],
    );
    supervisord.log_has(&sandbox, "gave up: whisper ");
    supervisord.log_has(&sandbox, "gave up: sync ");
    let run = triage(&sandbox, &["--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let report = run.json();
    let cause = |rule: &str| finding(&report, rule)["cause"].as_str().unwrap().to_owned();
    assert!(cause("FS-01").contains(full.0.to_str().unwrap()) && cause("FS-01").contains("large"), "{report:#}");
    assert!(cause("FS-02").contains(crowded.0.to_str().unwrap()), "{report:#}");
    for (service, disk) in [("whisper", "FS-02"), ("sync", "FS-01")] {
        let explained = report["explained"].as_array().unwrap().iter();
        let of: Vec<_> = explained.filter(|one| one["service"] == service).map(|one| one["by"].clone()).collect();
        assert!(!of.is_empty() && of.iter().all(|by| *by == json!(disk)), "{service}: {of:?}\n{report:#}");
        let evidence = finding(&report, disk)["evidence"].to_string();
        assert_eq!(evidence.matches("No space left on device").count(), 1, "{evidence}");
    }
    // Before the services, which only suffer.
    let first: Vec<_> = report["findings"].as_array().unwrap().iter().take(2).map(|one| one["rule"].clone()).collect();
    assert_eq!(first, [json!("FS-01"), json!("FS-02")], "{report:#}");
    drop(supervisord);
}

//! `triage` as an operator and a script use it, over bundles: the same answer without the node, and never one from a
//! bundle that is not whole.

use crate::sandbox::Sandbox;
use modelctl::triage::bundle::{Contents, Target};
use modelctl::triage::facts::Facts;
use modelctl::triage::{JudgeOptions, judge};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const NOW: i64 = 1_780_000_000_000;

fn fact(source: &str, value: Value) -> Value {
    json!({"source": source, "time": NOW, "status": "ok", "value": value})
}

fn absent(source: &str) -> Value {
    json!({"source": source, "time": NOW, "status": "absent", "why": "not there"})
}

fn line(text: &str) -> Value {
    json!({"source": "/var/log/llama.err", "line": 12, "time": NOW - 5000, "text": text, "life": 0, "error": true})
}

/// A node with one program of supervisord, in this state.
fn facts(state: &str) -> Facts {
    let is_down = state == "FATAL";
    let life = if is_down { json!({"how": "exited", "code": 7, "expected": false}) } else { json!({"how": "running"}) };
    let program = json!({
        "name": "llama", "group": "llama", "state": state, "pid": null, "start": NOW - 60_000, "stop": null, "exit_status": 0,
        "spawn_error": null, "description": "Exited too quickly", "stdout_log": null, "stderr_log": "/var/log/llama.err", "settings": null,
        "file_settings": null,
    });
    let log = json!({
        "path": "/var/log/llama.err", "kind": "stderr", "size": 100, "modified": NOW - 5000, "lines_read": 3, "is_cut": false, "blind": null,
        "marked": [line("E the moon is full")], "last": [line("E the moon is full"), line("the last words")],
    });
    let service = json!({
        "service": {
            "name": "llama", "role": "llama", "manager": {"supervisor": "llama"}, "found": "supervisor", "logs": [], "endpoint": null,
            "key_file": null, "model": null, "model_id": null, "gpu": null, "files": [], "gates": [], "queue": null,
        },
        "program": fact("supervisord at /run/supervisor.sock", program), "unit": null, "processes": [],
        "lives": [{
            "began": NOW - 60_000, "lasted_s": 0.4, "end": life, "pid": 17, "started_well": false,
            "first_error": line("E the moon is full"), "end_line": null,
        }],
        "logs": [fact("/var/log/llama.err", log)], "gates": [], "launcher": null, "cgroups": [], "endpoint": null, "model": null, "files": [],
        "libraries": null, "queue": null, "python": null, "shared_memory": null, "hub": null, "expected_load_s": null,
        "map": [{
            "what": "requirements", "path": "/srv/app/requirements.txt", "line": null, "size": 2048, "modified": NOW - 86_400_000, "why": null,
        }],
        "app_files": [],
    });
    let machine = json!({
        "host": "node1", "kernel": "6.18.0", "container": null, "uid": 0, "cpu_flags": absent("/proc/cpuinfo"),
        "memory": fact("/proc/meminfo", json!({
            "total": 68_719_476_736_u64, "available": 34_359_738_368_u64, "swap_total": 0, "swap_free": 0, "swapped_in": null,
            "largest": [[17, "llama-server", 1_073_741_824]],
        })),
        "pressure": absent("/proc/pressure"), "disks": [], "clock": absent("adjtimex"), "listeners": absent("/proc/net/tcp"), "addresses": [],
    });
    let facts = json!({
        "schema": 1, "modelctl": "0.1.0", "taken": NOW, "since": NOW - 3_600_000, "machine": machine, "kernel": absent("kernel log"),
        "gpus": absent("/dev"), "supervisords": [], "services": [service], "database": absent("modelctl.db"), "must_not_run": [],
        "changes": null, "collectors": [],
    });
    serde_json::from_value(facts).unwrap()
}

/// Writes a bundle as `triage --bundle` does.
fn bundle(sandbox: &Sandbox, name: &str, facts: &Facts) -> PathBuf {
    let path = sandbox.path(name);
    let options = JudgeOptions::default();
    let report = judge(facts, &options);
    let contents = Contents { facts, report: &report, options: &options, text: "" };
    Target::new(&path).unwrap().write(&contents).unwrap();
    path
}

fn from<'a>(path: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["triage", "--from", path.to_str().unwrap()];
    args.extend(more);
    args
}

#[test]
fn a_bundle_is_judged_without_its_node() {
    let sandbox = Sandbox::new();
    let sick = bundle(&sandbox, "sick.tar.zst", &facts("FATAL"));
    let run = sandbox.run(from(&sick, &[]));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.starts_with("llama is down: not known: state FATAL, exit 7"), "{}", run.out);
    assert!(
        run.out.contains("/var/log/llama.err:12") && run.out.contains("$ tail -n 200 /var/log/llama.err"),
        "{}",
        run.out
    );
    assert!(!run.out.contains('\x1b') && run.out.lines().all(|line| line.chars().count() <= 80), "{}", run.out);
    let healthy = bundle(&sandbox, "healthy.tar", &facts("RUNNING"));
    let run = sandbox.run(from(&healthy, &[]));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("healthy: 1 service, no problem since "), "{}", run.out);
}

/// The answer for a script is the one that the node gave.
#[test]
fn the_document_is_the_same_from_a_bundle_of_a_bundle() {
    let sandbox = Sandbox::new();
    let first = bundle(&sandbox, "a.tar", &facts("FATAL"));
    let second = sandbox.path("b.tar.zst");
    let run = sandbox.run(from(&first, &["--json", "--bundle", second.to_str().unwrap()]));
    assert_eq!(run.code, Some(1), "{run:?}");
    let document: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&document["verdict"], &document["findings"][0]["rule"]), (&json!("sick"), &json!("TOOL-02")));
    let again = sandbox.run(from(&second, &["--json"]));
    assert_eq!(again.out, run.out);
    let taken = sandbox.run(from(&first, &["--bundle", second.to_str().unwrap()]));
    assert_eq!(taken.code, Some(3));
    assert!(taken.err.contains("already exists"), "{}", taken.err);
    let named = sandbox.run(from(&first, &["--bundle", "x.zip"]));
    assert_eq!((named.code, named.err.contains(".tar.zst")), (Some(3), true), "{}", named.err);
}

#[test]
fn a_bundle_that_is_not_whole_is_refused_in_words() {
    let sandbox = Sandbox::new();
    let good = std::fs::read(bundle(&sandbox, "a.tar", &facts("FATAL"))).unwrap();
    let altered = String::from_utf8_lossy(&good).replace("\"host\":\"node1\"", "\"host\":\"node2\"").into_bytes();
    for (name, bytes, words) in [
        ("cut.tar", good[..good.len() / 2].to_vec(), ""),
        ("altered.tar", altered, "was modified"),
        ("text.tar", b"hello".to_vec(), "not a bundle"),
    ] {
        let path = sandbox.path(name);
        std::fs::write(&path, bytes).unwrap();
        let run = sandbox.run(from(&path, &[]));
        assert_eq!(run.code, Some(3), "{name}: {run:?}");
        assert!(run.err.contains("cannot read the bundle") && run.err.contains(words), "{name}: {}", run.err);
        assert_eq!(run.out, "");
    }
    assert_eq!(sandbox.run(["triage", "--from", "nothing.tar"]).code, Some(3));
}

#[test]
fn facts_and_places_are_shown_without_a_verdict() {
    let sandbox = Sandbox::new();
    let path = bundle(&sandbox, "a.tar", &facts("FATAL"));
    let look = sandbox.run(from(&path, &["--look"]));
    assert_eq!(look.code, Some(0), "{look:?}");
    for words in [
        "node1, Linux 6.18.0",
        "32.0 GiB available of 64.0 GiB",
        "llama-server (pid 17)",
        "the last words",
        "FATAL",
        "0.4 s: exit status 7",
    ] {
        assert!(look.out.contains(words), "{words:?} is not in\n{}", look.out);
    }
    let map = sandbox.run(from(&path, &["--map"]));
    assert!(map.out.contains("requirements") && map.out.contains("2.0 KiB, changed 24h ago"), "{}", map.out);
    assert!(map.out.contains("/var/log/llama.err"), "{}", map.out);
    let json: Value = serde_json::from_str(&sandbox.run(from(&path, &["--map", "--json"])).out).unwrap();
    assert_eq!(json["services"][0]["files"][0]["what"], "requirements");
}

#[test]
fn rules_are_listed_and_explained() {
    let sandbox = Sandbox::new();
    let rules = sandbox.run(["triage", "--rules"]);
    assert_eq!(rules.code, Some(0), "{rules:?}");
    assert!(rules.out.contains("TOOL-02"), "{}", rules.out);
    let one = sandbox.run(["triage", "--explain", "tool-02"]);
    assert!(one.out.starts_with("TOOL-02 ") && one.out.lines().all(|line| line.chars().count() <= 80), "{}", one.out);
    for args in [["triage", "--explain", "NO-99"], ["triage", "--only", "NO-99"]] {
        let run = sandbox.run(args);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains("--rules"), "{}", run.err);
    }
}

#[test]
fn a_service_that_is_asked_for_and_not_there_is_no_success() {
    let sandbox = Sandbox::new();
    let path = bundle(&sandbox, "a.tar", &facts("RUNNING"));
    assert_eq!(sandbox.run(from(&path, &["--service", "llama"])).code, Some(0));
    let run = sandbox.run(from(&path, &["--service", "web"]));
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("service web: no such service (services: llama)"), "{}", run.out);
}

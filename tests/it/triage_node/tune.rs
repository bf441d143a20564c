//! `tune` through its states, as an operator uses it.

use super::timed;
use crate::sandbox::{Run, Sandbox};
use crate::supervised::Supervisord;
use std::time::Duration;

/// What was changed, why, and how to go back must be known weeks later, by somebody else.
#[test]
fn a_change_is_recorded_measured_and_can_be_undone() {
    let sandbox = Sandbox::new();
    let supervisord = Supervisord::start(&sandbox, &[("llama", "command=/bin/sleep 600")]);
    supervisord.log_has(&sandbox, "success: llama entered RUNNING");
    let tune = |args: &[&str]| -> Run { timed(&sandbox, &[&["tune"], args].concat()).0 };
    assert_eq!(tune(&["list", "--json"]).ok().json()["changes"], serde_json::json!([]));
    assert_eq!(tune(&["next", "--json"]).ok().json()["suggestion"], serde_json::Value::Null);
    tune(&["next", "--service", "web"]).refuses(3, "web");
    for args in [["done", "1"], ["rollback", "1"]] {
        tune(&args).refuses(3, "no recorded change has the id 1");
    }

    let record = ["record", "--threads", "--service", "llama", "--from", "8", "--to", "4", "--why", "four cores"];
    assert!(tune(&record).ok().out.contains("recorded as 1"));
    let list = tune(&["list", "--json"]).ok().json();
    let change = &list["changes"][0];
    assert_eq!((change["knob"].as_str(), change["why"].as_str()), (Some("--threads"), Some("four cores")));
    assert_eq!(change["before"]["services"][0]["name"], "llama");
    assert!(change["done"].is_null());
    assert!(tune(&["list"]).ok().out.contains("open"));
    assert_eq!(tune(&["rollback", "1"]).ok().out, "set --threads of llama from 4 back to 8\n");
    let done = tune(&["done", "1", "--json"]).ok().json();
    assert_eq!((done["done"]["verdict"].as_str(), done["rollback"].is_string()), (Some("same"), true));
    // Nobody made the change: what is measured is not its doing.
    assert_eq!(done["done"]["setting"]["applied"], serde_json::Value::Null);
    assert!(done["done"]["setting"]["reason"].as_str().unwrap().contains("llama has no --threads"), "{done:#}");
    assert!(tune(&["list"]).ok().out.contains("same"));

    // The program is stopped by the change: the measure after it says so.
    drop(supervisord);
    let worse = tune(&["done", "1"]).ok();
    assert!(worse.out.starts_with("worse: llama") && worse.err.contains("from 4 back to 8"), "{worse:?}");
    // An odd text is data.
    let odd = ["record", "a\u{1b}[31mb", "--from", "1", "--to", "2", "--why", "x\ny"];
    assert!(tune(&odd).ok().out.contains("recorded as 2"));
    let table = tune(&["list"]).ok().out;
    assert!(!table.contains('\u{1b}') && table.lines().count() == 3, "{table:?}");
}

/// A mistyped command must not measure a node for ten seconds before it is refused.
#[test]
fn bad_input_is_refused_before_anything_is_measured() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("config.toml"), "services = []\n").unwrap();
    for (args, words) in [
        (&["record", "--threads", "--from", "8", "--to", "8", "--why", "x"][..], "the same value"),
        (&["record", "", "--from", "8", "--to", "4", "--why", "x"], "KNOB is empty"),
        (&["record", "--", "--from", "8", "--to", "4", "--why", "x"], "unexpected argument"),
        (&["record", "--threads", "--from", "8", "--to", "4", "--why", " "], "--why is empty"),
        (&["done", "x"], "invalid value"),
        (&["done", "99999999999999999999"], "invalid value"),
        (&["nothing"], "unrecognized subcommand"),
    ] {
        let (run, took) = timed(&sandbox, &[&["tune"], args].concat());
        run.refuses(2, words);
        assert!(took < Duration::from_secs(2), "{args:?}: {took:?}");
    }
    let (run, _) =
        timed(&sandbox, &["tune", "record", "-c", "--service", "web", "--from", "1", "--to", "2", "--why", "x"]);
    run.refuses(3, "no service is named `web`");
    assert_eq!(timed(&sandbox, &["tune", "list", "--json"]).0.json()["changes"], serde_json::json!([]));
}

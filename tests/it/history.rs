//! What an operator can show after an incident.

use crate::gguf::fixture;
use crate::sandbox::{Sandbox, finish};
use serde_json::{Value, json};
use std::fs;

fn with_models(names: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    for name in names {
        sandbox.write(&format!("{name}.gguf"), &fixture::small_model(name));
    }
    sandbox.run(["scan"]).ok();
    sandbox
}

fn events(sandbox: &Sandbox, args: &[&str]) -> Vec<Value> {
    let run = sandbox.run([&["history", "--json"], args].concat()).ok();
    run.json().as_array().unwrap().clone()
}

fn actions(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["action"].as_str().unwrap()).collect()
}

#[test]
fn a_scan_that_found_changes_is_told_and_one_that_found_none_is_not() {
    let sandbox = with_models(&["alpha-Q4_0", "beta-Q4_0"]);
    sandbox.run(["scan"]).ok();
    fs::remove_file(sandbox.models().join("alpha-Q4_0.gguf")).unwrap();
    sandbox.run(["scan", "--full"]).ok();
    sandbox.run(["scan"]).ok();

    let told = events(&sandbox, &[]);
    assert_eq!(actions(&told), ["scan", "scan"], "{told:#?}");
    assert_eq!(told[0]["detail"]["counts"]["added"], 2);
    assert_eq!(told[0]["detail"]["changes"].as_array().unwrap().len(), 2);
    let last = &told[1];
    assert_eq!((&last["detail"]["counts"]["gone"], &last["detail"]["counts"]["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(last["detail"]["changes"][0]["change"], "gone");
    assert_eq!(last["name"], "alpha-Q4_0");

    // Who it was: this very process started it.
    assert_eq!(last["process"], "modelctl");
    assert!(last["command"].as_str().unwrap().ends_with("modelctl scan --full"), "{last:#}");
    assert_eq!(last["uid"], fs::metadata(sandbox.db()).map(|m| std::os::unix::fs::MetadataExt::uid(&m)).unwrap());
    let parent = fs::read_to_string("/proc/self/comm").unwrap();
    assert_eq!(last["parent"], parent.trim_end());
    assert!(last["pid"].as_u64().unwrap() > 0);
    assert!(last["at"].as_str().unwrap().ends_with('Z'));
    // Both models are found by what a scan told of them.
    assert_eq!(events(&sandbox, &["--model", "beta-Q4_0"]).len(), 1);
    assert_eq!(events(&sandbox, &["--model", last["model"].as_str().unwrap()]).len(), 2);
}

#[test]
fn a_setting_is_told_with_what_it_was() {
    let sandbox = with_models(&["alpha-Q4_0"]);
    sandbox.run(["set", "alpha-Q4_0", "--pin", "--alias", "a"]).ok();
    sandbox.run(["set", "a", "--pin"]).ok();
    sandbox.run(["set", "a", "--unpin", "--tier", "fast"]).ok();
    let told = events(&sandbox, &["--what", "set"]);
    let pins: Vec<_> =
        told.iter().map(|e| (&e["detail"]["before"]["pinned"], &e["detail"]["after"]["pinned"])).collect();
    assert_eq!(pins, [(&json!(false), &json!(true)), (&json!(true), &json!(false))]);
    assert_eq!(told[1]["detail"]["before"]["alias"], "a");
    let table = sandbox.run(["history", "--what", "set"]).ok().out;
    assert!(table.contains("pinned no → yes, alias - → a") && table.contains("tier - → fast"), "{table}");
}

#[test]
fn keep_hints_and_the_switch_are_told_when_they_change_something() {
    let sandbox = with_models(&[]);
    sandbox.run(["keep", "add", "x*", "y"]).ok();
    sandbox.run(["keep", "add", "y"]).ok();
    sandbox.run(["keep", "add", "y", "z"]).ok();
    sandbox.run(["keep", "rm", "x*"]).ok();
    sandbox.run(["inference", "off"]).ok();
    sandbox.run(["inference", "off"]).ok();
    sandbox.run(["inference", "status"]).ok();
    sandbox.run(["inference", "on"]).ok();
    let told = events(&sandbox, &[]);
    let details: Vec<_> = told.iter().map(|e| e["detail"].clone()).collect();
    let expected = [
        json!({"added": ["x*", "y"]}),
        json!({"added": ["z"]}),
        json!({"removed": ["x*"]}),
        json!({"before": "on", "after": "off"}),
        json!({"before": "off", "after": "on"}),
    ];
    assert_eq!(details, expected, "{told:#?}");
}

#[test]
fn every_filter_gives_a_valid_document() {
    let sandbox = with_models(&["alpha-Q4_0", "beta-Q4_0"]);
    sandbox.run(["set", "alpha-Q4_0", "--pin"]).ok();
    sandbox.run(["set", "beta-Q4_0", "--note", "for the demo"]).ok();
    sandbox.run(["keep", "add", "beta*"]).ok();
    for (args, expected) in [
        (&[][..], &["scan", "set", "set", "keep"][..]),
        (&["-n", "2"], &["set", "keep"]),
        (&["--limit", "0"], &["scan", "set", "set", "keep"]),
        (&["--what", "set"], &["set", "set"]),
        (&["--what", "set", "--what", "scan", "--model", "beta-Q4_0"], &["scan", "set"]),
        (&["--what", "purge"], &[]),
        (&["--since", "1h"], &["scan", "set", "set", "keep"]),
        (&["--until", "1h"], &[]),
        (&["--since", "2999-01-01"], &[]),
        (&["--since", "2020-01-01", "--until", "2999-01-01"], &["scan", "set", "set", "keep"]),
        (&["--until", "2020-01-01T00:00:00Z"], &[]),
        (&["DEMO"], &["set"]),
        (&["alpha*", "-n", "1"], &["set"]),
        (&["keep add"], &["keep"]),
        (&["nothing-like-it"], &[]),
        (&["--model", "0123456789ab"], &[]),
    ] {
        assert_eq!(actions(&events(&sandbox, args)), expected, "{args:?}");
    }
    sandbox.run(["history", "--since", "yesterday"]).refuses(2, "is not an age");
    sandbox.run(["history", "--what", "shrug"]).refuses(2, "prune");
    sandbox.run(["history", "--model", "gamma"]).refuses(3, "no model fits");
    sandbox.run(["history", "["]).refuses(2, "pattern");
}

#[test]
fn without_a_history_nothing_is_made_and_nothing_fails() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(["history", "--json"]).ok().json(), json!([]));
    let run = sandbox.run(["history"]).ok();
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", "the history is empty\n"));
    let quiet = sandbox.run(["history", "--quiet"]).ok();
    assert_eq!((quiet.out, quiet.err), (String::new(), String::new()));
    assert!(!sandbox.db().exists());
}

#[test]
fn two_commands_at_once_are_both_told() {
    let sandbox = with_models(&[]);
    let children: Vec<_> =
        (0..6).map(|n| sandbox.start(["keep".to_owned(), "add".to_owned(), format!("hint-{n}")])).collect();
    for child in children {
        finish(child.wait_with_output().unwrap()).ok();
    }
    let told = events(&sandbox, &["--what", "keep"]);
    let mut hints: Vec<_> = told.iter().map(|e| e["detail"]["added"][0].as_str().unwrap()).collect();
    hints.sort_unstable();
    assert_eq!(hints, (0..6).map(|n| format!("hint-{n}")).collect::<Vec<_>>());
    let numbers: Vec<_> = told.iter().map(|e| e["number"].as_i64().unwrap()).collect();
    assert!(numbers.is_sorted(), "newest last: {numbers:?}");
}

#[test]
fn a_name_in_the_history_cannot_drive_the_terminal() {
    let sandbox = with_models(&["evil\u{1b}[2J\u{202e}-Q4_0"]);
    let sudo = |args: &[&str]| {
        let run = sandbox.command(args).env("SUDO_USER", "ann\u{1b}[31m").env("COLUMNS", "80").output();
        finish(run.unwrap()).ok()
    };
    sudo(&["set", "evil", "--pin"]);
    let table = sudo(&["history"]);
    assert!(!table.out.contains(['\u{1b}', '\u{202e}']) && table.out.contains("\\x1b[2J"), "{table:?}");
    let raw = sudo(&["history", "--json"]);
    assert!(!raw.out.contains(['\u{1b}', '\u{202e}']), "{raw:?}");
    assert!(raw.json()[1]["name"].as_str().unwrap().contains('\u{1b}'), "the document loses nothing");
}

#[test]
fn a_table_in_a_pipe_is_whole_and_one_line_for_each_event() {
    let sandbox = with_models(&["alpha-Q4_0"]);
    sandbox.run(["set", "alpha-Q4_0", "--note", &"long ".repeat(40)]).ok();
    let run = finish(sandbox.command(["history"]).env("COLUMNS", "80").output().unwrap()).ok();
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines.len(), 3, "{run:?}");
    assert!(lines[0].starts_with("WHEN") && lines[0].contains("COMMAND"), "{run:?}");
    assert!(lines[2].contains(&"long ".repeat(39)), "{run:?}");
    assert_eq!(run.err, "");
    // The time is a field of its own.
    let when = lines[1].split("  ").next().unwrap();
    assert!(when.ends_with('Z') && when.contains('T') && when.len() == 20, "{when}");
}

/// Forgets every line about what went.
fn forget(sandbox: &Sandbox) {
    let sqlite = rusqlite::Connection::open(sandbox.db()).unwrap();
    sqlite.execute("DELETE FROM history WHERE action IN ('prune', 'purge', 'restore', 'empty')", []).unwrap();
}

const TAKE: [&str; 7] = ["prune", "--model", "alpha-Q4_0", "--grace", "0", "--assume-unused", "--confirm"];

#[test]
fn what_went_without_a_line_is_told_by_the_next_run_and_once() {
    let sandbox = with_models(&["alpha-Q4_0", "beta-Q4_0", "gamma-Q4_0"]);
    sandbox.run(TAKE).ok();
    let before = events(&sandbox, &["--what", "prune"]);
    // As if the run had been killed between the move and the line, or the database had been locked.
    for next in [&["trash", "list"][..], &["trash", "empty", "--older-than", "1d", "--confirm"]] {
        forget(&sandbox);
        for _ in 0..2 {
            sandbox.run(next).ok();
        }
        let after = events(&sandbox, &["--what", "prune"]);
        assert_eq!(after.len(), 1, "{next:?}: {after:#?}");
        for key in ["model", "name", "path", "reason", "uid", "user", "pid", "process", "parent", "command"] {
            assert_eq!(after[0][key], before[0][key], "{key} after {next:?}");
        }
        assert_eq!(after[0]["detail"]["trash"], before[0]["detail"]["trash"]);
        assert_eq!(after[0]["detail"]["told_late"], true);
    }
    sandbox.run(["trash", "restore", "alpha-Q4_0"]).ok();
    assert_eq!(actions(&events(&sandbox, &["--what", "prune", "--what", "restore"])), ["prune", "restore"]);
}

#[test]
fn what_the_next_run_completes_is_told() {
    let sandbox = with_models(&["alpha-Q4_0", "beta-Q4_0", "gamma-Q4_0"]);
    let folder = || {
        sandbox.run(TAKE).ok();
        let item = sandbox.run(["trash", "list", "--json"]).ok().json();
        std::path::PathBuf::from(item[0]["folder"].as_str().unwrap())
    };
    // As a kill in the middle of a restore leaves it, then in the middle of emptying, without a line about the move.
    for (mark, told) in [("restoring", &["restore"][..]), ("purging", &["prune", "empty"])] {
        let item = folder();
        fs::rename(item.join("complete"), item.join(mark)).unwrap();
        forget(&sandbox);
        let run = sandbox.run(["trash", "empty", "--older-than", "1d", "--confirm"]).ok();
        assert!(run.err.contains("an earlier run was ended"), "{run:?}");
        let lines = events(&sandbox, &["--what", "prune", "--what", "restore", "--what", "empty"]);
        assert_eq!(actions(&lines), told, "{lines:#?}");
        assert!(lines.last().unwrap()["reason"].as_str().unwrap().contains("a run that was ended"), "{lines:#?}");
        assert_eq!(lines.last().unwrap()["name"], "alpha-Q4_0");
    }
}

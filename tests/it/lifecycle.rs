//! The commands about the lifecycle beside a daemon, and what the daemon remembers. No engine is needed: where one would
//! be, starting a model fails, which is an event as well.

use crate::daemon::{Daemon, LIMIT, run_async};
use crate::gguf::fixture::small_model;
use crate::sandbox::Sandbox;
use crate::serving::Serving;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// A home with one small model, which no engine can load.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("tiny.gguf", &small_model("tiny"));
    sandbox.run(["scan", "-q"]).ok();
    sandbox
}

fn serve(sandbox: &Sandbox, more: &[&str]) -> Serving {
    let args = ["serve", "--no-executor"].iter().chain(more).copied();
    Serving::ready(&mut sandbox.command(args), LIMIT)
}

/// Whoever types it without a daemon must learn that there is none, and a script by the exit code.
#[test]
fn without_a_daemon_every_command_says_so() {
    let sandbox = sandbox();
    for args in [
        &["lifecycle", "status"][..],
        &["lifecycle", "status", "--json"],
        &["why", "tiny"],
        &["lifecycle", "pause"],
        &["priority", "tiny", "warm"],
        &["offload", "tiny"],
    ] {
        sandbox.run(args).refuses(3, "no daemon is running for this database");
    }
    for args in [&["priority", "tiny"][..], &["priority", "tiny", "high"], &["offload", "tiny", "--to", "tpu"]] {
        assert_eq!(sandbox.run(args).code, Some(2), "{args:?}");
    }
}

/// In an incident one screen has to say what there is, with or without a daemon.
#[test]
fn one_screen_says_what_there_is() {
    let sandbox = sandbox();
    sandbox.write("cut.gguf.part", b"x");
    let text = sandbox.run(["status"]).ok().out;
    for part in ["models", "1 ready", "disk", "queue", "last scan", "database", "no daemon runs"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    sandbox.run(["inference", "off"]).ok();
    let status = sandbox.run(["status", "--json"]).ok().json();
    assert_eq!((&status["schema"], &status["running"]), (&json!("modelctl.status/1"), &json!(false)));
    let inventory = &status["inventory"];
    assert_eq!((&inventory["models"]["ready"], &inventory["queue"]["inference"]), (&json!(1), &json!("off")));
    let stores = inventory["stores"].as_array().unwrap();
    let sum: u64 = stores.iter().map(|store| store["allocated_bytes"].as_u64().unwrap()).sum();
    assert_eq!(inventory["allocated_bytes"], sum);
    let _daemon = serve(&sandbox, &[]);
    let status = sandbox.run(["status", "--json"]).ok().json();
    assert!(status["running"] == true && status["devices"].is_array(), "{status:#}");
    assert!(sandbox.run(["status"]).ok().out.contains("no model is loaded"));
}

#[test]
fn a_pause_is_seen_by_everybody_and_ends() {
    let sandbox = sandbox();
    let _daemon = serve(&sandbox, &[]);
    let paused = sandbox.run(["lifecycle", "pause", "--json"]).ok().json();
    assert_eq!(paused, json!({"schema": "modelctl.pause/1", "paused": true, "was_paused": false}));
    let status = sandbox.run(["status", "--json"]).ok().json();
    assert_eq!((&status["schema"], &status["paused"]), (&json!("modelctl.status/1"), &json!(true)));
    let text = sandbox.run(["status"]).ok();
    assert!(
        text.out.contains("lifecycle paused") && text.out.lines().all(|line| line.chars().count() <= 100),
        "{text:?}"
    );
    assert!(sandbox.run(["lifecycle", "pause"]).ok().err.contains("already paused"));
    let quiet = sandbox.run(["-q", "lifecycle", "resume"]).ok();
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    assert_eq!(sandbox.run(["lifecycle", "status", "--json"]).ok().json()["paused"], false);
}

#[test]
fn a_model_that_nobody_asked_for_is_explained_and_an_unknown_one_is_refused() {
    let sandbox = sandbox();
    let _daemon = serve(&sandbox, &[]);
    let why = sandbox.run(["why", "tiny"]).ok();
    assert!(why.out.starts_with("tiny\n  not loaded: no requests since the daemon started\n"), "{why:?}");
    let why = sandbox.run(["why", "tiny", "--json"]).ok().json();
    assert_eq!((&why["schema"], &why["servers"]), (&json!("modelctl.why/1"), &json!([])));
    sandbox.run(["why", "nobody"]).refuses(3, "nobody");
    let set = sandbox.run(["priority", "tiny", "active", "--for", "1h", "--json"]).ok().json();
    assert_eq!((&set["priority"], set["until"].is_string()), (&json!("active"), true));
    assert!(sandbox.run(["priority", "tiny", "--clear"]).ok().err.contains("the daemon decides"));
    sandbox.run(["offload", "tiny", "--to", "cpu"]).refuses(3, "");
}

/// What is set before the first load must hold at the first load, and be shown.
#[test]
fn flags_of_a_model_are_kept_and_taken_back() {
    let sandbox = sandbox();
    let args =
        ["set", "tiny", "--essential", "--pressure-evict-only", "--min-tier", "full", "--degrade", "layers,context"];
    let said = sandbox.run(args).ok().err;
    assert!(
        said.contains("essential, evicted only for memory, degrades layers, context, tier full or larger"),
        "{said}"
    );
    let server = |sandbox: &Sandbox| sandbox.run(["show", "tiny", "--json"]).ok().json()["server"].clone();
    let expected = json!({
        "degrade": ["layers", "context"], "pressure_evict_only": true, "essential": true, "min_tier": "full",
    });
    assert_eq!(server(&sandbox), expected);
    assert!(sandbox.run(["show", "tiny"]).ok().out.contains("evicted only for memory"));
    sandbox.run(["set", "tiny", "--no-essential", "--no-degrade", "--min-tier", "auto"]).ok();
    assert_eq!(server(&sandbox), json!({"no_degrade": true, "pressure_evict_only": true, "essential": false}));
    assert_eq!(sandbox.run(["set", "tiny", "--min-tier", "huge"]).code, Some(2));
    assert_eq!(sandbox.run(["set", "tiny", "--degrade", "layers", "--no-degrade"]).code, Some(2));
}

/// A pager is told of a crash while the daemon goes on, and a broken pager stops nothing.
#[test]
fn a_hook_gets_the_events_and_one_that_fails_is_reported() {
    let sandbox = sandbox();
    let (hook, out) = (sandbox.path("hook"), sandbox.path("out"));
    fs::write(&hook, format!("#!/bin/sh\ncat >> {0}.part && mv {0}.part {0}\nexit 3\n", out.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let daemon = serve(&sandbox, &["--exec", hook.to_str().unwrap()]);
    assert_ne!(sandbox.run(["start", "tiny"]).code, Some(0), "no engine can load it");
    daemon.hears("model.crash");
    daemon.hears("the hook for model.crash: the program failed with exit code 3");
    let text = fs::read_to_string(&out).unwrap();
    let event: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&event["event"], &event["model"]), (&json!("model.crash"), &json!("tiny")));
    assert_eq!(sandbox.run(["status", "--json"]).ok().json()["running"], true);
}

/// The counts of a model, and which models were loaded, would be lost with every update of the program.
#[test]
fn hints_are_read_at_the_start_and_none_is_invented() {
    let sandbox = sandbox();
    let id = sandbox.run(["show", "tiny", "--json"]).ok().json()["id"].as_str().unwrap().to_owned();
    let count = |sandbox: &Sandbox| {
        let db = rusqlite::Connection::open(sandbox.db()).unwrap();
        let sql = "SELECT count(*), coalesce(sum(access_count), 0) FROM server_hint";
        db.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).unwrap()
    };
    drop(serve(&sandbox, &[]));
    assert_eq!(count(&sandbox), (0, 0), "nothing was used");
    {
        let db = rusqlite::Connection::open(sandbox.db()).unwrap();
        let sql = "INSERT INTO server_hint SELECT subject, 'main', 1, 7, 1500, 0, 1 FROM model WHERE id = ?1";
        assert_eq!(db.execute(sql, [&id]).unwrap(), 1);
    }
    let mut daemon = serve(&sandbox, &[]);
    let why = sandbox.run(["why", "tiny", "--json"]).ok().json();
    assert!(why["servers"].as_array().is_some_and(|servers| servers.iter().all(|server| server["access_count"] == 7)));
    daemon.signal(Signal::TERM);
    let until = Instant::now() + LIMIT;
    while daemon.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "the daemon does not end");
        std::thread::yield_now();
    }
    assert_eq!(count(&sandbox), (1, 7));
}

/// A disk that is full would be filled further, and nobody be told why the list of models is old.
#[test]
fn nothing_is_scanned_while_a_disk_is_full_and_what_does_not_fit_together_is_told() {
    let sandbox = sandbox();
    sandbox.run(["set", "tiny", "--pin"]).ok();
    let daemon = Daemon::start_with(&sandbox, |command| {
        command.env("MODELCTL_DISK_FREE_MIN_GB", "900000").env("MODELCTL_RAM_BUDGET", "1KiB");
    });
    daemon.hears("pinned models and services need");
    run_async(async {
        let end = Instant::now() + LIMIT;
        while daemon.events("system.pressure").await.iter().all(|event| event["type"] != "disk") {
            assert!(Instant::now() < end, "the disk is never read");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let refused = daemon.post("/api/models/rescan", Value::Null).await;
        assert_eq!((refused.status, &refused.body["error"]), (503, &json!("Rescan put off")), "{refused:?}");
        assert!(refused.body["detail"].as_str().unwrap().contains("free"), "{refused:?}");
        assert_eq!(daemon.get("/api/lifecycle").await.body["throttle_factor"], 0.2);
    });
    drop(daemon);
    let daemon = Daemon::start(&sandbox);
    run_async(async { assert_eq!(daemon.post("/api/models/rescan", Value::Null).await.status, 202) });
}

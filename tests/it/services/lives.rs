//! Services over several lives of their processes, and before the first one.

use super::{ask, configure, is_alive, starts, until, until_served};
use crate::daemon::{Daemon, run_async};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

fn last_pid(sandbox: &Sandbox, name: &str) -> u64 {
    starts(sandbox, name).pop().unwrap()["pid"].as_u64().unwrap()
}

/// A speech server that hangs would be dead until somebody notices.
#[test]
fn a_pinned_service_that_hangs_is_killed_and_started_again_by_itself() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("x", 1, "pinned = true\n")]);
    let daemon = Daemon::start(&sandbox);
    run_async(async {
        until_served(&daemon, "/upstream/x/y").await;
        let first = last_pid(&sandbox, "x");
        fs::write(sandbox.path("x/hang"), "").unwrap();
        let unknown = daemon.event("service.health_unknown", |_| true).await;
        assert_eq!(unknown["service"], "x", "it is told before anything is done");
        let crash = daemon.event("service.crash", |_| true).await;
        assert_eq!((&crash["crash_type"], &crash["will_restart"]), (&json!("wedged"), &json!(true)), "{crash}");
        assert!(!is_alive(first));
        fs::remove_file(sandbox.path("x/hang")).unwrap();
        let restarted = daemon.event("service.restarted", |_| true).await;
        assert_eq!((&restarted["service"], &restarted["crash_count"]), (&json!("x"), &json!(1)), "{restarted}");
        let second = last_pid(&sandbox, "x");
        assert!(second != first && is_alive(second));
        until_served(&daemon, "/upstream/x/y").await;
    });
}

/// What cannot start would be tried for ever several times a minute, or what must never stay away would be given up.
#[test]
fn a_service_that_cannot_start_is_given_up_and_an_essential_one_never() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("x", 1, "pinned = true\n"), ("y", 1, "essential = true\n")]);
    let daemon = Daemon::start(&sandbox);
    run_async(async {
        for name in ["x", "y"] {
            until_served(&daemon, &format!("/upstream/{name}/y")).await;
            fs::write(sandbox.path(name).join("broken"), "").unwrap();
            ask(&daemon, &format!("/upstream/{name}/die")).await;
        }
        let exhausted = daemon.event("service.restart_exhausted", |_| true).await;
        assert_eq!((&exhausted["service"], &exhausted["crash_count"]), (&json!("x"), &json!(4)), "{exhausted}");
        let failed = daemon.event("service.failed", |_| true).await;
        assert_eq!((&failed["service"], &failed["will_restart"]), (&json!("y"), &json!(true)), "{failed}");
        for (name, last) in [("x", false), ("y", true)] {
            let crashes = daemon.events("service.crash").await;
            let told = crashes.iter().filter(|crash| crash["service"] == name).map(|crash| &crash["will_restart"]);
            assert_eq!(told.collect::<Vec<_>>(), [&json!(true), &json!(true), &json!(true), &json!(last)], "{name}");
        }
        assert_eq!(starts(&sandbox, "x").len(), 4);
        let refused = daemon.post("/upstream/x/y", Value::Null).await;
        assert!(refused.status == 503 && refused.body.to_string().contains("it is broken"), "{refused:?}");
        // A person tries at once, and it counts from the beginning.
        fs::remove_file(sandbox.path("x/broken")).unwrap();
        assert_eq!(ask(&daemon, "/api/models/servers/x/start").await.0, 200);
        assert_eq!(daemon.events("service.failed").await.len(), 1);
    });
    let status = sandbox.run(["status", "--json"]).ok().json();
    let pending = &status["restart_pending"][0];
    assert_eq!((&pending["name"], pending["retry_in_s"].as_f64().unwrap() > 60.0), (&json!("y"), true), "{status:#}");
}

/// The main service of a machine would stay away for good after something else was needed once.
#[test]
fn a_service_that_gave_way_comes_back_when_the_other_one_is_gone() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("a", 150, ""), ("b", 150, "")]);
    let daemon = Daemon::start_within(&sandbox, 250 << 20);
    run_async(async {
        until_served(&daemon, "/upstream/a/x").await;
        until_served(&daemon, "/upstream/b/x").await;
        let swapped = daemon.event("service.swapped", |_| true).await;
        assert_eq!((&swapped["loaded"], &swapped["evicted"][0]["model"]), (&json!("b"), &json!("a")), "{swapped}");
        let status = daemon.get("/api/lifecycle").await.body;
        assert_eq!(
            (&status["swap_queue"][0]["name"], &status["swap_queue"][0]["evicted_by"]),
            (&json!("a"), &json!("b"))
        );
        let why = sandbox.run(["why", "a"]).ok().out;
        assert!(why.contains("stopped for b") && why.contains("will be loaded again"), "{why}");
        assert_eq!(ask(&daemon, "/api/models/servers/b/stop").await.0, 200);
        daemon.until("a", "back", |row| row["state"] == "ready").await;
        assert_eq!(starts(&sandbox, "a").len(), 2);
        let status = daemon.get("/api/lifecycle").await.body;
        assert_eq!(status["swap_queue"], json!([]));
        assert!(status["decisions"].as_array().unwrap().iter().any(|one| one["what"] == "restore"), "{status:#}");
    });
}

/// A person would have to start a service before its priority can be set, or be told that there is no such thing.
#[test]
fn a_service_that_has_never_run_is_known_to_every_command() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("whisper", 150, "kind = \"stt\"\ncapabilities = [\"audio\"]\n"), ("other", 150, "")]);
    let daemon = Daemon::start_within(&sandbox, 250 << 20);
    let status = sandbox.run(["status", "--json"]).ok().json();
    let service = &status["services"][1];
    assert_eq!(
        (&service["id"], &service["state"], &service["capabilities"]),
        (&json!("service:whisper"), &json!("stopped"), &json!(["audio"])),
        "{status:#}"
    );
    for name in ["whisper", "service:whisper"] {
        let why = sandbox.run(["why", name]).ok().out;
        assert!(why.contains("not loaded: no requests"), "{why}");
        let set = sandbox.run(["priority", name, "active", "--for", "1h", "--json"]).ok().json();
        assert_eq!((&set["model_id"], &set["priority"]), (&json!("service:whisper"), &json!("active")));
        let offload = sandbox.run(["offload", name, "--to", "cpu"]);
        offload.refuses(3, "whisper is not loaded");
    }
    run_async(async {
        until_served(&daemon, "/upstream/other/x").await;
        // The head of its answer is there: the daemon sees the end of the request a moment later.
        daemon.until("other", "idle", |row| row["in_flight"] == 0).await;
        let ask = json!({"needed": "service:whisper", "evict": "other", "reason": "a meeting begins"});
        let swapped = daemon.post("/api/lifecycle/swap", ask).await;
        assert_eq!((swapped.status, &swapped.body["evicted"]), (200, &json!(["other"])), "{swapped:?}");
        assert_eq!(daemon.server("whisper").await["state"], "ready");
        // What was set before its first start holds: nothing takes its place.
        let refused = daemon.post("/upstream/other/x", Value::Null).await;
        assert_eq!(refused.status, 503, "{refused:?}");
        let status = daemon.get("/api/lifecycle").await.body;
        let model = status["models"].as_array().unwrap().iter().find(|one| one["name"] == "whisper").unwrap();
        assert_eq!((&model["priority_override"], model["override_until"].is_string()), (&json!("active"), true));
        assert_eq!(status["services"][1]["state"], "ready");
    });
    sandbox.run(["why", "nobody"]).refuses(3, "nobody");
    sandbox.run(["priority", "service:nobody", "idle"]).refuses(3, "nobody");
}

/// A service would run with the rights of root although the config says otherwise.
#[test]
fn a_service_runs_as_its_user_where_the_daemon_is_root_and_not_at_all_otherwise() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("x", 1, "user = \"nobody\"\nenv = { HOME = \"/nonexistent\" }\n")]);
    // Python of root's home is closed to others.
    let config = sandbox.path("home/.config/modelctl/config.toml");
    let text = fs::read_to_string(&config).unwrap().replace(&super::python(), "/usr/bin/python3");
    fs::write(&config, text).unwrap();
    for (path, mode) in [("", 0o755), ("x", 0o777)] {
        fs::set_permissions(sandbox.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    let daemon = Daemon::start(&sandbox);
    let is_root = rustix::process::geteuid().is_root();
    run_async(async {
        let answer = daemon.post("/upstream/x/y", Value::Null).await;
        if !is_root {
            assert_eq!(answer.status, 503);
            assert!(answer.body.to_string().contains("only root can run it as the user `nobody`"), "{answer:?}");
            return;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        let start = &starts(&sandbox, "x")[0];
        let id = |what: &str| {
            let output = Command::new("id").args([what, "nobody"]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse::<u64>().unwrap()
        };
        assert_eq!(start["uid"], id("-u"));
        assert!(start["groups"].as_array().unwrap().iter().all(|group| *group == id("-g")), "{start}");
        assert_eq!(start["env"], json!(["HOME", "LANG", "LOGNAME", "PATH", "USER"]));
        let pid = last_pid(&sandbox, "x");
        ask(&daemon, "/api/models/servers/x/stop").await;
        until("ended", || !is_alive(pid));
    });
}

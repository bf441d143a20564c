//! Models whose server cannot be started, with programs that do what a broken llama-server does.

use crate::daemon::{Answer, Daemon, LIMIT, run_async};
use crate::gguf::fixture;
use crate::sandbox::Sandbox;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a client asks again and again, and how many starts that may cause.
const POLLING: Duration = Duration::from_secs(20);
const STARTS: usize = 4;

/// Notes each start, and ends as the name of the model says.
const PROGRAM: &str = r#"#!/bin/sh
for arg; do
    [ "$before" = --alias ] && name=$arg
    before=$arg
done
echo x >> "$STARTS/$name"
echo "cannot serve $name" >&2
case $name in
    faults) kill -SEGV $$ ;;
    exits) echo "0.00.004.036 E load_model: failed to load model" >&2; exit 1 ;;
    argues) echo "error: invalid argument: --x" >&2; exit 1 ;;
    hangs) exec sleep 600 ;;
    leaves) sleep 600 & echo $! >"$STARTS/left"; exit 1 ;;
esac
"#;

/// A daemon whose llama-server is [`PROGRAM`], for models with these names.
fn daemon(names: &[&str]) -> (Sandbox, Daemon) {
    let sandbox = Sandbox::new();
    for name in names {
        sandbox.write(&format!("{name}/{name}-Q4_0.gguf"), &fixture::small_model(name));
    }
    sandbox.run(["scan"]).ok();
    let program = sandbox.path("llama-server");
    fs::write(&program, PROGRAM.replace("$STARTS", sandbox.path("home").to_str().unwrap())).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    for name in names {
        sandbox.run(["set", name, "--alias", name, "--engine", "llama-server"]).ok();
    }
    let daemon = Daemon::start_with(&sandbox, |command| {
        command.env("MODELCTL_LLAMA_SERVER", &program).env("MODELCTL_LOAD_TIMEOUT", "2s");
    });
    (sandbox, daemon)
}

fn starts(sandbox: &Sandbox, name: &str) -> usize {
    fs::read_to_string(sandbox.path("home").join(name)).unwrap().lines().count()
}

/// A chat client that polls would have the model loaded several times a second, for ever.
#[test]
fn a_client_that_asks_without_a_pause_starts_a_broken_server_four_times_in_twenty_seconds_at_most() {
    let (sandbox, daemon) = daemon(&["faults", "exits"]);
    run_async(async {
        let poll = async |name: &str| {
            let (end, mut asked) = (Instant::now() + POLLING, 0);
            while Instant::now() < end {
                let answer = daemon.complete(name, 1).await;
                assert_eq!(answer.status, 503, "{answer:?}");
                asked += 1;
            }
            asked
        };
        let (faults, exits) = tokio::join!(poll("faults"), poll("exits"));
        assert!(faults > 100 && exits > 100, "{faults} and {exits} requests are no polling");
        let (crashed, refused) = (starts(&sandbox, "faults"), starts(&sandbox, "exits"));
        assert!((2..=STARTS).contains(&crashed), "{crashed} starts for {faults} requests");
        assert_eq!(refused, 1, "a file that is refused is tried again when it has changed");

        let answer = daemon.complete("faults", 1).await;
        assert!(answer.retry_after.is_some(), "{answer:?}");
        assert_eq!(answer.body["error"]["last_log"], "cannot serve faults", "{answer:?}");
        let answer = daemon.complete("exits", 1).await;
        assert_eq!((answer.status, answer.retry_after), (503, None), "waiting does not help: {answer:?}");
        assert_eq!(daemon.server("faults").await["state"], "backoff");
        assert_eq!(daemon.server("exits").await["state"], "failed");
        let crashes = daemon.events("model.crash").await;
        let of = |name: &str| crashes.iter().filter(|crash| crash["model"] == name).cloned().collect::<Vec<Value>>();
        assert_eq!(of("faults").len(), crashed);
        assert!(of("faults").iter().all(|crash| crash["crash_type"] == "crash" && crash["will_restart"] == true));
        let [only] = of("exits").try_into().unwrap();
        assert_eq!((&only["crash_type"], &only["will_restart"]), (&json!("refused"), &json!(false)), "{only}");
        eprintln!("{crashed} starts for {faults} requests, {refused} for {exits}");
    });
}

/// A wrong argument would put the model out of service until its file changes, which it never does.
#[test]
fn a_server_that_refuses_an_argument_is_no_refusal_of_the_file() {
    let (_sandbox, daemon) = daemon(&["argues"]);
    run_async(async {
        let Answer { body, .. } = daemon.post("/api/models/servers/argues/start", Value::Null).await;
        assert_eq!(
            (&body["why"], &body["last_log"]),
            (&json!("backoff"), &json!("error: invalid argument: --x")),
            "{body}"
        );
        assert_eq!(daemon.server("argues").await["state"], "backoff");
        assert_eq!(daemon.event("model.crash", |_| true).await["crash_type"], "crash");
    });
}

/// The start would never be answered, and the memory of what was left would be nobody's.
#[test]
fn a_server_that_ends_takes_what_it_started_with_it() {
    let (sandbox, daemon) = daemon(&["leaves"]);
    run_async(async {
        let Answer { status, body, .. } = daemon.post("/api/models/servers/leaves/start", Value::Null).await;
        assert_eq!((status, &body["last_log"]), (503, &json!("cannot serve leaves")), "{body}");
        let left = fs::read_to_string(sandbox.path("home/left")).unwrap();
        let is_gone = || !Path::new("/proc").join(left.trim()).join("fd/0").exists();
        let end = Instant::now() + LIMIT;
        while !is_gone() {
            assert!(Instant::now() < end, "process {left} is left");
            // It is no child of ours.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}

/// A person would wait for ten minutes, or for ever, and find the process still there.
#[test]
fn a_server_that_is_never_ready_is_given_up_and_ended() {
    let (sandbox, daemon) = daemon(&["hangs"]);
    run_async(async {
        let start = "/api/models/servers/hangs/start";
        let Answer { status, body, .. } = daemon.post(start, Value::Null).await;
        assert_eq!((status, &body["error"], &body["why"]), (500, &json!("Failed to start server"), &json!("unready")));
        assert_eq!(daemon.server("hangs").await["state"], "backoff");
        assert_eq!(daemon.event("model.crash", |_| true).await["crash_type"], "unready");
        let answer = daemon.complete("hangs", 1).await;
        assert!(answer.status == 503 && answer.retry_after.is_some(), "{answer:?}");
        // The program was replaced by `sleep`, whose arguments name nothing of ours: its parent does.
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", daemon.pid())).unwrap_or_default();
        assert_eq!(children.trim(), "", "a process is left");
        assert_eq!(starts(&sandbox, "hangs"), 1);
    });
}

//! What others take of the memory, what the kernel takes back, and what is kept for somebody.

use super::gpu::with_gpu;
use super::{ask, configure, configure_with, is_alive, send, starts, until, until_served};
use crate::daemon::{Daemon, run_async};
use crate::externals::{Fake, free_port};
use crate::fixtures;
use crate::sandbox::Sandbox;
use crate::triage_node::oom::Group;
use modelctl::http::Request;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// A service that leaks would be started again with the same memory, and killed again, for ever.
#[test]
fn a_service_that_leaks_into_the_limit_of_a_control_group_is_an_oom_and_takes_a_step_down() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("x", 1, "cpu_args = [\"--device\", \"cpu\"]\nmemory.vram = \"64MiB\"\n")]);
    let Some(group) = Group::limited("leak", "600M") else { return };
    let Some(daemon) = with_gpu(&sandbox) else { return };
    fs::write(group.processes(), daemon.pid().to_string()).unwrap();
    run_async(async {
        assert_eq!(until_served(&daemon, "/upstream/x/y").await, "gpu");
        let (status, _) = send(Request::post(daemon.endpoint.clone(), "/upstream/x/eat", "")).await;
        assert_eq!(status, 502);
        let crash = daemon.event("service.crash", |_| true).await;
        assert_eq!((&crash["crash_type"], &crash["will_restart"]), (&json!("oom"), &json!(true)), "{crash}");
        let lowered = daemon.event("service.downgraded", |_| true).await;
        assert_eq!((&lowered["from"], &lowered["mode"]), (&json!("gpu"), &json!("cpu_only")), "{lowered}");
        assert!(until_served(&daemon, "/upstream/x/y").await.starts_with("cpu_only; reason="));
        assert_eq!(starts(&sandbox, "x").pop().unwrap()["args"][4], "cpu");
    });
    let why = sandbox.run(["why", "x"]).ok().out;
    assert!(why.contains("not loaded in full"), "{why}");
    // Its processes leave the group with it.
    drop(daemon);
}

/// A program that takes memory and notes every signal that it gets.
const GAME: &str = r#"
import signal, sys, time
notes = open(sys.argv[1], "w")
def note(number, _):
    notes.write(f"{number}\n")
    notes.flush()
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCONT):
    signal.signal(number, note)
memory = b"x" * (100 << 20)
print("ready", flush=True)
while True:
    time.sleep(600)
"#;

/// Somebody's game or llama-server would be killed for memory, or ours would stay and the machine swap.
#[test]
fn too_little_memory_is_answered_by_ours_alone_and_new_thresholds_need_no_restart() {
    let sandbox = Sandbox::new();
    let model = sandbox.place(&fixtures::smollm2(), "SmolLM2-135M-Instruct.Q4_1.gguf");
    sandbox.run(["scan"]).ok();
    let services = [("a", 20, ""), ("b", 20, "")];
    let tick = "[lifecycle]\ninterval = \"1s\"\n";
    configure_with(&sandbox, tick, &services);
    let daemon = Daemon::start(&sandbox);
    let mut llama_server = Fake::start(&model, free_port());
    let signals = sandbox.path("signals");
    let game = Command::new("python3").args(["-c", GAME]).arg(&signals).stdout(Stdio::piped()).spawn().unwrap();
    let mut game = Fake(game);
    let mut ready = String::new();
    BufReader::new(game.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert_eq!(ready, "ready\n");
    run_async(async {
        until_served(&daemon, "/upstream/a/x").await;
        until_served(&daemon, "/upstream/b/x").await;
        let seen = daemon.event("external.seen", |seen| seen["pid"] == llama_server.0.id()).await;
        assert_eq!((&seen["program"], &seen["attached"]), (&json!("llama-server"), &json!(false)), "{seen}");
        let status = daemon.get("/api/lifecycle").await.body;
        let found = status["externals"].as_array().unwrap().iter().find(|one| one["pid"] == llama_server.0.id());
        let found = found.unwrap_or_else(|| panic!("{status:#}"));
        assert!(found["bytes"][0]["bytes"].as_u64().unwrap() > 0 && found["user"].is_string(), "{found}");
        assert_eq!(found["known_by"][0], "command", "{found}");
        let main = status["devices"].as_array().unwrap().iter().find(|device| device["device"] == "CPU").unwrap();
        assert!(main["external"].as_u64() >= found["bytes"][0]["bytes"].as_u64(), "{main}");

        // There is no such thing as too much memory in use with the usual thresholds here; with this one there is.
        sandbox.run(["priority", "a", "evictable"]).ok();
        configure_with(&sandbox, &format!("{tick}[pressure]\nram_percent = 1\n"), &services);
        daemon.reload();
        let pressure = daemon.event("system.pressure", |event| event["type"] == "ram").await;
        assert_eq!(pressure["throttle_factor"], 0.5, "{pressure}");
        let gone = daemon.event("service.unloaded", |_| true).await;
        assert_eq!((&gone["service"], &gone["reason"]), (&json!("a"), &json!("pressure")), "{gone}");
        // Others hold the memory: one that is in use of late would be stopped for nothing.
        let ticks = async || daemon.get("/api/lifecycle").await.body["tick_count"].clone();
        let readings = daemon.get("/api/lifecycle/pressure").await.body;
        let ram = readings["pressures"].as_array().unwrap().iter().find(|one| one["kind"] == "ram").unwrap();
        assert_eq!(
            (&ram["is_high"], ram["threshold"].as_f64()),
            (&json!(true), Some(1.0)),
            "{readings} {}",
            ticks().await
        );
        assert_eq!(daemon.server("b").await["state"], "ready");

        configure_with(&sandbox, tick, &services);
        daemon.reload();
        let usual = async || {
            let readings = daemon.get("/api/lifecycle/pressure").await.body;
            let ram = readings["pressures"].as_array().unwrap().iter().find(|one| one["kind"] == "ram").cloned();
            ram.unwrap()["threshold"].as_f64()
        };
        while usual().await != Some(90.0) {
            tokio::task::yield_now().await;
        }
        assert_eq!(daemon.events("service.unloaded").await.len(), 1);
    });
    assert!(llama_server.is_running() && game.is_running());
    assert_eq!(fs::read_to_string(&signals).unwrap(), "", "it got a signal");
    drop(daemon);
    assert!(llama_server.is_running() && game.is_running());
    assert_eq!(fs::read_to_string(&signals).unwrap(), "", "it got a signal at the end");
}

/// An image generator that crashed would keep the memory of the machine for ever.
#[test]
fn headroom_of_a_requester_that_is_gone_is_free_at_its_end_and_after_the_daemon() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("a", 150, "")]);
    let mut daemon = Daemon::start_within(&sandbox, 250 << 20);
    run_async(async {
        until_served(&daemon, "/upstream/a/x").await;
        let first = starts(&sandbox, "a")[0]["pid"].as_u64().unwrap();
        let wish =
            |seconds: u64| json!({"bytes": 150 << 20, "device": "CPU", "requester": "comfy", "ttl_seconds": seconds});
        // Its connection ends with the answer, as that of a program that dies does.
        let reserved = daemon.post("/api/lifecycle/headroom", wish(4)).await;
        assert_eq!((reserved.status, &reserved.body["evicted"]), (200, &json!(["a"])), "{reserved:?}");
        until("ended", || !is_alive(first));
        let main = |status: &Value| {
            let devices = status["devices"].as_array().unwrap().iter();
            devices.clone().find(|device| device["device"] == "CPU").unwrap()["reserved"].clone()
        };
        assert_eq!(main(&daemon.get("/api/lifecycle").await.body), 150 << 20);
        let (status, refused) = ask(&daemon, "/upstream/a/x").await;
        assert_eq!((status, refused.to_string().contains("reserved")), (503, true), "{refused}");
        let released = daemon.event("headroom.released", |_| true).await;
        assert_eq!(released["reason"], "expired", "{released}");
        assert_eq!(main(&daemon.get("/api/lifecycle").await.body), 0);
        until_served(&daemon, "/upstream/a/x").await;

        // One that renews keeps it, and another id is none.
        let id = daemon.post("/api/lifecycle/headroom", wish(3_600)).await.body["id"].clone();
        let mut again = wish(3_600);
        again["id"] = id.clone();
        let renewed = daemon.post("/api/lifecycle/headroom", again).await;
        assert_eq!(
            (renewed.status, &renewed.body["id"], &renewed.body["evicted"]),
            (200, &id, &json!([])),
            "{renewed:?}"
        );
        assert_eq!(main(&daemon.get("/api/lifecycle").await.body), 150 << 20);
    });
    daemon.kill();
    let daemon = Daemon::start_within(&sandbox, 250 << 20);
    run_async(async { assert_eq!(ask(&daemon, "/upstream/a/x").await.0, 200, "nobody holds it any more") });
}

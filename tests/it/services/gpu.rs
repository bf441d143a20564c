//! Services on a GPU. The driver is a fake library, and nothing is on the GPU in truth.

use super::{configure, send, soon, starts, until_served};
use crate::daemon::{Daemon, run_async};
use crate::node_children::fake_nvml;
use crate::sandbox::Sandbox;
use modelctl::http::Request;
use serde_json::{Value, json};
use std::fs;

/// A daemon with a GPU of 4 GiB. None where no fake of the driver can be made.
pub fn with_gpu(sandbox: &Sandbox) -> Option<Daemon> {
    let library = fake_nvml()?;
    Some(Daemon::start_with(sandbox, |command| {
        command.env("LD_LIBRARY_PATH", library).env("FAKE_NVML_MEMORY", format!("{}:0", 4_u64 << 30));
        command.env("FAKE_NVML_FILE", sandbox.path("nvml"));
    }))
}

/// The arguments of the last start that a service gets beside those that it always has.
fn more_args(sandbox: &Sandbox, name: &str) -> Vec<Value> {
    starts(sandbox, name).pop().unwrap()["args"].as_array().unwrap()[3..].to_vec()
}

const ON_CPU: &str = "cpu_args = [\"--device\", \"cpu\"]\nmemory.vram = \"64MiB\"\n";

/// A service would run out of the memory of its GPU again and again, or be on the CPU and nobody know why.
#[test]
fn a_service_whose_gpu_has_no_memory_left_is_started_on_the_cpu_and_says_so() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("x", 1, ON_CPU)]);
    let Some(daemon) = with_gpu(&sandbox) else { return };
    run_async(async {
        assert_eq!(until_served(&daemon, "/upstream/x/y").await, "gpu");
        assert_eq!(more_args(&sandbox, "x"), [json!(null); 0]);
        let (status, _) = send(Request::post(daemon.endpoint.clone(), "/upstream/x/cuda", "")).await;
        assert_eq!(status, 502);
        let crash = daemon.event("service.crash", |_| true).await;
        assert_eq!((&crash["crash_type"], &crash["will_restart"]), (&json!("oom"), &json!(true)), "{crash}");
        let lowered = daemon.event("service.downgraded", |_| true).await;
        assert_eq!(
            (&lowered["service"], &lowered["from"], &lowered["mode"]),
            (&json!("x"), &json!("gpu"), &json!("cpu_only"))
        );
        let mode = until_served(&daemon, "/upstream/x/y").await;
        assert!(mode.starts_with("cpu_only; reason=\""), "{mode}");
        assert_eq!(more_args(&sandbox, "x"), [json!("--device"), json!("cpu")]);
        let row = daemon.server("x").await;
        assert_eq!((&row["mode"], row["mode_reason"].is_string()), (&json!("cpu_only"), true), "{row}");
        let restarted = daemon.event("service.restarted", |_| true).await;
        assert_eq!((&restarted["mode"], &restarted["downgraded"]), (&json!("cpu_only"), &json!(true)), "{restarted}");

        // A person moves it back, and down again.
        let offload = async |to: Value| daemon.post("/api/models/service:x/offload", to).await;
        let back = offload(json!({"to": "gpu"})).await;
        assert_eq!((back.status, &back.body["outcome"]), (200, &json!("done")), "{back:?}");
        daemon.until("x", "back on the GPU", |row| row["mode"] == "gpu" && row["state"] == "ready").await;
        assert_eq!(more_args(&sandbox, "x"), [json!(null); 0]);
        assert_eq!(offload(json!({"to": "gpu"})).await.body["outcome"], "already_there");
        assert_eq!(offload(Value::Null).await.body["outcome"], "done");
        daemon.until("x", "on the CPU", |row| row["mode"] == "cpu_only" && row["state"] == "ready").await;
        assert_eq!(offload(json!({"to": "cpu_offload"})).await.body["why"], "unknown_mode");
        assert_eq!(until_served(&daemon, "/upstream/x/y").await.split(';').next(), Some("cpu_only"));
    });
    let why = sandbox.run(["why", "x"]).ok().out;
    assert!(why.contains("not loaded in full: a person chose it"), "{why}");
}

/// With a driver that hangs, everything would be let into the memory of the GPU side by side, or nothing any more.
#[test]
fn a_gpu_that_does_not_answer_any_more_is_given_out_by_what_is_known_of_it() {
    let sandbox = Sandbox::new();
    let large = "memory.vram = \"2GiB\"\n";
    configure(&sandbox, &[("x", 1, large), ("y", 1, large), ("z", 1, "memory.vram = \"1GiB\"\n")]);
    let Some(daemon) = with_gpu(&sandbox) else { return };
    run_async(async {
        assert_eq!(until_served(&daemon, "/upstream/x/y").await, "gpu");
        fs::write(sandbox.path("nvml"), "FAKE_NVML_INIT=999\n").unwrap();
        assert_eq!(until_served(&daemon, "/upstream/z/y").await, "gpu", "there is room beside x");
        assert_eq!(daemon.server("x").await["state"], "ready");
        assert_eq!(until_served(&daemon, "/upstream/y/y").await, "gpu");
        let gone = daemon.event("service.unloaded", |_| true).await;
        assert_eq!((&gone["service"], &gone["evicted_by"]), (&json!("x"), &json!("y")), "{gone}");
    });
}

/// While the driver still frees the memory of the first one, a second one would be stopped for it.
#[test]
fn memory_that_a_driver_is_slow_to_free_costs_no_second_service() {
    const GIB: u64 = 1 << 30;
    let sandbox = Sandbox::new();
    let large = "memory.vram = \"1536MiB\"\n";
    configure(&sandbox, &[("x", 1, large), ("y", 1, large), ("z", 1, large)]);
    let Some(daemon) = with_gpu(&sandbox) else { return };
    let nvml = |used: u64, more: &str| {
        let text = format!("FAKE_NVML_MEMORY={}:{used}\n{more}", 4 * GIB);
        // Whole at once: it is read meanwhile.
        fs::write(sandbox.path("nvml.new"), text).unwrap();
        fs::rename(sandbox.path("nvml.new"), sandbox.path("nvml")).unwrap();
    };
    run_async(async {
        fs::write(sandbox.path("x/unwell"), "").unwrap();
        let first = async {
            soon("started", || !starts(&sandbox, "x").is_empty()).await;
            let pid = starts(&sandbox, "x")[0]["pid"].as_u64().unwrap();
            // What it holds is measured once it is ready.
            nvml(3 * GIB / 2, &format!("FAKE_NVML_PROCESSES={pid}:{}\n", 3 * GIB / 2));
            fs::remove_file(sandbox.path("x/unwell")).unwrap();
        };
        let (mode, ()) = tokio::join!(until_served(&daemon, "/upstream/x/y"), first);
        assert_eq!(mode, "gpu");
        until_served(&daemon, "/upstream/z/y").await;
        let freed = async {
            daemon.event("service.swapped", |_| true).await;
            soon("ended", || !super::is_alive(starts(&sandbox, "x")[0]["pid"].as_u64().unwrap())).await;
            // The time of a driver that does much else.
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            nvml(0, "");
        };
        let (mode, ()) = tokio::join!(until_served(&daemon, "/upstream/y/y"), freed);
        assert_eq!(mode, "gpu");
        assert_eq!(daemon.server("z").await["state"], "ready", "it had to go for nothing");
        let gone = daemon.events("service.unloaded").await;
        assert_eq!(gone.iter().map(|event| &event["service"]).collect::<Vec<_>>(), [&json!("x")]);
    });
}

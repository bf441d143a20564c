use super::tests::{denial, scene};
use crate::lifecycle::{DeviceBytes, Offloaded, Why};
use crate::model::lifecycle::{DeviceStatus, Mode, ModelStatus, Pressure, PressureKind, Priority, Status};
use crate::serve::control::Manage;
use axum::http::StatusCode;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

/// What the fake deciding task answers.
pub(super) fn manage(command: Manage) {
    // Whoever asked may have gone.
    match command {
        Manage::Pause { was, .. } => drop(was.send(false)),
        Manage::Priority { done, .. } => drop(done.send(())),
        Manage::Offload { to, answer, .. } => drop(answer.send(match to {
            Some(Mode::CpuOnly) => Offloaded::Done,
            Some(Mode::CpuOffload) => Offloaded::AlreadyThere,
            Some(Mode::Gpu) => Offloaded::Unknown,
            None => Offloaded::NotLoaded,
        })),
        Manage::Headroom { ask, answer } => drop(answer.send(match ask.needs.as_slice() {
            [DeviceBytes { bytes, .. }] if *bytes > 1 << 40 => Err(denial(Why::PinnedMemory, None)),
            _ => Ok(vec!["Small".to_owned()]),
        })),
        Manage::Release { id, answer } => drop(answer.send(id == "held")),
        Manage::Swap { ask, answer } => drop(answer.send(Ok(vec![format!("{} of them", ask.evict.len())]))),
        Manage::Status { answer } => drop(answer.send(status())),
        Manage::Preload { .. } | Manage::Uses { .. } | Manage::NotSaved | Manage::News(_) => {}
    }
}

fn status() -> Status {
    let model = ModelStatus {
        id: "aaaaaaaaaaaa".into(),
        purpose: "main".into(),
        name: "Small".into(),
        kind: "model".into(),
        state: "ready".into(),
        device: Some("CUDA0".into()),
        mode: Some(Mode::Gpu),
        gpu_layers: None,
        context: Some(4_096),
        mode_reason: None,
        priority: Some(Priority::Warm),
        priority_override: None,
        override_until: None,
        last_access_time: None,
        load_time: Some(1.5),
        access_count: 3,
        idle_seconds: Some(1.0),
        idle_timeout_s: Some(300.0),
        vram_gb: Some(1.0),
        ram_gb: Some(0.1),
        bytes: vec![DeviceBytes { device: "CUDA0".into(), bytes: 1 << 30 }],
        popularity: 0.5,
        boost: false,
        active_inference_count: 0,
        queued: 0,
        crash_count: 0,
        last_exit_code: None,
        last_error: None,
        downgraded: false,
        healthy: Some(true),
        pinned: false,
        pressure_evict_only: false,
        essential: false,
        expires_at: None,
        threads: None,
    };
    let device = |device: &str, reserved| DeviceStatus {
        device: device.into(),
        total: Some(24 << 30),
        free: None,
        ours: 1 << 30,
        external: 0,
        reserved,
    };
    let pressure = Pressure {
        kind: PressureKind::Vram,
        is_high: true,
        value: Some(91.0),
        threshold: 85.0,
        message: "91 % of CUDA0".into(),
    };
    Status {
        services: Vec::new(),
        schema: "modelctl.lifecycle/1".into(),
        running: true,
        tick_count: 7,
        interval_s: 15.0,
        paused: false,
        longest_step_ms: 0.5,
        node_tier: None,
        models: vec![model],
        devices: vec![device("CPU", 0), device("CUDA0", 1_024)],
        pressures: vec![pressure],
        throttle_factor: 0.7,
        readings: None,
        restart_pending: Vec::new(),
        swap_queue: Vec::new(),
        externals: Vec::new(),
        decisions: Vec::new(),
        decision_counts: BTreeMap::from([("evict".to_owned(), 2)]),
    }
}

/// A monitoring script reads these names.
#[tokio::test]
async fn the_status_and_the_pressure_are_documents_with_the_names_of_the_field() {
    let scene = scene(HashMap::new());
    let (code, status) = scene.json("GET", "/api/lifecycle", "").await;
    assert_eq!((code, &status["schema"], &status["tick_count"]), (200, &json!("modelctl.lifecycle/1"), &json!(7)));
    let model = &status["models"][0];
    for name in [
        "name",
        "device",
        "mode",
        "priority",
        "last_access_time",
        "load_time",
        "access_count",
        "idle_seconds",
        "idle_timeout_s",
        "vram_gb",
        "ram_gb",
        "popularity",
        "boost",
        "active_inference_count",
        "crash_count",
        "last_exit_code",
        "downgraded",
        "healthy",
        "pinned",
        "pressure_evict_only",
        "essential",
        "expires_at",
    ] {
        assert!(model.get(name).is_some(), "{name}");
    }
    let (code, pressure) = scene.json("GET", "/api/lifecycle/pressure", "").await;
    let expected =
        json!({"kind": "vram", "is_high": true, "value": 91.0, "threshold": 85.0, "message": "91 % of CUDA0"});
    assert_eq!((code, &pressure["pressures"][0], &pressure["throttle_factor"]), (200, &expected, &json!(0.7)));
    let (code, _) = scene.json("POST", "/api/lifecycle", "").await;
    assert_eq!(code, 405, "a status is read, not written");
    let (_, paused) = scene.json("POST", "/api/lifecycle/pause", "").await;
    assert_eq!(paused, json!({"schema": "modelctl.pause/1", "paused": true, "was_paused": false}));
    let (_, resumed) = scene.json("POST", "/api/lifecycle/resume", "").await;
    assert_eq!((&resumed["paused"], &resumed["was_paused"]), (&json!(false), &json!(false)));
}

/// An image generator asks for memory before it works, and must learn from the answer what it got.
#[tokio::test]
async fn headroom_answers_with_an_id_and_refuses_what_makes_no_sense() {
    let scene = scene(HashMap::new());
    let ask = async |body: serde_json::Value| scene.json("POST", "/api/lifecycle/headroom", &body.to_string()).await;
    let (code, first) = ask(json!({"bytes": 1_024, "requester": "comfy", "ttl_seconds": 60})).await;
    let id = first["id"].as_str().unwrap().to_owned();
    assert_eq!((code, &first["device"], &first["evicted"]), (200, &json!("CUDA0"), &json!(["Small"])), "the only GPU");
    assert!(first["expires_at"].as_str().unwrap().ends_with('Z') && id.len() == 16, "{first}");
    let renewed = json!({"bytes": 1_024, "device": "CPU", "requester": "comfy", "ttl_seconds": 3_600, "id": id});
    let (code, second) = ask(renewed).await;
    assert_eq!((code, &second["id"], &second["device"]), (200, &first["id"], &json!("CPU")));
    for (body, word) in [
        (json!({"bytes": 0, "requester": "x", "ttl_seconds": 1}), "`bytes`"),
        (json!({"bytes": 1, "requester": "x", "ttl_seconds": 3_601}), "`ttl_seconds`"),
        (json!({"bytes": 1, "requester": " ", "ttl_seconds": 1}), "`requester`"),
        (json!({"bytes": 1, "requester": "x\u{1b}", "ttl_seconds": 1}), "`requester`"),
        (json!({"bytes": 1, "requester": "x", "ttl_seconds": 1, "id": "../x"}), "`id`"),
        (json!({"bytes": 1, "requester": "x", "ttl_seconds": 1, "device": "CUDA7"}), "there is CPU, CUDA0"),
        (json!({"bytes": 1, "requester": "x", "ttl_seconds": 1, "evict": []}), "unknown field"),
        (json!([]), "invalid"),
    ] {
        let (code, error) = ask(body.clone()).await;
        let detail = error["detail"].as_str().unwrap();
        assert!(code == 400 && detail.contains(word), "{body}: {code} {detail}");
    }
    let (code, refused) = ask(json!({"bytes": 1u64 << 41, "requester": "x", "ttl_seconds": 1})).await;
    assert_eq!(
        (code, &refused["why"], &refused["error"]),
        (503, &json!("pinned_memory"), &json!("Memory cannot be freed"))
    );
    assert_eq!(refused["holders"][0]["why"], "pinned");
    let (code, released) = scene.json("DELETE", "/api/lifecycle/headroom/held", "").await;
    assert_eq!((code, &released["released"]), (200, &json!(true)));
    for gone in ["other", "a%2Fb"] {
        let (code, _) = scene.json("DELETE", &format!("/api/lifecycle/headroom/{gone}"), "").await;
        assert_eq!(code, 404, "{gone}");
    }
}

#[tokio::test]
async fn a_swap_names_its_servers_and_one_that_is_not_there_is_told() {
    let scene = scene(HashMap::new());
    let ask = async |body: serde_json::Value| scene.json("POST", "/api/lifecycle/swap", &body.to_string()).await;
    let (code, done) = ask(json!({"needed": "org/Big-GGUF", "evict": "Small", "reason": "a demo"})).await;
    assert_eq!((code, &done["evicted"]), (200, &json!(["1 of them"])));
    let (code, done) = ask(json!({"needed": "Middle", "reason": "a demo"})).await;
    assert_eq!((code, &done["evicted"]), (200, &json!(["0 of them"])));
    let (code, error) = ask(json!({"needed": "none", "reason": ""})).await;
    assert_eq!((code, &error["error"]), (404, &json!("Model not found: none")));
    let (code, error) = ask(json!({"needed": "Small", "evict": ["Small"], "reason": ""})).await;
    assert!(code == 400 && error["detail"].as_str().unwrap().contains("give way to itself"), "{error}");
}

#[tokio::test]
async fn priority_and_mode_of_a_model_are_set_by_its_name_and_answered_in_words() {
    let scene = scene(HashMap::new());
    let id = scene.id(0).clone();
    let (code, set) =
        scene.json("POST", "/api/models/org/Big-GGUF/priority", r#"{"priority":"active","ttl_seconds":60}"#).await;
    assert_eq!((code, &set["model_id"], &set["priority"]), (200, &json!(id), &json!("active")));
    assert!(set["until"].is_string());
    let (code, cleared) = scene.json("POST", "/api/models/Small/priority", r#"{"priority":null}"#).await;
    assert_eq!((code, &cleared["priority"], &cleared["until"]), (200, &json!(null), &json!(null)));
    for bad in [r#"{"priority":"high"}"#, r#"{"priority":"warm","ttl_seconds":0}"#, r#"{"prio":"warm"}"#, ""] {
        let (code, _) = scene.json("POST", "/api/models/Small/priority", bad).await;
        assert_eq!(code, 400, "{bad}");
    }
    for (body, status, word) in [
        (r#"{"to":"cpu"}"#, 200, "done"),
        (r#"{"to":"cpu_offload"}"#, 200, "already_there"),
        (r#"{"to":"gpu"}"#, 409, "unknown_mode"),
        ("", 409, "not_loaded"),
    ] {
        let (code, reply) = scene.json("POST", "/api/models/Small/offload", body).await;
        let found = if status == 200 { &reply["outcome"] } else { &reply["why"] };
        assert_eq!((code, found), (status, &json!(word)), "{body}");
    }
    let (code, _) = scene.json("POST", "/api/models/Small/offload", r#"{"to":"tpu"}"#).await;
    assert_eq!(code, 400);
    let (code, _, _) = scene.send("POST", "/api/models/Small/frobnicate", "").await;
    assert_eq!(code, StatusCode::NOT_FOUND);
}

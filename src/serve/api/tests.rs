use super::manage_tests::manage;
use super::{Api, METRICS, Metrics, routes};
use crate::config::{Config, Env, Flags};
use crate::db::{Access, Db};
use crate::http::Kept;
use crate::lifecycle::{Denial, Holder, Phase, Purpose, ServerKey, ServerView, Shape, Why};
use crate::model::server::Engine;
use crate::model::{ModelId, ModelRow, State};
use crate::serve::catalog::{Catalog, Catalogs};
use crate::serve::control::{Command, Control, EventLog, Happening, Server, ServerInfo, Started, Stopped};
use crate::serve::gateway::Records;
use crate::serve::ports::Ports;
use crate::supervise::LogRing;
use crate::testing::sample_row;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt;

/// What the fake deciding task was asked: the model, and whether it might evict for it.
type Asked = Arc<Mutex<Vec<(ModelId, bool)>>>;

pub(super) struct Scene {
    router: Router,
    control: Control,
    asked: Asked,
    servers: watch::Sender<Arc<Vec<Server>>>,
    models: Vec<ModelRow>,
    dir: tempfile::TempDir,
}

fn info() -> Arc<ServerInfo> {
    let (engine, device) = (Some(Engine::Worker), "cpu".to_owned());
    let took = Duration::from_millis(12_345);
    Arc::new(ServerInfo {
        engine,
        pid: u32::MAX,
        port: None,
        context: 4_096,
        slots: 4,
        device,
        took,
        connections: Kept::default(),
    })
}

pub(super) fn denial(why: Why, retry_after: Option<u64>) -> Denial {
    let holders = vec![Holder { name: "big".into(), why: "pinned", held: Vec::new() }];
    let (message, last_log) = ("it does not fit".to_owned(), Some("out of memory".to_owned()));
    Denial {
        why,
        message,
        retry_after: retry_after.map(Duration::from_millis),
        holders,
        last_log,
        instead: None,
        was_alone: false,
    }
}

/// Three models with files, of 3, 1 and 2 bytes. Starts are answered by `answers`, others succeed.
pub(super) fn scene(answers: HashMap<ModelId, Denial>) -> Scene {
    scene_with(answers, "ports = false")
}

/// The same with this `[serve]` table.
fn scene_with(answers: HashMap<ModelId, Denial>, serve: &str) -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let models: Vec<ModelRow> = [("org/Big-GGUF", 3), ("Small", 1), ("Middle", 2)]
        .into_iter()
        .map(|(name, size)| {
            let row = sample_row(name);
            let path = dir.path().join(format!("{}.gguf", name.replace('/', "_")));
            std::fs::write(&path, "x").unwrap();
            ModelRow { path, size, quant: Some("Q4_K_M".into()), content: Some(name.to_owned()), ..row }
        })
        .collect();
    let database = dir.path().join("models.db");
    Db::open(&database, Access::ReadWrite).unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, format!("[serve]\n{serve}\n")).unwrap();
    let flags = Flags { database: Some(database), config: Some(file), ..Flags::default() };
    let roots = dir.path().join("root");
    std::fs::create_dir(&roots).unwrap();
    let env = Env::from_pairs(&[("MODEL_SCAN_PATH", roots.to_str().unwrap())]);
    let config = watch::Sender::new(Arc::new(Config::load(&flags, &env).unwrap())).subscribe();
    let catalogs = Catalogs::fixed(Catalog::new(models.clone(), &HashMap::new()));
    let (commands, mut inbox) = mpsc::unbounded_channel();
    let servers = watch::Sender::new(Arc::new(Vec::new()));
    let control = Control::new(commands, servers.subscribe(), EventLog::default());
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let start = move |key: &ServerKey, may_evict| {
        let was_running = seen.lock().unwrap().iter().any(|(model, _)| *model == key.model);
        seen.lock().unwrap().push((key.model.clone(), may_evict));
        let started = Started { info: info(), name: "x".into(), was_running, took: Duration::from_millis(12_345) };
        answers.get(&key.model).cloned().map_or(Ok(started), Err)
    };
    tokio::spawn(async move {
        while let Some(command) = inbox.recv().await {
            match command {
                Command::Start { key, may_evict, answer } => answer.send(start(&key, may_evict)).unwrap(),
                Command::StartAll { starts } => {
                    for (key, answer) in starts {
                        answer.send(start(&key, false)).unwrap();
                    }
                }
                Command::Stop { key, answer, .. } => {
                    let was_running = key.purpose == Purpose::Main;
                    answer.send(Stopped { was_running, took: Duration::from_millis(2_100) }).unwrap();
                }
                Command::Manage(command) => manage(command),
                // No test of this room asks for more.
                _ => {}
            }
        }
    });
    // Nobody is served on the ports of this test, which are only held.
    let ports = Ports::new(config.clone(), control.clone(), |listener, _, _| {
        tokio::spawn(async move {
            let _held = listener;
            std::future::pending().await
        })
    });
    let router = routes(Arc::new(Api::new(control.clone(), catalogs, config, (Records::new(|_| {}), ports))));
    Scene { router, control, asked, servers, models, dir }
}

impl Scene {
    pub(super) fn id(&self, at: usize) -> &ModelId {
        &self.models[at].id
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (head.status, head.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(super) async fn json(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, _, body) = self.send(method, path, body).await;
        (status.as_u16(), serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    fn runs(&self, at: usize, phase: Phase) {
        let view = ServerView {
            key: ServerKey::main(self.id(at).clone()),
            name: self.models[at].name.clone(),
            phase,
            pinned: false,
            in_flight: 1,
            queued: 2,
            waiting: [0, 2, 0],
            slots: 4,
            reserved: Vec::new(),
            expires: None,
            shape: Shape::default(),
            last_error: None,
        };
        let log = LogRing::new();
        log.collect(std::io::Cursor::new("one\ntwo\nthree\n")).unwrap();
        let server =
            Server { view, info: Some(info()), ready: Some(crate::clock::instant()), expires: None, retry: None, log };
        self.servers.send_replace(Arc::new(vec![server]));
    }
}

#[tokio::test]
async fn a_start_answers_with_the_name_and_a_second_one_that_it_runs() {
    let scene = scene(HashMap::new());
    let id = scene.id(0).clone();
    // By a name with a slash, and by the id.
    let (status, first) = scene.json("POST", "/api/models/servers/org/Big-GGUF/start", "").await;
    assert_eq!(status, 200);
    let expected = json!({
        "message": format!("Server started for {id}"), "model_id": id, "display_name": "org/Big-GGUF (Q4_K_M)",
        "port": null, "status": "started", "startup_time_seconds": 12.345,
    });
    assert_eq!(first, expected);
    let (_, second) = scene.json("POST", &format!("/api/models/servers/{id}/start"), "").await;
    assert_eq!(second["status"], "running");
    assert_eq!(*scene.asked.lock().unwrap(), [(id.clone(), true), (id.clone(), true)]);
    let (status, stopped) = scene.json("POST", &format!("/api/models/servers/{id}/stop?now=true"), "").await;
    assert_eq!((status, &stopped["status"], &stopped["shutdown_time_seconds"]), (200, &json!("stopped"), &json!(2.1)));
    assert_eq!(stopped["message"], format!("Server stopped for {id}"));
}

/// A script that starts a model reads the port in the answer, in `ps`, and who has it where it is taken.
#[tokio::test]
async fn a_start_gives_the_model_a_port_and_says_who_has_it_where_it_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let scene = scene_with(HashMap::new(), &format!("port_range_start = {port}\nport_range_end = {port}"));
    let (status, refused) = scene.json("POST", "/api/models/servers/Small/start", "").await;
    let (error, detail) = (&refused["error"], refused["detail"].as_str().unwrap());
    assert_eq!((status, error, &refused["why"]), (409, &json!("Failed to start server"), &json!("no_port")));
    let us = std::process::id();
    assert!(detail.starts_with(&format!("Port {port} already in use by ")), "{detail}");
    assert!(detail.ends_with(&format!("(process {us})")), "{detail}");
    assert_eq!((&refused["holders"][0]["port"], &refused["holders"][0]["pid"]), (&json!(port), &json!(us)));
    assert!(scene.asked.lock().unwrap().is_empty());

    drop(taken);
    let (_, started) = scene.json("POST", "/api/models/servers/Small/start", "").await;
    assert_eq!(started["port"], json!(port), "{started}");
    scene.runs(1, Phase::Ready);
    let (_, list) = scene.json("GET", "/api/models/servers", "").await;
    assert_eq!(list["servers"][0]["port"], json!(port));
    let (_, all) = scene.json("POST", "/api/models/servers/start-all", "").await;
    assert_eq!((&all["models"][0]["port"], all["failed"].as_array().unwrap().len()), (&json!(port), 2), "{all}");
    let detail = all["failed"][0]["detail"].as_str().unwrap();
    assert_eq!(detail, format!("Port {port} already in use by the model Small"));

    scene.json("POST", "/api/models/servers/Small/stop?restart=true", "").await;
    std::net::TcpListener::bind(("127.0.0.1", port)).expect_err("it keeps its port between stop and start");
    scene.json("POST", "/api/models/servers/Small/stop", "").await;
    drop(std::net::TcpListener::bind(("127.0.0.1", port)).unwrap());
}

/// A model that cannot be started keeps no port away from those that can.
#[tokio::test]
async fn a_start_that_fails_gives_the_port_back() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let id = sample_row("Small").id;
    let range = format!("port_range_start = {port}\nport_range_end = {port}");
    let scene = scene_with(HashMap::from([(id, denial(Why::NoMemory, None))]), &range);
    let (status, _) = scene.json("POST", "/api/models/servers/Small/start", "").await;
    assert_eq!(status, 503);
    let (_, started) = scene.json("POST", "/api/models/servers/Middle/start", "").await;
    assert_eq!(started["port"], json!(port), "{started}");
}

#[tokio::test]
async fn a_model_that_is_not_there_and_a_file_that_is_not_there_are_told_apart() {
    let scene = scene(HashMap::new());
    let (status, unknown) = scene.json("POST", "/api/models/servers/no/such/start", "").await;
    let expected = json!({ "error": "Model not found: no/such", "detail": "Model does not exist in registry" });
    assert_eq!((status, unknown), (404, expected));
    std::fs::remove_file(&scene.models[1].path).unwrap();
    let (status, missing) = scene.json("POST", "/api/models/servers/Small/start", "").await;
    assert_eq!((status, &missing["error"]), (409, &json!("Failed to start server")));
    assert!(missing["detail"].as_str().unwrap().starts_with("the model file is missing: "), "{missing}");
    assert!(scene.asked.lock().unwrap().is_empty(), "nobody waits for a server that cannot start");
    let (status, method) = scene.json("GET", "/api/models/servers/Middle/start", "").await;
    assert_eq!((status, &method["error"]), (405, &json!("Method not allowed")));
}

#[tokio::test]
async fn a_refused_start_says_why_and_when_to_try_again() {
    for (why, retry, status, after) in [
        (Why::NoMemory, Some(1_200), 503, Some("2")),
        (Why::Backoff, Some(5_000), 503, Some("5")),
        (Why::Failed, None, 500, None),
        (Why::BadFile, None, 409, None),
        (Why::QueueFull, Some(100), 429, Some("1")),
    ] {
        let id = sample_row("Small").id;
        let scene = scene(HashMap::from([(id, denial(why, retry))]));
        let (code, headers, body) = scene.send("POST", "/api/models/servers/Small/start", "").await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((code.as_u16(), body["detail"].as_str()), (status, Some("it does not fit")), "{why:?}");
        assert_eq!(headers.get(header::RETRY_AFTER).map(|v| v.to_str().unwrap()), after, "{why:?}");
        assert_eq!((&body["last_log"], &body["holders"][0]["why"]), (&json!("out of memory"), &json!("pinned")));
    }
}

#[tokio::test]
async fn all_start_from_the_smallest_on_and_one_failure_stops_no_other() {
    let id = sample_row("Middle").id;
    let scene = scene(HashMap::from([(id.clone(), denial(Why::NoMemory, None))]));
    let (status, all) = scene.json("POST", "/api/models/servers/start-all", "").await;
    assert_eq!((status, &all["message"]), (200, &json!("Started 2/3 servers")));
    assert_eq!((&all["started"], &all["total"]), (&json!(2), &json!(3)));
    assert_eq!(all["failed"][0]["model_id"], json!(id));
    assert_eq!(all["failed"][0]["detail"], "it does not fit");
    let by_size = [scene.id(1), scene.id(2), scene.id(0)].map(|id| (id.clone(), false));
    assert_eq!(*scene.asked.lock().unwrap(), by_size, "nothing is evicted for it");
    scene.runs(0, Phase::Ready);
    let (_, stopped) = scene.json("POST", "/api/models/servers/stop-all", "").await;
    assert_eq!((&stopped["message"], &stopped["stopped"]), (&json!("Stopped 1 server"), &json!(1)));
}

#[tokio::test]
async fn the_list_of_servers_shows_states_and_load() {
    let scene = scene(HashMap::new());
    let (_, none) = scene.json("GET", "/api/models/servers", "").await;
    assert_eq!(none, json!({ "schema": "modelctl.ps/1", "servers": [], "total_running": 0 }));
    scene.runs(0, Phase::Ready);
    let (_, list) = scene.json("GET", "/api/models/servers", "").await;
    let server = &list["servers"][0];
    assert_eq!(
        (&list["total_running"], &server["status"], &server["state"]),
        (&json!(1), &json!("running"), &json!("ready"))
    );
    assert_eq!((&server["port"], &server["engine"], &server["in_flight"]), (&Value::Null, &json!("worker"), &json!(1)));
    assert_eq!(server["memory_used_mb"], Value::Null, "a process that cannot be measured has no figure");
    scene.runs(0, Phase::Starting { progress: 0.25 });
    let (_, list) = scene.json("GET", "/api/models/servers", "").await;
    assert_eq!((&list["servers"][0]["progress"], &list["total_running"]), (&json!(0.25), &json!(0)));
    let (_, logs) = scene.json("GET", &format!("/api/models/servers/{}/logs?n=2", scene.id(0)), "").await;
    assert_eq!(logs["schema"], "modelctl.logs/1");
    assert!(logs["lines"].as_array().is_some_and(|lines| lines.len() <= 2));
}

#[tokio::test]
async fn a_client_of_events_that_comes_back_gets_what_it_missed() {
    let scene = scene(HashMap::new());
    for n in 1..=3 {
        scene.control.events().add(Happening::new("model.loaded", json!({ "n": n })));
    }
    let (_, last) = scene.json("GET", "/api/events?follow=false&limit=2", "").await;
    assert_eq!(
        (&last["schema"], &last["events"][0]["id"], &last["events"][1]["n"]),
        (&json!("modelctl.events/1"), &json!(2), &json!(3))
    );
    let request = Request::get("/api/events").header("Last-Event-ID", "2").body(Body::empty()).unwrap();
    let response = scene.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut body = response.into_body();
    let frame = tokio::time::timeout(Duration::from_secs(20), body.frame()).await.unwrap().unwrap().unwrap();
    let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
    assert!(text.starts_with("id: 3\nevent: model.loaded\ndata: {\"id\":3,"), "{text}");
    assert!(text.ends_with("}\n\n"));
}

#[tokio::test]
async fn one_scan_runs_at_a_time_and_its_end_is_an_event() {
    let scene = scene(HashMap::new());
    let mut events = scene.control.events().follow(Some(0));
    let (status, started) = scene.json("POST", "/api/models/rescan", "").await;
    assert_eq!((status, &started["message"]), (202, &json!("Rescan started")));
    loop {
        let event = tokio::time::timeout(Duration::from_secs(60), events.next()).await.unwrap();
        assert_ne!(event.happening.event, "scan.failed", "{event:?}");
        if event.happening.event == "scan.finished" {
            assert_eq!(event.happening.fields["counts"]["added"], 0);
            break;
        }
    }
    drop(scene.dir);
}

#[tokio::test]
async fn figures_have_the_names_that_dashboards_use() {
    let scene = scene(HashMap::new());
    scene.runs(0, Phase::Ready);
    let (status, headers, text) = scene.send("GET", "/metrics", "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("application/openmetrics-text"));
    for line in [
        "modelctl_servers{state=\"ready\",device=\"CUDA0\"} 1",
        "modelctl_servers{state=\"failed\",device=\"none\"} 0",
        "modelctl_device_bytes{device=\"CUDA0\",what=\"reserved\"} 1024",
        "modelctl_pressure{kind=\"vram\"} 1",
        "modelctl_throttle_factor 0.7",
        "modelctl_queue_depth{model=\"org/Big-GGUF\",class=\"normal\"} 2",
        "modelctl_requests_running 1",
        "modelctl_model_loads_total{outcome=\"loaded\"} 0",
        "modelctl_evictions_total{reason=\"idle\"} 0",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is not in\n{text}");
    }
    let listed =
        |name: &str| METRICS.iter().any(|(of, _)| of.split('{').next().unwrap().trim_end_matches("_total") == name);
    for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(listed(name), "{name} is not in the manual page");
    }
    let guide = include_str!("../../../docs/serve.md");
    for (name, _) in METRICS {
        let name = name.trim_start_matches("modelctl_");
        assert!(guide.contains(&format!("`{name}`")), "{name} is not in docs/serve.md");
    }
}

#[tokio::test]
async fn loads_and_evictions_are_counted_by_their_events() {
    let metrics = Arc::new(Metrics::new(Records::new(|_| {})));
    let log = EventLog::default();
    log.add(Happening::new("model.loaded", json!({})));
    log.add(Happening::new("model.unloaded", json!({ "reason": "evicted" })));
    log.add(Happening::new("model.unloaded", json!({ "reason": "stopped" })));
    let counted = tokio::spawn(Arc::clone(&metrics).follow(log.follow(Some(0))));
    let scene = scene(HashMap::new());
    let has = |text: &str, line: &str| text.lines().any(|have| have == line);
    let until = tokio::time::Instant::now() + Duration::from_secs(20);
    while !has(&metrics.text(&scene.control).await, "modelctl_evictions_total{reason=\"evicted\"} 1") {
        assert!(tokio::time::Instant::now() < until, "{}", metrics.text(&scene.control).await);
        tokio::task::yield_now().await;
    }
    let text = metrics.text(&scene.control).await;
    assert!(has(&text, "modelctl_model_loads_total{outcome=\"loaded\"} 1"), "{text}");
    counted.abort();
}

#[tokio::test]
async fn the_list_of_models_is_a_document_and_an_unknown_model_is_404() {
    let scene = scene(HashMap::new());
    let (status, list) = scene.json("GET", "/api/models", "").await;
    assert_eq!((status, list), (200, json!({ "schema": "modelctl.list/1", "models": [] })));
    for (method, path) in [("GET", "/api/models/none"), ("PATCH", "/api/models/none")] {
        let (status, error) = scene.json(method, path, "{}").await;
        assert_eq!((status, &error["error"]), (404, &json!("Model not found: none")));
    }
    let (status, error) = scene.json("PATCH", "/api/models/Small", r#"{"enable":true}"#).await;
    assert_eq!((status, &error["error"]), (400, &json!("Settings cannot be changed")));
    assert_eq!(scene.models[0].state, State::Ready);
}

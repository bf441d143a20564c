use super::*;
use crate::config::{Env, Flags};
use crate::lifecycle::{Denial, Phase, ServerKey, ServerView, Shape, Why};
use crate::serve::catalog::{Catalog, Catalogs};
use crate::serve::control::{Command, EventLog};
use crate::serve::gateway::Records;
use crate::supervise::LogRing;
use crate::testing::sample_row;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tower::ServiceExt;

fn id(name: &str) -> ModelId {
    sample_row(name).id
}

/// A gateway with the models `a` and `b`, whose deciding task refuses every request and tells which one was asked.
struct Scene {
    gateway: Arc<Gateway>,
    servers: watch::Sender<Arc<Vec<Server>>>,
    asked: mpsc::UnboundedReceiver<ServerKey>,
}

fn scene(first: u16, last: u16) -> Scene {
    let variables = [("MODEL_PORT_RANGE_START", first.to_string()), ("MODEL_PORT_RANGE_END", last.to_string())];
    let env = Env::from_pairs(&variables.each_ref().map(|(name, value)| (*name, value.as_str())));
    let config = watch::channel(Arc::new(Config::load(&Flags::default(), &env).unwrap())).1;
    let (commands, mut inbox) = mpsc::unbounded_channel();
    let (servers, watched) = watch::channel(Arc::default());
    let (tell, asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(command) = inbox.recv().await {
            if let Command::Acquire { ask, answer, .. } = command {
                tell.send(ask.key).unwrap();
                drop(answer.send(Err(Denial::new(Why::NoMemory, "it does not fit"))));
            }
        }
    });
    let control = Control::new(commands, watched, EventLog::default());
    let rows = ["a", "b"].map(|name| crate::model::ModelRow { content: Some(name.into()), ..sample_row(name) });
    let catalogs = Catalogs::fixed(Catalog::new(rows.to_vec(), &HashMap::new()));
    let gateway = Arc::new(Gateway { control, catalogs, config, records: Records::new(|_| {}) });
    Scene { gateway, servers, asked }
}

impl Scene {
    /// Ports on which nobody is served.
    fn ports(&self) -> Ports {
        Ports::new(self.gateway.config.clone(), self.gateway.control.clone(), |listener, _, _| {
            tokio::spawn(async move {
                let _held = listener;
                std::future::pending().await
            })
        })
    }

    fn runs(&self, name: &str, phase: Phase) {
        let (key, reserved) = (ServerKey::main(id(name)), Vec::new());
        let (name, last_error) = (name.to_owned(), None);
        let view = ServerView {
            key,
            name,
            phase,
            pinned: false,
            in_flight: 0,
            queued: 0,
            waiting: [0; 3],
            slots: 0,
            reserved,
            shape: Shape::default(),
            last_error,
            expires: None,
        };
        self.servers.send_replace(Arc::new(vec![Server {
            view,
            info: None,
            ready: None,
            expires: None,
            retry: None,
            log: LogRing::new(),
        }]));
    }
}

/// Returns the first of `count` ports in a row that are free now.
fn free_ports(count: u16) -> u16 {
    loop {
        let first = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        let rest = (1..count).map(|n| std::net::TcpListener::bind(("127.0.0.1", port.checked_add(n)?)).ok());
        if rest.collect::<Vec<_>>().iter().all(Option::is_some) {
            return port;
        }
    }
}

async fn until(what: impl Fn() -> bool) {
    let wait = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it takes for ever");
}

async fn ask(router: &Router, method: &str, path: &str, body: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_port_that_another_program_has_is_stepped_over_and_a_model_gets_its_own_again() {
    let first = free_ports(4);
    let taken = std::net::TcpListener::bind(("127.0.0.1", first + 1)).unwrap();
    let ports = scene(first, first + 2).ports();
    let (a, b, c) = (id("a"), id("b"), id("c"));
    let new = |port| Ok(Taken { port: Some(port), is_new: true });
    assert_eq!(ports.take(&a).await, new(first));
    assert_eq!(ports.take(&b).await, new(first + 2));
    assert_eq!(ports.take(&a).await, Ok(Taken { port: Some(first), is_new: false }));
    assert_eq!((ports.of(&a), ports.of(&c)), (Some(first), None));
    let held = ports.take(&c).await.unwrap_err().held;
    assert_eq!(held[0], Held { port: first, by: HeldBy::Model(a.to_string()) });
    assert!(matches!(&held[1].by, HeldBy::Process(holder) if holder.pid == std::process::id()));
    drop(taken);
    ports.release(&a).await;
    assert_eq!((ports.of(&a), ports.take(&a).await), (None, new(first)), "it is free at once");
    ports.release_all().await;
    drop(std::net::TcpListener::bind(("127.0.0.1", first + 2)).unwrap());
}

/// With more models than ports, those that were only asked by the gateway would otherwise leave none for a person.
#[tokio::test]
async fn a_model_that_the_gateway_loads_has_a_port_which_stays_after_its_end_only_if_it_was_wanted() {
    let first = free_ports(2);
    let scene = scene(first, first + 1);
    let ports = scene.ports();
    drop(tokio::spawn(ports.clone().follow(Arc::new(|_| {}))));
    let (a, b) = (id("a"), id("b"));
    tokio::task::yield_now().await;
    scene.runs("a", Phase::Starting { progress: 0.0 });
    until(|| ports.of(&a) == Some(first)).await;
    scene.runs("a", Phase::Backoff { until: Duration::from_millis(1) });
    scene.runs("a", Phase::Stopped);
    until(|| ports.of(&a).is_none()).await;
    scene.runs("b", Phase::Ready);
    until(|| ports.of(&b) == Some(first + 1)).await;
    assert_eq!(ports.take(&b).await.unwrap().port, Some(first + 1), "a person starts it");
    scene.runs("b", Phase::Stopped);
    scene.runs("a", Phase::Ready);
    until(|| ports.of(&a) == Some(first)).await;
    assert_eq!(ports.of(&b), Some(first + 1), "its port stays");
}

#[tokio::test]
async fn whoever_asks_at_a_port_is_answered_by_its_model_whatever_the_request_names() {
    let mut scene = scene(1, 1);
    let lease = Arc::new(Lease::default());
    let router = routes::routes(&scene.gateway, &id("b"), Arc::clone(&lease));
    assert!(!lease.is_wanted.load(Ordering::Relaxed));
    for named in [json!({}), json!({"model": "a"}), json!({"model": "gpt-4o"}), json!({"model": null})] {
        let mut body = named;
        body["messages"] = json!([{"role": "user", "content": "x"}]);
        let (status, refused) = ask(&router, "POST", "/v1/chat/completions", &body.to_string()).await;
        assert_eq!((status, &refused["error"]["message"]), (503, &json!("it does not fit")), "{body}");
        assert_eq!(scene.asked.recv().await.unwrap(), ServerKey::main(id("b")), "{body}");
    }
    let long = json!({"model": "x".repeat(100_000)}).to_string();
    assert_eq!(ask(&router, "POST", "/completions", &long).await.0, 400);
    let (_, models) = ask(&router, "GET", "/v1/models", "").await;
    assert_eq!((&models["data"][0]["id"], models["data"].as_array().unwrap().len()), (&json!("b"), 1));
    assert_eq!(ask(&router, "GET", "/v1/models/b", "").await.1["id"], "b");
    assert_eq!(ask(&router, "GET", "/v1/models/a", "").await.0, 404);
    assert_eq!(ask(&router, "GET", "/api/models", "").await.0, 404, "a port of a model is no way to the daemon");
    assert!(lease.is_wanted.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_model_that_loads_is_not_healthy_yet_and_one_that_a_request_would_load_is() {
    let scene = scene(1, 1);
    let router = routes::routes(&scene.gateway, &id("b"), Arc::default());
    let health = async || ask(&router, "GET", "/health", "").await;
    assert_eq!(health().await, (200, json!({"status": "ok"})));
    scene.runs("b", Phase::Starting { progress: 0.5 });
    let (status, loading) = health().await;
    assert_eq!((status, &loading["error"]["message"]), (503, &json!("Loading model")));
    scene.runs("b", Phase::Failed { reason: "it is damaged".into() });
    assert_eq!(health().await.1["error"]["message"], "it is damaged");
}

/// A client that keeps its connection must not reach the next model of the port with a request for the last one.
#[tokio::test]
async fn a_connection_from_before_the_end_of_a_lease_reaches_no_model() {
    let scene = scene(1, 1);
    let lease = Arc::new(Lease::default());
    let router = routes::routes(&scene.gateway, &id("b"), Arc::clone(&lease));
    assert_eq!(ask(&router, "GET", "/health", "").await.0, 200);
    lease.is_over.store(true, Ordering::Release);
    let (status, refused) = ask(&router, "GET", "/health", "").await;
    assert_eq!((status, &refused["error"]["code"]), (503, &json!("model_unavailable")));
}

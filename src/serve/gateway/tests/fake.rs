//! A gateway between a deciding task that follows a script and a server that a test answers for.

use crate::clock;
use crate::config::{Config, Env, Flags};
use crate::http::{self, Endpoint as Address, Kept, Limits};
use crate::lifecycle::{Denial, Phase, ServerKey, ServerView, Shape, Why};
use crate::model::server::Engine;
use crate::model::{Kind, ModelId, ModelRow, State as ModelState};
use crate::serve::catalog::{Catalog, Catalogs};
use crate::serve::control::{Ask, Command, Control, EventLog, Grant, Server, ServerInfo, Stopped};
use crate::serve::gateway::{Gateway, Records, routes};
use crate::serve::listen::Caller;
use crate::supervise::LogRing;
use crate::testing::sample_row;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot, watch};

/// What the deciding task does with one request for a slot.
pub enum Script {
    Grant(Address, watch::Receiver<Option<Denial>>, Engine),
    Deny(Denial),
    /// Waits until the sender says how it ends.
    Later(oneshot::Receiver<Script>),
}

/// A gateway with a deciding task that follows a script.
pub struct Fake {
    pub address: Address,
    pub asks: Arc<Mutex<Vec<Ask>>>,
    /// The number of slots that were freed, and of waiters that left.
    pub left: watch::Receiver<usize>,
    pub servers: watch::Sender<Arc<Vec<Server>>>,
    pub records: Records,
    /// What else the deciding task was told, in order: `keep a00000000000 0ns`.
    pub told: Arc<Mutex<Vec<String>>>,
    pub _dir: tempfile::TempDir,
}

pub const LIMIT: Duration = Duration::from_secs(20);

pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, what).await.expect("it takes for ever")
}

pub fn denial(why: Why, retry_after: Option<Duration>) -> Denial {
    Denial { retry_after, ..Denial::new(why, "because") }
}

pub fn alive() -> watch::Receiver<Option<Denial>> {
    let (sender, receiver) = watch::channel(None);
    // The server lives as long as the test.
    std::mem::forget(sender);
    receiver
}

pub fn info(engine: Engine) -> Arc<ServerInfo> {
    let device = "cpu".to_owned();
    let engine = Some(engine);
    Arc::new(ServerInfo {
        engine,
        pid: 1,
        port: None,
        context: 512,
        slots: 4,
        device,
        took: Duration::ZERO,
        connections: Kept::default(),
    })
}

impl Fake {
    pub fn start(script: impl IntoIterator<Item = Script>) -> Fake {
        Fake::with_caller(script, Caller::default())
    }

    pub fn with_caller(script: impl IntoIterator<Item = Script>, caller: Caller) -> Fake {
        Fake::serving(script, caller, routes)
    }

    /// As [`Fake::start`], with other routes over the gateway.
    pub fn serving(
        script: impl IntoIterator<Item = Script>,
        caller: Caller,
        routes: impl FnOnce(Arc<Gateway>) -> Router,
    ) -> Fake {
        let (commands, mut received) = mpsc::unbounded_channel();
        let (servers, watched) = watch::channel(Arc::default());
        let (leave, left) = watch::channel(0);
        let asks: Arc<Mutex<Vec<Ask>>> = Arc::default();
        let mut script: VecDeque<Script> = script.into_iter().collect();
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, to, heard) = (Arc::clone(&asks), commands.clone(), Arc::clone(&told));
        tokio::spawn(async move {
            while let Some(command) = received.recv().await {
                match command {
                    Command::Acquire { waiter, ask, answer } => {
                        seen.lock().unwrap().push(ask);
                        let (next, to) = (script.pop_front().expect("one request more than expected"), to.clone());
                        tokio::spawn(async move {
                            let mut next = next;
                            while let Script::Later(later) = next {
                                next = later.await.unwrap();
                            }
                            let outcome = match next {
                                Script::Grant(address, death, engine) => {
                                    Ok(Grant::new((address, info(engine)), death, (waiter, to)))
                                }
                                Script::Deny(denial) => Err(denial),
                                Script::Later(_) => unreachable!(),
                            };
                            drop(answer.send(outcome));
                        });
                    }
                    Command::Leave { .. } => leave.send_modify(|count| *count += 1),
                    Command::Keep { key, idle, .. } => heard.lock().unwrap().push(format!("keep {key} {idle:?}")),
                    Command::Stop { key, now, answer } => {
                        heard.lock().unwrap().push(format!("stop {key} {now}"));
                        drop(answer.send(Stopped { was_running: true, took: Duration::ZERO }));
                    }
                    Command::Start { key, .. } => heard.lock().unwrap().push(format!("start {key}")),
                    Command::Context { key, grow, answer } => {
                        heard.lock().unwrap().push(format!("context {key} {:?}", grow.map(|grow| grow.to)));
                        // The asker may have gone meanwhile.
                        let _ = answer.send(true);
                    }
                    other => panic!("no handler of this room sends {other:?}"),
                }
            }
        });
        let config = Config::load(&Flags::default(), &Env::from_pairs(&[])).unwrap();
        let records = Records::new(|_| {});
        let gateway = Gateway {
            control: Control::new(commands, watched, EventLog::default()),
            catalogs: Catalogs::fixed(catalog()),
            config: watch::channel(Arc::new(config)).1,
            records: records.clone(),
        };
        let router = routes(Arc::new(gateway)).layer(axum::Extension(caller));
        let (address, dir) = listen(router);
        Fake { address, asks, left, servers, records, told, _dir: dir }
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: Value) -> hyper::Response<http::Body> {
        let mut request = hyper::Request::post(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(http_body_util::Full::new(Bytes::from(body.to_string()))).unwrap();
        soon(http::forward(&self.address, request, Limits::UNTIMED)).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let answer = http::fetch(http::Request::get(self.address.clone(), path), LIMIT).await.unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    /// Waits until the deciding task was told this often.
    pub async fn until_told(&self, count: usize) -> Vec<String> {
        let told = async {
            while self.told.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
            self.told.lock().unwrap().clone()
        };
        soon(told).await
    }

    /// Has the servers be in this state.
    pub fn shows(&self, views: impl IntoIterator<Item = ServerView>) {
        self.shows_of(Engine::Worker, views);
    }

    /// The same with servers of another program.
    pub fn shows_of(&self, engine: Engine, views: impl IntoIterator<Item = ServerView>) {
        let server = |view: ServerView| {
            let is_ready = view.phase == Phase::Ready;
            let info = is_ready.then(|| info(engine));
            let ready = is_ready.then(clock::instant);
            let expires = view.expires.and_then(|time| clock::instant().checked_add(time));
            Server { view, info, ready, expires, retry: None, log: LogRing::new() }
        };
        self.servers.send_replace(Arc::new(views.into_iter().map(server).collect()));
    }

    pub async fn until_left(&mut self, count: usize) {
        soon(self.left.wait_for(|left| *left >= count)).await.unwrap();
    }
}

/// A server of the model with this first letter of its id.
pub fn view(model: &str, phase: Phase) -> ServerView {
    ServerView {
        key: ServerKey::main(ModelId(format!("{model:0<12}"))),
        name: "Chat".into(),
        phase,
        pinned: false,
        in_flight: 0,
        queued: 0,
        waiting: [0; 3],
        slots: 0,
        reserved: Vec::new(),
        expires: None,
        shape: Shape::default(),
        last_error: None,
    }
}

/// Serves a router on a Unix socket.
pub fn listen(router: Router) -> (Address, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    (Address::Unix(path), dir)
}

pub fn catalog() -> Catalog {
    let row = |id: &str, name: &str, change: &dyn Fn(&mut ModelRow)| {
        let mut row = sample_row(name);
        row.id = ModelId(format!("{id:0<12}"));
        row.content = Some(id.to_owned());
        change(&mut row);
        row
    };
    let rows = vec![
        row("a", "Chat", &|r| (r.repo, r.alias) = (Some("org/chat".into()), Some("org/alias".into()))),
        row("b", "Vectors", &|r| r.kind = Kind::Embedding),
        row("c", "Off", &|r| r.enabled = false),
        row("d", "twin", &|_| {}),
        row("e", "twin", &|_| {}),
        row("f", "Broken", &|r| r.state = ModelState::Damaged),
        row("9", "Lost", &|r| r.state = ModelState::Gone),
    ];
    Catalog::new(rows, &HashMap::new())
}

/// A server of a model that answers every request with what the sender gives it, and reports the requests it gets.
pub struct Worker {
    pub address: Address,
    pub requests: mpsc::UnboundedReceiver<(HeaderMap, Value)>,
    pub answers: mpsc::UnboundedSender<Response>,
    pub _dir: tempfile::TempDir,
}

pub fn worker() -> Worker {
    let (report, requests) = mpsc::unbounded_channel();
    let (answers, answered) = mpsc::unbounded_channel::<Response>();
    let answered = Arc::new(tokio::sync::Mutex::new(answered));
    let router = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
        report.send((headers, serde_json::from_slice(&body).unwrap())).unwrap();
        let answered = Arc::clone(&answered);
        async move { answered.lock().await.recv().await.unwrap() }
    });
    let (address, dir) = listen(router);
    Worker { address, requests, answers, _dir: dir }
}

/// A body whose parts the test sends one by one.
pub fn stream() -> (mpsc::Sender<&'static str>, Response) {
    let (sender, receiver) = mpsc::channel::<&'static str>(1);
    let parts =
        tokio_stream::StreamExt::map(tokio_stream::wrappers::ReceiverStream::new(receiver), |part| match part {
            "BREAK" => Err(std::io::Error::other("broken")),
            part => Ok(Bytes::from(part)),
        });
    let headers = [("content-type", "text/event-stream")];
    (sender, (headers, Body::from_stream(parts)).into_response())
}

pub async fn next(body: &mut http::Body) -> Option<String> {
    use http_body_util::BodyExt;
    let frame = soon(body.frame()).await?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

pub async fn whole(response: hyper::Response<http::Body>) -> String {
    use http_body_util::BodyExt;
    String::from_utf8(soon(response.into_body().collect()).await.unwrap().to_bytes().to_vec()).unwrap()
}

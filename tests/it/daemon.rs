//! A daemon that listens on a port, and what its clients see of it.
#![cfg_attr(not(feature = "llama"), allow(dead_code, reason = "most of its users need an engine"))]

#[cfg(feature = "llama")]
use crate::processes::{self, Process};
use crate::sandbox::Sandbox;
use crate::serving::Serving;
use modelctl::http::{Endpoint, Limits, Request, Response, SseEvent, open};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

/// For whatever has to happen some time, on a machine that does much else.
pub const LIMIT: Duration = Duration::from_secs(120);
/// The aliases of SmolLM2 and Gemma in [`with_models`].
pub const MODELS: [&str; 2] = ["small", "base"];

/// A daemon that runs no tasks, killed at the end of the test.
pub struct Daemon {
    serving: Serving,
    pub endpoint: Endpoint,
}

/// A whole answer. `body` is null where it is no JSON.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<u64>,
    pub body: Value,
}

impl Daemon {
    /// Starts a daemon and waits until it is ready. `adjust` changes its command line or its environment.
    pub fn start_with(sandbox: &Sandbox, adjust: impl FnOnce(&mut Command)) -> Daemon {
        // Free a moment ago. The daemon says which address is taken, should another program be faster.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = sandbox.command(["serve", "--no-executor", "--listen", &format!("127.0.0.1:{port}")]);
        adjust(&mut command);
        Daemon { serving: Serving::ready(&mut command, LIMIT), endpoint: Endpoint::port(port) }
    }

    pub fn start(sandbox: &Sandbox) -> Daemon {
        Daemon::start_with(sandbox, |_| {})
    }

    /// Starts a daemon whose models may take so many bytes together.
    pub fn start_within(sandbox: &Sandbox, budget: u64) -> Daemon {
        Daemon::start_with(sandbox, |command| {
            command.env("MODELCTL_RAM_BUDGET", format!("{budget}B"));
        })
    }

    pub fn pid(&self) -> u32 {
        self.serving.pid()
    }

    /// SIGKILL, and its end.
    pub fn kill(&mut self) {
        self.serving.kill();
    }

    /// Has the config read again, and waits until it is.
    pub fn reload(&self) {
        self.serving.signal(rustix::process::Signal::HUP);
        self.serving.hears("config reloaded");
    }

    #[track_caller]
    pub fn hears(&self, text: &str) -> String {
        self.serving.hears(text)
    }

    /// Returns the lines of the log that nobody has waited for, as far as they have come.
    pub fn logged(&self) -> Vec<String> {
        self.serving.logged()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(self.endpoint.clone(), path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask(Request::post(self.endpoint.clone(), path, body)).await
    }

    async fn ask(&self, request: Request) -> Answer {
        let path = request.path.clone();
        let whole = async {
            let mut response = open(request, Limits::UNTIMED).await.unwrap();
            let retry_after = response.headers.get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
            let body = serde_json::from_slice(&response.whole().await.unwrap()).unwrap_or_default();
            Answer { status: response.status.as_u16(), retry_after, body }
        };
        tokio::time::timeout(LIMIT, whole).await.unwrap_or_else(|_| panic!("{path} was not answered within {LIMIT:?}"))
    }

    /// Asks a model for so many tokens at most.
    pub async fn complete(&self, model: &str, tokens: u32) -> Answer {
        self.post("/v1/completions", request(model, tokens, false)).await
    }

    /// Begins a stream of so many tokens, and reads its first event.
    pub async fn stream(&self, model: &str, tokens: u32) -> Stream {
        let mut stream = self.begin(model, tokens).await;
        stream.next().await;
        assert_eq!((stream.chunks, &stream.error), (1, &None));
        stream
    }

    /// Sends the request of a stream, and waits for nothing.
    pub async fn begin(&self, model: &str, tokens: u32) -> Stream {
        self.begin_with(request(model, tokens, true)).await
    }

    /// The same with another body.
    pub async fn begin_with(&self, body: Value) -> Stream {
        let request = Request::post(self.endpoint.clone(), "/v1/completions", body.to_string());
        let response = open(request, Limits::UNTIMED).await.unwrap();
        assert_eq!(response.status, 200);
        Stream { response, chunks: 0, finish: None, error: None, is_done: false }
    }

    /// Returns the servers that `/api/models/servers` lists.
    pub async fn servers(&self) -> Vec<Value> {
        let Answer { status: 200, body, .. } = self.get("/api/models/servers").await else { panic!("no list") };
        body["servers"].as_array().unwrap().clone()
    }

    /// Returns the server of a model by the alias of the model; null where none is listed.
    pub async fn server(&self, model: &str) -> Value {
        let mut servers = self.servers().await.into_iter();
        servers.find(|server| server["display_name"].as_str().unwrap().starts_with(model)).unwrap_or_default()
    }

    /// Waits until the server of a model is as it should be, and returns it.
    pub async fn until(&self, model: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let server = self.server(model).await;
            if is_so(&server) {
                return server;
            }
            assert!(Instant::now() < end, "never {what}: {server:#}");
            // Figures of a server change without an event.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the daemon knows that a model has this state: it follows the database.
    pub async fn until_listed(&self, model: &str, state: &str) {
        let end = Instant::now() + LIMIT;
        loop {
            let answer = self.get(&format!("/api/models/{model}")).await;
            let is_so = answer.body["state"] == state || answer.body["model"]["state"] == state;
            // What is served follows the database a moment later.
            let is_served = self.get(&format!("/v1/models/{model}")).await.status == 200;
            if is_so && is_served == (state == "ready") {
                return;
            }
            assert!(Instant::now() < end, "never {state}: {answer:?}");
            // A new list is no event.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Returns all events of a kind so far.
    pub async fn events(&self, kind: &str) -> Vec<Value> {
        let all = self.get("/api/events?follow=false&limit=1000").await.body;
        all["events"].as_array().unwrap().iter().filter(|event| event["event"] == kind).cloned().collect()
    }

    /// Waits for an event: what a row shows may come before it.
    pub async fn event(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let events = self.events(kind).await;
            if let Some(event) = events.iter().find(|event| fits(event)) {
                return event.clone();
            }
            assert!(Instant::now() < end, "no such {kind}: {events:#?}");
            // Asked for, as a client without a stream of events does.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn request(model: &str, tokens: u32, stream: bool) -> Value {
    json!({
        "model": model, "prompt": "Once upon a time", "max_tokens": tokens, "ignore_eos": true, "stream": stream,
    })
}

/// A stream that is being read. Dropping it closes its connection.
#[derive(Debug)]
pub struct Stream {
    response: Response,
    /// Chunks so far.
    pub chunks: usize,
    pub finish: Option<String>,
    /// The error event.
    pub error: Option<Value>,
    /// Whether `[DONE]` was sent.
    pub is_done: bool,
}

impl Stream {
    /// Reads the next chunk or error. Returns whether there was one.
    pub async fn next(&mut self) -> bool {
        loop {
            let event = tokio::time::timeout(LIMIT, self.response.event()).await.expect("the stream is silent");
            let Some(event) = event.unwrap() else { return false };
            let SseEvent::Data(data) = event else { continue };
            assert!(!self.is_done && self.error.is_none(), "the stream goes on after its end: {data}");
            if data == "[DONE]" {
                self.is_done = true;
                continue;
            }
            let chunk: Value = serde_json::from_str(&data).unwrap();
            match chunk.get("error") {
                Some(error) => self.error = Some(error.clone()),
                None => {
                    self.chunks += 1;
                    let finish = chunk["choices"][0]["finish_reason"].as_str().map(str::to_owned);
                    self.finish = self.finish.take().or(finish);
                }
            }
            return true;
        }
    }

    /// Reads until the stream ends.
    pub async fn rest(mut self) -> Stream {
        while self.next().await {}
        self
    }

    /// Fails unless the answer came whole.
    #[track_caller]
    pub fn is_whole(&self) {
        assert!(self.is_done && self.error.is_none() && self.finish.as_deref() == Some("length"), "{self:?}");
    }

    /// Fails unless the client was told that its answer is not whole. Returns the error.
    #[track_caller]
    pub fn is_cut(&self) -> &Value {
        assert!(!self.is_done, "{self:?}");
        self.error.as_ref().expect("the stream ended without an error event")
    }
}

/// A home with SmolLM2, which never ends an answer by itself, and Gemma.
#[cfg(feature = "llama")]
pub fn with_models() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.place_endless("SmolLM2-135M-Instruct.Q4_1.gguf");
    sandbox.place(&crate::fixtures::gemma(), "gemma-3-270m-q4_k_m.gguf");
    sandbox.run(["scan"]).ok();
    sandbox.run(["set", "smollm", "--alias", MODELS[0]]).ok();
    sandbox.run(["set", "gemma", "--alias", MODELS[1]]).ok();
    sandbox
}

pub fn run_async(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(work);
}

#[cfg(feature = "llama")]
pub fn workers(sandbox: &Sandbox) -> Vec<Process> {
    processes::workers_in(&sandbox.path("run"))
}

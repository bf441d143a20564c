//! The worker process by itself, as any HTTP client meets it.

use crate::fixtures;
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};

/// A worker that has its model.
pub struct Running {
    child: Child,
    socket: PathBuf,
    _lifeline: ChildStdin,
    _turn: File,
    _sandbox: Sandbox,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, as the test wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ready() -> Running {
    ready_with(&fixtures::smollm2(), &["--context", "4096"])
}

/// A worker for that model with these options.
pub fn ready_with(model: &Path, options: &[&str]) -> Running {
    let turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    let socket = sandbox.path("s");
    let mut child = sandbox
        .command(["worker", "--model", model.to_str().unwrap(), "--socket", socket.to_str().unwrap()])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lifeline = child.stdin.take().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let last = lines.map(Result::unwrap).find(|l| l.contains("\"ready\"") || l.contains("\"failed\"")).unwrap();
    assert!(last.contains("\"ready\""), "{last}");
    Running { child, socket, _lifeline: lifeline, _turn: turn, _sandbox: sandbox }
}

impl Running {
    pub fn send(&self, method: &str, path: &str, body: &str) -> UnixStream {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        stream
    }

    /// Status and body, the chunks of a stream put together.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut answer = String::new();
        self.send(method, path, body).read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        if !head.to_lowercase().contains("transfer-encoding: chunked") {
            return (status, body.to_owned());
        }
        let (mut rest, mut whole) = (body, String::new());
        while let Some((size, after)) = rest.split_once("\r\n") {
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            whole.push_str(&after[..size]);
            rest = after.get(size + 2..).unwrap_or("");
        }
        (status, whole)
    }

    /// Status and body of an answer in JSON.
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.ask("POST", path, &body.to_string());
        (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")))
    }

    /// A figure of `/metrics`.
    pub fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.ask("GET", "/metrics", "");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("llamacpp:{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    fn chat(&self, extra: &str) -> (u16, serde_json::Value) {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":"What is the capital of France? Answer in one sentence."}}],"temperature":0,"max_tokens":24{extra}}}"#
        );
        let (status, text) = self.ask("POST", "/v1/chat/completions", &body);
        (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")))
    }
}

#[test]
fn the_worker_speaks_the_dialect_of_llama_server() {
    let worker = ready();
    assert_eq!(worker.ask("GET", "/health", ""), (200, r#"{"status":"ok"}"#.to_owned()));

    let (status, answer) = worker.chat("");
    assert_eq!(status, 200, "{answer:#}");
    assert!(answer["choices"][0]["message"]["content"].as_str().unwrap().contains("Paris"), "{answer:#}");
    assert_eq!(
        (answer["object"].as_str(), answer["choices"][0]["finish_reason"].as_str()),
        (Some("chat.completion"), Some("stop"))
    );
    assert_eq!(answer["usage"]["completion_tokens"], answer["timings"]["predicted_n"]);

    // A stop string is never part of the text, nor is a piece of it.
    let (_, stopped) = worker.chat(r#","stop":["Paris"]"#);
    let text = stopped["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(!text.contains("Par") && stopped["choices"][0]["finish_reason"] == "stop", "{stopped:#}");

    let (_, models) = worker.ask("GET", "/v1/models", "");
    assert!(models.contains("\"n_ctx\":4096"), "{models}");
    let (_, metrics) = worker.ask("GET", "/metrics", "");
    for name in [
        "llamacpp:n_decode_total",
        "llamacpp:requests_processing 0",
        "llamacpp:tokens_predicted_total",
        "llamacpp:prompt_tokens_total",
    ] {
        assert!(metrics.contains(name), "{name} is not in {metrics}");
    }
}

#[test]
fn a_stream_is_the_same_text_in_pieces() {
    let worker = ready();
    let whole = worker.chat("").1["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let body = r#"{"messages":[{"role":"user","content":"What is the capital of France? Answer in one sentence."}],"temperature":0,"max_tokens":24,"stream":true}"#;
    let (status, stream) = worker.ask("POST", "/v1/chat/completions", body);
    assert_eq!(status, 200);
    let events: Vec<&str> = stream.split("\n\n").filter_map(|e| e.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let pieces: String = events[..events.len() - 1]
        .iter()
        .map(|e| serde_json::from_str::<serde_json::Value>(e).unwrap())
        .filter_map(|e| e["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(pieces, whole);
}

#[test]
fn a_request_that_makes_no_sense_is_refused_and_the_worker_lives_on() {
    let worker = ready();
    let refused = |path: &str, body: &str, word: &str| {
        let (status, text) = worker.ask("POST", path, body);
        let error: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(status, 400, "{body}: {text}");
        let kind = error["error"]["type"].as_str();
        assert!(matches!(kind, Some("invalid_request_error" | "exceed_context_size_error")), "{text}");
        assert!(error["error"]["message"].as_str().unwrap().contains(word), "{body}: {text}");
    };
    let chat = "/v1/chat/completions";
    refused(chat, "{", "EOF");
    refused(chat, "{}", "messages");
    refused(chat, r#"{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function"}]}"#, "tools");
    refused(chat, r#"{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}"#, "image_url");
    refused("/v1/completions", "{}", "prompt");
    let long = format!(r#"{{"prompt":"{}"}}"#, "word ".repeat(6000));
    refused("/v1/completions", &long, "context");
    assert_eq!(worker.ask("GET", "/nowhere", "").0, 404);
    assert_eq!(worker.chat("").0, 200);
}

#[test]
fn a_client_that_goes_away_frees_the_engine() {
    let worker = ready();
    let body = r#"{"messages":[{"role":"user","content":"Count from one to ten thousand in words."}],"stream":true,"max_tokens":4000}"#;
    let mut first = [0u8; 400];
    let mut stream = worker.send("POST", "/v1/chat/completions", body);
    stream.read_exact(&mut first).unwrap();
    drop(stream);
    // Answered next, and not after four thousand tokens: half a minute on this model.
    let start = std::time::Instant::now();
    assert_eq!(worker.chat("").0, 200);
    assert!(start.elapsed() < std::time::Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn a_time_limit_ends_a_generation_with_what_it_has() {
    let worker = ready();
    let body =
        r#"{"messages":[{"role":"user","content":"Tell a very long story."}],"max_tokens":4000,"timeout_ms":300}"#;
    let (status, text) = worker.ask("POST", "/v1/chat/completions", body);
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, answer["choices"][0]["finish_reason"].as_str()), (200, Some("timed_out")), "{answer:#}");
}

/// What `show` says about memory is what llama.cpp then takes, by its own log.
#[test]
fn the_estimate_is_what_llama_cpp_takes() {
    let _turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    sandbox.place(&fixtures::smollm2(), "smollm2.gguf");
    // Slides a window over most of its layers.
    sandbox.place(&fixtures::gemma(), "gemma.gguf");
    sandbox.run(["scan"]).ok();
    for name in ["smollm2", "gemma"] {
        let show = sandbox.run(["show", name, "--ctx", "4096", "--json"]).ok().json();
        let need = &show["memory"]["known"];
        let model = sandbox.models().join(format!("{name}.gguf"));
        let socket = sandbox.path(&format!("{name}.sock"));
        let mut worker = sandbox
            .command([
                "worker",
                "--context",
                "4096",
                "--model",
                model.to_str().unwrap(),
                "--socket",
                socket.to_str().unwrap(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = Vec::new();
        for line in BufReader::new(worker.stdout.take().unwrap()).lines().map(Result::unwrap) {
            told.push(line);
            if told.last().is_some_and(|l| l.contains("\"ready\"")) {
                break;
            }
        }
        assert!(told.last().is_some_and(|l| l.contains("\"ready\"")), "{name}: {told:?}");
        worker.kill().unwrap();
        let mut log = String::new();
        worker.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        worker.wait().unwrap();
        let mib = |what: &str| -> f64 {
            log.lines()
                .filter(|l| l.contains(what))
                .filter_map(|l| l.rsplit('=').next()?.trim().strip_suffix(" MiB")?.trim().parse::<f64>().ok())
                .sum()
        };
        let close = |key: &str, real: f64, tolerance: f64| {
            let ours = need[key].as_f64().unwrap() / f64::from(1 << 20);
            assert!(
                (ours - real).abs() <= real * tolerance,
                "{name} {key}: {ours} MiB estimated, {real} MiB real\n{log}"
            );
        };
        close("weights", mib("CPU_Mapped model buffer size"), 0.01);
        close("kv_cache", mib("KV buffer size"), 0.01);
        close("compute", mib("compute buffer size"), 0.25);
    }
}

//! The ports of models, with real processes and real models.

use crate::fixtures;
use crate::sandbox::{Run, Sandbox};
use crate::serving::Serving;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

/// A daemon that gives these ports to models; killed at the end of the test.
struct Daemon {
    _serving: Serving,
    sandbox: Sandbox,
}

impl Daemon {
    fn start(sandbox: Sandbox, first: u16, last: u16) -> Daemon {
        let mut command = sandbox.command(["serve", "--no-executor"]);
        command.env("MODEL_PORT_RANGE_START", first.to_string()).env("MODEL_PORT_RANGE_END", last.to_string());
        Daemon { _serving: Serving::ready(&mut command, LIMIT), sandbox }
    }

    fn start_model(&self, name: &str) -> Run {
        self.sandbox.run(["start", name])
    }

    /// Returns the servers of `ps --json`.
    fn ps(&self) -> Vec<Value> {
        self.sandbox.run(["ps", "--json"]).ok().json()["servers"].as_array().unwrap().clone()
    }
}

fn with_models() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.place(&fixtures::smollm2(), "SmolLM2-135M-Instruct.Q4_1.gguf");
    sandbox.place(&fixtures::gemma(), "gemma-3-270m-q4_k_m.gguf");
    sandbox.run(["scan"]).ok();
    sandbox.run(["set", "smollm", "--alias", "small"]).ok();
    sandbox.run(["set", "gemma", "--alias", "base"]).ok();
    sandbox
}

/// Returns the first of so many ports in a row that were free a moment ago.
fn free_ports(count: u16) -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        let rest: Vec<_> = (1..count).map(|n| TcpListener::bind(("127.0.0.1", port.checked_add(n)?)).ok()).collect();
        if rest.iter().all(Option::is_some) {
            return port;
        }
    }
}

/// Sends a request with these headers; returns status, head and body. In HTTP/1.0 an answer has no chunks.
fn send(port: u16, request: &str, headers: &str, body: &str) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let length = body.len();
    write!(stream, "{request} HTTP/1.0\r\n{headers}Content-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn ask(port: u16) -> (u16, String, Value) {
    let body = json!({"model": "whatever", "prompt": "Once", "max_tokens": 2}).to_string();
    send(port, "POST /v1/completions", "Host: localhost\r\n", &body)
}

/// Two clients that know no model names each have a model of their own, which survives what happens to its process.
#[test]
fn two_models_get_ports_in_order_and_keep_them_when_their_processes_end() {
    let _turn = fixtures::engine_turn();
    let first = free_ports(3);
    let taken = TcpListener::bind(("127.0.0.1", first + 1)).unwrap();
    let daemon = Daemon::start(with_models(), first, first + 2);
    let small = daemon.start_model("small").ok();
    assert!(small.err.contains(&format!("on port {first}")), "{small:?}");
    let base = daemon.sandbox.run(["start", "base", "--json"]).ok().json();
    assert_eq!(base["servers"][0]["port"], json!(first + 2), "one that is taken is stepped over: {base}");
    let ports: Vec<_> = daemon.ps().iter().map(|server| server["port"].as_u64()).collect();
    assert!(ports.contains(&Some(first.into())) && ports.contains(&Some((first + 2).into())), "{ports:?}");
    for (port, name) in [(first, "small"), (first + 2, "base")] {
        let (status, _, answer) = ask(port);
        assert_eq!((status, &answer["model"]), (200, &json!("whatever")), "{answer}");
        assert_eq!(send(port, "GET /v1/models", "Host: localhost\r\n", "").2["data"][0]["id"], name);
        assert_eq!(send(port, "GET /health", "Host: localhost\r\n", "").0, 200);
    }
    // The checks of the daemon hold here too.
    let (status, _, rebound) = send(first, "GET /v1/models", "Host: attacker.example\r\n", "");
    assert_eq!((status, &rebound["error"]["code"]), (403, &json!("forbidden")));
    let foreign = "Host: localhost\r\nOrigin: https://attacker.example\r\n";
    assert_eq!(send(first, "GET /v1/models", foreign, "").0, 403);

    let of_small = |servers: Vec<Value>| servers.into_iter().find(|server| server["port"] == json!(first)).unwrap();
    let before = of_small(daemon.ps())["pid"].as_i64().unwrap();
    kill_process(Pid::from_raw(before.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    let until = Instant::now() + LIMIT;
    loop {
        let (status, head, answer) = ask(first);
        if status == 200 {
            break;
        }
        assert!(status == 503 && Instant::now() < until, "{status} {answer}");
        let wait = head.lines().find_map(|line| line.strip_prefix("retry-after: ")).unwrap();
        // As a client does.
        std::thread::sleep(Duration::from_secs(wait.parse().unwrap()));
    }
    assert_ne!(of_small(daemon.ps())["pid"].as_i64().unwrap(), before);
    let restarted = daemon.sandbox.run(["restart", "small"]).ok();
    assert!(restarted.err.contains(&format!("on port {first}")), "{restarted:?}");

    // A person who stops a model is done with its port.
    daemon.sandbox.run(["stop", "small"]).ok();
    TcpStream::connect(("127.0.0.1", first)).unwrap_err();
    drop(taken);
    let again = daemon.start_model("small").ok();
    assert!(again.err.contains(&format!("on port {first}")), "its own before another free one: {again:?}");
    assert_eq!(ask(first).0, 200);
}

/// Without a word on who has the port nobody knows what to stop.
#[test]
fn without_a_free_port_a_start_is_refused_with_the_name_of_the_program_that_has_it() {
    let _turn = fixtures::engine_turn();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let daemon = Daemon::start(with_models(), port, port);
    let refused = daemon.start_model("small").refuses(4, &format!("Port {port} already in use by "));
    assert!(refused.err.contains(&format!("(process {})", std::process::id())), "{refused:?}");
    assert!(daemon.ps().is_empty(), "nothing is loaded for it");
    drop(taken);
    daemon.start_model("small").ok();
    daemon.start_model("base").refuses(4, &format!("Port {port} already in use by the model small"));
    daemon.sandbox.run(["stop", "small"]).ok();
    daemon.start_model("base").ok();
}

#[test]
fn models_have_no_ports_where_the_config_says_so() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    let folder = sandbox.path("home/.config/modelctl");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "[serve]\nports = false\n").unwrap();
    let port = free_ports(1);
    let daemon = Daemon::start(sandbox, port, port);
    let started = daemon.start_model("small").ok();
    assert!(!started.err.contains("port"), "{started:?}");
    assert_eq!(daemon.ps()[0]["port"], Value::Null);
    TcpStream::connect(("127.0.0.1", port)).unwrap_err();
}

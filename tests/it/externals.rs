//! Model servers that somebody else started: they answer for their model, and are never touched. The server is a small
//! HTTP program that poses as llama-server.

use crate::fixtures;
use crate::sandbox::Sandbox;
use crate::serve_http::Daemon;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

/// A fake llama-server with the name of a real one; killed at the end of the test.
pub struct Fake(pub Child);

impl Fake {
    pub fn start(model: &Path, port: u16) -> Fake {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/owners/fake_llama_server.py");
        let mut child = Command::new("/usr/bin/python3")
            .arg0("llama-server")
            .arg(script)
            .arg("-m")
            .arg(model)
            .args(["--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Fake(child)
    }

    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn with_model() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let model = sandbox.place(&fixtures::smollm2(), "SmolLM2-135M-Instruct.Q4_1.gguf");
    sandbox.run(["scan"]).ok();
    sandbox.run(["set", "smollm", "--alias", "small"]).ok();
    (sandbox, model)
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks for a short answer; returns its text, or the error.
fn ask(daemon: &Daemon) -> Result<String, String> {
    let body = json!({"model": "small", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1});
    let (status, body) = daemon.post("/v1/chat/completions", &body.to_string());
    let answer: Value = serde_json::from_str(&body).unwrap_or_default();
    match answer["choices"][0]["message"]["content"].as_str() {
        Some(text) if status == 200 => {
            assert_eq!(answer["model"], "small", "the name that the client asked for");
            Ok(text.to_owned())
        }
        _ => Err(format!("{status} {body}")),
    }
}

/// An operator who names the server of another team would otherwise load the same model a second time, or find that
/// server killed for its memory.
#[test]
fn a_server_of_somebody_else_that_the_config_names_answers_and_is_missed_when_it_goes() {
    let ((sandbox, model), port) = (with_model(), free_port());
    let mut fake = Fake::start(&model, port);
    let config = format!(
        "[lifecycle]\ninterval = \"1s\"\n[[external]]\nname = \"other\"\nurl = \"http://127.0.0.1:{port}\"\n\
         model = \"small\"\nattach = true\ntakeover = \"start\"\n"
    );
    let daemon = Daemon::start(&sandbox, &config, &[]);
    daemon.hears("small is answered by an external server");
    assert_eq!(ask(&daemon).unwrap(), "from the other one");
    // It is seen with the daemon's own servers, and in what has happened.
    let listed = sandbox.run(["ps", "--json"]).ok().document();
    assert_eq!((&listed["externals"][0]["id"], &listed["externals"][0]["attached"]), (&json!("other"), &json!(true)));
    assert!(sandbox.run(["ps"]).ok().out.contains("OTHER SERVER"), "{listed}");
    let events = sandbox.run(["events", "--json"]).ok().document();
    let attached = events["events"].as_array().unwrap().iter().find(|event| event["event"] == "external.attached");
    assert_eq!(attached.unwrap()["external"], "other", "{events}");
    let started = sandbox.run(["start", "small"]).ok();
    assert!(started.err.contains("already") || started.out.contains("already"), "{started:?}");
    assert!(fake.is_running());
    fake.end();
    // A request that comes before anybody has noticed is not answered by a server that is not there.
    assert_ne!(ask(&daemon).ok().as_deref(), Some("from the other one"));
    daemon.hears("no longer answers for small");
    daemon.hears("is gone");
}

/// Two servers of one model would hold its memory twice.
#[test]
fn a_server_on_a_port_of_models_is_used_instead_of_a_second_one_and_outlives_the_daemon() {
    let ((sandbox, model), port) = (with_model(), free_port());
    let mut fake = Fake::start(&model, port);
    let config = format!("port_range_start = {port}\nport_range_end = {port}\n[lifecycle]\ninterval = \"1s\"\n");
    let daemon = Daemon::start(&sandbox, &config, &[]);
    assert_eq!(ask(&daemon).unwrap(), "from the other one");
    let again = Instant::now();
    // It stays attached over several looks.
    while again.elapsed() < Duration::from_secs(3) {
        assert_eq!(ask(&daemon).unwrap(), "from the other one");
    }
    drop(daemon);
    assert!(fake.is_running(), "it is nobody's to end but its owner's");
}

/// A model would be answered by another one.
#[test]
fn a_server_that_serves_something_else_now_is_not_asked_any_more() {
    let ((sandbox, model), port) = (with_model(), free_port());
    let other = sandbox.place(&fixtures::gemma(), "gemma-3-270m-q4_k_m.gguf");
    sandbox.run(["scan"]).ok();
    let mut fake = Fake::start(&model, port);
    let config = format!(
        "[lifecycle]\ninterval = \"1s\"\n[[external]]\nname = \"other\"\nurl = \"http://127.0.0.1:{port}\"\n\
         model = \"small\"\nattach = true\n"
    );
    let daemon = Daemon::start(&sandbox, &config, &[]);
    daemon.hears("small is answered by an external server");
    fake.end();
    let _second = Fake::start(&other, port);
    daemon.hears("no longer answers for small");
    let until = Instant::now() + LIMIT;
    while Instant::now() < until && ask(&daemon).ok().as_deref() == Some("from the other one") {}
    assert_ne!(ask(&daemon).ok().as_deref(), Some("from the other one"));
}

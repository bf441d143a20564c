//! `modelctl health` with real servers, real processes and a real file system.

use crate::sandbox::{Run, Sandbox, finish};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// An HTTP server of this test: a path and what it answers, status and body. Every other path is 404.
pub fn serve(answers: &[(&str, u16, &str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers: Vec<(String, u16, String)> =
        answers.iter().map(|(path, status, body)| ((*path).to_owned(), *status, (*body).to_owned())).collect();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = answers.clone();
            std::thread::spawn(move || answer(stream, &answers));
        }
    });
    format!("http://127.0.0.1:{port}")
}

fn answer(mut stream: TcpStream, answers: &[(String, u16, String)]) {
    let mut head = Vec::new();
    let mut byte = [0u8; 1];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.extend(byte),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let none = ("".to_owned(), 404, "not found".to_owned());
    let (_, status, body) = answers.iter().find(|(known, ..)| known == path).unwrap_or(&none);
    // A client that has gone away wants no answer.
    let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
}

/// A port where connections are made and no answer ever comes.
pub fn hung() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    (listener, url)
}

/// A process that ends with the test.
struct Asleep(Child);

impl Asleep {
    fn new() -> Asleep {
        Asleep(Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.0.id().try_into().unwrap()).unwrap(), signal).unwrap();
    }
}

impl Drop for Asleep {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn config(sandbox: &Sandbox, toml: &str) -> String {
    let path = sandbox.path("config.toml");
    std::fs::write(&path, toml).unwrap();
    path.to_str().unwrap().to_owned()
}

fn health(sandbox: &Sandbox, toml: &str, args: &[&str]) -> Run {
    let config = config(sandbox, toml);
    let line = ["--config", config.as_str(), "health"];
    sandbox.run(line.iter().chain(args))
}

fn first(run: &Run) -> &str {
    run.out.lines().next().unwrap_or_default()
}

/// A healthy server passes, with everything that is expected of it; what is not as expected is named.
#[test]
fn a_server_is_ready_when_all_that_is_expected_holds() {
    let sandbox = Sandbox::new();
    let url = serve(&[("/health", 200, r#"{"status":"ok"}"#), ("/v1/models", 200, r#"{"data":[{"id":"x"}]}"#)]);
    let service = format!("[[services]]\nname = \"llama\"\nrole = \"llama\"\nendpoint = \"{url}/health\"\n");
    let run = health(&sandbox, &format!("{service}model_id = \"x\"\n"), &["llama", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((report["schema"].as_u64(), report["status"].as_str()), (Some(1), Some("ok")));
    assert_eq!((report["level"].as_str(), report["checks"][0]["name"].as_str()), (Some("ready"), Some("endpoints")));
    assert!(report["checks"][0]["value"].as_f64().is_some_and(|seconds| seconds > 0.0), "{report}");

    let run = health(&sandbox, &format!("{service}model_id = \"y\"\n"), &["llama"]);
    assert!(run.code == Some(1) && run.out.contains("it does not list `y` but x"), "{run:?}");
    let missing = sandbox.path("models/none.gguf");
    let run = health(&sandbox, &format!("{service}model = {missing:?}\n"), &["llama"]);
    assert!(run.code == Some(1) && run.out.contains("it does not exist"), "{run:?}");
    // A page of an error that was saved as a model.
    let page = sandbox.write("page.gguf", b"<!DOCTYPE html><html></html>");
    let run = health(&sandbox, &format!("{service}model = {page:?}\n"), &["llama"]);
    assert!(run.code == Some(1) && run.out.contains("not a GGUF file but html"), "{run:?}");
}

/// A node whose supervisord gives no answer may have any services: "none were found" would pass for a quiet night.
#[test]
fn a_supervisord_that_says_nothing_is_unknown() {
    let sandbox = Sandbox::new();
    let socket = sandbox.path("supervisor.sock");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let file = sandbox.path("supervisord.conf");
    std::fs::write(&file, format!("[supervisord]\n[unix_http_server]\nfile={}\n", socket.display())).unwrap();
    let toml = format!("[supervisor]\nconfig = {file:?}\n");
    let run = health(&sandbox, &toml, &["--check", "services", "--timeout", "2s", "--json"]);
    let report = run.json();
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["target"] == "supervisord");
    assert_eq!((run.code, check.map(|check| check["status"].as_str())), (Some(1), Some(Some("unknown"))), "{report:#}");
}

/// A server whose model file went away answers until its next start, and then no more: without a `model` in the config,
/// its command line says which file that is.
#[test]
fn the_model_of_a_command_line_is_checked() {
    let sandbox = Sandbox::new();
    let server = sandbox.write("llama-server", b"read end\n");
    let missing = sandbox.path("models/none.gguf");
    let child = Command::new("/bin/sh").arg(&server).arg("-m").arg(&missing).stdin(Stdio::piped()).spawn().unwrap();
    let pid = sandbox.write("llama.pid", child.id().to_string().as_bytes());
    let child = Asleep(child);
    let service = format!("[[services]]\nname = \"llama\"\nrole = \"llama\"\nmanager = \"pid:{}\"\n", pid.display());
    let run = health(&sandbox, &service, &["--json"]);
    let report = run.json();
    let models = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "models");
    assert_eq!(models.map(|check| check["status"].as_str()), Some(Some("critical")), "{report:#}");
    assert_eq!(health(&sandbox, &service, &["--level", "alive"]).code, Some(0), "not a question of being alive");
    drop(child);
}

/// What a supervisor must not restart: a busy server and one that loads. What it must: one that hangs.
#[test]
fn busy_and_loading_are_not_sick() {
    let sandbox = Sandbox::new();
    let busy = serve(&[("/health", 503, r#"{"error":{"message":"no slot available"}}"#)]);
    let busy = format!("{busy}/health");
    assert_eq!(sandbox.run(["health", busy.as_str()]).code, Some(0));
    let loading = serve(&[("/health", 503, r#"{"error":{"message":"Loading model","code":503}}"#)]);
    let loading = format!("{loading}/health");
    let code = |args: &[&str]| sandbox.run(["health", loading.as_str()].iter().chain(args)).code;
    assert_eq!(code(&[]), Some(0), "a warning");
    assert_eq!(code(&["--strict"]), Some(1));
    assert_eq!(code(&["--exit-style", "nagios"]), Some(1));
    assert_eq!(code(&["--exit-style", "kubernetes"]), Some(0));
    assert_eq!(code(&["--level", "alive", "--strict"]), Some(0), "any answer is alive");
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = format!("http://{refused}/health");
    assert_eq!(sandbox.run(["health", refused.as_str()]).code, Some(1));
}

/// A probe that is late is killed by its caller and counts as failed, without a reason.
#[test]
fn three_hung_targets_cost_the_time_limit_once() {
    let sandbox = Sandbox::new();
    let hung: Vec<_> = (0..3).map(|_| hung()).collect();
    let urls: Vec<&str> = hung.iter().map(|(_, url)| url.as_str()).collect();
    let began = Instant::now();
    let run = sandbox.run(["health", "--timeout", "5s", "--json"].iter().chain(&urls));
    let took = began.elapsed();
    assert_eq!(run.code, Some(1), "{run:?}");
    // One after the other would be fifteen seconds; a busy machine may be late by some.
    assert!(took < Duration::from_secs(12), "{took:?}");
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.len() == 3 && checks.iter().all(|check| check["status"] == "critical"), "{report}");
}

/// A process that is stopped by a signal still has its number, and does nothing.
#[test]
fn a_process_that_is_stopped_is_seen() {
    let sandbox = Sandbox::new();
    let process = Asleep::new();
    let file = sandbox.path("x.pid");
    std::fs::write(&file, format!("{}\n", process.0.id())).unwrap();
    let toml = format!("[[services]]\nname = \"a\"\nmanager = \"pid:{}\"\n", file.display());
    let alive = |code| {
        let run = health(&sandbox, &toml, &["a", "--level", "alive"]);
        assert_eq!(run.code, Some(code), "{run:?}");
        run.out
    };
    alive(0);
    process.signal(Signal::STOP);
    // The state changes once the signal has been delivered.
    let deadline = Instant::now() + Duration::from_secs(20);
    let stat = format!("/proc/{}/stat", process.0.id());
    while !std::fs::read_to_string(&stat).unwrap().contains(" T ") {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    assert!(alive(1).contains("stopped by a signal"));
    process.signal(Signal::KILL);
    drop(process);
    assert!(alive(1).contains("does not exist"));
    std::fs::remove_file(&file).unwrap();
    assert!(alive(1).contains("not running"));
}

/// The table of docs/health.md, through the real program.
#[test]
fn usage_and_config_fail_in_the_words_of_the_caller() {
    let sandbox = Sandbox::new();
    let bad = config(&sandbox, "[health]\nlevel = \"up\"\n");
    for (style, usage, broken, help) in
        [("plain", 2, 3, 0), ("nagios", 3, 3, 3), ("docker", 1, 1, 0), ("kubernetes", 1, 1, 0)]
    {
        let run = |args: &[&str]| sandbox.run(["health", "--exit-style", style].iter().chain(args));
        let misspelt = run(&["--levl", "x"]);
        assert_eq!(misspelt.code, Some(usage), "{style}");
        let config = run(&["--config", &bad]);
        assert_eq!(config.code, Some(broken), "{style}");
        assert_eq!((run(&["--help"]).code, run(&["--version"]).code), (Some(help), Some(help)), "{style}");
        let nothing = run(&["no-such-service"]);
        assert_eq!(nothing.code, Some(broken), "{style}");
        if style == "nagios" {
            for run in [misspelt, config, nothing] {
                assert!(first(&run).starts_with("MODELCTL UNKNOWN - ") && run.out.lines().count() == 1, "{run:?}");
            }
        }
    }
}

/// A node with nothing to serve is not healthy: a probe that checks nothing would hide a service that is gone.
#[test]
fn nothing_to_check_is_never_ok() {
    let sandbox = Sandbox::new();
    health(&sandbox, "services = []\n", &[]).refuses(3, "nothing to check");
    health(&sandbox, "services = []\n", &["--check", "services"]).refuses(3, "nothing to check");
    let run = health(&sandbox, "services = []\n", &["--check", "memory,clock"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

/// A collector must find a whole file that it may read, or the old one.
#[test]
fn the_textfile_is_written_whole_and_parses() {
    let sandbox = Sandbox::new();
    let url = format!("{}/health", serve(&[("/health", 200, "ok")]));
    let file = sandbox.path("x.prom");
    let path = file.to_str().unwrap();
    let run = sandbox.run(["health", url.as_str(), "--format", "prometheus", "--output", path]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{run:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    let scrape = prometheus_parse::Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap();
    let status = scrape.samples.iter().find(|sample| sample.metric == "modelctl_health_status").unwrap();
    assert_eq!(status.labels.get("target"), Some(url.as_str()));
    let folder = sandbox.path("models");
    sandbox.run(["health", url.as_str(), "--output", folder.to_str().unwrap()]).refuses(3, "not a regular file");
}

/// What a monitoring system reads: a line by the guideline, with the range that was given.
#[test]
fn a_threshold_turns_a_value_into_an_alert() {
    let sandbox = Sandbox::new();
    let toml = "services = []\n[health]\nwarning = { memory_available = \"@0:100\" }\n";
    let args = ["--check", "memory", "--format", "nagios", "--exit-style", "nagios"];
    let run = health(&sandbox, toml, &args);
    assert!(run.code == Some(1) && first(&run).starts_with("MODELCTL WARNING - node: "), "{run:?}");
    assert!(first(&run).contains(" | 'node_memory_available'=") && first(&run).contains("%;@100;2:;0;100"), "{run:?}");
    let critical: Vec<&str> = args.into_iter().chain(["-c", "memory_available=@0:100"]).collect();
    assert_eq!(health(&sandbox, toml, &critical).code, Some(2));
    sandbox.run(["health", "-w", "memory=1"]).refuses(2, "no metric is named `memory`");
}

/// A file system that is full is critical before the first write fails. Needs the right to mount.
#[test]
fn a_full_file_system_is_critical() {
    let sandbox = Sandbox::new();
    let models = sandbox.models();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "x"]).arg(&models).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return;
    }
    std::fs::write(models.join("x"), vec![0u8; 1 << 20]).unwrap();
    let run = health(&sandbox, "services = []\n", &["--check", "disk"]);
    Command::new("umount").arg("-l").arg(&models).status().unwrap();
    assert!(run.code == Some(1) && run.out.contains("disk_free is 0%"), "{run:?}");
}

/// A start script waits for the model instead of guessing how long it loads.
#[test]
fn waiting_ends_when_the_server_is_ready() {
    let sandbox = Sandbox::new();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/health", socket.local_addr().unwrap());
    let mut command = sandbox.command(["health", url.as_str(), "--wait", "60s", "--timeout", "20s"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let loading = ("/health".to_owned(), 503, "Loading model".to_owned());
    let ready = ("/health".to_owned(), 200, "ok".to_owned());
    answer(socket.accept().unwrap().0, &[loading]);
    answer(socket.accept().unwrap().0, &[ready]);
    let run = finish(child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");

    let (_listener, url) = hung();
    let began = Instant::now();
    let run = sandbox.run(["health", url.as_str(), "--wait", "1s", "--timeout", "20s"]);
    assert!(run.code == Some(1) && began.elapsed() < Duration::from_secs(3), "{run:?}");
}

/// Ctrl-C ends a check that waits at once, and leaves no process behind.
#[test]
fn an_interrupt_ends_it_at_once() {
    let sandbox = Sandbox::new();
    let (listener, url) = hung();
    let mut command = sandbox.command(["health", url.as_str(), "--timeout", "60s", "--require-gpu"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _connected = listener.accept().unwrap();
    kill_process(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), Signal::INT).unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(130));
    let deadline = Instant::now() + Duration::from_secs(20);
    while children_of(&sandbox) > 0 {
        assert!(Instant::now() < deadline, "a child is left");
        std::thread::yield_now();
    }
}

/// Counts processes that have the environment of this sandbox.
fn children_of(sandbox: &Sandbox) -> usize {
    let home = sandbox.path("home");
    let mark = format!("HOME={}", home.display());
    let of_ours = |path: &Path| {
        std::fs::read(path.join("environ"))
            .is_ok_and(|text| text.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()))
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| of_ours(&entry.path())).count()
}

//! Clients that send bytes slowly, without end, or to a name that means something else.

use crate::gguf::fixture;
use crate::sandbox::Sandbox;
use crate::serve_http::{Daemon, answer};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The time in which 95 of 100 checks of the daemon's health have to be answered, whatever others do.
const HEALTHY: Duration = Duration::from_millis(250);
/// Longer than the time for a head.
const SLOW: Duration = Duration::from_secs(12);

/// Asks for the health of the daemon as long as `goes_on`. Returns the time in which 95 of 100 answers came.
fn p95_of_health(daemon: &Daemon, mut goes_on: impl FnMut() -> bool) -> Duration {
    let mut took = Vec::new();
    while goes_on() {
        let asked = Instant::now();
        assert_eq!(daemon.get("/health", "").0, 200);
        took.push(asked.elapsed());
    }
    took.sort_unstable();
    took[took.len() * 95 / 100]
}

/// Monitoring would restart a daemon that is healthy, and clients would wait behind one that sends nothing.
#[test]
fn two_hundred_clients_of_a_byte_a_second_slow_nobody_down() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let before = daemon.memory();
    let body = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n";
    let connect = |n: usize| {
        let mut stream = daemon.connect();
        // One half is slow with the head, the other with the body.
        stream.write_all(if n.is_multiple_of(2) { b"G" } else { body.as_bytes() }).unwrap();
        stream
    };
    let mut slow: Vec<TcpStream> = (0..200).map(connect).collect();
    let (began, mut sent, mut left) = (Instant::now(), 0, 0);
    let p95 = p95_of_health(&daemon, || {
        let seconds = began.elapsed().as_secs();
        if seconds > sent {
            sent = seconds;
            for (n, stream) in slow.iter_mut().enumerate() {
                if stream.write_all(b"E").is_err() {
                    *stream = connect(n);
                    left += 1;
                }
            }
        }
        began.elapsed() < SLOW
    });
    let grown = daemon.memory().saturating_sub(before);
    eprintln!("p95 of /health: {p95:.1?}; {left} connections were closed; {grown} MB more");
    assert!(p95 < HEALTHY, "{p95:?}");
    assert!(left >= 90, "only {left} of the 100 slow heads were left");
    assert!(grown < 32, "it holds {grown} MB more");
}

/// The daemon would stop answering when enough browsers keep a connection open.
#[test]
fn ten_thousand_idle_connections_cost_the_others_nothing() {
    const COUNT: u64 = 10_000;
    let limit = getrlimit(Resource::Nofile);
    // The limit of this process: the daemon raises its own.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    if raised.is_err() || limit.maximum.is_some_and(|files| files < COUNT + 1_000) {
        crate::sandbox::skip("the hard limit of open files is too low (ulimit -Hn)");
        return;
    }
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let before = daemon.memory();
    let _idle: Vec<TcpStream> = (0..COUNT).map(|_| daemon.connect()).collect();
    let mut rounds = 0..200;
    let p95 = p95_of_health(&daemon, || rounds.next().is_some());
    let grown = daemon.memory().saturating_sub(before);
    eprintln!("p95 of /health: {p95:.1?}; {grown} MB more");
    assert!(p95 < HEALTHY, "{p95:?}");
    assert!(grown < 200, "it holds {grown} MB more");
}

/// A name from a web page would read a file, become an option of a program, or end the daemon.
#[test]
fn a_name_is_looked_up_and_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.write("ours/ours-Q4_0.gguf", &fixture::small_model("ours"));
    sandbox.run(["scan"]).ok();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let before = daemon.memory();
    let path = sandbox.models().join("ours/ours-Q4_0.gguf");
    let long = "x".repeat(10_000);
    let names = [
        "../../../../etc/passwd",
        "..",
        "ours/../ours",
        "nul\0",
        "\0",
        &long,
        "-rf",
        "--help",
        "--model=/etc/passwd",
        "\u{1b}]0;owned\u{7}",
        "\u{202e}",
        "a\r\nX-Injected: 1",
        "%2e%2e%2f",
        "*",
        "';DROP TABLE models;--",
        path.to_str().unwrap(),
    ];
    for name in names {
        let is_refused = |what: &str, (status, body): (u16, String)| {
            assert!([400, 404].contains(&status), "{what} of {name:?}: {status} {body}");
            let error: Value =
                serde_json::from_str(&body).unwrap_or_else(|e| panic!("{what} of {name:?}: {e}: {body}"));
            assert!(!error["error"].is_null() && !body.contains('\u{1b}'), "{what} of {name:?}: {body}");
        };
        let body = json!({"model": name, "prompt": "a", "input": "a", "messages": []}).to_string();
        for endpoint in ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"] {
            is_refused(endpoint, daemon.post(endpoint, &body));
        }
        let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
        for below in ["/v1/models", "/api/models"] {
            is_refused(below, daemon.get(&format!("{below}/{encoded}"), ""));
        }
        for action in ["start", "stop"] {
            is_refused(action, daemon.post(&format!("/api/models/servers/{encoded}/{action}"), ""));
        }
        is_refused("logs", daemon.get(&format!("/api/models/servers/{encoded}/logs"), ""));
        if !name.contains('\0') {
            let run = sandbox.run(["start", "--", name]);
            let is_ours = name == path.to_str().unwrap();
            assert!(is_ours || run.code == Some(3), "{name:?}: {run:#?}");
            assert!(!run.err.contains("panicked") && !run.err.contains('\u{1b}'), "{name:?}: {run:#?}");
        }
    }
    assert_eq!(daemon.get("/health", "").0, 200);
    let grown = daemon.memory().saturating_sub(before);
    assert!(grown < 32, "it holds {grown} MB more");
}

/// The API of a person would be the way around the limits of the gateway.
#[test]
fn bodies_of_the_api_have_the_limits_of_the_gateway() {
    let sandbox = Sandbox::new();
    sandbox.write("ours/ours-Q4_0.gguf", &fixture::small_model("ours"));
    sandbox.run(["scan"]).ok();
    let daemon = Daemon::start(&sandbox, "body_bytes = \"1MiB\"\n", &[]);
    let before = daemon.memory();
    let patch = |body: &str| {
        let length = body.len();
        daemon.raw(&format!(
            "PATCH /api/models/ours-Q4_0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: \
             application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    };
    assert_eq!(patch("{\"pinned\": true}").0, 200);
    for levels in [200, 100_000] {
        assert_eq!(patch(&format!("{{\"alias\":{}{}}}", "[".repeat(levels), "]".repeat(levels))).0, 400, "{levels}");
    }
    let piece = format!("4000\r\n{}\r\n", "a".repeat(0x4000));
    for request in ["PATCH /api/models/ours-Q4_0", "POST /api/models/servers/none/start", "POST /api/models/rescan"] {
        let mut stream = daemon.connect();
        let head = format!("{request} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // The daemon closes the connection somewhere on the way.
        let is_left = (0..1_024).any(|_| stream.write_all(piece.as_bytes()).is_err());
        let (status, _) = answer(&mut stream);
        assert!(is_left, "{request}: all of 16 MiB were taken ({status})");
        assert!([0, 202, 404, 413].contains(&status), "{request}: {status}");
    }
    assert_eq!(daemon.get("/health", "").0, 200);
    let grown = daemon.memory().saturating_sub(before);
    assert!(grown < 32, "it holds {grown} MB more");
}

//! The daemon's listeners: who is let in, what one client can take, and how the daemon starts and stops.

use crate::gguf::fixture;
use crate::sandbox::{Run, Sandbox, finish};
use crate::serving::Serving;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

/// A daemon on a port of its own, killed at the end of the test.
pub struct Daemon {
    serving: Serving,
    at: SocketAddr,
}

impl Daemon {
    /// Starts a daemon with this `[serve]` table, and waits until it is ready.
    pub fn start(sandbox: &Sandbox, serve: &str, more: &[&str]) -> Daemon {
        configure(sandbox, serve);
        let mut args = vec!["serve", "--listen", "127.0.0.1:0", "--no-executor"];
        args.extend(more);
        let serving = Serving::start(sandbox.command(args).stdout(Stdio::piped()), LIMIT);
        let line = serving.hears("listening on http://");
        let at = line.rsplit('/').next().unwrap().parse().unwrap();
        serving.hears("serving");
        Daemon { serving, at }
    }

    #[track_caller]
    pub fn hears(&self, text: &str) -> String {
        self.serving.hears(text)
    }

    fn signal(&self, signal: Signal) {
        self.serving.signal(signal);
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }

    /// Sends a request whose head is written by the test, and returns status and body.
    pub fn raw(&self, request: &str) -> (u16, String) {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        answer(&mut stream)
    }

    pub fn get(&self, path: &str, headers: &str) -> (u16, String) {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"))
    }

    pub fn post(&self, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        self.raw(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// Megabytes of memory that are its own.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.serving.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }

    fn ended(mut self) -> Option<i32> {
        let until = Instant::now() + LIMIT;
        while Instant::now() < until {
            if let Some(status) = self.serving.child.try_wait().unwrap() {
                return status.code();
            }
            // There is no event for the end of a process that std knows of.
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the daemon did not end");
    }
}

fn configure(sandbox: &Sandbox, serve: &str) {
    let folder = sandbox.path("home/.config/modelctl");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), format!("[serve]\n{serve}")).unwrap();
}

fn write_keys(sandbox: &Sandbox, text: &str) -> String {
    let path = sandbox.path("keys");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Reads one answer: its status and its body. Status 0: the connection was closed without one.
pub fn answer(stream: &mut impl Read) -> (u16, String) {
    let mut reader = BufReader::new(stream);
    let (mut status, mut length, mut is_chunked) = (0, None, false);
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) => return (status, String::new()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return (status, String::new()),
            Err(error) => panic!("{error}"),
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().unwrap();
        } else if let Some(n) = line.strip_prefix("content-length: ") {
            length = n.parse::<usize>().ok();
        } else if line == "transfer-encoding: chunked" {
            is_chunked = true;
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    while is_chunked {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        // Each chunk ends with a line end.
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).unwrap();
        body.extend_from_slice(&chunk[..size]);
        is_chunked = size > 0;
    }
    (status, String::from_utf8(body).unwrap())
}

/// Whether the other side has closed the connection.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 512]) {
        Ok(0) => true,
        Ok(_) => is_closed(stream),
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

fn error(body: &str) -> Value {
    serde_json::from_str::<Value>(body).unwrap()["error"].clone()
}

#[test]
fn a_page_of_a_stranger_reaches_nothing_by_whatever_name() {
    let sandbox = Sandbox::new();
    let daemon =
        Daemon::start(&sandbox, "hosts = [\"llm.lan\"]\nallow_origins = [\"https://chat.example.com\"]\n", &[]);
    let host = |host: &str| daemon.raw(&format!("GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).0;
    assert_eq!(["localhost", "127.0.0.1:1", "llm.lan"].map(host), [200; 3]);
    assert_eq!(["evil.com", "127.0.0.1.nip.io", "169.254.169.254"].map(host), [403; 3], "DNS rebinding");
    for header in
        ["Origin: https://evil.com", "Origin: null", "Origin: tauri://localhost", "Sec-Fetch-Site: cross-site"]
    {
        let (status, body) = daemon.get("/v1/models", &format!("{header}\r\n"));
        assert_eq!((status, error(&body)["code"].as_str()), (403, Some("forbidden")), "{header}");
    }
    assert_eq!(daemon.get("/v1/models", "Origin: https://chat.example.com\r\n").0, 200);
    let mut stream = daemon.connect();
    let asks = "OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Origin: https://chat.example.com\r\nAccess-Control-Request-Method: POST\r\n\
                Access-Control-Request-Headers: authorization, x-stainless-os\r\n\r\n";
    stream.write_all(asks.as_bytes()).unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    let told = told.to_ascii_lowercase();
    assert!(told.starts_with("http/1.1 204"), "{told}");
    assert!(told.contains("access-control-allow-origin: https://chat.example.com"), "{told}");
    assert!(told.contains("access-control-allow-headers: authorization, x-stainless-os"), "{told}");
    for always in ["x-request-id: ", "x-content-type-options: nosniff", "cache-control: no-store"] {
        assert!(told.contains(always), "{told}");
    }
}

#[test]
fn a_request_that_two_servers_would_read_differently_is_refused() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let both = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\
                Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(daemon.raw(both).0, 400, "both lengths");
    let turned = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\
                  Content-Length: 5\r\n\r\n0\r\n\r\n";
    assert_eq!(daemon.raw(turned).0, 400, "both lengths");
    assert_eq!(daemon.raw("GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\n\r\n").0, 400, "two hosts");
    assert_eq!(daemon.raw("GET /health HTTP/1.1\r\n\r\n").0, 400, "no host");
    assert_eq!(daemon.raw("GET http://evil.com/health HTTP/1.1\r\nHost: localhost\r\n\r\n").0, 400);
    for path in
        ["/v1/../health", "/v1/models/..", "/v1/models/a%2f..%2fb", "/v1%2fmodels", "/%2e%2e/health", "/v1/models/%5c"]
    {
        assert_eq!(daemon.get(path, "").0, 400, "{path}");
    }
    let long = "x".repeat(40_000);
    assert_eq!(daemon.get("/health", &format!("X-Long: {long}\r\n")).0, 431);
    let (status, body) = daemon.get("/api/../x", "");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert!(status == 400 && body["error"].is_string() && body["detail"].is_string(), "{body}");
}

/// A client reads the reason for an error from its JSON, and shows nothing, or a parse error of its own, where it is none.
#[test]
fn every_error_has_the_json_of_its_api_whoever_refuses_the_request() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let json = |(status, body): (u16, String)| {
        (status, serde_json::from_str::<Value>(&body).unwrap_or_else(|error| panic!("{error}: {status} {body:?}")))
    };
    // By the server of HTTP, before anything of ours is asked.
    for request in
        ["GET /health HTTP/9.9\r\n\r\n", "GET  /health\r\n\r\n", "G\u{1}T / HTTP/1.1\r\nHost: localhost\r\n\r\n"]
    {
        let (status, body) = json(daemon.raw(request));
        assert_eq!((status, &body["error"]["type"]), (400, &Value::from("invalid_request_error")), "{request:?}");
    }
    let (status, body) = json(daemon.raw("GET /api/models HTTP/1.1\r\nno header\r\n\r\n"));
    assert!(status == 400 && body["error"].is_string() && body["detail"].is_string(), "{body}");
    // By the router.
    for path in ["/v1/models/%ff", "/models/%ff", "/props?model=%ff&model=x", "/page/none/such"] {
        let (status, body) = json(daemon.get(path, ""));
        assert!((400..500).contains(&status) && body["error"]["message"].is_string(), "{path}: {status} {body}");
    }
    for answer in [
        daemon.post("/api/models/servers/x/stop?now=garbage", ""),
        daemon.post("/api/models/servers/x/stop?now=true&now=false", ""),
        daemon.get("/api/models/%ff", ""),
        daemon.get("/api/events?limit=x", ""),
    ] {
        let (status, body) = json(answer);
        assert!(status == 400 && body["error"].is_string() && body["detail"].is_string(), "{status} {body}");
    }
    // A document that is nested as deeply as it may be is read, and the next one is refused.
    let deep = |levels: usize| format!("{{\"model\":\"x\",\"y\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(daemon.post("/v1/chat/completions", &deep(127)).0, 404, "there is no such model");
    assert_eq!(daemon.post("/v1/chat/completions", &deep(128)).0, 400);
}

/// Whoever pins a model, or takes it out of service, has it done when the command returns.
#[test]
fn what_the_command_line_sets_counts_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("m/m-Q4_0.gguf", &fixture::small_model("m"));
    sandbox.run(["scan"]).ok();
    let daemon = Daemon::start(&sandbox, "", &[]);
    for round in 0..4 {
        let alias = format!("alias-{round}");
        sandbox.run(["set", "m-Q4_0", "--alias", &alias]).ok();
        assert_eq!(daemon.get(&format!("/v1/models/{alias}"), "").0, 200, "{alias}");
    }
    sandbox.run(["set", "m-Q4_0", "--disable"]).ok();
    assert_eq!(daemon.get("/v1/models/alias-3", "").0, 404);
}

#[test]
fn a_key_is_checked_has_a_class_and_is_read_again() {
    let sandbox = Sandbox::new();
    let keys = write_keys(&sandbox, "# ours\ncron:k3y:batch\n");
    let daemon = Daemon::start(&sandbox, "", &["--api-key-file", &keys]);
    let status = |daemon: &Daemon, headers: &str| daemon.get("/v1/models", headers).0;
    assert_eq!(status(&daemon, ""), 200, "loopback needs no key");
    assert_eq!(status(&daemon, "Authorization: Bearer \r\n"), 200, "an empty one is none");
    for right in ["Authorization: Bearer k3y\r\n", "X-Api-Key: k3y\r\n", "Authorization: Basic dTprM3k=\r\n"] {
        assert_eq!(status(&daemon, right), 200, "{right}");
    }
    let (wrong, body) = daemon.get("/v1/models", "Authorization: Bearer k3yx\r\n");
    assert_eq!((wrong, error(&body)["code"].as_str()), (401, Some("invalid_api_key")));
    assert_eq!(daemon.get("/health", "Authorization: Bearer k3yx\r\n").0, 200);
    assert!(daemon.hears("status=401").contains("client=\"127.0.0.1\""));

    write_keys(&sandbox, "cron:new:batch\n");
    daemon.signal(Signal::HUP);
    daemon.hears("reloaded");
    assert_eq!(status(&daemon, "X-Api-Key: k3y\r\n"), 401);
    assert_eq!(status(&daemon, "X-Api-Key: new\r\n"), 200);
    write_keys(&sandbox, "cron:new:urgent\n");
    daemon.signal(Signal::HUP);
    let line = daemon.hears("stay in use");
    assert!(line.contains("keys:1") && !line.contains("new"), "{line}");
    assert_eq!(status(&daemon, "X-Api-Key: new\r\n"), 200, "the keys from before");
}

#[test]
fn other_machines_reach_only_a_daemon_with_keys() {
    let sandbox = Sandbox::new();
    for address in ["0.0.0.0:0", "[::]:0"] {
        sandbox.run(["serve", "--listen", address]).refuses(3, "--api-key-file");
    }
    let keys = write_keys(&sandbox, "cron:k3y:batch\n");
    fs::set_permissions(&keys, Permissions::from_mode(0o644)).unwrap();
    sandbox.run(["serve", "--listen", "0.0.0.0:0", "--api-key-file", &keys]).refuses(3, "chmod 600");
    let keys = write_keys(&sandbox, "cron:k3y:batch\n");
    let args = ["serve", "--listen", "0.0.0.0:0", "--no-executor", "--api-key-file", &keys];
    let serving = Serving::start(&mut sandbox.command(args), LIMIT);
    let line = serving.hears("listening on http://0.0.0.0:");
    let at = SocketAddr::from(([127, 0, 0, 1], line.rsplit(':').next().unwrap().parse().unwrap()));
    serving.hears("serving");
    let daemon = Daemon { serving, at };
    assert_eq!(daemon.get("/v1/models", "").0, 401);
    assert_eq!(daemon.get("/health", "").0, 200);
    assert_eq!(daemon.get("/v1/models", "Authorization: Bearer k3y\r\n").0, 200);
    let mut socket = UnixStream::connect(sandbox.path("run/modelctl/serve.sock")).unwrap();
    socket.write_all(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(answer(&mut socket).0, 200, "the socket is for this user alone");
}

#[test]
fn two_hundred_clients_that_send_a_byte_now_and_then_are_left_and_nobody_waits_for_them() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "header_timeout = \"2s\"\n", &[]);
    let mut slow: Vec<TcpStream> = (0..200).map(|_| daemon.connect()).collect();
    let end = Instant::now() + Duration::from_secs(10);
    let mut open = slow.len();
    while open > 0 {
        assert!(Instant::now() < end, "{open} of them are still served");
        for stream in &mut slow {
            // One that was closed cannot be written to.
            let _ = stream.write_all(b"G");
        }
        assert_eq!(daemon.get("/health", "").0, 200);
        slow.retain_mut(|stream| {
            stream.set_nonblocking(true).unwrap();
            let is_open = stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
            stream.set_nonblocking(false).unwrap();
            is_open
        });
        open = slow.len();
    }
}

#[test]
fn at_the_limit_of_connections_the_longest_idle_one_gives_way_and_one_that_is_answered_does_not() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "connections = 20\n", &[]);
    let mut busy = daemon.connect();
    // Its body is still to come.
    busy.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n").unwrap();
    let mut idle: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = daemon.connect();
            stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            assert_eq!(answer(&mut stream).0, 200);
            stream
        })
        .collect();
    assert!(idle[..20].iter_mut().all(is_closed), "the first ones gave way");
    let last = idle.last_mut().unwrap();
    last.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(answer(last).0, 200);
    busy.write_all(b"{}").unwrap();
    assert_eq!(answer(&mut busy).0, 400, "`model` is missing");
}

#[test]
fn an_idle_connection_is_closed_after_its_time() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "keep_alive = \"200ms\"\n", &[]);
    let mut silent = daemon.connect();
    let mut idle = daemon.connect();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(answer(&mut idle).0, 200);
    assert!(is_closed(&mut silent) && is_closed(&mut idle));
}

#[test]
fn bodies_without_end_and_bodies_that_never_come_end_with_a_word_and_take_no_memory() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "body_bytes = \"1MiB\"\nbody_timeout = \"500ms\"\n", &[]);
    let before = daemon.memory();
    let piece = format!("4000\r\n{}\r\n", "a".repeat(0x4000));
    for _ in 0..20 {
        let mut stream = daemon.connect();
        stream
            .write_all(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            .unwrap();
        for _ in 0..256 {
            // The daemon closes the connection somewhere on the way.
            if stream.write_all(piece.as_bytes()).is_err() {
                break;
            }
        }
        let (status, _) = answer(&mut stream);
        assert!(status == 413 || status == 0, "{status}");
    }
    let long = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n";
    let (status, body) = daemon.raw(long);
    assert_eq!((status, error(&body)["code"].as_str()), (413, Some("request_too_large")));
    let mut stream = daemon.connect();
    stream.write_all(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{").unwrap();
    assert_eq!(answer(&mut stream).0, 408, "the rest never comes");
    let grown = daemon.memory().saturating_sub(before);
    assert!(grown < 32, "it holds {grown} MB more");
}

#[test]
fn deep_json_is_refused() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "json_depth = 20\nname_bytes = 40\n", &[]);
    let deep = |levels: usize| format!("{{\"model\":\"x\",\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let post = |body: &str| daemon.post("/v1/chat/completions", body);
    assert_eq!(post(&deep(10)).0, 404, "there is no such model");
    for levels in [20, 100_000] {
        let (status, body) = post(&deep(levels));
        assert!(status == 400 && error(&body)["message"].as_str().unwrap().contains("20 levels"), "{body}");
    }
    assert_eq!(post(&json!({"model": "x".repeat(41)}).to_string()).0, 400);
    assert_eq!(post(&json!({"model": "../../etc/passwd"}).to_string()).0, 404);
}

/// Sends a request whose body is not complete: as long as it is not, the request runs.
fn half(daemon: &Daemon) -> TcpStream {
    let mut running = daemon.connect();
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\nExpect: 100-continue\r\n\r\n";
    running.write_all(head.as_bytes()).unwrap();
    // It is admitted when its body is asked for.
    let expected = "HTTP/1.1 100 Continue\r\n\r\n";
    let mut begun = vec![0; expected.len()];
    running.read_exact(&mut begun).unwrap();
    assert_eq!(String::from_utf8_lossy(&begun), expected);
    running.write_all(b"{").unwrap();
    running
}

#[test]
fn a_daemon_that_is_asked_to_stop_finishes_what_runs_and_takes_nothing_new() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let mut running = half(&daemon);
    daemon.signal(Signal::TERM);
    let until = Instant::now() + LIMIT;
    while daemon.get("/health", "").0 != 503 {
        assert!(Instant::now() < until, "it takes new requests");
    }
    let (status, body) = daemon.get("/v1/models", "");
    assert_eq!((status, error(&body)["message"].as_str()), (503, Some("the daemon is stopping")));
    running.write_all(b"\"model\":\"x\"}").unwrap();
    assert_eq!(answer(&mut running).0, 404, "it was answered to the end");
    assert_eq!(daemon.ended(), Some(0));
    assert!(!sandbox.path("run/modelctl/serve.sock").exists());
}

#[test]
fn a_second_signal_cuts_what_runs() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let mut running = half(&daemon);
    daemon.signal(Signal::TERM);
    let until = Instant::now() + LIMIT;
    while daemon.get("/health", "").0 != 503 {
        assert!(Instant::now() < until, "it takes new requests");
    }
    let began = Instant::now();
    daemon.signal(Signal::TERM);
    assert!(is_closed(&mut running));
    assert_eq!(daemon.ended(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(30), "it waited as long as after the first one");
}

#[test]
fn a_config_that_is_wrong_is_refused_with_its_place_and_the_old_one_stays() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "hosts = [\"one\"]\n", &[]);
    let host = |host: &str| daemon.raw(&format!("GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).0;
    assert_eq!(["one", "two"].map(host), [200, 403]);
    configure(&sandbox, "hosts = [\"two\"]\nconnections = \"many\"\n");
    daemon.signal(Signal::HUP);
    let line = daemon.hears("stays in use");
    assert!(line.contains("config.toml:3") && line.contains("serve.connections"), "{line}");
    assert_eq!(["one", "two"].map(host), [200, 403]);
    configure(&sandbox, "hosts = [\"two\"]\n");
    daemon.signal(Signal::HUP);
    daemon.hears("reloaded");
    assert_eq!(["one", "two"].map(host), [403, 200]);
    configure(&sandbox, "listen = [\"127.0.0.1:1\"]\nsocket = \"/elsewhere\"\n");
    daemon.signal(Signal::HUP);
    daemon.hears("requires a restart");
    assert_eq!(host("localhost"), 200);
}

fn refused(sandbox: &Sandbox, args: &[&str], db: &str) -> Run {
    let args = ["serve", "--no-executor"].iter().chain(args);
    finish(sandbox.command(args).env("MODELCTL_DB", sandbox.path(db)).output().unwrap())
}

#[test]
fn a_second_daemon_ends_at_once_and_names_the_first() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let first = format!("modelctl serve (process {}", daemon.serving.pid());
    refused(&sandbox, &["--socket", "x.sock"], "modelctl.db").refuses(4, &first);
    refused(&sandbox, &[], "other.db").refuses(4, &first);
    let at = daemon.at.to_string();
    let taken = refused(&sandbox, &["--socket", "x.sock", "--listen", &at], "other.db");
    taken.refuses(4, &format!("cannot listen on {at}: ")).refuses(4, "modelctl");
    assert_eq!(daemon.get("/health", "").0, 200);
}

#[test]
fn the_socket_of_a_daemon_that_was_killed_is_replaced() {
    let sandbox = Sandbox::new();
    drop(Daemon::start(&sandbox, "", &[]));
    let socket = sandbox.path("run/modelctl/serve.sock");
    assert!(socket.exists(), "it was killed");
    let _daemon = Daemon::start(&sandbox, "", &[]);
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
}

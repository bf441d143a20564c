//! Services of the config with real processes: started by their routes, evicted, resumed, stopped, and what becomes of
//! one that dies or hangs.

mod counted;
mod gpu;
mod lives;
mod memory;

use crate::daemon::{Daemon, LIMIT, run_async};
use crate::sandbox::Sandbox;
use modelctl::http::{Limits, Request, Response, open};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A small HTTP service. Its arguments are its port, a folder for notes, and the megabytes that it holds.
const PROGRAM: &str = r#"
import hashlib, http.server, json, os, sys, time

port, notes, held = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
memory = [bytearray(os.urandom(1024)) * 1024 for _ in range(held)]
with open(notes + "/starts", "a") as file:
    file.write(json.dumps({"args": sys.argv[1:], "env": sorted(os.environ), "pid": os.getpid(), "uid": os.getuid(),
                           "groups": os.getgroups()}) + "\n")
if os.path.exists(notes + "/broken"):
    sys.exit("it is broken")
print("listening on", port, flush=True)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        whole = b""
        while True:
            size = int(self.rfile.readline(), 16)
            whole += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return whole

    def reply(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        for name, value in [("Content-Type", "application/json"), ("Content-Length", str(len(text))),
                            ("Set-Cookie", "a=b"), ("Access-Control-Allow-Origin", "*")]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        if self.path == "/health":
            while os.path.exists(notes + "/hang"):
                time.sleep(0.05)
            return self.reply(503 if os.path.exists(notes + "/unwell") else 200, {})
        if self.path == "/stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nfirst\r\n")
            self.wfile.flush()
            while not os.path.exists(notes + "/go"):
                time.sleep(0.05)
            return self.wfile.write(b"4\r\nlast\r\n0\r\n\r\n")
        self.reply(404, {"path": self.path})

    def do_POST(self):
        body = self.body()
        if self.path == "/die":
            os._exit(3)
        if self.path == "/cuda":
            print("CUDA error: out of memory", file=sys.stderr, flush=True)
            os.abort()
        while self.path == "/eat":
            memory.append(b"x" * (1 << 20))
        if self.path == "/unload":
            memory.clear()
        self.reply(200, {"path": self.path, "length": len(body), "sha256": hashlib.sha256(body).hexdigest(),
                         "headers": dict(self.headers.items()), "pid": os.getpid()})

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

Server(("127.0.0.1", port), Handler).serve_forever()
"#;

/// Returns the whole path of the interpreter: a launcher of it would not find its way without its environment.
fn python() -> String {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Services of a test: the name, the megabytes that each holds, and further lines.
fn configure(sandbox: &Sandbox, services: &[(&str, u32, &str)]) {
    configure_with(sandbox, "", services);
}

/// The same with further tables.
fn configure_with(sandbox: &Sandbox, tables: &str, services: &[(&str, u32, &str)]) {
    let program = sandbox.path("service.py");
    fs::write(&program, PROGRAM).unwrap();
    let (python, program) = (python(), program.display());
    // More than any of the bodies here but one.
    let mut config = format!("[serve]\nbody_bytes = \"4MiB\"\n{tables}\n");
    for (name, megabytes, more) in services {
        let notes = sandbox.path(name);
        fs::create_dir_all(&notes).unwrap();
        let notes = notes.display();
        config.push_str(&format!(
            "[services.{name}]\ncommand = [\"{python}\", \"{program}\", \"{{port}}\", \"{notes}\", \"{megabytes}\"]\n\
             health = \"/health\"\nmemory.ram = \"{megabytes}MiB\"\n{more}\n"
        ));
    }
    let folder = sandbox.path("home/.config/modelctl");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), config).unwrap();
}

fn starts(sandbox: &Sandbox, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(sandbox.path(name).join("starts")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn is_alive(pid: u64) -> bool {
    // A process that waits to be reaped has no open files any more.
    Path::new("/proc").join(pid.to_string()).join("fd/0").exists()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "never {what}");
        std::thread::yield_now();
    }
}

/// As [`until`], beside what else the test does.
async fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "never {what}");
        // Files and processes tell nobody.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn send(request: Request) -> (u16, Response) {
    let response = tokio::time::timeout(LIMIT, open(request, Limits::UNTIMED)).await.expect("no answer").unwrap();
    (response.status.as_u16(), response)
}

/// Waits until a service answers, over the time for which it is not started again; returns the header with its mode.
async fn until_served(daemon: &Daemon, path: &str) -> String {
    let end = Instant::now() + LIMIT;
    loop {
        let (status, response) = send(Request::post(daemon.endpoint.clone(), path, "")).await;
        if status == 200 {
            return response.headers["x-modelctl-mode"].to_str().unwrap().to_owned();
        }
        assert!(status == 503 && Instant::now() < end, "{path}: {status}");
        // A client sees the end of a pause only by asking.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn whole(mut response: Response) -> Value {
    serde_json::from_slice(&response.whole().await.unwrap()).unwrap()
}

async fn ask(daemon: &Daemon, path: &str) -> (u16, Value) {
    let answer = daemon.post(path, json!({})).await;
    (answer.status, answer.body)
}

/// An audio file must reach the speech server whole and in one piece, whoever started it, and nothing of the daemon's
/// environment with it.
#[test]
fn a_service_is_started_by_its_route_and_gets_a_request_byte_by_byte() {
    let sandbox = Sandbox::new();
    let more = "kind = \"stt\"\nenv = { MODE = \"x\" }\ncapabilities = [\"audio\"]\n";
    configure(&sandbox, &[("whisper", 1, more), ("voice", 1, "routes = [\"/speak\"]\n")]);
    let daemon = Daemon::start(&sandbox);
    run_async(async {
        let body: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let request = Request::post(daemon.endpoint.clone(), "/v1/audio/transcriptions?x=1", body.clone());
        let (status, response) = send(request.content_type("multipart/form-data; boundary=x")).await;
        assert_eq!(status, 200);
        let id = response.headers["x-request-id"].to_str().unwrap().to_owned();
        for ours in ["set-cookie", "access-control-allow-origin"] {
            assert!(!response.headers.contains_key(ours), "{ours} is not the service's to say");
        }
        let got = whole(response).await;
        assert_eq!((&got["path"], &got["length"]), (&json!("/v1/audio/transcriptions?x=1"), &json!(3_000_000)));
        use sha2::Digest;
        let sum: String = sha2::Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(got["sha256"], json!(sum));
        let header = |name: &str| {
            let headers = got["headers"].as_object().unwrap();
            headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        assert_eq!(header("content-type"), Some(json!("multipart/form-data; boundary=x")));
        assert_eq!(header("x-request-id"), Some(json!(id)));
        assert!(header("host").unwrap().as_str().unwrap().starts_with("127.0.0.1:"));

        let started = starts(&sandbox, "whisper");
        assert_eq!(started[0]["env"], json!(["LANG", "MODE", "PATH"]));
        assert_eq!((started.len(), starts(&sandbox, "voice").len()), (1, 0), "only what was asked for runs");
        let row = daemon.server("whisper").await;
        assert_eq!(
            (&row["kind"], &row["state"], &row["model_id"]),
            (&json!("service"), &json!("ready"), &json!("service:whisper"))
        );
        assert_eq!(row["port"].to_string(), started[0]["args"][0].as_str().unwrap());
        assert_eq!(row["in_flight"], 0);

        // The rest of the path, whatever it is; and a route that is a service's own.
        let (status, got) = ask(&daemon, "/upstream/whisper/v1/anything/%C3%A4?y=%2F").await;
        assert_eq!((status, &got["path"]), (200, &json!("/v1/anything/%C3%A4?y=%2F")));
        assert_eq!(ask(&daemon, "/speak/now").await.1["path"], "/speak/now");
        assert_eq!(ask(&daemon, "/speaker").await.0, 404, "a route ends where a part of a path does");
        let loaded = daemon.events("service.loaded").await;
        assert_eq!(loaded.iter().map(|event| event["service"].clone()).collect::<Vec<_>>(), ["whisper", "voice"]);

        // An answer comes as it is written.
        let (status, mut stream) = send(Request::get(daemon.endpoint.clone(), "/upstream/whisper/stream")).await;
        let first = tokio::time::timeout(LIMIT, stream.chunk()).await.unwrap().unwrap();
        assert_eq!((status, first.as_deref()), (200, Some(&b"first"[..])));
        daemon.until("whisper", "busy", |row| row["in_flight"] == 1).await;
        fs::write(sandbox.path("whisper/go"), "").unwrap();
        assert_eq!(stream.whole().await.unwrap(), "last");
        daemon.until("whisper", "idle", |row| row["in_flight"] == 0).await;
    });
    // Whoever follows the events sees the past ones he asks for, and then each new one.
    for args in [&["events", "-f", "--limit", "9"][..], &["events", "-f", "--limit", "9", "--json"]] {
        let mut follower = sandbox.command(args).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(follower.stdout.take().unwrap()));
        assert!(lines.any(|line| line.unwrap().contains("service.loaded")), "{args:?}");
        follower.kill().unwrap();
        follower.wait().unwrap();
    }
    assert!(sandbox.run(["logs", "whisper"]).ok().out.contains("listening on"));
    let pid = starts(&sandbox, "whisper")[0]["pid"].as_u64().unwrap();
    sandbox.run(["stop", "whisper"]).ok();
    assert!(!is_alive(pid));
    sandbox.run(["start", "whisper"]).ok();
    sandbox.run(["restart", "service:whisper"]).ok();
    assert_eq!(starts(&sandbox, "whisper").len(), 3);
    // Started on demand, it is nothing for `start-all`.
    sandbox.run(["stop-all"]).ok();
    sandbox.run(["start-all"]).ok();
    assert_eq!(starts(&sandbox, "whisper").len(), 3);
}

/// A service that does not fit beside another one would be refused for ever, or both would run out of memory.
#[test]
fn a_service_gives_way_to_another_one_and_one_that_can_stays_without_its_memory() {
    let sandbox = Sandbox::new();
    let stays = "unload_url = \"http://127.0.0.1:{port}/unload\"\n";
    configure(&sandbox, &[("a", 150, ""), ("b", 150, ""), ("c", 150, stays)]);
    let daemon = Daemon::start_within(&sandbox, 250 << 20);
    run_async(async {
        let pid = async |name: &str| {
            let (status, body) = ask(&daemon, &format!("/upstream/{name}/x")).await;
            assert_eq!(status, 200, "{body}");
            body["pid"].as_u64().unwrap()
        };
        let first = pid("a").await;
        pid("b").await;
        assert!(!is_alive(first), "a gave way");
        let unloaded = daemon.events("service.unloaded").await;
        assert_eq!((&unloaded[0]["service"], &unloaded[0]["reason"]), (&json!("a"), &json!("evicted")));
        assert_eq!(unloaded[0]["evicted_by"], "b");
        let c = pid("c").await;
        let second = pid("b").await;
        assert!(is_alive(c), "c has given its memory back and stays");
        assert_eq!(daemon.server("c").await, Value::Null, "it counts as stopped");
        assert_eq!(pid("c").await, c, "and serves again without a start");
        assert!(!is_alive(second));
        assert_eq!(starts(&sandbox, "c").len(), 1);
        // A person ends it for good, also while it stays.
        pid("b").await;
        ask(&daemon, "/api/models/servers/c/stop").await;
        until("ended", || !is_alive(c));
    });
}

/// Clients would wait for ever for a service that is dead, or have it started several times a second.
#[test]
fn a_service_that_dies_or_hangs_is_told_and_started_again() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("x", 1, ""), ("y", 1, ""), ("z", 1, "start_timeout = \"3s\"\n")]);
    let daemon = Daemon::start(&sandbox);
    run_async(async {
        let (status, body) = ask(&daemon, "/upstream/x/die").await;
        assert_eq!(status, 502, "{body}");
        assert!(body["error"]["message"].as_str().unwrap().contains("failed with exit code 3"), "{body}");
        let crash = daemon.event("service.crash", |_| true).await;
        assert_eq!(
            (&crash["service"], &crash["crash_type"], &crash["exit_code"]),
            (&json!("x"), &json!("crash"), &json!(3))
        );
        let again = daemon.post("/upstream/x/y", json!({})).await;
        assert!(again.status == 503 && again.retry_after.is_some(), "{again:?}");
        assert_eq!(again.body["error"]["last_log"].as_str().unwrap().split(' ').next(), Some("listening"));
        // A person need not wait.
        assert_eq!(ask(&daemon, "/api/models/servers/x/start").await.0, 200);
        assert_eq!(ask(&daemon, "/upstream/x/y").await.0, 200);

        // One that is never healthy.
        fs::write(sandbox.path("z/unwell"), "").unwrap();
        let (status, body) = ask(&daemon, "/upstream/z/y").await;
        assert_eq!((status, &body["error"]["code"]), (503, &json!("model_loading")), "{body}");
        let last = starts(&sandbox, "z").pop().and_then(|start| start["pid"].as_u64());
        assert!(!last.is_some_and(is_alive), "a start that failed leaves no process");

        // One that hangs with nothing to do.
        assert_eq!(ask(&daemon, "/upstream/y/y").await.0, 200);
        fs::write(sandbox.path("y/hang"), "").unwrap();
        let crash = daemon.event("service.crash", |crash| crash["service"] == "y").await;
        assert_eq!(crash["crash_type"], "wedged", "{crash}");
        assert!(!is_alive(starts(&sandbox, "y")[0]["pid"].as_u64().unwrap()));
    });
}

/// A service whose daemon is gone would keep its memory, and nobody would count it.
#[test]
fn a_service_ends_with_its_daemon() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("x", 1, "")]);
    let mut daemon = Daemon::start(&sandbox);
    run_async(async { assert_eq!(ask(&daemon, "/upstream/x/y").await.0, 200) });
    let pid = starts(&sandbox, "x")[0]["pid"].as_u64().unwrap();
    daemon.kill();
    until("ended", || !is_alive(pid));
}

/// Without a GPU a service that can work on the CPU must be started in that way.
#[test]
fn a_service_is_started_on_the_cpu_where_there_is_no_gpu() {
    let sandbox = Sandbox::new();
    let more = "cpu_args = [\"--device\", \"cpu\"]\nmemory.vram = \"5MiB\"\n";
    configure(&sandbox, &[("x", 1, more)]);
    if Path::new("/dev/nvidiactl").exists() {
        return crate::sandbox::skip("this machine has a GPU");
    }
    let daemon = Daemon::start(&sandbox);
    run_async(async {
        assert_eq!(ask(&daemon, "/upstream/x/y").await.0, 200);
        let args = starts(&sandbox, "x")[0]["args"].clone();
        assert_eq!(args.as_array().unwrap()[3..], [json!("--device"), json!("cpu")]);
        assert_eq!(daemon.server("x").await["device"], "cpu");
    });
}

/// What a client writes must name nothing but what is there, and start nothing else.
#[test]
fn names_that_mean_no_service_are_refused_with_the_names_that_there_are() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("whisper", 1, "kind = \"stt\"\n"), ("voice", 1, "")]);
    let daemon = Daemon::start_with(&sandbox, |_| {});
    run_async(async {
        for path in ["/upstream/nobody/v1/x", "/upstream//x", "/upstream/whisper%20/x", "/v1/audio/speech"] {
            let (status, body) = ask(&daemon, path).await;
            assert_eq!((status, body["error"]["code"].clone()), (404, json!("service_not_found")), "{path}: {body}");
            assert_eq!(body["error"]["services"], json!(["voice", "whisper"]), "{path}");
            assert!(body["error"]["message"].as_str().unwrap().contains("voice, whisper"), "{body}");
        }
        for path in ["/upstream/%2e%2e/x", "/upstream/whisper/../x", "/upstream/%00/x", "/upstream/whisper/%5cx"] {
            assert_eq!(ask(&daemon, path).await.0, 400, "{path}");
        }
        assert_eq!(ask(&daemon, "/nowhere").await.1["error"]["code"], "unknown_url");
        assert_eq!(ask(&daemon, "/api/models/servers/nobody/start").await.0, 404);
        let too_large = Request::post(daemon.endpoint.clone(), "/v1/audio/transcriptions", vec![0_u8; 5 << 20]);
        assert_eq!(send(too_large).await.0, 413);
        assert_eq!((starts(&sandbox, "whisper").len(), starts(&sandbox, "voice").len()), (0, 0), "nothing was started");
    });
    drop(daemon);
    // A port that a stranger has is not asked for the service.
    let sandbox = Sandbox::new();
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    configure(&sandbox, &[("fixed", 1, &format!("port = {port}\n"))]);
    let daemon = Daemon::start(&sandbox);
    run_async(async {
        let (status, body) = ask(&daemon, "/upstream/fixed/x").await;
        assert_eq!(status, 503, "{body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(&format!("its port {port} is used by")), "{body}");
        assert_eq!(starts(&sandbox, "fixed").len(), 0);
    });
}

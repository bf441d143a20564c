//! The daemon's gateway against its worker asked directly, swaps of two models against stops and starts by hand and
//! against llama-server's router, the start of all models against one after the other, and what an idle daemon costs.

use crate::header::text;
use crate::llama_server::{self, Server};
use crate::measure::{in_turns, median, wall};
use crate::real_models::{self, GEMMA, RealModel, SMOLLM2};
use crate::scan::scanned;
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};
use modelctl::db::{Access, Db};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Requests of one turn, of which the median counts.
const ASKED: usize = 40;
const TURNS: usize = 5;
const CHUNKS: usize = 2_000;
const SWAPS: usize = 8;
const STARTS: usize = 3;
/// How long an idle daemon is watched.
const IDLE: Duration = Duration::from_secs(20);
/// Tokens of context: for both programs alike.
const CONTEXT: &str = "4096";
const PARALLEL: &str = "4";
/// The same of all slots together, as llama-server counts.
const ALL_CONTEXTS: &str = "16384";
const MODELS: [&RealModel; 2] = [&SMOLLM2, &GEMMA];

pub fn measure(stage: &Stage, table: &mut Table) {
    if !cfg!(feature = "llama") {
        table.missing("gateway", "built without llama.cpp");
        return;
    }
    let db = stage.db("gateway");
    stage.forget(&db);
    // Without them nothing would be found.
    MODELS.iter().for_each(|model| drop(model.path()));
    wall(&mut stage.modelctl(&db, &["scan", text(&real_models::folder())]));
    let config = stage.bench.join("gateway.toml");
    let all = format!("[models.\"*\"]\ncontext = {CONTEXT}\nparallel = {PARALLEL}\n[worker]\nnice = 0\n");
    std::fs::write(&config, all).expect("the bench folder takes a file");
    idle(stage, &db, table);
    requests(stage, (&db, &config), table);
    swaps(stage, (&db, &config), table);
    starts(stage, (&db, &config), table);
}

fn idle(stage: &Stage, db: &Path, table: &mut Table) {
    let daemon = Daemon::start(stage, (db, None), None);
    table.alone("serve: from its start to ready", Unit::Seconds, daemon.start, Goal::AtMost(1.0));
    std::thread::sleep(Duration::from_secs(2));
    let (before, began) = (cpu_seconds(daemon.process.id()), Instant::now());
    std::thread::sleep(IDLE);
    let used = (cpu_seconds(daemon.process.id()) - before) / began.elapsed().as_secs_f64();
    table.alone("idle serve: CPU seconds in 1,000 s", Unit::Seconds, used * 1_000.0, Goal::AtMost(2.0));
    let memory = resident(daemon.process.id());
    table.alone("idle serve: resident memory", Unit::Bytes, memory, Goal::AtMost(30e6));
    drop(daemon);
    let many = Daemon::start(stage, (&scanned(stage), None), None);
    table.alone("serve with 10,000 models: from its start to ready", Unit::Seconds, many.start, Goal::AtMost(1.0));
    std::thread::sleep(Duration::from_secs(2));
    let memory = resident(many.process.id());
    table.alone("the same, idle: resident memory", Unit::Bytes, memory, Goal::None);
}

fn requests(stage: &Stage, (db, config): (&Path, &Path), table: &mut Table) {
    let daemon = Daemon::start(stage, (db, Some(config)), None);
    let short = json!({"prompt": "Once upon", "max_tokens": 1, "temperature": 0, "model": SMOLLM2.name()}).to_string();
    daemon.port.ask("/v1/completions", &short);
    // The very worker that the daemon asks: two processes differ by more than what is measured, by where their memory is.
    let socket = daemon.worker(stage);
    let p50 = |ask: &dyn Fn()| {
        let time = || {
            let start = Instant::now();
            ask();
            start.elapsed().as_secs_f64()
        };
        median((0..ASKED).map(|_| time()).collect())
    };
    let through = || drop(daemon.port.ask("/v1/completions", &short));
    let direct = || {
        let stream = UnixStream::connect(&socket).expect("the worker listens");
        drop(ask(stream, "localhost", "/v1/completions", &short));
    };
    let (ours, theirs) = in_turns(TURNS, || p50(&through), || p50(&direct));
    table.compare("one token, p50", Unit::Seconds, (ours, theirs), "its worker asked directly", Goal::None);
    let worker = Worker::start(stage, &SMOLLM2);
    table.alone("gateway: added to the p50", Unit::Seconds, (ours - theirs).max(0.0), Goal::AtMost(0.000_5));
    let long = json!({
        "prompt": "Once upon", "max_tokens": CHUNKS, "temperature": 0, "ignore_eos": true, "stream": true,
        "model": SMOLLM2.name(),
    });
    let long = long.to_string();
    let stream = |port: Port| {
        let start = Instant::now();
        let reply = port.ask("/v1/completions", &long);
        assert!(reply.contains("[DONE]"), "the stream is whole");
        start.elapsed().as_secs_f64()
    };
    let (ours, theirs) = in_turns(1, || stream(daemon.port), || stream(worker.port));
    let what = format!("stream of {CHUNKS} chunks");
    table.compare(what, Unit::Seconds, (ours, theirs), "worker asked directly", Goal::TimesAsMuch(1.5));
}

/// Each request is for the model that is not loaded, and only one fits.
fn swaps(stage: &Stage, (db, config): (&Path, &Path), table: &mut Table) {
    let ask = |port: Port, model: &RealModel| {
        let body = json!({"prompt": "Once upon", "max_tokens": 1, "temperature": 0, "model": model.name()});
        port.ask("/v1/completions", &body.to_string());
    };
    let budget = {
        let daemon = Daemon::start(stage, (db, Some(config)), None);
        MODELS.iter().for_each(|model| ask(daemon.port, model));
        let rows = Db::open(db, Access::ReadOnly).expect("the database opens").ledger().expect("it can be read");
        let mut held: Vec<u64> = rows.iter().map(|row| row.bytes.iter().map(|b| b.held()).sum()).collect();
        held.sort_unstable();
        held[1] + held[0] / 2
    };
    let daemon = Daemon::start(stage, (db, Some(config)), Some(budget));
    let ours = each_swap(|model| ask(daemon.port, model));
    drop(daemon);
    let mut loaded = None;
    let by_hand = each_swap(|model| {
        drop(loaded.take());
        ask(loaded.insert(Worker::start(stage, model)).port, model);
    });
    drop(loaded);
    let what = "swap of two models, to the first token";
    table.compare(what, Unit::Seconds, (ours, by_hand), "stop and start by hand", Goal::None);
    let Some(program) = llama_server::program(stage) else {
        table.missing(
            "swap, against llama-server's router",
            "llama-server is not here: `make bench` builds it, or LLAMA_SERVER names one",
        );
        return;
    };
    let args = ["--ctx-size", ALL_CONTEXTS, "--parallel", PARALLEL];
    let router = Server::router(stage, &program, &real_models::folder(), &args);
    let theirs = each_swap(|model| ask(Port(router.port()), model));
    table.compare(
        what,
        Unit::Seconds,
        (ours, theirs),
        "llama-server's router, one model at a time",
        Goal::TimesAsMuch(0.7),
    );
}

/// The median time of a request for the model that is not loaded.
fn each_swap(mut ask: impl FnMut(&RealModel)) -> f64 {
    let [first, second] = MODELS;
    ask(second);
    let swap = |n: usize| {
        let start = Instant::now();
        ask(if n.is_multiple_of(2) { first } else { second });
        start.elapsed().as_secs_f64()
    };
    median((0..SWAPS).map(swap).collect())
}

/// Both models fit. They are stopped after each start.
fn starts(stage: &Stage, (db, config): (&Path, &Path), table: &mut Table) {
    let daemon = Daemon::start(stage, (db, Some(config)), None);
    let port = daemon.port;
    let timed = |start: &dyn Fn()| {
        let began = Instant::now();
        start();
        let took = began.elapsed().as_secs_f64();
        port.ask("/api/models/servers/stop-all", "{}");
        took
    };
    let at_once = || {
        let reply = port.ask("/api/models/servers/start-all", "{}");
        assert!(reply.contains(r#""started":2"#), "{reply}");
    };
    let one_by_one = || {
        for model in MODELS {
            port.ask(&format!("/api/models/servers/{}/start", model.name()), "{}");
        }
    };
    let (ours, theirs) = in_turns(STARTS, || timed(&at_once), || timed(&one_by_one));
    table.compare("start-all of two models", Unit::Seconds, (ours, theirs), "one after the other", Goal::None);
}

/// A port of this machine, and the one way to ask it.
#[derive(Clone, Copy)]
struct Port(u16);

impl Port {
    fn free() -> Port {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        Port(listener.local_addr().expect("it has an address").port())
    }

    /// The whole reply, which must have status 200.
    fn ask(self, path: &str, body: &str) -> String {
        let stream = TcpStream::connect(("127.0.0.1", self.0)).expect("it listens");
        stream.set_nodelay(true).expect("a socket takes its options");
        ask(stream, &format!("127.0.0.1:{}", self.0), path, body)
    }
}

/// The whole reply on a new connection, which must have status 200.
fn ask(mut stream: impl Read + Write, host: &str, path: &str, body: &str) -> String {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).expect("it takes requests");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).expect("it answers");
    let reply = String::from_utf8_lossy(&reply).into_owned();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    reply
}

/// Killed when it is dropped.
struct Daemon {
    process: Child,
    port: Port,
    /// Seconds from its start until it said that it serves.
    start: f64,
}

impl Daemon {
    fn start(stage: &Stage, (db, config): (&Path, Option<&Path>), budget: Option<u64>) -> Daemon {
        let port = Port::free();
        let address = format!("127.0.0.1:{}", port.0);
        let mut command = stage.modelctl(db, &["serve", "--no-executor", "--listen", &address]);
        if let Some(config) = config {
            command.env("MODELCTL_CONFIG", config);
        }
        if let Some(budget) = budget {
            command.env("MODELCTL_RAM_BUDGET", format!("{budget}B"));
        }
        let start = Instant::now();
        let mut process = command.stderr(Stdio::piped()).spawn().expect("modelctl starts");
        let mut notes = BufReader::new(process.stderr.take().expect("stderr is piped")).lines().map_while(Result::ok);
        assert!(notes.by_ref().any(|line| line.contains("serving")), "the daemon is ready");
        let start = start.elapsed().as_secs_f64();
        // Read on, so that it can go on talking.
        std::thread::spawn(move || notes.for_each(drop));
        Daemon { process, port, start }
    }

    /// The socket of its only worker.
    fn worker(&self, stage: &Stage) -> PathBuf {
        let name = format!("worker-{}-", self.process.id());
        let entries = std::fs::read_dir(stage.bench.join("run/modelctl")).expect("the folder of sockets can be read");
        let mut sockets = entries.map(|entry| entry.expect("its names can be read").path());
        let is_of_it = |path: &PathBuf| text(path).rsplit('/').next().is_some_and(|file| file.starts_with(&name));
        sockets.find(is_of_it).expect("its worker has a socket")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A worker on its own, as a person would start and stop it.
struct Worker {
    process: Child,
    port: Port,
}

impl Worker {
    fn start(stage: &Stage, model: &RealModel) -> Worker {
        let port = Port::free();
        let (path, number): (PathBuf, String) = (model.path(), port.0.to_string());
        let args = ["worker", "--model", text(&path), "--port", &number, "--context", CONTEXT, "--parallel", PARALLEL];
        let mut command = stage.modelctl(&stage.db("gateway"), &args);
        let mut process = command.stdout(Stdio::piped()).stdin(Stdio::piped()).spawn().expect("the worker starts");
        let states = BufReader::new(process.stdout.take().expect("stdout is piped")).lines().map_while(Result::ok);
        let ready = |line: String| serde_json::from_str::<Value>(&line).is_ok_and(|state| state["event"] == "ready");
        assert!(states.into_iter().any(ready), "the worker is ready");
        Worker { process, port }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // As a person would: a signal, and a wait for the end.
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.process),
            rustix::process::Signal::TERM,
        );
        let _ = self.process.wait();
    }
}

/// CPU time of a process so far, `/proc/PID/stat` (proc(5)), in seconds.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks: f64 = [fields[11], fields[12]].iter().map(|n| n.parse::<f64>().expect("a number")).sum();
    ticks / rustix::param::clock_ticks_per_second() as f64
}

fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line of memory");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") * 1024.0
}

//! llama-server as a user would start it, and the clients that ask it.

use crate::header::text;
use crate::measure::cores;
use crate::stage::Stage;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A model takes a second to load here; a busy machine, some.
const LOAD_LIMIT: Duration = Duration::from_secs(120);

/// The program: what `LLAMA_SERVER` names, else what `make bench` built.
pub fn program(stage: &Stage) -> Option<PathBuf> {
    let named = std::env::var_os("LLAMA_SERVER").filter(|name| !name.is_empty()).map(PathBuf::from);
    let program = named.unwrap_or_else(|| stage.bench.join("llama-server/build/bin/llama-server"));
    program.is_file().then_some(program)
}

/// The package that it was built from, else what it says of itself.
pub fn version(stage: &Stage, program: &Path) -> String {
    let package = stage.bench.join("llama-server/package");
    if program.starts_with(&stage.bench)
        && let Ok(package) = std::fs::read_to_string(package)
    {
        return package.trim().to_owned();
    }
    let said = stage.program(program, &["--version"]).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let said = said.expect("llama-server says its version");
    let lines = [said.stdout, said.stderr].concat();
    let lines = String::from_utf8_lossy(&lines).into_owned();
    lines.lines().find_map(|l| l.strip_prefix("version: ")).unwrap_or("unknown").to_owned()
}

/// Runs until it is dropped.
pub struct Server {
    process: Child,
    port: u16,
    /// From the start of the process until it took requests, seconds.
    pub load: f64,
}

/// An answer, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub finish: String,
    pub prompt_tokens: u64,
    pub tokens: u64,
}

impl Server {
    /// With `context` tokens for each slot, and as many threads as modelctl takes.
    pub fn start(stage: &Stage, program: &Path, model: &Path, (slots, context): (usize, usize)) -> Server {
        let port = free_port();
        let all = [slots * context, slots, cores(), usize::from(port)].map(|n| n.to_string());
        let [cells, slots, threads, port_text] = all.each_ref().map(String::as_str);
        let mut command = stage.program(program, &["--model", text(model), "--ctx-size", cells, "--parallel", slots]);
        command.args(["--threads", threads, "--threads-batch", threads, "--host", "127.0.0.1", "--port", port_text]);
        command.args(["--metrics", "--offline"]);
        Server::spawn(command, port)
    }

    /// Without a model of its own: it starts a server for each that is asked for, one at a time, with these arguments.
    pub fn router(stage: &Stage, program: &Path, models: &Path, args: &[&str]) -> Server {
        let port = free_port();
        let all = [cores(), usize::from(port)].map(|n| n.to_string());
        let [threads, port_text] = all.each_ref().map(String::as_str);
        let mut command = stage.program(program, &["--models-dir", text(models), "--models-max", "1"]);
        command.args(["--threads", threads, "--threads-batch", threads, "--host", "127.0.0.1", "--port", port_text]);
        command.arg("--offline").args(args);
        Server::spawn(command, port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    fn spawn(mut command: Command, port: u16) -> Server {
        let start = Instant::now();
        let process = command.spawn().expect("llama-server starts");
        let mut server = Server { process, port, load: 0.0 };
        while server.get("/health").is_none() {
            assert!(start.elapsed() < LOAD_LIMIT, "llama-server does not get ready");
            let ended = server.process.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "llama-server ended: {ended:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
        server.load = start.elapsed().as_secs_f64();
        server
    }

    /// Asks everything with so many clients at once; the answers in order, and the seconds that they took.
    pub fn ask_all(&self, bodies: &[String], clients: usize) -> (Vec<Answer>, f64) {
        let next = AtomicUsize::new(0);
        let answers = Mutex::new(vec![None; bodies.len()]);
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..clients {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(body) = bodies.get(number) else { return };
                        let answer = self.ask(body);
                        answers.lock().expect("no client has panicked")[number] = Some(answer);
                    }
                });
            }
        });
        let took = start.elapsed().as_secs_f64();
        let answers = answers.into_inner().expect("no client has panicked");
        let answers: Vec<Answer> = answers.into_iter().map(|a| a.expect("every request has its answer")).collect();
        let sum: u64 = answers.iter().map(|a| a.tokens).sum();
        assert_eq!(self.predicted(), sum, "llama-server has generated the tokens that it reports");
        (answers, took)
    }

    fn ask(&self, body: &str) -> Answer {
        let mut stream = self.send("POST", "/v1/chat/completions", body);
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).expect("llama-server answers");
        Answer::of(&json(&reply))
    }

    /// Seconds until the first piece of a streamed answer has come.
    pub fn first_token(&self, body: &str) -> f64 {
        let start = Instant::now();
        let mut stream = self.send("POST", "/v1/chat/completions", body);
        let mut reply = String::new();
        let mut piece = [0; 4096];
        // The first event has the role alone, with a null for its content.
        let key = "\"content\":\"";
        while !reply.match_indices(key).any(|(at, _)| reply[at + key.len()..].starts_with(|c| c != '"')) {
            let read = stream.read(&mut piece).expect("llama-server answers");
            assert!(read > 0, "no token came: {reply}");
            reply.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        let took = start.elapsed().as_secs_f64();
        std::io::copy(&mut stream, &mut std::io::sink()).expect("the rest can be read");
        took
    }

    /// Tokens that it has generated, by its own counter.
    fn predicted(&self) -> u64 {
        let metrics = self.get("/metrics").expect("llama-server counts");
        let line = metrics.lines().find_map(|l| l.strip_prefix("llamacpp:tokens_predicted_total "));
        line.and_then(|n| n.trim().parse().ok()).unwrap_or_else(|| panic!("no counter in {metrics}"))
    }

    /// The body of a reply with status 200.
    fn get(&self, path: &str) -> Option<String> {
        TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let mut reply = Vec::new();
        self.send("GET", path, "").read_to_end(&mut reply).ok()?;
        let reply = String::from_utf8(reply).ok()?;
        let (head, body) = reply.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
    }

    fn send(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("llama-server listens");
        stream.set_nodelay(true).expect("a socket takes its options");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .expect("llama-server takes requests");
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Answer {
    /// From a reply in OpenAI's shape.
    pub fn of(reply: &Value) -> Answer {
        let words = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no answer in {reply}")).to_owned();
        let count = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("no usage in {reply}"));
        let choice = &reply["choices"][0];
        Answer {
            text: words(&choice["message"]["content"]),
            finish: words(&choice["finish_reason"]),
            prompt_tokens: count(&reply["usage"]["prompt_tokens"]),
            tokens: count(&reply["usage"]["completion_tokens"]),
        }
    }
}

/// The JSON in a whole reply, which comes with its length or with none, but not in chunks.
fn json(reply: &[u8]) -> Value {
    let reply = String::from_utf8_lossy(reply);
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {reply}"));
    assert!(head.starts_with("HTTP/1.1 200"), "{reply}");
    serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {reply}"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

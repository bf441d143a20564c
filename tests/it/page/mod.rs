//! The page of the daemon: its files as a browser gets them, the stream that it shows, and the page itself in a real
//! browser. No engine is needed: where one would be, starting a model fails, which the page has to show as well.

mod accessible;
mod browser;
#[cfg(feature = "llama")]
mod screenshots;
mod shown;

use crate::gguf::fixture::small_model;
use crate::sandbox::Sandbox;
use crate::serve_http::Daemon;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};

const BROWSER: &str = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("tiny.gguf", &small_model("tiny"));
    sandbox.run(["scan", "-q"]).ok();
    sandbox
}

/// An answer with its head; names of fields are in lower case.
struct Whole {
    status: u16,
    head: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Whole {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Sends a request and reads the head of its answer.
fn begin(daemon: &Daemon, path: &str, headers: &str) -> (u16, BTreeMap<String, String>, impl BufRead + use<>) {
    let mut stream = daemon.connect();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let (mut status, mut head) = (0, BTreeMap::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => return (status, head, reader),
            line if status == 0 => status = line.split(' ').nth(1).unwrap().parse().unwrap(),
            line => {
                let (name, value) = line.split_once(": ").unwrap();
                head.insert(name.to_ascii_lowercase(), value.to_owned());
            }
        }
    }
}

fn fetch(daemon: &Daemon, path: &str, headers: &str) -> Whole {
    let (status, head, mut reader) = begin(daemon, path, headers);
    let mut body = vec![0; head.get("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    Whole { status, head, body }
}

/// The paths of the files that the page and its modules name.
fn files(daemon: &Daemon) -> BTreeMap<String, Whole> {
    let page = fetch(daemon, "/", BROWSER);
    let mut wanted: Vec<String> =
        page.text().split('"').filter(|part| part.starts_with("/page/")).map(str::to_owned).collect();
    let mut found = BTreeMap::new();
    while let Some(path) = wanted.pop() {
        if found.contains_key(&path) {
            continue;
        }
        let file = fetch(daemon, &path, "");
        let folder = &path[..=path.rfind('/').unwrap()];
        if !path.contains("/uplot/") {
            let modules = file.text().lines().filter_map(|line| line.split_once("from \"./"));
            wanted.extend(modules.map(|(_, rest)| format!("{folder}{}", rest.split('"').next().unwrap())));
        }
        found.insert(path, file);
    }
    found
}

/// Whoever opens the page trusts what the daemon serves: nothing of strangers may run in it, and it must not be a burden
/// for a phone.
#[test]
fn the_page_and_its_files_are_small_typed_and_kept_to_this_daemon() {
    let sandbox = sandbox();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let page = fetch(&daemon, "/", BROWSER);
    assert_eq!((page.status, page.head["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    assert_eq!((page.head["cache-control"].as_str(), page.head["vary"].as_str()), ("no-store", "Accept"));
    let files = files(&daemon);
    assert!(files.len() > 10, "{:?}", files.keys());
    let mut all = page.body.len();
    for (path, file) in &files {
        let kind = match path.rsplit('.').next().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        };
        assert_eq!((file.status, file.head["content-type"].as_str()), (200, kind), "{path}");
        assert_eq!(file.head["cache-control"], "public, max-age=31536000, immutable", "{path}");
        all += file.body.len();
    }
    assert!(all <= 200 * 1024, "{all} bytes");
    for (path, answer) in files.iter().map(|(path, file)| (path.as_str(), file)).chain([("/", &page)]) {
        assert_eq!(answer.head["x-content-type-options"], "nosniff", "{path}");
        let policy = &answer.head["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    }
    let chart = files.iter().find(|(path, _)| path.ends_with("/uplot/uPlot.iife.min.js")).unwrap().1;
    let hash: String = Sha256::digest(&chart.body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f", "uPlot 1.6.32 as published");
    assert_eq!(fetch(&daemon, "/page/0000000000000000/app.js", "").status, 404, "a page of another version");
}

/// Ollama's clients ask `/` whether the server is there.
#[test]
fn a_program_gets_the_word_that_it_looks_for_and_not_the_page() {
    let sandbox = sandbox();
    let daemon = Daemon::start(&sandbox, "", &[]);
    for accept in ["", "Accept: */*\r\n", "Accept: application/json\r\n"] {
        assert_eq!(fetch(&daemon, "/", accept).text(), "Ollama is running", "{accept}");
    }
}

/// The page has to be there before a browser can be asked for the key, and nothing that it shows may be.
#[test]
fn the_page_needs_no_key_and_all_that_it_shows_does() {
    let sandbox = sandbox();
    let keys = sandbox.path("keys");
    fs::write(&keys, "me:k3y\n").unwrap();
    fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let daemon = Daemon::start(&sandbox, "key_on_loopback = true", &["--api-key-file", keys.to_str().unwrap()]);
    assert_eq!(fetch(&daemon, "/", BROWSER).status, 200);
    assert!(files(&daemon).values().all(|file| file.status == 200));
    for path in ["/api/stream", "/api/history", "/api/requests", "/api/models", "/v1/models"] {
        assert_eq!(begin(&daemon, path, "").0, 401, "{path}");
        assert_eq!(begin(&daemon, path, "Authorization: Bearer wrong\r\n").0, 401, "{path}");
        assert_eq!(begin(&daemon, path, "Authorization: Bearer k3y\r\n").0, 200, "{path}");
    }
}

/// Reads the next event of a stream: its id, its name, its document.
fn event(reader: &mut impl BufRead) -> (String, String, Value) {
    let (mut id, mut name) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the stream has ended");
        match line.trim_end().split_once(": ") {
            Some(("id", text)) => text.clone_into(&mut id),
            Some(("event", text)) => text.clone_into(&mut name),
            Some(("data", text)) => return (id, name, serde_json::from_str(text).unwrap()),
            // An empty line, a comment, or the length of a chunk.
            _ => {}
        }
    }
}

/// A page that was away for a moment, as every tab of a phone is, must not miss a change, nor read 2,000 models again.
#[test]
fn the_stream_begins_with_everything_and_goes_on_with_what_has_changed() {
    let sandbox = sandbox();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let (status, head, mut stream) = begin(&daemon, "/api/stream", "");
    assert_eq!((status, head["content-type"].as_str()), (200, "text/event-stream"));
    let (first, name, all) = event(&mut stream);
    assert_eq!((name.as_str(), &all["gone"]), ("snapshot", &json!([])));
    let rows = all["set"].as_object().unwrap();
    let (model, row) = rows.iter().find(|(name, _)| name.starts_with("model/")).unwrap();
    assert_eq!((&row["name"], &row["enabled"], &row["served"]), (&json!("tiny"), &json!(true), &json!(true)));
    assert_eq!(rows["daemon"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(rows["machine"]["devices"].is_array(), "{all}");
    drop(stream);
    sandbox.run(["set", "tiny", "--alias", "<b>\"t\"</b>"]).ok();
    let mut id = first;
    loop {
        let (_, _, mut stream) = begin(&daemon, "/api/stream", &format!("Last-Event-ID: {id}\r\n"));
        let (next, name, change) = event(&mut stream);
        assert_eq!(name, "change", "nothing is sent twice");
        if let Some(row) = change["set"].get(model) {
            assert_eq!(row["alias"], "<b>\"t\"</b>");
            break;
        }
        id = next;
    }
    let (_, _, mut stream) = begin(&daemon, "/api/stream", "Last-Event-ID: abc-1\r\n");
    assert_eq!(event(&mut stream).1, "snapshot", "an id of another run");
    let history: Value = serde_json::from_str(fetch(&daemon, "/api/history", "").text()).unwrap();
    assert_eq!((&history["schema"], &history["step_seconds"]), (&json!("modelctl.history/1"), &json!(5)));
    let requests: Value = serde_json::from_str(fetch(&daemon, "/api/requests", "").text()).unwrap();
    assert_eq!(requests["requests"], json!([]));
}

/// Whoever needs the machine for something else makes the tasks wait, and sees that they do.
#[test]
fn the_queue_is_shown_without_texts_and_tasks_can_be_made_to_wait() {
    let sandbox = sandbox();
    let daemon = Daemon::start(&sandbox, "", &[]);
    sandbox.run(["task", "add", "a secret prompt"]).ok();
    let queue = || -> Value { serde_json::from_str(fetch(&daemon, "/api/tasks", "").text()).unwrap() };
    let first = queue();
    assert_eq!((&first["inference"]["on"], first["tasks"].as_array().unwrap().len()), (&json!(true), 1));
    assert!(!first.to_string().contains("secret"), "{first}");
    let (status, body) = daemon.post("/api/inference", r#"{"on": false}"#);
    assert_eq!(status, 200, "{body}");
    assert_eq!(queue()["inference"]["on"], json!(false));
    assert_eq!(daemon.post("/api/inference", r#"{"off": 1}"#).0, 400);
}

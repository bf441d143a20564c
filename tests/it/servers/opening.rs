//! A server that dies when its client has only the opening of a stream.

use crate::daemon::{Daemon, run_async};
use crate::gguf::fixture;
use crate::sandbox::Sandbox;
use modelctl::http::{Limits, Request, SseEvent, open};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Answers as llama-server does, but the first process dies by SIGKILL once its first chat has its opening.
const PROGRAM: &str = r#"#!/usr/bin/env python3
import http.server, json, os, signal, socketserver, sys

def chunk(delta, finish=None):
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}) + "\n\n"

class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass

    def reply(self, kind, text):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()

    def do_GET(self):
        metrics = "llamacpp:n_decode_total 1\nllamacpp:requests_processing 0\n"
        self.reply("text/plain", metrics if self.path == "/metrics" else '{"status":"ok"}')

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not body.get("stream"):
            return self.reply("application/json", json.dumps({"choices": [{"index": 0, "text": "a"}]}))
        self.reply("text/event-stream", chunk({"role": "assistant", "content": None}))
        if not os.path.exists("$MARK"):
            open("$MARK", "x").close()
            os.kill(os.getpid(), signal.SIGKILL)
        self.wfile.write((chunk({"content": "a"}) + chunk({}, "stop") + "data: [DONE]\n\n").encode())

class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

Server(sys.argv[sys.argv.index("--host") + 1], Handler).serve_forever()
"#;

/// The client would be told of an error although not a word of the answer was sent.
#[test]
fn a_chat_whose_server_is_killed_after_the_opening_is_answered_by_a_new_one() {
    let sandbox = Sandbox::new();
    sandbox.write("m/m-Q4_0.gguf", &fixture::small_model("m"));
    sandbox.run(["scan"]).ok();
    sandbox.run(["set", "m", "--engine", "llama-server"]).ok();
    let (program, mark) = (sandbox.path("llama-server"), sandbox.path("killed"));
    fs::write(&program, PROGRAM.replace("$MARK", mark.to_str().unwrap())).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    run_async(async {
        let daemon = Daemon::start_with(&sandbox, |command| {
            command.env("MODELCTL_LLAMA_SERVER", &program);
        });
        let chat = json!({"model": "m-Q4_0", "stream": true, "messages": [{"role": "user", "content": "x"}]});
        let request = Request::post(daemon.endpoint.clone(), "/v1/chat/completions", chat.to_string());
        let mut response = open(request, Limits::UNTIMED).await.unwrap();
        assert_eq!(response.status, 200);
        let mut events = Vec::new();
        while let Some(event) = response.event().await.unwrap() {
            if let SseEvent::Data(data) = event {
                events.push(data);
            }
        }
        assert!(mark.exists(), "the first one was not killed");
        let deltas: Vec<Value> = events[..events.len() - 1]
            .iter()
            .map(|data| serde_json::from_str::<Value>(data).unwrap()["choices"][0]["delta"].clone())
            .collect();
        let expected = [json!({"role": "assistant", "content": ""}), json!({"content": "a"}), json!({})];
        assert_eq!((deltas.as_slice(), events.last().unwrap().as_str()), (&expected[..], "[DONE]"));
        assert_eq!(daemon.events("model.crash").await.len(), 1);
    });
}

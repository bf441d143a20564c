//! A server that sends what cannot be read, in the middle of a stream, and then hangs.

use crate::daemon::{Daemon, run_async};
use crate::gguf::fixture;
use crate::sandbox::Sandbox;
use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Answers as llama-server does, but for a prompt with `garbage`: then half an event follows the first one, and silence.
const PROGRAM: &str = r#"#!/usr/bin/env python3
import http.server, json, socketserver, sys, threading

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
        chunk = {"choices": [{"index": 0, "text": "a", "delta": {"content": "a"}, "finish_reason": None}]}
        if not body.get("stream"):
            return self.reply("application/json", json.dumps(chunk))
        event = "data: " + json.dumps(chunk) + "\n\n"
        if "garbage" in json.dumps(body):
            self.reply("text/event-stream", event + 'data: {"choices":[{\n\n')
            threading.Event().wait()
        chunk["choices"][0]["finish_reason"] = "length"
        self.reply("text/event-stream", event + "data: " + json.dumps(chunk) + "\n\ndata: [DONE]\n\n")

class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

Server(sys.argv[sys.argv.index("--host") + 1], Handler).serve_forever()
"#;

/// The slot of the request would stay taken, and the model would answer nobody until the daemon is started again.
#[test]
fn garbage_in_the_middle_of_a_stream_leaves_the_model_with_its_slot() {
    let sandbox = Sandbox::new();
    sandbox.write("m/m-Q4_0.gguf", &fixture::small_model("m"));
    sandbox.run(["scan"]).ok();
    sandbox.run(["set", "m", "--alias", "m", "--engine", "llama-server", "--parallel", "1"]).ok();
    let program = sandbox.path("llama-server");
    fs::write(&program, PROGRAM).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    run_async(async {
        let daemon = Daemon::start_with(&sandbox, |command| {
            command.env("MODELCTL_LLAMA_SERVER", &program);
        });
        for _ in 0..3 {
            let broken =
                daemon.begin_with(json!({"model": "m", "prompt": "garbage", "stream": true})).await.rest().await;
            let error = broken.is_cut();
            // What was whole before it has arrived, and nothing of the half event.
            assert_eq!((broken.chunks, &error["type"]), (2, &json!("server_error")), "{error}");
            let answered = daemon.complete("m", 1).await;
            assert_eq!(answered.status, 200, "{answered:?}");
            daemon.begin("m", 1).await.rest().await.is_whole();
        }
        let server = daemon.until("m", "idle", |server| server["in_flight"] == 0).await;
        assert_eq!(server["state"], "ready", "{server}");
        assert_eq!(daemon.events("model.loaded").await.len(), 1, "it was loaded once");
    });
}

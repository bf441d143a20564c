//! The worker process by itself, as any HTTP client meets it.

use crate::fixtures;
use crate::sandbox::Sandbox;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};

/// Limits the answer to [`Running::chat`] to three cities.
const CITY: &str = r#","grammar":"root ::= \"It is \" (\"Paris\" | \"London\" | \"Rome\") \".\"""#;
/// The token of SmolLM2 that ends an answer.
const END: u32 = 2;
/// One text for one request, whatever of its prompt is in the cache already.
const REPRODUCIBLE: [&str; 3] = ["--context", "4096", "--reproducible"];

/// A worker that has its model.
pub struct Running {
    child: Child,
    socket: PathBuf,
    _lifeline: ChildStdin,
    _turn: File,
    _sandbox: Sandbox,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, as the test wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ready() -> Running {
    ready_with(&fixtures::smollm2(), &["--context", "4096"])
}

/// A worker for that model with these options.
pub fn ready_with(model: &Path, options: &[&str]) -> Running {
    let turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    let socket = sandbox.path("s");
    let mut child = sandbox
        .command(["worker", "--model", model.to_str().unwrap(), "--socket", socket.to_str().unwrap()])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lifeline = child.stdin.take().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let last = lines.map(Result::unwrap).find(|l| l.contains("\"ready\"") || l.contains("\"failed\"")).unwrap();
    assert!(last.contains("\"ready\""), "{last}");
    Running { child, socket, _lifeline: lifeline, _turn: turn, _sandbox: sandbox }
}

impl Running {
    pub fn send(&self, method: &str, path: &str, body: &str) -> UnixStream {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        stream
    }

    /// Status and body, the chunks of a stream put together.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut answer = String::new();
        self.send(method, path, body).read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        if !head.to_lowercase().contains("transfer-encoding: chunked") {
            return (status, body.to_owned());
        }
        let (mut rest, mut whole) = (body, String::new());
        while let Some((size, after)) = rest.split_once("\r\n") {
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            whole.push_str(&after[..size]);
            rest = after.get(size + 2..).unwrap_or("");
        }
        (status, whole)
    }

    /// Status and body of an answer in JSON.
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.ask("POST", path, &body.to_string());
        (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")))
    }

    /// A figure of `/metrics`.
    pub fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.ask("GET", "/metrics", "");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("llamacpp:{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    fn chat(&self, extra: &str) -> (u16, serde_json::Value) {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":"What is the capital of France? Answer in one sentence."}}],"temperature":0,"max_tokens":24{extra}}}"#
        );
        let (status, text) = self.ask("POST", "/v1/chat/completions", &body);
        (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")))
    }
}

#[test]
fn the_worker_speaks_the_dialect_of_llama_server() {
    let worker = ready();
    assert_eq!(worker.ask("GET", "/health", ""), (200, r#"{"status":"ok"}"#.to_owned()));

    // Of the answers it may give, one is right, and each of them ends.
    let (status, answer) = worker.chat(CITY);
    assert_eq!(status, 200, "{answer:#}");
    assert_eq!(answer["choices"][0]["message"]["content"], "It is Paris.", "{answer:#}");
    assert_eq!(
        (answer["object"].as_str(), answer["choices"][0]["finish_reason"].as_str()),
        (Some("chat.completion"), Some("stop"))
    );
    assert_eq!(answer["usage"]["completion_tokens"], answer["timings"]["predicted_n"]);

    // A stop string is never part of the text, nor is a piece of it.
    let (_, stopped) = worker.chat(&format!(r#"{CITY},"stop":["Paris","London","Rome"]"#));
    let choice = &stopped["choices"][0];
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&json!("It is "), &json!("stop")));

    // So does an answer in which the model chooses the token that ends it.
    let (_, ended) = worker.chat(&format!(r#","logit_bias":{{"{END}":100}}"#));
    let choice = &ended["choices"][0];
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&json!(""), &json!("stop")), "{ended:#}");

    let (_, models) = worker.ask("GET", "/v1/models", "");
    assert!(models.contains("\"n_ctx\":4096"), "{models}");
    let (_, metrics) = worker.ask("GET", "/metrics", "");
    for name in [
        "llamacpp:n_decode_total",
        "llamacpp:requests_processing 0",
        "llamacpp:tokens_predicted_total",
        "llamacpp:prompt_tokens_total",
    ] {
        assert!(metrics.contains(name), "{name} is not in {metrics}");
    }
}

#[test]
fn a_stream_is_the_same_text_in_pieces() {
    let worker = ready_with(&fixtures::smollm2(), &REPRODUCIBLE);
    let whole = worker.chat("").1["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let body = r#"{"messages":[{"role":"user","content":"What is the capital of France? Answer in one sentence."}],"temperature":0,"max_tokens":24,"stream":true}"#;
    let (status, stream) = worker.ask("POST", "/v1/chat/completions", body);
    assert_eq!(status, 200);
    let events: Vec<&str> = stream.split("\n\n").filter_map(|e| e.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let pieces: String = events[..events.len() - 1]
        .iter()
        .map(|e| serde_json::from_str::<serde_json::Value>(e).unwrap())
        .filter_map(|e| e["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(pieces, whole);
}

/// Evaluation tools send their questions in lists: each has its own answer, in the order of the list.
#[test]
fn several_prompts_of_one_request_get_one_choice_each_with_its_index() {
    let worker = ready_with(&fixtures::smollm2(), &REPRODUCIBLE);
    let prompts = ["The capital of France is", "Once upon a time"];
    let body = |prompt: Value, stream: bool| {
        json!({
            "prompt": prompt, "max_tokens": 6, "temperature": 0, "stream": stream, "ignore_eos": true,
            "stream_options": {"include_usage": true},
        })
    };
    let alone = prompts.map(|prompt| {
        let (status, answer) = worker.post("/v1/completions", &body(json!(prompt), false));
        assert_eq!(status, 200, "{answer}");
        answer["choices"][0]["text"].as_str().unwrap().to_owned()
    });
    let (status, answer) = worker.post("/v1/completions", &body(json!(prompts), false));
    assert_eq!(status, 200, "{answer}");
    for (index, text) in alone.iter().enumerate() {
        let choice = &answer["choices"][index];
        assert_eq!((&choice["index"], &choice["text"]), (&json!(index), &json!(text)), "{answer}");
    }
    assert_eq!(answer["usage"]["completion_tokens"], 12);

    let (status, stream) = worker.ask("POST", "/v1/completions", &body(json!(prompts), true).to_string());
    assert_eq!(status, 200, "{stream}");
    let events: Vec<&str> = stream.split("\n\n").filter_map(|e| e.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> = events[..events.len() - 1].iter().map(|e| serde_json::from_str(e).unwrap()).collect();
    let of = |index: usize| -> Vec<&Value> {
        chunks.iter().map(|chunk| &chunk["choices"][0]).filter(|choice| choice["index"] == json!(index)).collect()
    };
    for (index, text) in alone.iter().enumerate() {
        let choices = of(index);
        let pieces: String = choices.iter().map(|choice| choice["text"].as_str().unwrap()).collect();
        assert_eq!((&pieces, &choices.last().unwrap()["finish_reason"]), (text, &json!("length")));
    }
    let last = chunks.last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["completion_tokens"]), (&json!([]), &json!(12)));
}

#[test]
fn a_request_that_makes_no_sense_is_refused_and_the_worker_lives_on() {
    let worker = ready();
    let refused = |path: &str, body: &str, word: &str| {
        let (status, text) = worker.ask("POST", path, body);
        let error: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(status, 400, "{body}: {text}");
        let kind = error["error"]["type"].as_str();
        assert!(matches!(kind, Some("invalid_request_error" | "exceed_context_size_error")), "{text}");
        assert!(error["error"]["message"].as_str().unwrap().contains(word), "{body}: {text}");
    };
    let chat = "/v1/chat/completions";
    refused(chat, "{", "EOF");
    refused(chat, "{}", "messages");
    refused(chat, r#"{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function"}]}"#, "tools");
    refused(chat, r#"{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}"#, "image_url");
    refused("/v1/completions", "{}", "prompt");
    let long = format!(r#"{{"prompt":"{}"}}"#, "word ".repeat(6000));
    refused("/v1/completions", &long, "context");
    assert_eq!(worker.ask("GET", "/nowhere", "").0, 404);
    assert_eq!(worker.chat("").0, 200);
}

#[test]
fn a_prompt_that_does_not_fit_is_refused_with_both_numbers() {
    let worker = ready();
    let words = "word ".repeat(6000);
    let messages = json!([{"role": "user", "content": words}]);
    for (path, body) in [
        ("/v1/completions", json!({"prompt": words})),
        ("/v1/chat/completions", json!({"messages": messages})),
        ("/v1/chat/completions", json!({"messages": messages, "stream": true})),
    ] {
        let (status, answer) = worker.post(path, &body);
        let error = &answer["error"];
        assert_eq!((status, error["type"].as_str()), (400, Some("exceed_context_size_error")), "{answer}");
        assert_eq!(error["n_ctx"], 4096, "{answer}");
        assert!(error["n_prompt_tokens"].as_u64().is_some_and(|n| n > 6000), "{answer}");
    }
    // Not even tokenized: it would take a minute and gigabytes.
    let (status, answer) = worker.post("/v1/completions", &json!({"prompt": "a".repeat(30_000_000)}));
    assert_eq!((status, &answer["error"]["n_ctx"]), (400, &json!(4096)), "{answer}");
    assert!(answer["error"]["n_prompt_tokens"].as_u64().is_some_and(|n| n > 4096), "{answer}");
}

#[test]
fn what_would_change_an_answer_is_served_or_refused_by_name() {
    let worker = ready_with(&fixtures::smollm2(), &REPRODUCIBLE);
    let text = |more: &str| worker.chat(more).1["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let plain = text("");
    // At temperature 0 these change the text or leave it, but never fail.
    for neutral in [
        r#","repeat_penalty":1,"presence_penalty":0,"logit_bias":{}"#,
        r#","typical_p":0.5,"top_n_sigma":1,"mirostat":0,"min_keep":3"#,
        r#","max_completion_tokens":24,"n_predict":null,"user":"me""#,
    ] {
        assert_eq!(text(neutral), plain, "{neutral}");
    }
    for changing in [
        r#","repeat_penalty":1.9,"repeat_last_n":-1"#,
        r#","frequency_penalty":2,"presence_penalty":2"#,
        r#","dry_multiplier":5,"dry_allowed_length":0"#,
        r#","temperature":2.0,"seed":1,"mirostat":1"#,
        r#","temperature":2.0,"seed":1,"mirostat":2,"mirostat_tau":9"#,
        r#","temperature":1.0,"seed":3,"xtc_probability":1,"xtc_threshold":0.01,"dynatemp_range":0.5,"typical_p":0.9"#,
    ] {
        // The last of two temperatures counts.
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":"Say the word apple again and again."}}],"max_tokens":40,"temperature":0{changing}}}"#
        );
        let (status, answer) = worker.ask("POST", "/v1/chat/completions", &body);
        assert_eq!(status, 200, "{changing}: {answer}");
    }
    // A token that is pushed far enough is chosen.
    let first = |bias: Value| {
        let body = json!({"prompt": "The capital of France is", "max_tokens": 1, "temperature": 0, "logit_bias": bias});
        worker.post("/v1/completions", &body)
    };
    let [one, other] = ["345", "346"].map(|token| first(json!({token: 100})).1["choices"][0]["text"].clone());
    assert_ne!(one, other);
    assert!(first(json!({"99999999": 1})).1["error"]["message"].as_str().unwrap().contains("99999999"));
    let (_, endless) = worker.post(
        "/v1/chat/completions",
        &json!({"messages": [{"role": "user", "content": "Say hi"}], "temperature": 0, "max_tokens": 60, "ignore_eos": true}),
    );
    assert_eq!(endless["choices"][0]["finish_reason"], "length", "{endless}");
    // This model's template shows no calls and knows no efforts.
    for (more, key) in [
        (json!({"reasoning_effort": "low"}), "reasoning_effort"),
        (
            json!({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null, "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}]}),
            "tool_calls",
        ),
        (json!({"modalities": ["audio"]}), "modalities"),
    ] {
        let mut body = json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, answer) = worker.post("/v1/chat/completions", &body);
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(status == 400 && message.starts_with(&format!("`{key}` is not served")), "{answer}");
    }
}

#[test]
fn an_answer_goes_on_where_the_last_message_ends_on_request() {
    let worker = ready();
    let ask = |more: Value| {
        let mut body = json!({"temperature": 0, "max_tokens": 4, "messages": [
            {"role": "user", "content": "What is the capital of France?"},
            {"role": "assistant", "content": "The capital of France is"}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, answer) = worker.post("/v1/chat/completions", &body);
        assert_eq!(status, 200, "{answer}");
        (
            answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned(),
            answer["usage"]["prompt_tokens"].clone(),
        )
    };
    let (continued, tokens) = ask(json!({"continue_final_message": true, "add_generation_prompt": false}));
    assert!(continued.starts_with(" Paris"), "{continued:?}");
    let (_, of_new_turn) = ask(json!({}));
    assert!(tokens.as_u64() < of_new_turn.as_u64(), "{tokens} {of_new_turn}");
}

#[test]
fn the_worker_is_what_the_oom_killer_takes_and_its_memory_is_bounded() {
    let worker = ready();
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", worker.child.id())).unwrap();
    // Whatever runs the tests may have made itself a better victim.
    assert!(read("oom_score_adj").trim().parse::<i32>().unwrap() >= 500);
    let limits = read("limits");
    let data = limits.lines().find(|line| line.starts_with("Max data size")).unwrap();
    assert!(!data.split_whitespace().nth(3).unwrap().contains("unlimited"), "{data}");
}

#[test]
fn a_client_that_goes_away_frees_the_engine() {
    let worker = ready();
    let body = r#"{"messages":[{"role":"user","content":"Count to a million."}],"stream":true,"max_tokens":4000,"ignore_eos":true}"#;
    let mut first = [0u8; 400];
    let mut stream = worker.send("POST", "/v1/chat/completions", body);
    stream.read_exact(&mut first).unwrap();
    drop(stream);
    // The engine has one place: it is free when this is answered.
    assert_eq!(worker.chat("").0, 200);
    assert!(worker.metric("tokens_predicted_total") < 4000.0, "it counted to the end of its context");
}

#[test]
fn a_time_limit_ends_a_generation_with_what_it_has() {
    let worker = ready();
    // No machine makes four thousand tokens in a third of a second.
    let body = json!({"prompt": "Once upon a time", "max_tokens": 4000, "ignore_eos": true, "timeout_ms": 300});
    let (status, answer) = worker.post("/v1/completions", &body);
    assert_eq!((status, answer["choices"][0]["finish_reason"].as_str()), (200, Some("timed_out")), "{answer:#}");
}

/// What `show` says about memory is what llama.cpp then takes, by its own log.
#[test]
fn the_estimate_is_what_llama_cpp_takes() {
    let _turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    sandbox.place(&fixtures::smollm2(), "smollm2.gguf");
    // Slides a window over most of its layers.
    sandbox.place(&fixtures::gemma(), "gemma.gguf");
    sandbox.run(["scan"]).ok();
    for name in ["smollm2", "gemma"] {
        let show = sandbox.run(["show", name, "--ctx", "4096", "--json"]).ok().json();
        let need = &show["memory"];
        let model = sandbox.models().join(format!("{name}.gguf"));
        let socket = sandbox.path(&format!("{name}.sock"));
        let mut worker = sandbox
            .command([
                "worker",
                "--context",
                "4096",
                "--model",
                model.to_str().unwrap(),
                "--socket",
                socket.to_str().unwrap(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = Vec::new();
        for line in BufReader::new(worker.stdout.take().unwrap()).lines().map(Result::unwrap) {
            told.push(line);
            if told.last().is_some_and(|l| l.contains("\"ready\"")) {
                break;
            }
        }
        assert!(told.last().is_some_and(|l| l.contains("\"ready\"")), "{name}: {told:?}");
        worker.kill().unwrap();
        let mut log = String::new();
        worker.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        worker.wait().unwrap();
        let mib = |what: &str| -> f64 {
            log.lines()
                .filter(|l| l.contains(what))
                .filter_map(|l| l.rsplit('=').next()?.trim().strip_suffix(" MiB")?.trim().parse::<f64>().ok())
                .sum()
        };
        let close = |key: &str, real: f64, tolerance: f64| {
            let ours = need[format!("{key}_bytes")].as_f64().unwrap() / f64::from(1 << 20);
            assert!(
                (ours - real).abs() <= real * tolerance,
                "{name} {key}: {ours} MiB estimated, {real} MiB real\n{log}"
            );
        };
        close("weights", mib("CPU_Mapped model buffer size"), 0.01);
        close("kv_cache", mib("KV buffer size"), 0.01);
        close("compute", mib("compute buffer size"), 0.25);
    }
}

use super::*;
use crate::http;
use crate::lifecycle::{DeviceBytes, Phase, Purpose, ServerKey, ServerView, Shape, Why};
use crate::model::lifecycle::Mode;
use crate::model::server::Engine;
use crate::serve::gateway::tests::fake::{Fake, Script, alive, denial, next, soon, stream, view, whole, worker};
use crate::serve::listen::Caller;
use serde_json::json;
use tokio::sync::watch;

fn start(script: impl IntoIterator<Item = Script>) -> Fake {
    Fake::serving(script, Caller::default(), |gateway| {
        let sessions = Sessions::new(gateway.config.clone());
        routes(Arc::new(Ollama::new(gateway, sessions)))
    })
}

fn chat() -> Value {
    json!({"model": "Chat:latest", "messages": [{"role": "user", "content": "hi"}]})
}

async fn document(answer: hyper::Response<http::Body>) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&whole(answer).await).unwrap())
}

const END: &str = concat!(
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"timings\":{\"prompt_ms\":1,\"predicted_ms\":2}}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"
);

#[tokio::test]
async fn each_part_of_an_answer_is_a_line_before_the_next_one_is_there() {
    let mut worker = worker();
    let mut fake = start([Script::Grant(worker.address.clone(), alive(), Engine::Worker)]);
    let (parts, response) = stream();
    worker.answers.send(response).unwrap();
    parts.send("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n").await.unwrap();
    let first = async { parts.send("data: {\"choices\":[{\"delta\":{\"content\":\"A\"}}]}\n\n").await.unwrap() };
    let (mut answer, ()) = tokio::join!(fake.post("/api/chat", &[], chat()), first);
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    let line: Value = serde_json::from_str(&next(answer.body_mut()).await.unwrap()).unwrap();
    assert_eq!((&line["message"], &line["done"]), (&json!({"role": "assistant", "content": "A"}), &json!(false)));
    parts.send(END).await.unwrap();
    drop(parts);
    let last: Value = serde_json::from_str(&next(answer.body_mut()).await.unwrap()).unwrap();
    assert_eq!(
        (&last["done"], &last["done_reason"], &last["model"]),
        (&json!(true), &json!("stop"), &json!("Chat:latest"))
    );
    assert_eq!((&last["prompt_eval_count"], &last["eval_duration"]), (&json!(3), &json!(2_000_000)));
    assert_eq!(next(answer.body_mut()).await, None);
    let (headers, body) = worker.requests.recv().await.unwrap();
    assert_eq!(headers["x-modelctl-model"], "Chat%3Alatest");
    assert_eq!((&body["stream"], &body["messages"][0]["content"]), (&json!(true), &json!("hi")));
    fake.until_left(1).await;
    let counts = fake.records.counts();
    assert_eq!((counts[0].model.as_str(), counts[0].endpoint, counts[0].status), ("org/alias", Endpoint::Chat, 200));
}

#[tokio::test]
async fn an_answer_that_is_no_stream_is_one_document() {
    let worker = worker();
    let grant = || Script::Grant(worker.address.clone(), alive(), Engine::Worker);
    let fake = start([grant(), grant()]);
    for (path, body) in [
        ("/api/chat", chat()),
        ("/api/generate", json!({"model": "org/chat", "prompt": "hi", "raw": true, "template": "x"})),
    ] {
        let (parts, response) = stream();
        worker.answers.send(response).unwrap();
        let send = async {
            parts.send("data: {\"choices\":[{\"delta\":{\"content\":\"A\"},\"text\":\"A\"}]}\n\n").await.unwrap();
            parts.send("data: {\"choices\":[{\"delta\":{\"content\":\"B\"},\"text\":\"B\"}]}\n\n").await.unwrap();
            parts.send(END).await.unwrap();
            drop(parts);
        };
        let mut body = body;
        body["stream"] = false.into();
        let (answer, ()) = tokio::join!(fake.post(path, &[], body), send);
        assert_eq!(answer.headers()["content-type"], "application/json");
        let told = answer.headers().get("x-modelctl-ignored").cloned();
        let (status, body) = document(answer).await;
        let text = if path == "/api/chat" { &body["message"]["content"] } else { &body["response"] };
        assert_eq!((status, text, &body["done"]), (200, &json!("AB"), &json!(true)));
        assert_eq!(told.is_some(), path == "/api/generate", "the template is ignored, and its client told so");
    }
    let endpoints: Vec<Endpoint> = fake.records.counts().iter().map(|count| count.endpoint).collect();
    assert_eq!(endpoints, [Endpoint::Chat, Endpoint::Completions]);
}

/// Whoever reads an answer of a model that runs on the CPU for want of memory would take it for the usual one.
#[tokio::test]
async fn every_answer_says_how_its_model_is_loaded() {
    let worker = worker();
    let grant = || Script::Grant(worker.address.clone(), alive(), Engine::Worker);
    let fake = start([grant(), grant(), grant(), grant(), grant()]);
    let offloaded =
        Shape { mode: Some(Mode::CpuOffload), gpu_layers: Some(20), mode_reason: Some("VRAM ran out".into()) };
    let vectors = ServerKey { purpose: Purpose::Vectors, ..view("a", Phase::Ready).key };
    fake.shows([
        ServerView { shape: offloaded.clone(), ..view("a", Phase::Ready) },
        ServerView { key: vectors, shape: offloaded, ..view("a", Phase::Ready) },
    ]);
    for (path, is_stream) in [("/api/chat", true), ("/api/chat", false), ("/api/generate", false)] {
        let (parts, response) = stream();
        worker.answers.send(response).unwrap();
        let body =
            json!({"model": "Chat", "prompt": "hi", "raw": true, "messages": chat()["messages"], "stream": is_stream});
        let send = async {
            parts.send(END).await.unwrap();
            drop(parts);
        };
        let (answer, ()) = tokio::join!(fake.post(path, &[], body), send);
        assert_eq!(answer.headers()["x-modelctl-mode"], "cpu_offload; layers=20; reason=\"VRAM ran out\"", "{path}");
    }
    for path in ["/api/embed", "/api/embeddings"] {
        let vectors = json!({"data": [{"index": 0, "embedding": [1.0]}], "usage": {"prompt_tokens": 1}});
        worker.answers.send(axum::Json(vectors).into_response()).unwrap();
        let answer = fake.post(path, &[], json!({"model": "Chat", "input": "a", "prompt": "a"})).await;
        assert_eq!(
            answer.headers()["x-modelctl-mode"].to_str().unwrap().split(';').next(),
            Some("cpu_offload"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_error_is_a_text_with_ollamas_status() {
    let full = || Script::Deny(denial(Why::QueueFull, Some(Duration::from_secs(3))));
    let fake = start([full()]);
    let post = async |path: &str, body: Value| document(fake.post(path, &[], body).await).await;
    for path in ["/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/show"] {
        let (status, body) = post(path, json!({"model": "x"})).await;
        assert_eq!((status, body), (404, json!({"error": "model 'x' not found"})), "{path}");
    }
    let (status, body) = post("/api/chat", json!({"model": "Off"})).await;
    assert!(status == 404 && body["error"].as_str().unwrap().contains("is disabled"), "{body}");
    let (status, body) = post("/api/chat", json!({"model": "Lost"})).await;
    assert!(status == 404 && body["error"].as_str().unwrap().contains("the model file is missing: "), "{body}");
    for (path, wrong) in [
        ("/api/chat", json!({"messages": []})),
        ("/api/chat", json!({"model": "twin"})),
        ("/api/chat", json!({"model": "Chat", "keep_alive": "soon"})),
        ("/api/chat", json!({"model": "Vectors", "messages": [{"role": "user", "content": "x"}]})),
        ("/api/chat", json!({"model": "Chat", "messages": 5})),
        // These are found out before the model is asked for.
        ("/api/chat", json!({"model": "Chat", "messages": [{"content": "x"}]})),
        ("/api/chat", json!({"model": "Chat", "messages": [{"role": "user", "content": 5}]})),
        ("/api/generate", json!({"model": "Chat", "prompt": "a", "options": {"temperature": "hot"}})),
        ("/api/generate", json!({"model": "Chat", "prompt": "a", "raw": true, "options": {"top_k": "x"}})),
        ("/api/embed", json!({"model": "Chat", "input": 5})),
        ("/api/generate", json!({"model": "Chat", "prompt": "a", "suffix": "b"})),
    ] {
        let (status, body) = post(path, wrong.clone()).await;
        assert!(status == 400 && body["error"].is_string(), "{wrong}: {status} {body}");
    }
    let answer = fake.post("/api/chat", &[], chat()).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"3".parse().unwrap()));
    assert!(document(answer).await.1["error"].as_str().unwrap().starts_with("server busy, please try again."));
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_is_told_in_a_line_of_its_own() {
    let worker = worker();
    let (die, death) = watch::channel(None);
    let fake = start([Script::Grant(worker.address.clone(), death, Engine::Worker)]);
    let (parts, response) = stream();
    worker.answers.send(response).unwrap();
    parts.send("data: {\"choices\":[{\"delta\":{\"content\":\"A\"}}]}\n\n").await.unwrap();
    let mut answer = fake.post("/api/chat", &[], chat()).await;
    assert!(next(answer.body_mut()).await.is_some());
    parts.send("BREAK").await.unwrap();
    die.send_replace(Some(denial(Why::Died, None)));
    let rest = whole(answer).await;
    assert_eq!(rest, "{\"error\":\"because\"}\n", "clients raise at a line with an error");
}

#[tokio::test]
async fn keep_alive_is_a_wish_with_a_limit_and_an_empty_request_loads() {
    let worker = worker();
    let grant = || Script::Grant(worker.address.clone(), alive(), Engine::Worker);
    let fake = start([grant(), grant(), grant(), grant()]);
    for (path, keep, granted) in [
        ("/api/generate", json!(-1), "keep a00000000000 1800s"),
        ("/api/chat", json!("5m"), "keep a00000000000 300s"),
        ("/api/generate", json!("24h"), "keep a00000000000 1800s"),
    ] {
        let answer = fake.post(path, &[], json!({"model": "Chat", "keep_alive": keep})).await;
        let (status, body) = document(answer).await;
        assert_eq!((status, &body["done"], &body["done_reason"]), (200, &json!(true), &json!("load")));
        assert_eq!(fake.told.lock().unwrap().pop().as_deref(), Some(granted));
    }
    let (status, body) = document(fake.post("/api/chat", &[], json!({"model": "Chat", "messages": []})).await).await;
    assert_eq!((status, &body["message"]["content"]), (200, &json!("")));
    assert!(fake.told.lock().unwrap().is_empty(), "no wish is no wish");
}

#[tokio::test]
async fn an_unload_is_answered_when_the_model_is_gone_and_does_not_load_one_that_is_not_there() {
    let fake = start([]);
    let unload =
        || fake.post("/api/generate", &[], json!({"model": "org/alias:latest", "prompt": "", "keep_alive": 0}));
    let (status, body) = document(unload().await).await;
    assert_eq!((status, &body["done_reason"]), (200, &json!("unload")));
    fake.shows([view("a", Phase::Ready)]);
    let gone = async {
        fake.until_told(4).await;
        fake.shows([view("a", Phase::Stopped)]);
    };
    let (answer, ()) = tokio::join!(unload(), gone);
    assert_eq!(answer.status(), 200);
    let told = fake.told.lock().unwrap().clone();
    assert_eq!(told[2..], ["keep a00000000000 0ns", "keep a00000000000 (vectors) 0ns"]);
    // One that answers somebody is unloaded after that, which is not waited for.
    fake.shows([ServerView { in_flight: 1, ..view("a", Phase::Ready) }]);
    assert_eq!(unload().await.status(), 200);
    assert!(fake.asks.lock().unwrap().is_empty());
}

#[tokio::test]
async fn vectors_of_a_list_and_of_a_text_and_of_nothing() {
    let mut worker = worker();
    let grant = || Script::Grant(worker.address.clone(), alive(), Engine::Worker);
    let fake = start([grant(), grant(), grant()]);
    let reply = r#"{"data":[{"index":0,"embedding":[0.6,-0.8]}],"usage":{"prompt_tokens":3}}"#;
    worker.answers.send(reply.into_response()).unwrap();
    let asked = json!({"model": "Vectors", "input": ["a"], "truncate": true, "options": {}, "keep_alive": "1m"});
    let (status, body) = document(fake.post("/api/embed", &[], asked).await).await;
    assert_eq!((status, &body["embeddings"], &body["model"]), (200, &json!([[0.6, -0.8]]), &json!("Vectors")));
    assert_eq!(worker.requests.recv().await.unwrap().1["encoding_format"], "float");
    worker.answers.send(reply.into_response()).unwrap();
    let (_, body) = document(fake.post("/api/embeddings", &[], json!({"model": "Chat", "prompt": "a"})).await).await;
    assert_eq!(body, json!({"embedding": [0.6, -0.8]}));
    let (_, body) = document(fake.post("/api/embed", &[], json!({"model": "Vectors"})).await).await;
    assert_eq!(body["embeddings"], json!([]));
    let purposes: Vec<Purpose> = fake.asks.lock().unwrap().iter().map(|ask| ask.key.purpose).collect();
    assert_eq!(purposes, [Purpose::Main, Purpose::Vectors, Purpose::Main]);
}

#[tokio::test]
async fn the_lists_have_what_clients_read() {
    let fake = start([]);
    let (status, tags) = fake.get("/api/tags").await;
    let names: Vec<&str> = tags["models"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    let expected = ["org/alias:latest", "Vectors:latest", "d00000000000:latest", "e00000000000:latest"];
    assert_eq!((status, names.as_slice()), (200, &expected[..]));
    assert_eq!(fake.get("/api/ps").await.1, json!({"models": []}));
    let held = |device: &str, bytes| DeviceBytes { device: device.into(), bytes };
    let mut main = view("a", Phase::Ready);
    (main.reserved, main.expires) = (vec![held("CPU", 10), held("CUDA0", 90)], Some(Duration::from_secs(60)));
    let mut vectors = view("a", Phase::Ready);
    (vectors.key.purpose, vectors.reserved) = (Purpose::Vectors, vec![held("CPU", 5)]);
    let other = ServerView { reserved: vec![held("CPU", 7)], expires: Some(Duration::ZERO), ..view("b", Phase::Ready) };
    fake.shows([other, main, vectors, view("d", Phase::Starting { progress: 0.1 })]);
    let (_, ps) = fake.get("/api/ps").await;
    let models = ps["models"].as_array().unwrap();
    assert_eq!(
        (models.len(), &models[0]["name"], &models[1]["name"]),
        (2, &json!("org/alias:latest"), &json!("Vectors:latest"))
    );
    assert_eq!((&models[0]["size"], &models[0]["size_vram"]), (&json!(105), &json!(90)));
    assert_eq!(models[0]["context_length"], 512);
    assert!(models[0]["expires_at"].as_str() > models[1]["expires_at"].as_str(), "longest first");
}

#[tokio::test]
async fn what_is_not_done_here_says_where_it_is_and_a_model_that_is_here_is_pulled_already() {
    let fake = start([]);
    let pull = async |body: Value| {
        let answer = fake.post("/api/pull", &[], body).await;
        (answer.status().as_u16(), whole(answer).await)
    };
    let lines = "{\"status\":\"pulling manifest\"}\n{\"status\":\"success\"}\n";
    assert_eq!(pull(json!({"model": "Chat"})).await, (200, lines.to_owned()));
    assert_eq!(pull(json!({"name": "Chat", "stream": false})).await, (200, "{\"status\":\"success\"}".to_owned()));
    let (status, body) = pull(json!({"model": "x"})).await;
    assert!(status == 501 && body.contains("model 'x' not found: ") && body.contains("modelctl scan"), "{body}");
    for (path, way) in
        [("copy", "--alias"), ("delete", "modelctl prune"), ("create", "modelctl scan"), ("push", "does not publish")]
    {
        let (status, body) = document(fake.post(&format!("/api/{path}"), &[], json!({})).await).await;
        assert!(status == 501 && body["error"].as_str().unwrap().contains(way), "{path}: {body}");
    }
    assert_eq!(fake.get("/api/version").await.1, json!({"version": "0.32.7"}));
    let root = http::fetch(http::Request::get(fake.address.clone(), "/"), Duration::from_secs(20)).await.unwrap();
    assert_eq!((root.status, root.body.as_ref()), (200, b"Ollama is running".as_slice()));
}

/// As for OpenAI's clients: a server that sends what is no answer and then hangs must not keep its slot.
#[tokio::test]
async fn what_a_server_sends_that_is_no_answer_ends_the_reply_and_frees_the_slot() {
    let worker = worker();
    for engine in [Engine::Worker, Engine::LlamaServer] {
        let grant = || Script::Grant(worker.address.clone(), alive(), engine);
        let mut fake = start([grant(), grant(), grant()]);
        for (number, is_stream) in [true, false].into_iter().enumerate() {
            let (parts, response) = stream();
            worker.answers.send(response).unwrap();
            let send = async {
                parts.send("data: {\"choices\":[{\"delta\":{\"content\":\"A\"}}]}\n\n").await.unwrap();
                parts.send("data: {\"choices\":[{\n\n").await.unwrap();
                soon(parts.closed()).await;
            };
            let mut body = chat();
            body["stream"] = is_stream.into();
            let read = async {
                let answer = fake.post("/api/chat", &[], body).await;
                (answer.status().as_u16(), whole(answer).await)
            };
            let ((status, text), ()) = tokio::join!(read, send);
            let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
            assert!(last["error"].is_string(), "{engine:?}: {text}");
            assert_eq!(status, if is_stream { 200 } else { 500 });
            fake.until_left(number + 1).await;
        }
        let (parts, response) = stream();
        worker.answers.send(response).unwrap();
        let send = async {
            parts.send(END).await.unwrap();
            drop(parts);
        };
        let (answer, ()) = tokio::join!(fake.post("/api/chat", &[], chat()), send);
        assert!(whole(answer).await.contains(r#""done":true"#), "the next request is answered");
    }
}

const TOO_LONG: &str = r#"{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}"#;

/// A client that sends a larger `num_ctx` with everything would have its model loaded again and again.
#[tokio::test]
async fn a_larger_context_loads_a_model_again_only_for_a_prompt_that_does_not_fit_and_only_where_it_may() {
    let worker = worker();
    let grant = || Script::Grant(worker.address.clone(), alive(), Engine::Worker);
    let serve = |config: &'static str| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, config).unwrap();
        let flags = crate::config::Flags { config: Some(file), ..Default::default() };
        let config = crate::config::Config::load(&flags, &crate::config::Env::from_pairs(&[])).unwrap();
        Fake::serving([grant(), grant(), grant()], Caller::default(), |gateway| {
            let sessions = Sessions::new(gateway.config.clone());
            let config = watch::channel(Arc::new(config)).1;
            routes(Arc::new(Ollama::new(Arc::new(Gateway { config, ..Gateway::clone(&gateway) }), sessions)))
        })
    };
    let (too_long, fits) = (|| (StatusCode::BAD_REQUEST, TOO_LONG).into_response(), || END.into_response());
    let answers = |all: Vec<Response>| all.into_iter().for_each(|answer| worker.answers.send(answer).unwrap());
    let asking = |context: u32| {
        let mut body = chat();
        (body["stream"], body["options"]) = (false.into(), json!({"num_ctx": context}));
        body
    };
    let grows = serve("[ollama]\nnum_ctx = \"grow\"\n");
    answers(vec![fits(), too_long(), fits()]);
    assert_eq!(grows.post("/api/chat", &[], asking(8_192)).await.status(), 200);
    assert!(grows.told.lock().unwrap().is_empty(), "the prompt fits");
    assert_eq!(grows.post("/api/chat", &[], asking(8_192)).await.status(), 200, "asked again, with room");
    assert_eq!(*grows.told.lock().unwrap(), ["context a00000000000 Some(8192)"]);

    let grows = serve("[ollama]\nnum_ctx = \"grow\"\n");
    answers(vec![too_long(), too_long(), too_long()]);
    assert_eq!(grows.post("/api/chat", &[], asking(4_096)).await.status(), 400);
    assert!(grows.told.lock().unwrap().is_empty(), "no larger context is asked for");
    assert_eq!(grows.post("/api/chat", &[], asking(8_192)).await.status(), 400, "it does not fit there either");
    assert_eq!(grows.told.lock().unwrap().len(), 1, "a request loads a model once more, not twice");

    let ignores = serve("");
    answers(vec![too_long()]);
    assert_eq!(ignores.post("/api/chat", &[], asking(8_192)).await.status(), 400);
    assert!(ignores.told.lock().unwrap().is_empty());
}

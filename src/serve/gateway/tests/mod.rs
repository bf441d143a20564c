pub mod fake;
mod passed;

use super::*;
use crate::clock;
use crate::http::{self, Endpoint as Address};
use crate::lifecycle::{Phase, Why};
use crate::model::ModelId;
use crate::model::server::Engine;
use axum::routing::get;
use fake::{Fake, LIMIT, Script, alive, denial, listen, next, soon, stream, view, whole, worker};
use serde_json::{Value, json};
use tokio::sync::oneshot;

fn chat(stream: bool) -> Value {
    json!({"model": "Chat:latest", "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
}

#[tokio::test]
async fn a_request_reaches_the_server_of_its_model_and_the_bytes_of_the_answer_its_client() {
    let mut worker = worker();
    let mut fake = Fake::start([Script::Grant(worker.address.clone(), alive(), Engine::Worker)]);
    worker.answers.send(r#"{"any": "bytes",  "usage":{"completion_tokens":3}}"#.into_response()).unwrap();
    let answer = fake.post("/v1/chat/completions", &[("authorization", "Bearer secret")], chat(false)).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(whole(answer).await, r#"{"any": "bytes",  "usage":{"completion_tokens":3}}"#);
    let (headers, body) = worker.requests.recv().await.unwrap();
    assert_eq!(body, chat(false));
    assert_eq!(headers["x-modelctl-model"], "Chat%3Alatest", "the answer carries the asked name");
    assert!(!headers.contains_key("authorization"), "a key reached the server of a model");
    let ask = fake.asks.lock().unwrap()[0].clone();
    assert_eq!((ask.key, ask.is_retry), (ServerKey::main(ModelId("a00000000000".into())), false));
    fake.until_left(1).await;
    let counts = fake.records.counts();
    assert_eq!((counts[0].model.as_str(), counts[0].status, counts[0].count), ("org/alias", 200, 1));
}

#[tokio::test]
async fn each_part_of_a_stream_reaches_the_client_before_the_next_one_is_there() {
    let worker = worker();
    let mut fake = Fake::start([Script::Grant(worker.address.clone(), alive(), Engine::Worker)]);
    let (parts, response) = stream();
    worker.answers.send(response).unwrap();
    parts.send("data: 1\n\n").await.unwrap();
    let mut answer = fake.post("/chat/completions", &[], chat(true)).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(next(answer.body_mut()).await.unwrap(), "data: 1\n\n");
    parts.send("data: 2\n\n").await.unwrap();
    assert_eq!(next(answer.body_mut()).await.unwrap(), "data: 2\n\n");
    assert_eq!(*fake.left.borrow(), 0, "the slot is held while the answer runs");
    parts.send("data: [DONE]\n\n").await.unwrap();
    drop(parts);
    assert_eq!(next(answer.body_mut()).await.unwrap(), "data: [DONE]\n\n");
    assert_eq!(next(answer.body_mut()).await, None);
    fake.until_left(1).await;
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_slot_and_ends_the_generation() {
    let worker = worker();
    let mut fake = Fake::start([Script::Grant(worker.address.clone(), alive(), Engine::Worker)]);
    let (parts, response) = stream();
    worker.answers.send(response).unwrap();
    parts.send("data: 1\n\n").await.unwrap();
    let mut answer = fake.post("/v1/chat/completions", &[], chat(true)).await;
    assert!(next(answer.body_mut()).await.is_some());
    drop(answer);
    fake.until_left(1).await;
    soon(parts.closed()).await;
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_leaves_the_queue() {
    let (_hold, later) = oneshot::channel();
    let mut fake = Fake::start([Script::Later(later)]);
    let asks = Arc::clone(&fake.asks);
    let post = fake.post("/v1/chat/completions", &[], chat(false));
    let asked = async {
        while asks.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = post => panic!("there is no server"),
        () = soon(asked) => {}
    }
    fake.until_left(1).await;
}

#[tokio::test]
async fn a_denied_request_learns_the_reason_and_whether_to_try_again() {
    let fake = Fake::start([
        Script::Deny(denial(Why::QueueFull, Some(Duration::from_secs(3)))),
        Script::Deny(denial(Why::NoMemory, None)),
    ]);
    let answer = fake.post("/v1/chat/completions", &[], chat(false)).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"3".parse().unwrap()));
    let body: Value = serde_json::from_str(&whole(answer).await).unwrap();
    assert_eq!(body["error"]["code"], "rate_limit_exceeded");
    // A stream that is denied at once is an ordinary error as well.
    let answer = fake.post("/v1/chat/completions", &[], chat(true)).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["x-should-retry"]), (503, &"false".parse().unwrap()));
}

#[tokio::test]
async fn a_request_whose_server_dies_before_its_first_byte_is_answered_by_a_new_one() {
    let worker = worker();
    let gone = || Address::Unix("/nowhere/at/all".into());
    let dead = || watch::channel(Some(denial(Why::Died, None))).1;
    let fake = Fake::start([
        Script::Grant(gone(), dead(), Engine::Worker),
        Script::Grant(worker.address.clone(), alive(), Engine::Worker),
        Script::Grant(gone(), dead(), Engine::Worker),
        Script::Grant(gone(), dead(), Engine::Worker),
    ]);
    worker.answers.send("{}".into_response()).unwrap();
    assert_eq!(whole(fake.post("/v1/chat/completions", &[], chat(false)).await).await, "{}");
    let retries: Vec<bool> = fake.asks.lock().unwrap().iter().map(|ask| ask.is_retry).collect();
    assert_eq!(retries, [false, true]);
    // A request that kills two servers is not given a third.
    let answer = fake.post("/v1/chat/completions", &[], chat(false)).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["x-should-retry"]), (502, &"false".parse().unwrap()));
    assert_eq!(fake.asks.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_stream_whose_server_dies_ends_with_an_error_and_without_done() {
    let worker = worker();
    let (die, death) = watch::channel(None);
    let fake = Fake::start([Script::Grant(worker.address.clone(), death, Engine::Worker)]);
    let (parts, response) = stream();
    worker.answers.send(response).unwrap();
    parts.send("data: 1\n\n").await.unwrap();
    let mut answer = fake.post("/v1/chat/completions", &[], chat(true)).await;
    assert!(next(answer.body_mut()).await.is_some());
    parts.send("BREAK").await.unwrap();
    die.send_replace(Some(denial(Why::Died, Some(Duration::from_secs(5)))));
    let rest = whole(answer).await;
    assert!(rest.starts_with(r#"data: {"error":{"message":"because""#) && rest.ends_with("}\n\n"), "{rest}");
}

const OPENING: &str =
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";

/// A client that has only the role has nothing yet: it need not hear of the death.
#[tokio::test]
async fn a_stream_whose_server_dies_after_its_opening_is_answered_by_a_new_one() {
    let (first, second) = (worker(), worker());
    let (die, death) = watch::channel(None);
    let fake = Fake::start([
        Script::Grant(first.address.clone(), death, Engine::Worker),
        Script::Grant(second.address.clone(), alive(), Engine::Worker),
    ]);
    let (parts, response) = stream();
    first.answers.send(response).unwrap();
    let (again, response) = stream();
    second.answers.send(response).unwrap();
    let servers = async {
        parts.send(OPENING).await.unwrap();
        parts.send("BREAK").await.unwrap();
        die.send_replace(Some(denial(Why::Died, Some(Duration::from_secs(5)))));
        for part in [OPENING, "data: 1\n\n"] {
            again.send(part).await.unwrap();
        }
        drop(again);
    };
    let (answer, ()) = tokio::join!(fake.post("/v1/chat/completions", &[], chat(true)), servers);
    assert_eq!(whole(answer).await, format!("{OPENING}data: 1\n\n"));
    let retries: Vec<bool> = fake.asks.lock().unwrap().iter().map(|ask| ask.is_retry).collect();
    assert_eq!(retries, [false, true]);
}

/// A server that is killed because it hangs may keep its socket open for a moment.
#[tokio::test]
async fn a_client_is_told_at_once_when_its_server_has_ended_although_the_connection_is_open() {
    let worker = worker();
    let (die, death) = watch::channel(None);
    let fake = Fake::start([Script::Grant(worker.address.clone(), death, Engine::Worker)]);
    let (parts, response) = stream();
    worker.answers.send(response).unwrap();
    parts.send("data: 1\n\n").await.unwrap();
    let mut answer = fake.post("/v1/chat/completions", &[], chat(true)).await;
    assert!(next(answer.body_mut()).await.is_some());
    die.send_replace(Some(denial(Why::Died, None)));
    let began = clock::instant();
    assert!(whole(answer).await.contains("error"));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_stream_that_waits_begins_with_comments_and_its_late_error_is_an_event() {
    let (hold, later) = oneshot::channel();
    let (again, later_too) = oneshot::channel();
    let worker = worker();
    let fake = Fake::start([Script::Later(later), Script::Later(later_too)]);
    let loading = view("a", Phase::Starting { progress: 0.4 });
    fake.shows([loading]);
    let mut answer = fake.post("/v1/chat/completions", &[], chat(true)).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    assert_eq!(next(answer.body_mut()).await.unwrap(), ": loading 40 %\n\n");
    let (parts, response) = stream();
    worker.answers.send(response).unwrap();
    parts.send("data: 1\n\n").await.unwrap();
    assert!(hold.send(Script::Grant(worker.address.clone(), alive(), Engine::Worker)).is_ok());
    assert_eq!(next(answer.body_mut()).await.unwrap(), "data: 1\n\n");
    drop(parts);
    let mut answer = fake.post("/v1/chat/completions", &[], chat(true)).await;
    assert!(next(answer.body_mut()).await.unwrap().starts_with(": "));
    assert!(again.send(Script::Deny(denial(Why::Unready, Some(Duration::from_secs(9))))).is_ok());
    let rest = whole(answer).await;
    assert!(rest.contains(r#""code":"model_loading""#) && !rest.contains("[DONE]"), "{rest}");
}

#[tokio::test]
async fn a_name_that_leads_to_no_model_to_several_or_to_a_disabled_one_is_told_so() {
    let fake = Fake::start([]);
    let ask = async |model: &str| {
        let answer = fake.post("/v1/chat/completions", &[], json!({"model": model})).await;
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_str(&whole(answer).await).unwrap();
        (status, body["error"].clone())
    };
    let (status, error) = ask("nothing").await;
    assert_eq!((status, &error["code"], &error["param"]), (404, &json!("model_not_found"), &json!("model")));
    let (status, error) = ask("twin").await;
    assert_eq!((status, &error["models"]), (400, &json!(["d00000000000", "e00000000000"])));
    let (status, error) = ask("Off").await;
    assert!(status == 404 && error["message"].as_str().unwrap().contains("is disabled"), "{error}");
    let (status, error) = ask("Lost").await;
    let message = error["message"].as_str().unwrap();
    assert!(
        status == 404 && message.ends_with("the model file is missing: /models/Lost.gguf"),
        "as a start says: {error}"
    );
    let (status, error) = ask("Vectors").await;
    assert!(status == 400 && error["message"].as_str().unwrap().contains("does not generate text"), "{error}");
    assert_eq!(ask(&"x".repeat(600)).await.0, 400);
    assert!(fake.asks.lock().unwrap().is_empty());
}

/// A typing error would evict the models of others.
#[tokio::test]
async fn a_request_that_no_server_answers_asks_for_none() {
    let fake = Fake::start([Script::Deny(denial(Why::Failed, None))]);
    let long = "x".repeat(200_000);
    for (path, body, words) in [
        ("/v1/chat/completions", json!({"model": "Chat"}), "`messages` is missing"),
        ("/v1/chat/completions", json!({"model": "Chat", "messages": 7, "stream": true}), "`messages`"),
        ("/chat/completions", json!({"model": "Chat", "messages": [long]}), "must be an object"),
        ("/v1/completions", json!({"model": "Chat", "prompt": "x", "echo": true}), "`echo` is not served"),
        ("/v1/embeddings", json!({"model": "Chat"}), "`input`"),
    ] {
        let answer = fake.post(path, &[], body).await;
        assert_eq!(answer.status(), 400, "{path}");
        let body: Value = serde_json::from_str(&whole(answer).await).unwrap();
        assert_eq!(body["error"]["type"], "invalid_request_error");
        assert!(body["error"]["message"].as_str().unwrap().contains(words), "{path}: {body}");
    }
    assert!(fake.asks.lock().unwrap().is_empty());
    // A llama-server that runs has more than our worker.
    fake.shows_of(Engine::LlamaServer, [view("a", Phase::Ready)]);
    let mut tools = chat(false);
    tools["tools"] = json!([{"type": "function"}]);
    assert_eq!(fake.post("/v1/chat/completions", &[], tools).await.status(), 503);
    assert_eq!(fake.asks.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn vectors_of_a_model_that_generates_come_from_a_server_of_their_own() {
    let deny = || Script::Deny(denial(Why::Failed, None));
    let fake = Fake::start([deny(), deny()]);
    for model in ["Chat", "Vectors"] {
        fake.post("/v1/embeddings", &[], json!({"model": model, "input": "x"})).await;
    }
    let purposes: Vec<Purpose> = fake.asks.lock().unwrap().iter().map(|ask| ask.key.purpose).collect();
    assert_eq!(purposes, [Purpose::Vectors, Purpose::Main]);
}

#[tokio::test]
async fn the_class_of_a_key_is_before_that_of_a_header_and_both_before_that_of_the_model() {
    let deny = || Script::Deny(denial(Why::Failed, None));
    let header = [(PRIORITY_HEADER, "interactive")];
    let fake = Fake::start([deny(), deny()]);
    fake.post("/v1/chat/completions", &[], chat(false)).await;
    fake.post("/v1/chat/completions", &header, chat(false)).await;
    assert_eq!(fake.post("/v1/chat/completions", &[(PRIORITY_HEADER, "x")], chat(false)).await.status(), 400);
    let classes = |fake: &Fake| fake.asks.lock().unwrap().iter().map(|ask| ask.class).collect::<Vec<_>>();
    assert_eq!(classes(&fake), [Class::Normal, Class::Interactive]);
    let caller = Caller { name: "cron".into(), class: Some(Class::Batch), ..Caller::default() };
    let keyed = Fake::with_caller([deny()], caller);
    keyed.post("/v1/chat/completions", &header, chat(false)).await;
    assert_eq!(classes(&keyed), [Class::Batch]);
}

#[tokio::test]
async fn the_list_of_models_has_what_clients_read_and_each_of_it_can_be_asked_for() {
    let fake = Fake::start([]);
    let (status, list) = fake.get("/v1/models").await;
    let ids: Vec<&str> = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!((status, ids.as_slice()), (200, &["org/alias", "Vectors", "d00000000000", "e00000000000"][..]));
    let first = &list["data"][0];
    assert_eq!((&first["object"], &first["owned_by"]), (&json!("model"), &json!("modelctl")));
    assert_eq!(first["created"], 1_700_000_000);
    assert_eq!((&first["meta"]["n_ctx"], &first["meta"]["n_ctx_train"]), (&json!(8192), &json!(8192)));
    assert_eq!((&first["status"]["value"], &first["capabilities"][0]), (&json!("unloaded"), &json!("completion")));
    for id in ids {
        let (status, model) = fake.get(&format!("/models/{id}")).await;
        assert_eq!((status, model["id"].as_str()), (200, Some(id)));
    }
    assert_eq!(fake.get("/v1/models/org%2Falias").await.1["id"], "org/alias", "as OpenAI's package writes it");
    assert_eq!(fake.get("/v1/models/none/such").await.1["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn what_llama_server_streams_is_rewritten() {
    let worker = worker();
    let fake = Fake::start([
        Script::Grant(worker.address.clone(), alive(), Engine::LlamaServer),
        Script::Grant(worker.address.clone(), alive(), Engine::LlamaServer),
    ]);
    let (parts, response) = stream();
    worker.answers.send(response).unwrap();
    let first =
        r#"data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"A"},"finish_reason":"stop"}]}"#;
    parts.send(first).await.unwrap();
    let more = async {
        parts.send("\n\n").await.unwrap();
        parts.send("data: [DONE]\n\n").await.unwrap();
        drop(parts);
    };
    let (answer, ()) = tokio::join!(fake.post("/v1/chat/completions", &[], chat(true)), more);
    let text = whole(answer).await;
    assert_eq!(text.matches("\"model\":\"Chat:latest\"").count(), 3, "{text}");
    assert!(text.ends_with("data: [DONE]\n\n"));
    worker.answers.send(r#"{"model":"x"}"#.into_response()).unwrap();
    assert_eq!(whole(fake.post("/v1/chat/completions", &[], chat(false)).await).await, r#"{"model":"Chat:latest"}"#);
}

/// A program that gets an empty or a broken text with status 200 takes it for the answer.
#[tokio::test]
async fn a_whole_answer_that_cannot_be_read_is_an_error() {
    let worker = worker();
    for garbage in ["", "<html>busy</html>", "{\"choices\":[{"] {
        let fake = Fake::start([Script::Grant(worker.address.clone(), alive(), Engine::LlamaServer)]);
        worker.answers.send(garbage.into_response()).unwrap();
        let answer = fake.post("/v1/chat/completions", &[], chat(false)).await;
        assert_eq!(answer.status(), 502, "{garbage}");
        let body: Value = serde_json::from_str(&whole(answer).await).unwrap();
        assert_eq!(body["error"]["code"], "bad_answer", "{garbage}: {body}");
    }
}

/// A client that cannot read the error shows its user an empty message, or its own parse error.
#[tokio::test]
async fn a_path_that_leads_nowhere_is_an_error_in_the_shape_of_its_api() {
    let nothing = || get(|| async {});
    let router = Router::new().route("/a", nothing()).route("/api/version", nothing());
    let (address, _dir) = listen(router.fallback(no_route).method_not_allowed_fallback(wrong_method));
    let ask = async |path: &str| {
        let answer = http::fetch(http::Request::post(address.clone(), path, "{}"), LIMIT).await.unwrap();
        (answer.status, serde_json::from_slice::<Value>(&answer.body).unwrap()["error"].take())
    };
    for (path, status, code) in [("/v1/none", 404, "unknown_url"), ("/a", 405, "method_not_supported")] {
        let (answered, error) = ask(path).await;
        assert_eq!((answered, &error["type"], &error["code"]), (status, &json!("invalid_request_error"), &json!(code)));
    }
    for (path, status) in [("/api/none", 404), ("/api/version", 405)] {
        let (answered, error) = ask(path).await;
        assert!(answered == status && error.as_str().is_some_and(|text| text.contains(path)), "{path}: {error}");
    }
}

#[tokio::test]
async fn an_error_of_a_server_is_openais() {
    let worker = worker();
    let fake = Fake::start([Script::Grant(worker.address.clone(), alive(), Engine::Worker)]);
    let body = r#"{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}"#;
    worker.answers.send((axum::http::StatusCode::BAD_REQUEST, body).into_response()).unwrap();
    let answer = fake.post("/v1/chat/completions", &[], chat(true)).await;
    assert_eq!(answer.status(), 400);
    let body: Value = serde_json::from_str(&whole(answer).await).unwrap();
    assert_eq!(body["error"]["code"], "context_length_exceeded");
}

/// A slot that stayed taken would leave the model without an answer for everybody, with a server that looks healthy.
#[tokio::test]
async fn what_a_server_sends_that_cannot_be_read_ends_the_stream_and_frees_the_slot() {
    let worker = worker();
    let grant = || Script::Grant(worker.address.clone(), alive(), Engine::LlamaServer);
    let mut fake = Fake::start([grant(), grant(), grant(), grant()]);
    let whole_event = "data: {\"choices\":[{\"delta\":{\"content\":\"A\"}}]}\n\n";
    for (number, garbage) in ["data: {\"choices\":[{\n\n", "data: <html>\n\n", "data: [1]\n\n"].into_iter().enumerate()
    {
        // The server does not end: it waits for ever.
        let (parts, response) = stream();
        worker.answers.send(response).unwrap();
        parts.send(whole_event).await.unwrap();
        let mut answer = fake.post("/v1/chat/completions", &[], chat(true)).await;
        assert!(next(answer.body_mut()).await.unwrap().contains("\"role\""));
        parts.send(garbage).await.unwrap();
        let rest = whole(answer).await;
        assert!(rest.starts_with("data: {\"error\":") && !rest.contains("[DONE]"), "{garbage}: {rest}");
        fake.until_left(number + 1).await;
        soon(parts.closed()).await;
    }
    let (parts, response) = stream();
    worker.answers.send(response).unwrap();
    let send = async {
        parts.send(whole_event).await.unwrap();
        parts.send("data: [DONE]\n\n").await.unwrap();
        drop(parts);
    };
    let (answer, ()) = tokio::join!(fake.post("/v1/chat/completions", &[], chat(true)), send);
    assert!(whole(answer).await.ends_with("data: [DONE]\n\n"), "the next request is answered");
    fake.until_left(4).await;
    let mut statuses: Vec<(u16, u64)> = fake.records.counts().iter().map(|of| (of.status, of.count)).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [(200, 1), (500, 3)]);
}

/// A client would take the half for the whole.
#[tokio::test]
async fn an_answer_that_stops_without_its_end_is_an_error() {
    let worker = worker();
    let fake = Fake::start([Script::Grant(worker.address.clone(), alive(), Engine::LlamaServer)]);
    let (parts, response) = stream();
    worker.answers.send(response).unwrap();
    let send = async {
        parts.send("data: {\"choices\":[{\"delta\":{\"content\":\"A\"}}]}\n\n").await.unwrap();
        drop(parts);
    };
    let (answer, ()) = tokio::join!(fake.post("/v1/chat/completions", &[], chat(true)), send);
    let text = whole(answer).await;
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.contains("ended its answer too early") && !text.contains("[DONE]"), "{text}");
}

/// A client would take the figures of the first prompt for those of all, or fail at a list where it expects an answer.
#[tokio::test]
async fn several_prompts_go_to_a_worker_of_ours_and_are_refused_for_a_llama_server() {
    let mut worker = worker();
    let grant = |engine| Script::Grant(worker.address.clone(), alive(), engine);
    let mut fake = Fake::start([grant(Engine::LlamaServer), grant(Engine::LlamaServer), grant(Engine::Worker)]);
    let body = |prompt: Value| json!({"model": "Chat", "prompt": prompt});
    let answer = fake.post("/v1/completions", &[], body(json!(["a", "b"]))).await;
    assert_eq!(answer.status(), 400);
    let error: Value = serde_json::from_str(&whole(answer).await).unwrap();
    assert_eq!(error["error"]["param"], "prompt", "{error}");
    fake.until_left(1).await;
    for prompt in [json!(["a"]), json!(["a", "b"])] {
        worker.answers.send("{}".into_response()).unwrap();
        assert_eq!(fake.post("/v1/completions", &[], body(prompt.clone())).await.status(), 200);
        assert_eq!(worker.requests.recv().await.unwrap().1["prompt"], prompt);
    }
}

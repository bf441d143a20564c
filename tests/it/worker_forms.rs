//! Answers by a schema or a grammar, from a real model: JSON that fits, refusals that say why, and what is forced.

use crate::fixtures::{engine_turn, gemma, smollm2};
use crate::worker_http::{Running, ready_with};
use modelctl::engine::{Finish, LoadSpec, Message};
use modelctl::supervise::StopSignal;
use modelctl::worker::{ChatRequest, Completion, StartSpec, Worker, WorkerError};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

fn start(model: &Path, dir: &Path, change: impl FnOnce(&mut LoadSpec)) -> Worker {
    let mut load = LoadSpec::new(model);
    load.context = 1_024;
    change(&mut load);
    let program = env!("CARGO_BIN_EXE_modelctl").into();
    let spec = StartSpec::new(program, dir.join("run"), load, LIMIT);
    Worker::start(&spec, &StopSignal::new(), &mut |_| {}).expect("a worker")
}

fn asked(schema: &Value, seed: i64) -> ChatRequest {
    let mut request = ChatRequest::new([Message::new("user", "Give me a short JSON value.")]);
    request.options.max_tokens = Some(160);
    request.options.seed = Some(seed);
    request.options.json_schema = Some(schema.clone());
    request
}

fn answer(worker: &mut Worker, request: &ChatRequest) -> Result<Completion, WorkerError> {
    worker.chat(request, &mut |_| ControlFlow::Continue(()))
}

/// The first choice of the answer.
fn ask(worker: &Running, schema: &Value, seed: i64) -> Value {
    let (status, body) = worker.ask("POST", "/v1/chat/completions", &json!(asked(schema, seed)).to_string());
    assert_eq!(status, 200, "{schema}: {body}");
    serde_json::from_str::<Value>(&body).unwrap()["choices"][0].take()
}

/// Any answer that ended by itself is JSON that fits.
fn assert_fits(schema: &Value, choice: &Value) {
    if choice["finish_reason"] == "stop" {
        let text = choice["message"]["content"].as_str().unwrap();
        let value: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let fits = jsonschema::options().should_validate_formats(true).build(schema).unwrap().is_valid(&value);
        assert!(fits, "{schema}: {value}");
    } else {
        assert_eq!(choice["finish_reason"], "length", "{schema}");
    }
}

#[test]
fn answers_fit_what_everyday_schemas_ask_for() {
    const AT_ONCE: usize = 8;
    let one = |schema: Value| json!({"type": "object", "properties": {"x": schema}, "required": ["x"], "additionalProperties": false});
    let text = |pattern: &str| one(json!({"type": "string", "pattern": pattern}));
    let schemas = [
        text(r"^\d{5}$"),
        text(r"^[A-Z]{3}-\d{4}$"),
        text(r"^\w{1,8}$"),
        text(r"^\d{3}\s\d{3}$"),
        text(r#"^"$"#),
        text(r"^\\\d$"),
        text(r#"^a"b$"#),
        one(json!({"type": "number", "minimum": 0.5, "exclusiveMaximum": 1.5})),
        one(json!({"type": "integer", "multipleOf": 7, "minimum": 100})),
        one(json!(true)),
        one(json!({"type": "array", "items": {"enum": ["red", "green", "blue"]}, "uniqueItems": true, "minItems": 2})),
        one(json!({"oneOf": [{"type": "integer", "minimum": 3}, {"type": "integer", "maximum": 7}]})),
        one(json!({"not": {"type": ["string", "object", "array"]}})),
        one(json!({"type": "string", "format": "date"})),
        one(
            json!({"prefixItems": [{"type": "boolean"}, {"type": "null"}], "items": false, "minItems": 2, "type": "array"}),
        ),
        json!({"type": "object", "required": ["nowhere"], "properties": {"a": {"type": "integer"}}, "maxProperties": 2}),
        json!({"type": "object", "properties": {"kind": {"enum": ["a", "b"]}, "n": {"type": "integer"}}, "required": ["kind"],
            "additionalProperties": false, "if": {"properties": {"kind": {"const": "a"}}}, "then": {"required": ["n"]}}),
        json!({"type": "object", "properties": {"v": {"enum": [1, 2]}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
            "required": ["v", "next"], "additionalProperties": false}),
        json!({"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1}),
        json!({"type": "object"}),
    ];
    let requests: Vec<(&Value, i64)> = schemas.iter().flat_map(|schema| [(schema, 1), (schema, 2)]).collect();
    for model in [smollm2(), gemma()] {
        let worker = &ready_with(&model, &["--context", "1024", "--parallel", "8"]);
        let next = &AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some((schema, seed)) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                        assert_fits(schema, &ask(worker, schema, *seed));
                    }
                });
            }
        });
    }
}

#[test]
fn a_schema_that_cannot_be_followed_is_refused_with_the_keyword_the_place_and_the_reason() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut worker = start(&smollm2(), dir.path(), |_| {});
    for (schema, parts) in [
        (json!({"properties": {"x": {"$ref": "#/$defs/nope"}}}), vec!["$ref", "#/properties/x", "nope"]),
        (json!({"type": "wibble"}), vec!["`type` at `#`", "wibble"]),
        (json!({"properties": {"a/b": {"pattern": "^(a$"}}}), vec!["`pattern`", "#/properties/a~1b", "(a$"]),
        (json!({"type": "string", "pattern": "^(?=a)"}), vec!["pattern", "look"]),
        (json!({"type": "string", "format": "wibble"}), vec!["`format`", "wibble"]),
        (json!({"$ref": "https://example.com/other"}), vec!["$ref", "example.com/other"]),
        (json!({"type": "integer", "minimum": 5, "maximum": 3}), vec!["minimum", "5", "3"]),
        (json!({"not": true}), vec!["`not` at `#`"]),
    ] {
        let error = answer(&mut worker, &asked(&schema, 1)).unwrap_err();
        let WorkerError::Server { status: 400, message } = &error else { panic!("{schema}: {error:?}") };
        for part in parts {
            assert!(message.contains(part), "{schema}: {message}");
        }
    }
}

#[test]
fn what_a_schema_forces_counts_as_tokens_and_costs_no_step_of_its_own() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let schema = json!({"type": "object", "properties": {
        "a_rather_long_name_of_a_member": {"type": "boolean"}, "another_name_that_is_long": {"enum": ["always the same words"]},
        "one_more": {"type": "boolean"}}, "required": ["a_rather_long_name_of_a_member", "another_name_that_is_long", "one_more"],
        "additionalProperties": false});
    let mut worker = start(&smollm2(), dir.path(), |_| {});
    let mut request = asked(&schema, 1);
    let mut streamed = String::new();
    let said = worker
        .chat(&request, &mut |piece| {
            streamed.push_str(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((said.finish, &streamed), (Finish::Stop, &said.text));
    let value: Value = serde_json::from_str(&said.text).unwrap();
    assert!(jsonschema::is_valid(&schema, &value), "{value}");
    let tokens = said.usage.completion_tokens;
    let steps = metric(&worker, "n_decode_total");
    assert!(tokens > 25, "{tokens} tokens: {}", said.text);
    // The prompt, the choices between true and false, and no other.
    assert!(steps < 8.0, "{steps} steps for {tokens} tokens");
    // The limit of tokens and stop strings hold inside of what is forced.
    request.options.max_tokens = Some(4);
    let cut = answer(&mut worker, &request).unwrap();
    assert_eq!((cut.finish, cut.usage.completion_tokens), (Finish::Length, 4));
    assert!(said.text.starts_with(&cut.text), "{}", cut.text);
    request.options.max_tokens = Some(160);
    request.options.stop = serde_json::from_value(json!(["_name"])).unwrap();
    let stopped = answer(&mut worker, &request).unwrap();
    assert_eq!(stopped.finish, Finish::Stop);
    assert_eq!(Some(stopped.text.as_str()), said.text.split("_name").next());
}

#[test]
fn many_at_once_fit_their_schemas_and_reproducible_ones_say_the_same_in_any_company() {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string", "pattern": "^[a-z]{0,20}$"}, "n": {"type": "integer", "minimum": 0, "maximum": 99},
        "kind": {"enum": ["small", "large"]}}, "required": ["name", "n", "kind"], "additionalProperties": false});
    let worker = ready_with(&smollm2(), &["--context", "1024", "--parallel", "6", "--reproducible"]);
    let text = |seed: i64| ask(&worker, &schema, seed)["message"]["content"].as_str().unwrap().to_owned();
    let alone: Vec<String> = (1..=6).map(text).collect();
    let together: Vec<String> = std::thread::scope(|scope| {
        let asking: Vec<_> = (1..=6).map(|seed| scope.spawn(move || text(seed))).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
    for text in &together {
        let value: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert!(jsonschema::is_valid(&schema, &value), "{value}");
    }
}

#[test]
fn a_grammar_or_schema_with_too_many_ways_is_refused_at_once_and_nobody_waits_for_it() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut worker = start(&smollm2(), dir.path(), |_| {});
    let started = Instant::now();
    for form in [
        json!({"grammar": "root ::= ((\"a\"{0,99}){0,99}){0,99}"}),
        json!({"json_schema": {"type": "string", "pattern": "^((a{0,99}){0,99}){0,99}$"}}),
        json!({"json_schema": {"type": "string", "pattern": "^((a{0,200}){0,200}){0,200}$"}}),
    ] {
        let mut request = asked(&Value::Null, 1);
        request.options.json_schema = form.get("json_schema").cloned();
        request.options.grammar = form.get("grammar").and_then(Value::as_str).map(String::from);
        let error = answer(&mut worker, &request).unwrap_err();
        assert!(matches!(error, WorkerError::Server { status: 400, .. }), "{form}: {error:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    let mut request = asked(&Value::Null, 1);
    request.options.json_schema = None;
    request.options.grammar = Some("root ::= \"yes\" | \"no\"".into());
    let said = answer(&mut worker, &request).unwrap();
    assert!(["yes", "no"].contains(&said.text.as_str()), "{}", said.text);
}

fn metric(worker: &Worker, name: &str) -> f64 {
    crate::worker::metric_at(worker.socket(), name)
}

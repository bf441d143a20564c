//! `/v1/embeddings` of a worker, with a tiny model made for it and with a real one that is told to pool.

use crate::fixtures;
use crate::gguf::fixture;
use crate::worker_http::{Running, ready_with};
use serde_json::{Value, json};

const PATH: &str = "/v1/embeddings";

/// A worker with the tiny BERT of 64 tokens of context.
fn embedder(options: &[&str]) -> (Running, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("embedder.gguf");
    std::fs::write(&model, fixture::embedder()).unwrap();
    (ready_with(&model, options), dir)
}

fn vectors(worker: &Running, input: &Value) -> Vec<Vec<f64>> {
    let (status, answer) = worker.post(PATH, &json!({"input": input, "model": "x"}));
    assert_eq!(status, 200, "{answer:#}");
    let numbers = |one: &Value| one["embedding"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    answer["data"].as_array().unwrap().iter().map(numbers).collect()
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The largest difference.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn assert_same(a: &[f64], b: &[f64], what: &str) {
    let far = apart(a, b);
    assert!(far < 1e-4, "{what}: {far} apart");
}

#[test]
fn a_text_gets_one_vector_of_length_one_whoever_is_asked_with_it() {
    let (worker, _dir) = embedder(&[]);
    let (status, answer) = worker.post(PATH, &json!({"input": "the cat sat"}));
    assert_eq!((status, answer["object"].as_str()), (200, Some("list")), "{answer:#}");
    assert_eq!(answer["usage"], json!({"prompt_tokens": 5, "total_tokens": 5}));
    assert_eq!(
        (answer["data"][0]["object"].as_str(), answer["data"][0]["index"].as_u64()),
        (Some("embedding"), Some(0))
    );
    let words = ["the", "cat", "dog", "sat", "on", "a", "mat", "ran"];
    let texts: Vec<String> = (0..70_usize)
        .map(|n| (0..n % 13 + 1).map(|i| words[(n * 3 + i * i) % words.len()]).collect::<Vec<_>>().join(" "))
        .collect();
    let together = vectors(&worker, &json!(texts));
    for (text, vector) in texts.iter().zip(&together) {
        assert_eq!(vector.len(), 64);
        assert!((product(vector, vector) - 1.0).abs() < 1e-5, "{text}: not of length 1");
        // Attention rounds otherwise in a wider batch, and random weights make much of it: 1.1e-4 was seen.
        let far = apart(&vectors(&worker, &json!(text))[0], vector);
        assert!(far < 1e-3, "{text}: {far} apart");
    }
    let [cat, dog, turned] =
        ["the cat sat", "the dog sat", "sat cat the"].map(|text| vectors(&worker, &json!(text)).remove(0));
    assert!(apart(&cat, &dog) > 1e-3 && apart(&cat, &turned) > 1e-3, "all texts look alike");
}

#[test]
fn tokens_and_base64_say_the_same_as_text_and_numbers() {
    let (worker, _dir) = embedder(&[]);
    // [CLS] the cat [SEP]
    let tokens = json!([2, 5, 6, 3]);
    let text = vectors(&worker, &json!("the cat"));
    assert_same(&vectors(&worker, &tokens)[0], &text[0], "tokens");
    assert_same(&vectors(&worker, &json!(["a dog", tokens]))[1], &text[0], "an array of both");
    let (_, answer) = worker.post(PATH, &json!({"input": "the cat", "encoding_format": "base64", "dimensions": 64}));
    assert_eq!(answer["data"][0]["encoding_format"], "base64");
    use base64::Engine as _;
    let packed = answer["data"][0]["embedding"].as_str().unwrap();
    let bytes = base64::prelude::BASE64_STANDARD.decode(packed).unwrap();
    let numbers: Vec<f64> = bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect();
    assert_same(&numbers, &text[0], "base64");
}

#[test]
fn what_cannot_be_embedded_is_said_before_any_decoding() {
    let (worker, _dir) = embedder(&[]);
    let refused = |body: Value, word: &str| {
        let (status, answer) = worker.post(PATH, &body);
        let message = answer["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(status == 400 && message.contains(word), "{body}: {status} {answer}");
        answer["error"]["type"].as_str().unwrap().to_owned()
    };
    let long = vec!["cat"; 63].join(" ");
    assert_eq!(refused(json!({"input": ["a", long]}), "text 1 has 65 tokens"), "exceed_context_size_error");
    refused(json!({"input": [99]}), "no token 99");
    refused(json!({"input": [-1]}), "no token -1");
    refused(json!({"input": []}), "empty");
    refused(json!({"input": [[]]}), "empty");
    refused(json!({}), "input");
    refused(json!({"input": "a", "encoding_format": "hex"}), "hex");
    assert_eq!(worker.metric("n_decode_total"), 0.0);
    // The longest that is taken.
    assert_eq!(vectors(&worker, &json!(vec!["cat"; 62].join(" "))).len(), 1);
    refused(json!({"input": "a", "dimensions": 32}), "64");
    assert_eq!((worker.metric("n_decode_total"), worker.metric("prompt_tokens_total")), (2.0, 64.0 + 3.0));
    assert_eq!((worker.metric("requests_processing"), worker.metric("requests_deferred")), (0.0, 0.0));
}

#[test]
fn a_model_does_not_do_the_other_kinds_work() {
    let chat = json!({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1});
    let check = |(status, answer): (u16, Value), word: &str| {
        assert_eq!((status, answer["error"]["type"].as_str()), (501, Some("not_supported_error")), "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(word), "{answer}");
    };
    let (worker, _dir) = embedder(&[]);
    check(worker.post("/v1/chat/completions", &chat), "generates no text");
    check(worker.post("/v1/completions", &json!({"prompt": "the"})), "generates no text");
    drop(worker);
    let (worker, _dir) = embedder(&["--pooling", "none"]);
    let (status, answer) = worker.post(PATH, &json!({"input": "the"}));
    assert!(status == 400 && answer.to_string().contains("`none`"), "{answer}");
    drop(worker);
    let worker = ready_with(&fixtures::smollm2(), &["--context", "256"]);
    check(worker.post(PATH, &json!({"input": "the"})), "--pooling");
    assert_eq!(worker.post("/v1/chat/completions", &chat).0, 200);
}

#[test]
fn the_way_of_pooling_is_the_one_that_was_asked_for() {
    let of = |pooling: &str, input: Value| {
        let (worker, _dir) = embedder(&["--pooling", pooling]);
        vectors(&worker, &input)
    };
    let input = json!([[6], [2, 5, 6, 3]]);
    let all = ["mean", "cls", "last"].map(|pooling| of(pooling, input.clone()));
    for pair in all.windows(2) {
        assert_same(&pair[0][0], &pair[1][0], "one token is its own mean, first and last");
        assert!(apart(&pair[0][1], &pair[1][1]) > 1e-3, "two ways give the same vector");
    }
}

#[test]
fn a_generative_model_told_to_pool_puts_alike_texts_together() {
    let worker = ready_with(&fixtures::smollm2(), &["--context", "512", "--pooling", "mean"]);
    let texts =
        ["The cat is sleeping on the sofa.", "A cat sleeps on the couch.", "Interest rates rose by two percent."];
    let together = vectors(&worker, &json!(texts));
    for (text, vector) in texts.iter().zip(&together) {
        assert_same(&vectors(&worker, &json!(text))[0], vector, text);
    }
    let (near, far) = (product(&together[0], &together[1]), product(&together[0], &together[2]));
    assert!(near > far, "{near} and {far}");
}

//! What a worker says about its work: `/metrics`, `usage`; and that company changes nothing where that is promised.

use crate::fixtures;
use crate::worker_http::{Running, ready_with};
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const LIMIT: Duration = Duration::from_secs(120);

fn chat(prompt: &str, max_tokens: u32) -> Value {
    let system = "You are a patient teacher of small children who never uses long words and likes animals.";
    json!({
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt}],
        "temperature": 0, "max_tokens": max_tokens,
    })
}

/// As [`chat`], with an answer of exactly so many tokens.
fn endless(prompt: &str, tokens: u32) -> Value {
    let mut body = chat(prompt, tokens);
    body["ignore_eos"] = json!(true);
    body
}

fn count(answer: &Value, path: &str) -> u64 {
    answer.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {path} in {answer:#}"))
}

#[test]
fn the_counters_are_the_sums_of_the_usages() {
    let worker = ready_with(&fixtures::smollm2(), &["--context", "512", "--parallel", "4"]);
    let prompts: Vec<String> = (0..7).map(|n| format!("Say the number {n} in words.")).collect();
    let answers: Vec<Value> = thread::scope(|scope| {
        // One that goes on beside the others.
        let long = scope.spawn(|| worker.post(CHAT, &endless("Count from one to one thousand.", 300)).1);
        let until = Instant::now() + LIMIT;
        while worker.metric("requests_processing") != 1.0 {
            assert!(Instant::now() < until, "it does not begin");
        }
        let all: Vec<_> = prompts.iter().map(|p| scope.spawn(|| worker.post(CHAT, &chat(p, 10)))).collect();
        let all = all.into_iter().map(|one| one.join().unwrap().1);
        all.collect::<Vec<_>>().into_iter().chain([long.join().unwrap()]).collect()
    });
    let sum = |path: &str| answers.iter().map(|answer| count(answer, path)).sum::<u64>() as f64;
    let cached = sum("/usage/prompt_tokens_details/cached_tokens");
    assert!(cached > 0.0, "they share their system prompt");
    assert_eq!(worker.metric("prompt_tokens_cached_total"), cached);
    assert_eq!(worker.metric("prompt_tokens_total"), sum("/usage/prompt_tokens") - cached);
    assert_eq!(worker.metric("tokens_predicted_total"), sum("/usage/completion_tokens"));
    let per_decode = worker.metric("n_busy_slots_per_decode");
    assert!(per_decode > 1.0 && per_decode <= 4.0, "{per_decode}");
    for positive in
        ["n_decode_total", "prompt_seconds_total", "tokens_predicted_seconds_total", "prompt_tokens_seconds"]
    {
        assert!(worker.metric(positive) > 0.0, "{positive}");
    }
    let speed = worker.metric("tokens_predicted_total") / worker.metric("tokens_predicted_seconds_total");
    assert!((worker.metric("predicted_tokens_seconds") / speed - 1.0).abs() < 1e-3);
    let (_, text) = worker.ask("GET", "/metrics", "");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(' ').next().unwrap();
        assert!(text.contains(&format!("# HELP {name} ")) && text.contains(&format!("# TYPE {name} ")), "{name}");
    }
}

#[test]
fn sixteen_run_and_four_wait() {
    let worker = ready_with(&fixtures::smollm2(), &["--context", "2048", "--parallel", "16"]);
    // Sixteen of them just fit in the cells of four contexts.
    let body = endless("Count from one to one thousand.", 440).to_string();
    let all: Vec<_> = (0..20).map(|_| worker.send("POST", CHAT, &body)).collect();
    let until = Instant::now() + LIMIT;
    let gauges = || (worker.metric("requests_processing"), worker.metric("requests_deferred"));
    while gauges() != (16.0, 4.0) {
        assert!(Instant::now() < until, "{:?}", gauges());
    }
    drop(all);
    let until = Instant::now() + LIMIT;
    while gauges() != (0.0, 0.0) {
        assert!(Instant::now() < until, "{:?}", gauges());
    }
}

#[test]
fn usage_says_what_of_the_prompt_was_there_already() {
    let worker = ready_with(&fixtures::smollm2(), &["--context", "512"]);
    let cached = |answer: &Value| count(answer, "/usage/prompt_tokens_details/cached_tokens");
    let first = worker.post(CHAT, &chat("Hello.", 2)).1;
    let second = worker.post(CHAT, &chat("Good bye.", 2)).1;
    assert_eq!(cached(&first), 0);
    assert!(cached(&second) > 16 && cached(&second) < count(&second, "/usage/prompt_tokens"), "{second:#}");
    assert_eq!(cached(&second), count(&second, "/timings/cache_n"));
    let mut streamed = chat("Hello again.", 2);
    streamed["stream"] = json!(true);
    streamed["stream_options"] = json!({"include_usage": true});
    let (_, events) = worker.ask("POST", CHAT, &streamed.to_string());
    let last = events.split("\n\n").filter(|event| event.contains("prompt_tokens_details")).last().unwrap();
    let last: Value = serde_json::from_str(last.trim_start_matches("data: ")).unwrap();
    assert!(cached(&last) > 16 && last["choices"] == json!([]), "{last:#}");
    let text = json!({"prompt": "One, two, three, four, five, six, seven, eight, nine, ten, eleven,", "max_tokens": 2});
    worker.post("/v1/completions", &text);
    assert!(cached(&worker.post("/v1/completions", &text).1) > 16);
}

/// Greedy answers of a few lengths, some with a beginning in common: alone, in company, and in other company.
fn texts_in_company(worker: &Running) -> [Vec<String>; 3] {
    let topics = ["rivers", "bread", "chess", "the moon", "snow", "honey bees"];
    let ask = |n: usize| {
        let prompt = match n % 3 {
            0 => format!("Tell me about {}.", topics[n]),
            1 => format!("Why do people care about {}? Explain, with an example from daily life.", topics[n]),
            _ => {
                format!("List five facts on {} with a reason for each of them. {}", topics[n], "Be exact. ".repeat(12))
            }
        };
        let mut body = chat(&prompt, 16);
        if n.is_multiple_of(2) {
            body["messages"].as_array_mut().unwrap().remove(0);
        }
        worker.post(CHAT, &body).1["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    let together = |order: &[usize]| -> Vec<String> {
        let mut texts = vec![String::new(); topics.len()];
        thread::scope(|scope| {
            let all: Vec<_> = order.iter().map(|&n| (n, scope.spawn(move || ask(n)))).collect();
            all.into_iter().for_each(|(n, one)| texts[n] = one.join().unwrap());
        });
        texts
    };
    let alone = (0..topics.len()).map(ask).collect();
    [alone, together(&[0, 1, 2, 3, 4, 5]), together(&[5, 4, 0, 2, 1, 3])]
}

#[test]
fn a_reproducible_worker_says_the_same_in_any_company() {
    // Room for few answers, so that cells are used up and cleared on the way.
    let options = ["--context", "256", "--parallel", "4", "--reproducible"];
    let worker = ready_with(&fixtures::smollm2(), &options);
    let [alone, together, otherwise] = texts_in_company(&worker);
    assert_eq!(alone, together);
    assert_eq!(alone, otherwise);
}

#[test]
fn alone_the_same_prompt_gives_the_same_text_without_any_promise() {
    // One thread: the sums of a single token are split by their number, which follows the speed of the machine.
    let options = ["--context", "512", "--parallel", "4", "--threads", "1", "--threads-batch", "1"];
    let worker = ready_with(&fixtures::smollm2(), &options);
    let text = || worker.post(CHAT, &chat("Tell me about rivers.", 24)).1["choices"][0]["message"]["content"].clone();
    // The first computes the whole prompt, the others only its last token.
    text();
    assert_eq!(text(), text());
}

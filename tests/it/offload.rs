//! The executor with real processes and a real model: tasks are answered, kills lose nothing, models are swapped.

use crate::fixtures;
use crate::sandbox::Sandbox;
use modelctl::gguf::fixture;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

/// A sandbox in which SmolLM2 is known.
fn with_model() -> (Sandbox, std::fs::File) {
    let turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    sandbox.place(&fixtures::smollm2(), "SmolLM2-135M-Instruct.Q4_1.gguf");
    sandbox.run(["scan"]).ok();
    (sandbox, turn)
}

fn add(sandbox: &Sandbox, prompt: &str, more: &[&str]) -> String {
    let args = ["task", "add", prompt, "--max-tokens", "12", "--temperature", "0"];
    sandbox.run(args.iter().chain(more)).ok().out.trim().to_owned()
}

fn task(sandbox: &Sandbox, id: &str) -> Value {
    sandbox.run(["task", "show", id, "--json"]).ok().json()
}

#[test]
fn due_tasks_are_answered_and_cron_hears_one_line() {
    let (sandbox, _turn) = with_model();
    assert_eq!(sandbox.run(["run-once"]).ok().out, "", "nothing to do is nothing to say");
    let paris = add(&sandbox, "What is the capital of France? Answer in one sentence.", &["--key", "paris"]);
    let later = add(&sandbox, "Later.", &["--not-before", "1h"]);
    assert_eq!(sandbox.run(["run-once"]).ok().out, "1 done\n");
    let done = task(&sandbox, &paris);
    assert_eq!(
        (done["state"].as_str(), done["attempts"].as_u64(), done["crashes"].as_u64()),
        (Some("done"), Some(1), Some(0))
    );
    assert!(done.to_string().contains("Paris"), "{done:#}");
    assert_eq!(task(&sandbox, &later)["state"], "scheduled");
    let used = sandbox.run(["show", "smollm2", "--json"]).ok().json();
    assert_eq!((used["use_count"].as_u64(), used["last_source"].as_str()), (Some(1), Some("task")));
}

#[test]
fn no_more_than_the_wanted_number_is_taken_and_none_while_inference_is_off() {
    let (sandbox, _turn) = with_model();
    let ids: Vec<String> = (0..3).map(|n| add(&sandbox, &format!("Say {n}."), &[])).collect();
    sandbox.run(["inference", "off"]).ok();
    assert_eq!(sandbox.run(["run-once"]).ok().out, "");
    sandbox.run(["inference", "on"]).ok();
    assert_eq!(sandbox.run(["run-once", "--max-tasks", "2"]).ok().out, "2 done\n");
    let states: Vec<String> = ids.iter().map(|id| task(&sandbox, id)["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["done", "done", "queued"]);
    let refused = sandbox.command(["run-once"]).env("OFFLOAD_MAX_TASKS", "many").output().unwrap();
    assert_eq!(refused.status.code(), Some(3));
}

#[test]
fn a_model_that_cannot_be_loaded_is_swapped_for_one_that_can() {
    let (sandbox, _turn) = with_model();
    // A sound header by our rules; llama.cpp lacks the tensors of its architecture.
    sandbox.write("hollow-Q8_0.gguf", &fixture::small_model("hollow"));
    sandbox.run(["scan"]).ok();
    let id = add(&sandbox, "Say yes.", &["--model", "hollow-Q8_0"]);
    let run = sandbox.run(["run-once"]).ok();
    assert_eq!(run.out, "1 done\n", "{run:#?}");
    let done = task(&sandbox, &id);
    assert_eq!((done["state"].as_str(), done["swaps"].as_u64()), (Some("done"), Some(1)), "{done:#}");
    let ends: Vec<&str> = done["history"]
        .as_array()
        .or(done["tries"].as_array())
        .map_or_else(Vec::new, |all| all.iter().filter_map(|a| a["end"].as_str()).collect());
    assert!(ends.is_empty() || ends == ["swapped", "done"], "{done:#}");
}

#[test]
fn two_executors_never_load_two_models() {
    let (sandbox, _turn) = with_model();
    let id = add(&sandbox, "Say yes.", &[]);
    let dir = sandbox.path("modelctl.db-run");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("device.lock"), "modelctl serve (process 7, since noon)").unwrap();
    let held = std::fs::File::open(dir.join("device.lock")).unwrap();
    held.lock().unwrap();
    sandbox.run(["run-once"]).refuses(4, "in use by modelctl serve (process 7, since noon)");
    assert_eq!(task(&sandbox, &id)["state"], "queued");
    drop(held);
    sandbox.run(["run-once"]).ok();
    assert_eq!(task(&sandbox, &id)["state"], "done");
}

fn requests(number: usize) -> String {
    let line = |n: usize| {
        let prompt = format!("What is {n} plus {n}? Answer in one sentence.");
        let body = json!({"messages": [{"role": "user", "content": prompt}], "max_tokens": 12, "temperature": 0});
        json!({"custom_id": format!("q{n}"), "method": "POST", "url": "/v1/chat/completions", "body": body}).to_string()
    };
    (0..number).map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// Waits until so many tasks are done, then kills the process and everything it started dies with it.
fn kill_after(sandbox: &Sandbox, mut child: Child, done: u64) {
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let stats = sandbox.run(["task", "stats", "--json"]);
        if stats.code == Some(0) && stats.json()["tasks"]["done"].as_u64() >= Some(done) {
            break;
        }
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "it ended or hangs: {stats:#?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_batch_that_is_killed_twice_ends_with_every_answer_once() {
    const LINES: usize = 48;
    let (sandbox, _turn) = with_model();
    let (input, output) = (sandbox.path("in.jsonl"), sandbox.path("out.jsonl"));
    std::fs::write(&input, requests(LINES)).unwrap();
    let args = ["batch", input.to_str().unwrap(), "-o", output.to_str().unwrap()];
    for done in [4, 10] {
        kill_after(&sandbox, sandbox.start(args), done);
        assert!(!output.exists(), "half a file was written");
    }
    sandbox.run(args).ok();
    let mut answers = BTreeMap::new();
    for line in BufReader::new(std::fs::File::open(&output).unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(line["response"]["status_code"], 200, "{line}");
        let text = line["response"]["body"]["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
        let before = answers.insert(line["custom_id"].as_str().unwrap().to_owned(), text);
        assert_eq!(before, None, "answered twice");
    }
    assert_eq!(answers.len(), LINES);
    // Once more gives the same file without running anything.
    let first = std::fs::read(&output).unwrap();
    sandbox.run(args).ok();
    assert_eq!(std::fs::read(&output).unwrap(), first);
}

#[test]
fn a_wish_to_stop_finishes_what_runs_and_costs_the_rest_nothing() {
    for while_loading in [true, false] {
        stopped(while_loading);
    }
}

fn stopped(while_loading: bool) {
    let (sandbox, _turn) = with_model();
    let long = |n: u32| {
        let prompt = format!("Tell me a long story about the number {n}.");
        let args = ["task", "add", &prompt, "--max-tokens", "60", "--temperature", "0"];
        sandbox.run(args).ok().out.trim().to_owned()
    };
    let ids: Vec<String> = (0..48).map(long).collect();
    let child = sandbox.start(["run-once", "--max-tasks", "48"]);
    // Both while the model is being loaded, when nothing has been asked yet, and in the middle of answers.
    let until = Instant::now() + Duration::from_secs(60);
    let wanted = if while_loading { "running" } else { "done" };
    while task(&sandbox, &ids[0])["state"] != wanted {
        assert!(Instant::now() < until, "the first task is not {wanted}");
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{}", String::from_utf8_lossy(&output.stderr));
    let mut queued = 0;
    for id in &ids {
        let task = task(&sandbox, id);
        match task["state"].as_str().unwrap() {
            "done" => assert_eq!(task["attempts"], 1),
            "queued" => {
                assert_eq!((task["attempts"].as_u64(), task["crashes"].as_u64()), (Some(0), Some(0)));
                queued += 1;
            }
            other => panic!("{other}: {task:#}"),
        }
    }
    assert!(queued > 0, "nothing was left to give back");
}

#[test]
fn a_cancel_reaches_a_generation_that_runs() {
    let (sandbox, _turn) = with_model();
    let args = ["task", "add", "Count from one to one thousand.", "--max-tokens", "4000", "--temperature", "0"];
    let id = sandbox.run(args).ok().out.trim().to_owned();
    let child = sandbox.start(["run-once"]);
    let until = Instant::now() + Duration::from_secs(60);
    while task(&sandbox, &id)["state"] != "running" || task(&sandbox, &id)["model"].is_null() {
        assert!(Instant::now() < until, "it does not run");
    }
    sandbox.run(["task", "cancel", &id]).ok();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(task(&sandbox, &id)["state"], "cancelled");
}

/// The worker process that has its socket in this sandbox.
fn worker_of(sandbox: &Sandbox) -> Option<rustix::process::Pid> {
    let run = sandbox.path("run").to_str().unwrap().to_owned();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok()).find_map(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        (line.contains("worker") && line.contains(&run)).then(|| rustix::process::Pid::from_raw(pid))?
    })
}

#[test]
fn a_worker_that_is_killed_costs_no_task_its_answer() {
    // Several rounds of the sixteen that run at once, so that some are left when the first are done.
    const LINES: usize = 64;
    let (sandbox, _turn) = with_model();
    let (input, output) = (sandbox.path("in.jsonl"), sandbox.path("out.jsonl"));
    std::fs::write(&input, requests(LINES)).unwrap();
    let child = sandbox.start(["batch", input.to_str().unwrap(), "-o", output.to_str().unwrap()]);
    let until = Instant::now() + Duration::from_secs(60);
    while sandbox.run(["task", "stats", "--json"]).json()["tasks"]["done"].as_u64() < Some(1) {
        assert!(Instant::now() < until, "nothing is answered");
    }
    let worker = worker_of(&sandbox).expect("a worker runs");
    rustix::process::kill_process(worker, rustix::process::Signal::KILL).unwrap();
    let ended = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{told}");
    assert!(told.contains("SIGKILL"), "{told}");
    assert_eq!(std::fs::read_to_string(&output).unwrap().lines().count(), LINES);
    let tasks = sandbox.run(["task", "list", "--limit", "0", "--json"]).ok().json();
    for task in tasks.as_array().unwrap() {
        assert_eq!((task["state"].as_str(), task["crashes"].as_u64()), (Some("done"), Some(0)), "{task:#}");
    }
}

#[test]
fn an_answer_fits_its_schema_or_grammar_and_a_broken_one_is_refused() {
    let (sandbox, _turn) = with_model();
    let file = |name: &str, text: &str| {
        let path = sandbox.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let schema = json!({
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}, "big": {"type": "boolean"}},
        "required": ["city", "big"],
        "additionalProperties": false,
    });
    let schema = file("schema.json", &schema.to_string());
    let grammar = file("yes.gbnf", "root ::= \"yes\" | \"no\"\n");
    let broken = file("broken.gbnf", "root ::= nothing-by-that-name\n");
    let ask = |prompt: &str, option: &str, path: &str| {
        let args = ["task", "add", prompt, option, path, "--max-tokens", "60", "--temperature", "0"];
        sandbox.run(args).ok().out.trim().to_owned()
    };
    let city = ask("Name a city and say whether it is big.", "--json-schema", &schema);
    let yes = ask("Is water wet?", "--grammar", &grammar);
    let bad = ask("Is water wet?", "--grammar", &broken);
    let run = sandbox.run(["run-once"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), "2 done, 1 failed\n"), "{run:#?}");
    let text = |id: &str| task(&sandbox, id)["result"]["text"].as_str().unwrap().to_owned();
    let answer: Value = serde_json::from_str(&text(&city)).unwrap();
    assert!(answer["city"].is_string() && answer["big"].is_boolean(), "{answer}");
    assert!(["yes", "no"].contains(&text(&yes).as_str()), "{}", text(&yes));
    let bad = task(&sandbox, &bad);
    assert_eq!((bad["state"].as_str(), bad["error"]["kind"].as_str()), (Some("failed"), Some("request")), "{bad:#}");
}

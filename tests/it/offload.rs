//! The executor with real processes and a real model: tasks are answered, kills lose nothing, models are swapped.

use crate::gguf::fixture;
use crate::sandbox::{Sandbox, finish};
use crate::{fixtures, processes, worker};
use modelctl::model::task::Queue;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

/// A sandbox that knows a SmolLM2 which never ends an answer by itself: each has as many tokens as its task allows.
pub fn with_model() -> (Sandbox, std::fs::File) {
    let turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    sandbox.place_endless("SmolLM2-135M-Instruct.Q4_1.gguf");
    sandbox.run(["scan"]).ok();
    (sandbox, turn)
}

fn add(sandbox: &Sandbox, prompt: &str, more: &[&str]) -> String {
    let args = ["task", "add", prompt, "--temperature", "0"];
    let length: &[&str] = if more.contains(&"--max-tokens") { &[] } else { &["--max-tokens", "12"] };
    sandbox.run(args.iter().chain(length).chain(more)).ok().out.trim().to_owned()
}

fn task(sandbox: &Sandbox, id: &str) -> Value {
    sandbox.run(["task", "show", id, "--json"]).ok().json()
}

#[test]
fn due_tasks_are_answered_and_cron_hears_one_line() {
    let _turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    sandbox.place(&fixtures::smollm2(), "SmolLM2-135M-Instruct.Q4_1.gguf");
    sandbox.run(["scan"]).ok();
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
fn a_named_model_that_cannot_be_loaded_fails_and_is_replaced_only_where_that_was_allowed() {
    let (sandbox, _turn) = with_model();
    // A sound header by our rules; llama.cpp lacks the tensors of its architecture.
    sandbox.write("hollow-Q8_0.gguf", &fixture::small_model("hollow"));
    sandbox.run(["scan"]).ok();
    let strict = add(&sandbox, "Say yes.", &["--model", "hollow-Q8_0", "--max-attempts", "1"]);
    assert_eq!(sandbox.run(["run-once"]).out, "1 failed\n");
    let failed = task(&sandbox, &strict);
    assert_eq!((failed["state"].as_str(), failed["swaps"].as_u64()), (Some("failed"), Some(0)), "{failed:#}");
    let allowed = add(&sandbox, "Say yes.", &["--model", "hollow-Q8_0", "--max-attempts", "1"]);
    let mut run = sandbox.command(["run-once"]);
    assert_eq!(finish(run.env("OFFLOAD_FALLBACK", "1").output().unwrap()).ok().out, "1 done\n");
    assert_eq!(task(&sandbox, &allowed)["swaps"], 1);
    let id = add(&sandbox, "Say yes.", &["--model", "hollow-Q8_0", "--fallback"]);
    let run = sandbox.run(["run-once"]).ok();
    assert_eq!(run.out, "1 done\n", "{run:#?}");
    let done = task(&sandbox, &id);
    assert_eq!((done["state"].as_str(), done["swaps"].as_u64()), (Some("done"), Some(1)), "{done:#}");
    let list = sandbox.run(["task", "list"]).ok().out;
    assert!(list.contains("hollow-Q8_0 -> "), "the list says that another one answered: {list}");
    let ends: Vec<&str> = done["history"]
        .as_array()
        .or(done["tries"].as_array())
        .map_or_else(Vec::new, |all| all.iter().filter_map(|a| a["end"].as_str()).collect());
    assert!(ends.is_empty() || ends == ["swapped", "done"], "{done:#}");
}

#[test]
fn models_that_cannot_be_loaded_are_passed_over_as_long_as_another_is_allowed() {
    let (sandbox, _turn) = with_model();
    for name in ["hollow-a", "hollow-b"] {
        sandbox.write(&format!("{name}-Q8_0.gguf"), &fixture::small_model(name));
    }
    sandbox.run(["scan"]).ok();
    let id = add(&sandbox, "Say yes.", &[]);
    let hints = "hollow-a-Q8_0,hollow-b-Q8_0";
    let run = finish(sandbox.command(["run-once"]).env("KEEP_LOCAL_MODELS", hints).output().unwrap()).ok();
    assert_eq!(run.out, "1 done\n", "{run:#?}");
    let done = task(&sandbox, &id);
    // Its second model is still there for an answer that fails.
    assert_eq!((done["attempts"].as_u64(), done["swaps"].as_u64()), (Some(1), Some(0)), "{done:#}");
    // Where a task names its model and may fall back, the second choice steps in, once, and passes over what does not load either.
    let named = add(&sandbox, "Say yes.", &["--model", "hollow-a-Q8_0", "--fallback"]);
    let run = finish(sandbox.command(["run-once"]).env("KEEP_LOCAL_MODELS", hints).output().unwrap()).ok();
    assert_eq!(run.out, "1 done\n", "{run:#?}");
    let done = task(&sandbox, &named);
    assert_eq!((done["attempts"].as_u64(), done["swaps"].as_u64()), (Some(1), Some(1)), "{done:#}");
    // With none left, the error names them all.
    sandbox.run(["set", "smollm2", "--disable"]).ok();
    let id = add(&sandbox, "Say yes.", &[]);
    sandbox.run(["run-once"]).ok();
    let error = task(&sandbox, &id)["error"]["message"].as_str().unwrap().to_owned();
    assert!(error.contains("hollow-a-Q8_0:") && error.contains("hollow-b-Q8_0:"), "{error}");
}

#[test]
fn a_tier_that_no_model_is_of_is_not_answered_by_another_one() {
    let (sandbox, _turn) = with_model();
    let id = add(&sandbox, "Say yes.", &["--tier", "powerful"]);
    sandbox.run(["run-once"]).refuses(3, "1 task waits: no model of the tier `powerful` is known");
    let waiting = task(&sandbox, &id);
    assert_eq!((waiting["state"].as_str(), waiting["attempts"].as_u64()), (Some("queued"), Some(0)), "{waiting:#}");
    assert!(waiting["waits_for"].as_str().unwrap().contains("of the tier `powerful`"), "{waiting:#}");
    assert!(sandbox.run(["task", "list"]).ok().out.contains("waiting"), "a list says so too");
    // It holds nobody up, and goes when its model is there.
    add(&sandbox, "Say no.", &[]);
    let both = sandbox.run(["run-once"]).ok();
    assert_eq!(both.out, "1 done\n");
    assert!(both.err.contains("1 task waiting: no model of the tier `powerful`"), "{both:#?}");
    sandbox.run(["set", "smollm2", "--tier", "powerful"]).ok();
    assert_eq!(sandbox.run(["run-once"]).ok().out, "1 done\n");
}

#[test]
fn a_model_whose_file_is_gone_is_waited_for_and_costs_no_attempt() {
    let (sandbox, _turn) = with_model();
    let id = add(&sandbox, "Say yes.", &["--model", "smollm2"]);
    let (file, aside) = (sandbox.models().join("SmolLM2-135M-Instruct.Q4_1.gguf"), sandbox.path("aside"));
    std::fs::rename(&file, &aside).unwrap();
    for _ in 0..4 {
        sandbox.run(["run-once"]).refuses(3, "1 task waits");
    }
    sandbox.run(["scan"]).ok();
    sandbox.run(["run-once"]).refuses(3, "is unavailable");
    let waiting = task(&sandbox, &id);
    assert_eq!((waiting["state"].as_str(), waiting["attempts"].as_u64()), (Some("queued"), Some(0)), "{waiting:#}");
    // A deadline passes all the same.
    let late = add(&sandbox, "Say yes.", &["--model", "smollm2", "--deadline", "1ms"]);
    sandbox.run(["run-once"]);
    assert_eq!(task(&sandbox, &late)["state"], "failed");
    std::fs::rename(&aside, &file).unwrap();
    sandbox.run(["scan"]).ok();
    assert_eq!(sandbox.run(["run-once"]).ok().out, "1 done\n");
    assert_eq!(task(&sandbox, &id)["attempts"], 1);
}

#[test]
fn a_model_that_can_never_run_is_refused_before_anything_is_queued() {
    let (sandbox, _turn) = with_model();
    sandbox.run(["set", "smollm2", "--disable"]).ok();
    let line = json!({"custom_id": "q", "method": "POST", "url": "/v1/completions", "body": {"prompt": "x", "model": "smollm2"}});
    std::fs::write(sandbox.path("in.jsonl"), line.to_string()).unwrap();
    for args in [
        &["task", "add", "x", "--model", "smollm2"][..],
        &["batch", "in.jsonl", "-o", "out.jsonl"],
        &["task", "import", "in.jsonl", "--model", "smollm2"],
        &["run-once", "--prompt", "x", "--model", "smollm2"],
    ] {
        sandbox.run(args).refuses(3, "is disabled");
    }
    assert_eq!(sandbox.run(["task", "list", "--json"]).ok().json(), json!([]));
}

/// Stops the worker in the middle of an answer, as a driver that hangs would.
fn freeze_worker(sandbox: &Sandbox) -> u32 {
    let until = Instant::now() + LIMIT;
    loop {
        let workers = processes::workers_in(&sandbox.path("run"));
        if let Some(worker) = workers.first().filter(|worker| is_answering(worker.pid)) {
            let pid = rustix::process::Pid::from_raw(worker.pid.try_into().unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
            return worker.pid;
        }
        assert!(Instant::now() < until, "no worker answers anything");
    }
}

/// Whether a worker has read a prompt and computes tokens.
fn is_answering(worker: u32) -> bool {
    let line = std::fs::read(format!("/proc/{worker}/cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0).skip_while(|word| *word != b"--socket");
    let Some(socket) = words.nth(1) else { return false };
    // It loads its model.
    let Ok(metrics) = worker::metrics_at(Path::new(&*String::from_utf8_lossy(socket))) else { return false };
    let decodes = metrics.lines().find_map(|line| line.strip_prefix("llamacpp:n_decode_total "));
    decodes.and_then(|number| number.parse::<u32>().ok()).is_some_and(|number| number > 2)
}

#[test]
fn a_limit_holds_although_the_worker_hangs_and_the_task_beside_it_loses_nothing() {
    let (sandbox, _turn) = with_model();
    let slow = add(&sandbox, "Tell me a long story.", &["--max-tokens", "600", "--timeout", "10s", "--priority", "5"]);
    let db = modelctl::db::Db::open(&sandbox.db(), modelctl::db::Access::ReadOnly).unwrap();
    let run = sandbox.start(["run-once", "--max-tasks", "2"]);
    let until = Instant::now() + 2 * LIMIT;
    while db.ticket(modelctl::model::task::TaskId(slow.parse().unwrap())).unwrap().unwrap().model.is_none() {
        assert!(Instant::now() < until, "nothing runs");
    }
    let frozen = freeze_worker(&sandbox);
    let other = add(&sandbox, "Say yes.", &[]);
    let ended = finish(run.wait_with_output().unwrap());
    assert!(until > Instant::now(), "{ended:#?}");
    assert!(!std::path::Path::new(&format!("/proc/{frozen}")).exists(), "it was killed");
    let (slow, other) = (task(&sandbox, &slow), task(&sandbox, &other));
    // Tried once more on another worker, it may have been answered in time.
    assert_ne!(slow["state"], "running", "{slow:#}");
    sandbox.run(["run-once"]);
    let other_id = other["id"].to_string();
    let other = task(&sandbox, &other_id);
    assert_eq!((other["state"].as_str(), other["crashes"].as_u64()), (Some("done"), Some(0)), "{other:#}");
}

/// By name with `--ignored`: the lease of the device is a minute.
#[test]
#[ignore = "takes more than a minute"]
fn a_stopped_executor_gives_up_the_device_and_writes_nothing_when_it_is_back() {
    let (sandbox, _turn) = with_model();
    let id = add(&sandbox, "Tell me a long story.", &["--max-tokens", "3000"]);
    let mut stopped = sandbox.start(["run-once"]);
    let until = Instant::now() + LIMIT;
    while task(&sandbox, &id)["state"] != "running" || task(&sandbox, &id)["model"].is_null() {
        assert!(Instant::now() < until, "it does not run");
    }
    let pid = rustix::process::Pid::from_child(&stopped);
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let other = add(&sandbox, "Say yes.", &["--priority", "9"]);
    sandbox.run(["run-once"]).refuses(4, "in use by");
    let until = Instant::now() + LIMIT;
    loop {
        let run = sandbox.run(["run-once", "--max-tasks", "1"]);
        if task(&sandbox, &other)["state"] == "done" {
            break;
        }
        assert!(Instant::now() < until && run.code == Some(4), "{run:#?}");
    }
    let found = task(&sandbox, &id);
    assert_eq!((&found["interruptions"], &found["crashes"]), (&json!(1), &json!(0)), "{found:#}");
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    let until = Instant::now() + LIMIT;
    while stopped.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it goes on although it has lost the device");
    }
    let after = task(&sandbox, &id);
    assert_eq!((&after["state"], &after["interruptions"]), (&json!("queued"), &json!(1)), "{after:#}");
}

#[test]
fn a_prompt_ends_at_its_limit_although_the_worker_hangs() {
    let (sandbox, _turn) = with_model();
    let prompt = ["run-once", "--prompt", "Tell a long story.", "--max-tokens", "3000", "--timeout", "10s"];
    let began = Instant::now();
    let run = sandbox.start(prompt);
    let frozen = freeze_worker(&sandbox);
    let ended = finish(run.wait_with_output().unwrap());
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}: {ended:#?}", began.elapsed());
    assert!(!std::path::Path::new(&format!("/proc/{frozen}")).exists(), "it was killed");
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

#[test]
fn the_device_is_free_only_when_the_worker_of_a_killed_executor_is_gone() {
    let (sandbox, _turn) = with_model();
    let id = add(&sandbox, "Tell me a story about a dragon.", &["--max-tokens", "400"]);
    let mut executor = sandbox.start(["run-once"]);
    let until = Instant::now() + LIMIT;
    let worker = loop {
        if let Some(worker) = processes::workers_in(&sandbox.path("run")).first() {
            break worker.pid;
        }
        assert!(Instant::now() < until, "no worker appeared");
    };
    let open = std::fs::read_dir(format!("/proc/{worker}/fd")).unwrap().flatten();
    let mut open = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    assert!(open.any(|file| file.ends_with("device.lock")), "the worker holds the lock as well");
    executor.kill().unwrap();
    executor.wait().unwrap();
    let lock = std::fs::File::open(sandbox.path("modelctl.db-run/device.lock")).unwrap();
    lock.lock().unwrap();
    // A process gives back its memory, its arguments among it, before it closes its files.
    let line = std::fs::read(format!("/proc/{worker}/cmdline")).unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(&line), "", "the worker still has its model in memory");
    drop(lock);
    assert_eq!(sandbox.run(["run-once"]).ok().out, "1 done\n");
    let done = task(&sandbox, &id);
    assert_eq!((&done["crashes"], &done["interruptions"]), (&json!(0), &json!(1)), "{done:#}");
}

#[test]
fn an_executor_waits_for_the_worker_that_another_left_behind() {
    let (sandbox, _turn) = with_model();
    add(&sandbox, "Say yes.", &[]);
    let mut dead = std::process::Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let dir = sandbox.path("modelctl.db-run");
    std::fs::create_dir(&dir).unwrap();
    let told = format!("modelctl run-once (process 7, since noon)\n{}\n", dead.id());
    std::fs::write(dir.join("device.lock"), told).unwrap();
    let held = std::fs::File::open(dir.join("device.lock")).unwrap();
    held.lock().unwrap();
    let mut executor = sandbox.start(["run-once"]);
    let mut line = String::new();
    BufReader::new(executor.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let waits = "waiting for the worker that modelctl run-once (process 7, since noon) left behind";
    assert!(line.contains(waits), "{line}");
    drop(held);
    assert_eq!(finish(executor.wait_with_output().unwrap()).ok().out, "1 done\n");
}

#[test]
fn a_reproducible_batch_gives_a_task_one_text_alone_and_among_others() {
    let (sandbox, _turn) = with_model();
    let line = |n: usize| {
        let content = format!("Tell me {} things about the number {n} and the sea.", 2 + n % 5);
        let body = json!({"messages": [{"role": "user", "content": content}], "max_tokens": 40, "temperature": 0});
        json!({"custom_id": format!("q{n}"), "method": "POST", "url": "/v1/chat/completions", "body": body}).to_string()
            + "\n"
    };
    let answers = |name: &str, lines: String| {
        std::fs::write(sandbox.path(name), lines).unwrap();
        let output = format!("{name}.out");
        let mut batch = sandbox.command(["batch", name, "-o", &output]);
        finish(batch.env("MODELCTL_REPRODUCIBLE", "1").output().unwrap()).ok();
        answers_in(&sandbox.path(&output))
    };
    let among = answers("among.jsonl", (0..13).map(line).collect());
    for n in [0, 12] {
        let alone = answers(&format!("alone-{n}.jsonl"), line(n));
        let key = format!("q{n}");
        assert_eq!(alone[&key], among[&key]);
    }
}

/// Requests for answers of a few tokens, and two long ones at the end: until those are answered, something is left.
fn requests(number: usize) -> String {
    let line = |n: usize| {
        let prompt = match n % 8 {
            0 => format!("What is {n} plus {n}? Answer in one sentence."),
            1 => format!("Name {} animals that live in water.", 2 + n % 5),
            2 => format!("Translate \"number {n}\" into French."),
            3 => format!("Is {n} an even number? Answer yes or no and say why."),
            4 => format!("Write a title for chapter {n} of a book about ships."),
            5 => format!("Antworte auf Deutsch: Was ist {n} mal zwei?"),
            6 => format!("Complete the row: {n}, {}, {},", n + 2, n + 4),
            _ => format!("Give one reason to visit town number {n}. 🏙️"),
        };
        let tokens = if n + 2 < number { 6 + n % 12 } else { 200 };
        let body = json!({"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "temperature": 0});
        json!({"custom_id": format!("q{n}"), "method": "POST", "url": "/v1/chat/completions", "body": body}).to_string()
    };
    (0..number).map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// Waits until so many tasks are done, then kills the process and everything it started dies with it.
fn kill_after(sandbox: &Sandbox, mut child: Child, done: u64) {
    let until = Instant::now() + 2 * LIMIT;
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
    let (sandbox, _turn) = with_model();
    killed_twice(&sandbox, 48, [4, 10]);
}

/// By name in a release build with `--ignored --nocapture`; it prints its figures.
#[test]
#[ignore = "takes minutes"]
fn two_hundred_prompts_killed_twice_are_answered_as_in_an_undisturbed_run() {
    let (sandbox, _turn) = with_model();
    let began = Instant::now();
    let answers = killed_twice(&sandbox, 200, [40, 120]);
    eprintln!("killed twice: {:.1?}", began.elapsed());
    let calm = Sandbox::new();
    calm.place(&fixtures::smollm2(), "SmolLM2-135M-Instruct.Q4_1.gguf");
    calm.run(["scan"]).ok();
    let began = Instant::now();
    std::fs::write(calm.path("in.jsonl"), requests(200)).unwrap();
    calm.run(["batch", "in.jsonl", "-o", "out.jsonl"]).ok();
    eprintln!("undisturbed: {:.1?}", began.elapsed());
    let undisturbed = answers_in(&calm.path("out.jsonl"));
    let asked = |answers: &Answers| -> Vec<(String, u64)> { answers.iter().map(|(k, a)| (k.clone(), a.2)).collect() };
    assert_eq!(asked(&undisturbed), asked(&answers), "the keys and the tokens of their prompts");
    // Sums of floats depend on how many sequences shared a step, which is another with every kill: where two words are
    // nearly as likely, the other one is taken.
    let same = answers.iter().filter(|(key, answer)| undisturbed.get(*key) == Some(*answer)).count();
    eprintln!("{same} of {} answers are the same, letter by letter", answers.len());
    assert!(same > answers.len() / 2);
}

/// The answers by their keys: text, why it ended, tokens in and out.
type Answers = BTreeMap<String, (String, String, u64, u64)>;

fn answers_in(output: &Path) -> Answers {
    let mut answers = Answers::new();
    for line in BufReader::new(std::fs::File::open(output).unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!((&line["response"]["status_code"], &line["error"]), (&json!(200), &Value::Null), "{line}");
        let body = &line["response"]["body"];
        let choice = &body["choices"][0];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let tokens = |name: &str| body["usage"][name].as_u64().unwrap();
        let answer = (
            text(&choice["message"]["content"]),
            text(&choice["finish_reason"]),
            tokens("prompt_tokens"),
            tokens("completion_tokens"),
        );
        assert!(!answer.0.trim().is_empty() && answer.2 > 0 && answer.3 > 0, "{line}");
        assert!(["stop", "length"].contains(&answer.1.as_str()), "{line}");
        assert_eq!(answers.insert(text(&line["custom_id"]), answer), None, "answered twice");
    }
    answers
}

fn killed_twice(sandbox: &Sandbox, lines: usize, kills: [u64; 2]) -> Answers {
    let (input, output) = (sandbox.path("in.jsonl"), sandbox.path("out.jsonl"));
    std::fs::write(&input, requests(lines)).unwrap();
    let args = ["batch", input.to_str().unwrap(), "-o", output.to_str().unwrap()];
    for done in kills {
        kill_after(sandbox, sandbox.start(args), done);
        assert!(!output.exists(), "half a file was written");
    }
    sandbox.run(args).ok();
    let answers = answers_in(&output);
    let wanted: BTreeSet<String> = (0..lines).map(|n| format!("q{n}")).collect();
    assert_eq!(answers.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    // Once more gives the same file without running anything.
    let first = std::fs::read(&output).unwrap();
    sandbox.run(args).ok();
    assert_eq!(std::fs::read(&output).unwrap(), first);
    answers
}

#[test]
fn executors_and_batches_that_race_for_one_queue_do_each_task_once() {
    let (sandbox, _turn) = with_model();
    let ids: Vec<String> = (0..12).map(|n| add(&sandbox, &format!("Say {n}."), &[])).collect();
    std::fs::write(sandbox.path("in.jsonl"), requests(24)).unwrap();
    let batches: Vec<Child> =
        (0..2).map(|n| sandbox.start(["batch", "in.jsonl", "-o", &format!("out-{n}.jsonl")])).collect();
    let crons: Vec<Child> = (0..3).map(|_| sandbox.start(["run-once"])).collect();
    for cron in crons {
        let run = finish(cron.wait_with_output().unwrap());
        assert!(run.code == Some(0) || run.code == Some(4), "{run:#?}");
    }
    // A batch waits for the model, or finds that another one has answered it meanwhile.
    for batch in batches {
        finish(batch.wait_with_output().unwrap()).ok();
    }
    let read = |n: u32| std::fs::read_to_string(sandbox.path(&format!("out-{n}.jsonl"))).unwrap();
    assert_eq!(read(0), read(1));
    assert_eq!(answers_in(&sandbox.path("out-0.jsonl")).len(), 24);
    while ids.iter().any(|id| task(&sandbox, id)["state"] != "done") {
        sandbox.run(["run-once"]).ok();
    }
    let tasks = sandbox.run(["task", "list", "--limit", "0", "--json"]).ok().json();
    assert_eq!(tasks.as_array().unwrap().len(), 36);
    for task in tasks.as_array().unwrap() {
        assert_eq!(
            (&task["attempts"], &task["crashes"], &task["swaps"]),
            (&json!(1), &json!(0), &json!(0)),
            "{task:#}"
        );
    }
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
        // The first is done when most of the others have not begun.
        let tokens = if n == 0 { "4" } else { "60" };
        add(&sandbox, &prompt, &["--max-tokens", tokens])
    };
    let ids: Vec<String> = (0..48).map(long).collect();
    let child = sandbox.start(["run-once", "--max-tasks", "48"]);
    // Both while the model is being loaded, when nothing has been asked yet, and in the middle of answers.
    let until = Instant::now() + LIMIT;
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
    let until = Instant::now() + LIMIT;
    while task(&sandbox, &id)["state"] != "running" || task(&sandbox, &id)["model"].is_null() {
        assert!(Instant::now() < until, "it does not run");
    }
    sandbox.run(["task", "cancel", &id]).ok();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(task(&sandbox, &id)["state"], "cancelled");
}

#[test]
fn a_batch_is_written_while_other_tasks_that_have_begun_still_run() {
    let (sandbox, _turn) = with_model();
    let args = ["task", "add", "Count from one to one thousand.", "--max-tokens", "4000", "--temperature", "0"];
    let other = sandbox.run([&args[..], &["--priority", "9"]].concat()).ok().out.trim().to_owned();
    std::fs::write(sandbox.path("in.jsonl"), requests(3)).unwrap();
    let child = sandbox.start(["batch", "in.jsonl", "-o", "out.jsonl"]);
    let until = Instant::now() + LIMIT;
    while !sandbox.path("out.jsonl").exists() {
        assert!(Instant::now() < until, "nothing is written");
    }
    assert_eq!(answers_in(&sandbox.path("out.jsonl")).len(), 3);
    assert_eq!(task(&sandbox, &other)["state"], "running", "the batch waited for it");
    sandbox.run(["task", "cancel", &other]).ok();
    let run = finish(child.wait_with_output().unwrap()).ok();
    assert!(run.err.contains("the answers are written; waiting for 1 other task to finish"), "{run:#?}");
}

#[test]
fn a_worker_that_is_killed_costs_no_task_its_answer() {
    // Several rounds of the sixteen that run at once, so that some are left when the first are done.
    const LINES: usize = 64;
    let (sandbox, _turn) = with_model();
    let (input, output) = (sandbox.path("in.jsonl"), sandbox.path("out.jsonl"));
    std::fs::write(&input, requests(LINES)).unwrap();
    let child = sandbox.start(["batch", input.to_str().unwrap(), "-o", output.to_str().unwrap()]);
    let until = Instant::now() + LIMIT;
    while sandbox.run(["task", "stats", "--json"]).json()["tasks"]["done"].as_u64() < Some(1) {
        assert!(Instant::now() < until, "nothing is answered");
    }
    processes::kill(processes::workers_in(&sandbox.path("run"))[0].pid);
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
fn a_schema_that_no_answer_fits_is_refused_and_an_answer_that_was_cut_short_is_one() {
    let (sandbox, _turn) = with_model();
    let args = |name: &str, schema: Value, tokens: &str| {
        std::fs::write(sandbox.path(name), schema.to_string()).unwrap();
        let args = ["task", "add", "Answer.", "--json-schema", name, "--max-tokens", tokens, "--temperature", "0"];
        args.map(String::from)
    };
    // Two of the one value are never unique.
    let twice = json!({"type": "array", "items": {"const": "a"}, "minItems": 2, "maxItems": 2, "uniqueItems": true});
    sandbox.run(args("twice.json", twice, "40")).refuses(3, "minItems (2) is greater than maxItems (1)");
    // With a third value there is a way, whatever the model would rather say.
    let unique = json!({"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 2, "uniqueItems": true});
    let unique = sandbox.run(args("unique.json", unique, "40")).ok().out.trim().to_owned();
    let long = json!({"type": "object", "properties": {"a_long_name": {"const": "x"}}, "required": ["a_long_name"]});
    let cut = sandbox.run(args("cut.json", long, "2")).ok().out.trim().to_owned();
    let run = sandbox.run(["run-once"]);
    assert_eq!(run.out, "2 done\n", "{run:#?}");
    let unique = task(&sandbox, &unique);
    let items: Vec<String> = serde_json::from_str(unique["result"]["text"].as_str().unwrap()).unwrap();
    assert_eq!(BTreeSet::from_iter(&items).len(), items.len(), "{items:?}");
    // What the limit of tokens cut is an answer that says so.
    let cut = task(&sandbox, &cut);
    assert_eq!((&cut["state"], &cut["result"]["finish_reason"]), (&json!("done"), &json!("length")), "{cut:#}");
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
        "properties": {"city": {"type": "string", "pattern": "^[A-Z][a-z]{2,15}$"}, "big": {"type": "boolean"}},
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
    sandbox.run(["task", "add", "Is water wet?", "--grammar", &broken]).refuses(3, "the grammar cannot be used");
    let run = sandbox.run(["run-once"]).ok();
    assert_eq!(run.out, "2 done\n", "{run:#?}");
    let text = |id: &str| task(&sandbox, id)["result"]["text"].as_str().unwrap().to_owned();
    let answer: Value = serde_json::from_str(&text(&city)).unwrap();
    assert!(answer["city"].is_string() && answer["big"].is_boolean(), "{answer}");
    assert!(["yes", "no"].contains(&text(&yes).as_str()), "{}", text(&yes));
}

//! The ledger of memory with real processes: who may load a model, and what becomes of the memory of who is killed.

use crate::fixtures;
use crate::processes;
use crate::sandbox::{Run, Sandbox, finish};
use crate::serving::Serving;
use modelctl::db::{Access, Db};
use modelctl::model::ledger::LoadState;
use modelctl::model::task::Queue;
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);
/// Enough for each of the two models, and not for both.
const BUDGET: &str = "1000MiB";

/// A sandbox that knows both real models, and the turn to run them.
fn with_both_models() -> (Sandbox, File) {
    let turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    sandbox.place(&fixtures::smollm2(), "smollm2.gguf");
    sandbox.place(&fixtures::gemma(), "gemma.gguf");
    sandbox.run(["scan"]).ok();
    (sandbox, turn)
}

fn prompt(sandbox: &Sandbox, model: &str) -> Child {
    let args = ["run-once", "--prompt", "One, two, three,", "--model", model, "--max-tokens", "24", "--json"];
    let mut command = sandbox.command(args);
    command.env("MODELCTL_RAM_BUDGET", BUDGET).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn two_models_that_do_not_fit_together_are_never_in_memory_at_once() {
    let (sandbox, _turn) = with_both_models();
    let db = Db::open(&sandbox.db(), Access::ReadWrite).unwrap();
    let mut runs = [prompt(&sandbox, "smollm2"), prompt(&sandbox, "gemma")];
    let (mut most, end) = (0, Instant::now() + LIMIT);
    while runs.iter_mut().any(|run| run.try_wait().unwrap().is_none()) {
        assert!(Instant::now() < end, "they wait for each other");
        let seen = db.changes().unwrap();
        let rows = db.ledger().unwrap();
        assert!(rows.len() <= 1, "both were admitted: {rows:#?}");
        most = most.max(rows.len());
        db.wait_for_change(seen, Duration::from_millis(20), None).unwrap();
    }
    let answers = runs.map(|run| finish(run.wait_with_output().unwrap()).ok().json());
    assert!(answers.iter().all(|answer| answer["completion_tokens"].as_u64() > Some(0)), "{answers:#?}");
    assert_eq!((most, db.ledger().unwrap().len()), (1, 0), "memory of a worker that has ended stays reserved");
}

#[test]
fn a_model_that_the_budget_never_admits_is_refused_at_once() {
    let (sandbox, _turn) = with_both_models();
    let args = ["run-once", "--prompt", "x", "--model", "gemma"];
    let run = finish(sandbox.command(args).env("MODELCTL_RAM_BUDGET", "100MiB").output().unwrap());
    run.refuses(3, "100.0 MiB are available");
}

#[test]
fn who_is_killed_while_its_model_loads_leaves_no_memory_reserved() {
    let (sandbox, _turn) = with_both_models();
    let db = Db::open(&sandbox.db(), Access::ReadWrite).unwrap();
    let mut run = prompt(&sandbox, "gemma");
    let end = Instant::now() + LIMIT;
    loop {
        let seen = db.changes().unwrap();
        let rows = db.ledger().unwrap();
        if rows.iter().any(|row| row.state == LoadState::Loading && row.worker.is_some()) {
            break;
        }
        assert!(Instant::now() < end && run.try_wait().unwrap().is_none(), "it never loaded a model");
        db.wait_for_change(seen, Duration::from_millis(20), None).unwrap();
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let next = finish(prompt(&sandbox, "smollm2").wait_with_output().unwrap()).ok();
    assert!(next.json()["completion_tokens"].as_u64() > Some(0));
    assert_eq!(db.ledger().unwrap(), [], "the memory of the dead stays reserved");
}

/// Starts a daemon with these arguments.
fn serve(sandbox: &Sandbox, args: &[&str]) -> Serving {
    Serving::ready(&mut sandbox.command(["serve"].iter().chain(args)), LIMIT)
}

const ARGS: [&str; 10] = [
    "run-once",
    "--prompt",
    "Name a fruit.",
    "--model",
    "smollm2",
    "--max-tokens",
    "16",
    "--temperature",
    "0",
    "--json",
];

#[test]
fn a_prompt_beside_a_daemon_is_answered_by_its_server_and_by_a_worker_of_its_own_after_its_death() {
    let (sandbox, _turn) = with_both_models();
    let shape = |run: &Run| {
        let json = run.json();
        let keys: Vec<String> = json.as_object().unwrap().keys().cloned().collect();
        (keys, json["template"].clone(), json["model"].clone(), json["prompt_tokens"].clone())
    };
    let alone = sandbox.run(ARGS).ok();
    let daemon = serve(&sandbox, &["--no-executor"]);
    let beside = sandbox.run(ARGS).ok();
    assert_eq!(shape(&alone), shape(&beside));
    assert!(beside.json()["timings"]["predicted_per_second"].as_f64() > Some(0.0), "{beside:?}");
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    let rows = db.ledger().unwrap();
    assert_eq!(rows.iter().map(|row| row.owner.pid).collect::<Vec<_>>(), [daemon.pid()], "{rows:#?}");
    let args = ["run-once", "--prompt", "Name a fruit.", "--model", "smollm2", "--max-tokens", "4"];
    let text = sandbox.run(args).ok();
    assert!(text.err.contains("tokens/s"), "{text:?}");
    let long = "a word and ".repeat(40_000);
    sandbox.run_with_input(["run-once", "--prompt", "-", "--model", "smollm2"], long.as_bytes()).refuses(3, "context");
    drop(daemon);
    let after = sandbox.run(ARGS).ok();
    assert_eq!(shape(&alone), shape(&after));
    assert!(processes::workers_in(&sandbox.path("run")).is_empty());
}

#[test]
fn run_once_beside_a_daemon_leaves_the_tasks_to_it_and_waits_for_their_results() {
    let (sandbox, _turn) = with_both_models();
    for n in 0..3 {
        sandbox.run(["task", "add", &format!("Say {n}."), "--model", "smollm2", "--max-tokens", "8"]).ok();
    }
    let daemon = serve(&sandbox, &[]);
    sandbox.run(["run-once"]).ok();
    let list = sandbox.run(["task", "list", "--json"]).ok();
    assert_eq!(list.out.matches("\"done\"").count(), 3, "{list:?}");
    drop(daemon);
    sandbox.run(["task", "add", "Say it.", "--model", "smollm2", "--max-tokens", "8"]).ok();
    assert!(sandbox.run(["run-once"]).ok().out.contains("1 done"), "a daemon that was killed is not waited for");
}

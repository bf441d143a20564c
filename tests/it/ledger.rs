//! The ledger of memory with real processes: who may load a model, and what becomes of the memory of who is killed.

use crate::fixtures;
use crate::sandbox::{Sandbox, finish};
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

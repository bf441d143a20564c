//! The daemon with real processes and a real model: tasks run as they come, beside whatever else runs tasks.

use crate::fixtures;
use crate::offload::with_model;
use crate::processes::{self, Process};
use crate::sandbox::{Sandbox, finish};
use crate::serving::Serving;
use modelctl::db::{Access, Db};
use modelctl::model::task::{Queue, Task, TaskFilter, TaskId, TaskState};
use rustix::process::Signal;
use serde_json::json;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(300);

/// A daemon that looks once a day unless something tells it.
struct Daemon(Serving);

impl Daemon {
    fn start(sandbox: &Sandbox) -> Daemon {
        let mut command = sandbox.command(["serve"]);
        command.env("OFFLOAD_POLL_S", "86400").stdout(Stdio::piped());
        let daemon = Daemon(Serving::start(&mut command, LIMIT));
        daemon.hears("serving the queue of ");
        daemon
    }

    #[track_caller]
    fn hears(&self, text: &str) {
        self.0.hears(text);
    }

    fn terminate(&self) {
        self.0.signal(Signal::TERM);
    }

    /// Its exit code and what it printed.
    fn ended(mut self) -> (Option<i32>, String) {
        let out = std::io::read_to_string(self.0.child.stdout.take().unwrap()).unwrap();
        (self.0.child.wait().unwrap().code(), out)
    }
}

fn add(sandbox: &Sandbox, prompt: &str, more: &[&str]) -> String {
    add_long(sandbox, prompt, 8, more)
}

fn add_long(sandbox: &Sandbox, prompt: &str, tokens: u32, more: &[&str]) -> String {
    let tokens = tokens.to_string();
    let args = ["task", "add", prompt, "--max-tokens", &tokens, "--temperature", "0"];
    sandbox.run(args.iter().chain(more)).ok().out.trim().to_owned()
}

fn wait(sandbox: &Sandbox, more: &[&str]) {
    sandbox.run(["task", "wait", "--timeout", "300s"].iter().chain(more)).ok();
}

fn tasks(db: &Db) -> Vec<Task> {
    db.tasks_after(&TaskFilter::default(), TaskId(0), 10_000).unwrap()
}

/// Goes on with every commit until `is_so`.
#[track_caller]
fn until(db: &Db, what: &str, mut is_so: impl FnMut(&Db) -> bool) {
    let end = Instant::now() + LIMIT;
    loop {
        let seen = db.changes().unwrap();
        if is_so(db) {
            return;
        }
        assert!(Instant::now() < end, "never {what}: {:#?}", tasks(db));
        db.wait_for_change(seen, Duration::from_millis(50), None).unwrap();
    }
}

fn workers(sandbox: &Sandbox) -> Vec<Process> {
    processes::workers_in(&sandbox.path("run"))
}

#[test]
fn a_task_is_answered_at_once_and_the_model_leaves_the_memory_when_it_is_idle() {
    let (sandbox, _turn) = with_model();
    sandbox.run(["set", "smollm", "--idle-timeout", "1s"]).ok();
    add(&sandbox, "It was there before. Say yes.", &[]);
    let daemon = Daemon::start(&sandbox);
    wait(&sandbox, &["--all"]);
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    until(&db, "unloaded", |_| workers(&sandbox).is_empty());
    let soon = add(&sandbox, "It came while the daemon slept. Say yes.", &[]);
    wait(&sandbox, &[&soon]);
    let timed = add(&sandbox, "It has a time. Say yes.", &["--not-before", "1s"]);
    wait(&sandbox, &[&timed]);
    until(&db, "unloaded", |_| workers(&sandbox).is_empty());
    daemon.terminate();
    let (code, out) = daemon.ended();
    assert_eq!((code, out.as_str()), (Some(0), "1 done\n1 done\n1 done\n"));
}

#[test]
fn a_task_is_answered_by_the_server_that_is_loaded_for_everybody() {
    let (sandbox, _turn) = with_model();
    let daemon = Daemon::start(&sandbox);
    sandbox.run(["start", "smollm"]).ok();
    let before = workers(&sandbox);
    let ids: Vec<String> = (0..3).map(|n| add(&sandbox, &format!("Say {n}."), &[])).collect();
    wait(&sandbox, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let pids = |workers: &[Process]| workers.iter().map(|worker| worker.pid).collect::<Vec<_>>();
    assert_eq!(pids(&workers(&sandbox)), pids(&before), "a second copy takes the memory twice");
    sandbox.run(["stop", "smollm"]).ok();
    let again = add(&sandbox, "Say yes.", &[]);
    wait(&sandbox, &[&again]);
    let servers = sandbox.run(["ps", "--json"]).ok().json();
    assert_eq!(servers["servers"][0]["state"], "ready", "what a task has loaded is shown: {servers:#}");
    daemon.terminate();
    assert_eq!(daemon.ended().0, Some(0));
    assert!(workers(&sandbox).is_empty());
}

#[test]
fn tasks_that_wait_for_a_model_run_as_soon_as_a_scan_has_found_it() {
    let (sandbox, _turn) = with_model();
    let (file, aside) = (sandbox.models().join("SmolLM2-135M-Instruct.Q4_1.gguf"), sandbox.path("aside"));
    std::fs::rename(&file, &aside).unwrap();
    sandbox.run(["scan"]).ok();
    let daemon = Daemon::start(&sandbox);
    let id = add(&sandbox, "Say yes.", &[]);
    daemon.hears("tasks wait: no model is known");
    let late = add(&sandbox, "Say no.", &["--deadline", "1s"]);
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    let late = TaskId(late.parse().unwrap());
    until(&db, "too late", |db| db.ticket(late).unwrap().unwrap().state() == TaskState::Failed);
    std::fs::rename(&aside, &file).unwrap();
    sandbox.run(["scan"]).ok();
    wait(&sandbox, &[&id]);
    let task = db.ticket(TaskId(id.parse().unwrap())).unwrap().unwrap();
    assert_eq!((task.attempts, task.crashes, task.interruptions), (1, 0, 0), "the wait has cost nothing: {task:?}");
}

#[test]
fn nothing_starts_while_inference_is_off_and_all_does_when_it_is_on_again() {
    let (sandbox, _turn) = with_model();
    sandbox.run(["inference", "off"]).ok();
    let id = add(&sandbox, "Say yes.", &[]);
    let _daemon = Daemon::start(&sandbox);
    sandbox.run(["task", "wait", &id, "--timeout", "1s"]).refuses(4, "has not finished");
    let state = sandbox.run(["task", "show", &id, "--json"]).ok().json()["state"].clone();
    assert_eq!((state, workers(&sandbox).len()), (json!("queued"), 0));
    sandbox.run(["inference", "on"]).ok();
    wait(&sandbox, &[&id]);
}

#[test]
fn a_second_daemon_says_who_serves_the_queue() {
    let (sandbox, _turn) = with_model();
    let daemon = Daemon::start(&sandbox);
    let text = format!("served by modelctl serve (process {}, since ", daemon.0.pid());
    sandbox.run(["serve"]).refuses(4, &text);
    daemon.terminate();
    assert_eq!(daemon.ended().0, Some(0));
    let next = Daemon::start(&sandbox);
    next.terminate();
    assert_eq!(next.ended().0, Some(0));
}

#[test]
fn a_stop_finishes_what_runs_and_costs_nobody_an_attempt() {
    let (sandbox, _turn) = with_model();
    let daemon = Daemon::start(&sandbox);
    for n in 0..40 {
        add_long(&sandbox, &format!("Tell me of ship number {n}."), 60, &[]);
    }
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    until(&db, "running", |db| tasks(db).iter().any(|t| t.ticket.state() == TaskState::Running));
    daemon.terminate();
    assert_eq!(daemon.ended().0, Some(0));
    for task in tasks(&db) {
        let task = task.ticket;
        let is_right = match task.state() {
            TaskState::Done => task.attempts == 1,
            TaskState::Queued => task.attempts == 0,
            _ => false,
        };
        assert!(is_right && task.crashes == 0, "{task:#?}");
    }
    assert!(workers(&sandbox).is_empty());
}

#[test]
fn run_once_and_batch_beside_the_daemon_lose_nothing_do_nothing_twice_and_load_one_model() {
    let (sandbox, _turn) = with_model();
    let daemon = Daemon::start(&sandbox);
    let line = |n: usize| {
        let body =
            json!({"messages": [{"role": "user", "content": format!("Say {n}.")}], "max_tokens": 8, "temperature": 0});
        json!({"custom_id": format!("q{n}"), "method": "POST", "url": "/v1/chat/completions", "body": body}).to_string()
    };
    std::fs::write(sandbox.path("in.jsonl"), (0..24).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    let batch = sandbox.start(["batch", "in.jsonl", "-o", "out.jsonl"]);
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    let mut runs: Vec<Child> = Vec::new();
    let mut added = 0;
    let (mut most, mut seen_by_cron) = (0, 0);
    until(&db, "done", |db| {
        if added < 24 {
            add(&sandbox, &format!("Count to {added}."), &[]);
            added += 1;
        }
        runs.retain_mut(|run| run.try_wait().unwrap().is_none());
        while runs.len() < 2 && added < 24 {
            runs.push(sandbox.start(["run-once", "--max-tasks", "3"]));
            seen_by_cron += 1;
        }
        let now = workers(&sandbox);
        if now.len() > 1 {
            // One of them may be dying.
            let end = Instant::now() + Duration::from_secs(30);
            while now.iter().filter(|w| w.lives()).count() > 1 {
                assert!(Instant::now() < end, "two models at once: {now:?}");
            }
        }
        most = most.max(now.len());
        added == 24 && tasks(db).len() == 48 && tasks(db).iter().all(|t| t.ticket.state().is_finished())
    });
    assert!(most > 0 && seen_by_cron >= 2, "{most} workers, {seen_by_cron} runs");
    assert_eq!(finish(batch.wait_with_output().unwrap()).ok().code, Some(0));
    assert_eq!(std::fs::read_to_string(sandbox.path("out.jsonl")).unwrap().lines().count(), 24);
    for run in runs {
        let run = finish(run.wait_with_output().unwrap());
        assert!(matches!(run.code, Some(0 | 4)), "{run:#?}");
    }
    for task in tasks(&db) {
        let ticket = &task.ticket;
        let is_once = ticket.attempts == 1 && ticket.crashes == 0 && task.result.is_some();
        assert!(ticket.state() == TaskState::Done && is_once, "{task:#?}");
    }
    daemon.terminate();
    assert_eq!(daemon.ended().0, Some(0));
}

#[test]
fn what_a_killed_run_once_had_in_its_hands_is_taken_up_by_the_daemon() {
    let (sandbox, _turn) = with_model();
    let ids: Vec<String> = (0..4).map(|n| add_long(&sandbox, &format!("Tell me of ship {n}."), 500, &[])).collect();
    let mut run = sandbox.start(["run-once"]);
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    until(&db, "running", |db| tasks(db).iter().any(|t| t.ticket.state() == TaskState::Running));
    let daemon = Daemon::start(&sandbox);
    run.kill().unwrap();
    run.wait().unwrap();
    daemon.hears("recovered from a killed process");
    wait(&sandbox, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(tasks(&db).iter().all(|t| t.ticket.state() == TaskState::Done));
}

#[test]
fn a_worker_that_ends_with_the_service_costs_its_task_nothing() {
    let (sandbox, _turn) = with_model();
    // A second model, which a task would be swapped to.
    sandbox.place(&fixtures::gemma(), "gemma-3-270m-q4_k_m.gguf");
    sandbox.run(["scan"]).ok();
    let id = add_long(&sandbox, "Tell me of ships.", 2000, &[]);
    let daemon = Daemon::start(&sandbox);
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    until(&db, "in the worker", |db| {
        tasks(db).iter().any(|t| t.ticket.state() == TaskState::Running && t.ticket.model.is_some())
            && !workers(&sandbox).is_empty()
    });
    let worker = workers(&sandbox)[0].pid;
    daemon.terminate();
    processes::kill(worker);
    assert_eq!(daemon.ended().0, Some(0));
    let task = db.ticket(TaskId(id.parse().unwrap())).unwrap().unwrap();
    assert_eq!(task.state(), TaskState::Queued, "{task:?}");
    assert_eq!((task.attempts, task.crashes, task.interruptions, task.swaps), (0, 0, 0, 0), "{task:?}");
}

#[test]
fn a_database_that_takes_the_place_of_the_old_one_is_served() {
    let (sandbox, _turn) = with_model();
    let daemon = Daemon::start(&sandbox);
    for name in ["modelctl.db", "modelctl.db-wal", "modelctl.db-shm"] {
        // The log is gone when nobody else has it open.
        let _ = std::fs::remove_file(sandbox.path(name));
    }
    sandbox.run(["scan"]).ok();
    let id = add(&sandbox, "Say yes.", &[]);
    wait(&sandbox, &[&id]);
    daemon.hears("was replaced");
}

/// An answer of so many tokens: at 3500 it goes on until it is killed.
fn add_endless(sandbox: &Sandbox, tokens: u32) -> TaskId {
    TaskId(add_long(sandbox, "Say anything.", tokens, &[]).parse().unwrap())
}

fn states(db: &Db, ids: &[TaskId]) -> Vec<TaskState> {
    ids.iter().map(|id| db.ticket(*id).unwrap().unwrap().state()).collect()
}

#[test]
fn a_finished_answer_is_recorded_while_a_longer_one_goes_on() {
    let (sandbox, _turn) = with_model();
    let (short, long) = (add_endless(&sandbox, 2), add_endless(&sandbox, 3500));
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    // As many as the run may take: it claims no more, which is when it recorded the others.
    let mut run = sandbox.start(["run-once", "--max-tasks", "2"]);
    until(&db, "recorded", |db| states(db, &[short])[0] == TaskState::Done);
    assert_eq!(states(&db, &[long]), [TaskState::Running]);
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn what_comes_while_others_run_runs_beside_them() {
    let (sandbox, _turn) = with_model();
    let first = [add_endless(&sandbox, 3500), add_endless(&sandbox, 3500)];
    let daemon = Daemon::start(&sandbox);
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    until(&db, "side by side", |db| states(db, &first) == [TaskState::Running; 2]);
    let short = add_endless(&sandbox, 2);
    let timed = add(&sandbox, "It has a time. Say yes.", &["--not-before", "1s"]);
    let timed = TaskId(timed.parse().unwrap());
    until(&db, "done beside them", |db| states(db, &[short, timed]) == [TaskState::Done; 2]);
    assert_eq!(states(&db, &first), [TaskState::Running; 2]);
    drop(daemon);
}

#[test]
fn while_inference_is_off_the_daemon_keeps_the_device_from_nobody() {
    let (sandbox, _turn) = with_model();
    let _daemon = Daemon::start(&sandbox);
    sandbox.run(["inference", "off"]).ok();
    add(&sandbox, "It has a time.", &["--not-before", "1ms"]);
    add(&sandbox, "It has none.", &[]);
    for _ in 0..5 {
        sandbox.run(["run-once"]).ok();
    }
    sandbox.run(["run-once", "--prompt", "Say yes.", "--max-tokens", "2", "--timeout", "60s"]).ok();
}

#[test]
fn a_batch_returns_when_its_own_answers_are_there() {
    let (sandbox, _turn) = with_model();
    let others: Vec<String> =
        (0..40).map(|n| add_long(&sandbox, &format!("Tell me of ship {n}."), 40, &["--priority", "-5"])).collect();
    let body = json!({"messages": [{"role": "user", "content": "Say yes."}], "max_tokens": 4, "temperature": 0});
    let line = json!({"custom_id": "q", "method": "POST", "url": "/v1/chat/completions", "body": body});
    std::fs::write(sandbox.path("in.jsonl"), line.to_string()).unwrap();
    sandbox.run(["batch", "in.jsonl", "-o", "out.jsonl"]).ok();
    assert_eq!(std::fs::read_to_string(sandbox.path("out.jsonl")).unwrap().lines().count(), 1);
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    let ids: Vec<TaskId> = others.iter().map(|id| TaskId(id.parse().unwrap())).collect();
    assert!(states(&db, &ids).contains(&TaskState::Queued), "it ran everybody's tasks first");
}

//! The queue between processes: claims that race, workers that are killed.

use modelctl::clock::{self, Timestamp};
use modelctl::db::{Access, Db};
use modelctl::model::ModelId;
use modelctl::model::task::machine::End;
use modelctl::model::task::order::{ClaimAsk, Claimed};
use modelctl::model::task::{
    DeadOwners, Endpoint, Hold, Moment, NewTask, OnFinished, OwnerId, Policy, Queue, TaskFilter, TaskId, TaskRequest,
    TaskResult, TaskState,
};
use modelctl::queue::executor_lock::{self, ExecutorLock};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

const DB: &str = "modelctl.db";
const RUN: &str = "run";

fn at() -> Moment {
    Moment { now: clock::now(), policy: Policy::default() }
}

fn add(folder: &Path, number: u64) -> Db {
    let mut db = Db::open(&folder.join(DB), Access::ReadWrite).unwrap();
    let request = TaskRequest { endpoint: Endpoint::Completions, body: r#"{"prompt":"?"}"#.into() };
    let task = |i| Ok(NewTask { key: Some(format!("task-{i}")), ..NewTask::new(request.clone()) });
    db.enqueue(&mut (0..number).map(task), OnFinished::Keep, at()).unwrap();
    db
}

fn claim(db: &mut Db, owner: &OwnerId, limit: usize) -> Vec<Hold> {
    let ask = ClaimAsk::new(owner.clone(), limit);
    match db.claim(&ask, at()).unwrap() {
        Claimed::Tasks(tasks) => tasks.iter().map(|task| Hold::from(&task.ticket)).collect(),
        Claimed::Nothing => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn answer(text: String) -> End {
    End::Done(TaskResult {
        text,
        finish_reason: "stop".into(),
        prompt_tokens: 1,
        completion_tokens: 1,
        prompt_ms: 1,
        generate_ms: 1,
        model: ModelId("aaaaaaaaaaaa".into()),
        model_name: "smol".into(),
    })
}

/// A worker in its working directory: recovers, claims, answers, until nothing is left. Where a file `stall` lies it
/// says what it holds and goes no further.
#[test]
#[ignore = "a part of the tests below, which start it as another process"]
fn one_worker() {
    let mut db = Db::open(Path::new(DB), Access::ReadWrite).unwrap();
    let me = ExecutorLock::acquire(Path::new(RUN)).unwrap();
    loop {
        let gone = executor_lock::dead_owners(Path::new(RUN), &db.owners().unwrap()).unwrap();
        db.recover(&gone, at()).unwrap();
        let holds = claim(&mut db, me.id(), 3);
        if Path::new("stall").exists() {
            println!("holding {}", holds.len());
            std::thread::park();
        }
        let unfinished = db.counts(None).unwrap();
        if holds.is_empty() && unfinished.keys().all(|state| state.is_finished()) {
            return;
        }
        let ends = holds.into_iter().map(|hold| (hold, answer(format!("{} {}", hold.id, me.id())))).collect();
        db.finish(ends, at()).unwrap();
    }
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "queue::one_worker", "--ignored", "--nocapture"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait_for_line(out: &mut BufReader<ChildStdout>, beginning: &str) {
    let mut line = String::new();
    while !line.contains(beginning) {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "it ended without saying `{beginning}`");
    }
}

/// Every task is done, with one result, and its attempts tell the same story.
fn check_all_done(db: &Db, number: u64) {
    let tasks = db.tasks_after(&TaskFilter::default(), TaskId(0), 10_000).unwrap();
    assert_eq!(tasks.len() as u64, number);
    for task in tasks {
        assert_eq!(task.ticket.state(), TaskState::Done, "{:?}", task.ticket);
        let attempts = db.attempts(task.ticket.id).unwrap();
        let last = attempts.last().unwrap();
        let text = task.result.unwrap().text;
        assert_eq!(text, format!("{} {}", task.ticket.id, last.owner), "the answer of who held it");
        assert_eq!(attempts.iter().filter(|a| a.ended.is_none()).count(), 0);
        assert_eq!(task.ticket.token, attempts.len() as u64);
    }
}

#[test]
fn processes_that_claim_at_once_share_the_tasks_and_none_is_done_twice() {
    let dir = tempfile::tempdir().unwrap();
    let db = add(dir.path(), 300);
    let workers: Vec<Child> = (0..3).map(|_| start(dir.path())).collect();
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    check_all_done(&db, 300);
    let mut owners = BTreeSet::new();
    for id in 1..=300 {
        let attempts = db.attempts(TaskId(id)).unwrap();
        assert_eq!(attempts.len(), 1, "claimed once");
        owners.insert(attempts[0].owner.clone());
    }
    assert!(std::fs::read_dir(dir.path().join(RUN)).unwrap().next().is_none(), "they clean up behind them");
}

#[test]
fn what_a_killed_worker_held_is_taken_up_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = add(dir.path(), 4);
    std::fs::write(dir.path().join("stall"), "").unwrap();
    let mut worker = start(dir.path());
    let mut out = BufReader::new(worker.stdout.take().unwrap());
    wait_for_line(&mut out, "holding 3");
    let run = dir.path().join(RUN);
    let owners = db.owners().unwrap();
    assert_eq!(owners.len(), 1);
    assert_eq!(owners[0].pid(), Some(worker.id()));
    assert!(executor_lock::dead_owners(&run, &owners).unwrap().is_empty(), "it lives");
    worker.kill().unwrap();
    worker.wait().unwrap();
    let gone = executor_lock::dead_owners(&run, &owners).unwrap();
    assert_eq!(gone.crashed, owners, "the kernel let go of its lock");
    // Long before the lease is over.
    let found = db.recover(&gone, at()).unwrap();
    assert_eq!(found.requeued, [TaskId(1), TaskId(2), TaskId(3)]);
    executor_lock::sweep(&run, &db.owners().unwrap()).unwrap();
    assert!(std::fs::read_dir(&run).unwrap().next().is_none());
    std::fs::remove_file(dir.path().join("stall")).unwrap();
    assert!(start(dir.path()).wait().unwrap().success());
    check_all_done(&db, 4);
    for id in 1..=3 {
        let ticket = db.ticket(TaskId(id)).unwrap().unwrap();
        assert_eq!((ticket.attempts, ticket.crashes, ticket.interruptions, ticket.token), (1, 0, 1, 2));
    }
}

#[test]
fn workers_killed_at_random_lose_nothing_and_record_nothing_twice() {
    const TASKS: u64 = 400;
    let dir = tempfile::tempdir().unwrap();
    let db = add(dir.path(), TASKS);
    let mut workers: Vec<Child> = (0..2).map(|_| start(dir.path())).collect();
    let mut kills = 0;
    let mut chance = 12_345u64;
    let begun = clock::instant();
    loop {
        assert!(begun.elapsed().as_secs() < 600, "{:?}", db.counts(None));
        let counts = db.counts(None).unwrap();
        if counts.keys().all(|state| state.is_finished()) {
            break;
        }
        // A commit of a worker is the event that decides when the next one dies.
        let version = db.changes().unwrap();
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        db.wait_for_change(version, std::time::Duration::from_millis(chance >> 58), None).unwrap();
        if kills < 40 {
            let victim = usize::try_from(chance >> 40).unwrap() % workers.len();
            workers[victim].kill().unwrap();
            workers[victim].wait().unwrap();
            workers[victim] = start(dir.path());
            kills += 1;
        }
    }
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    // However often they were killed: no task is to blame for it.
    check_all_done(&db, TASKS);
    let verdict: String = rusqlite::Connection::open(dir.path().join(DB))
        .unwrap()
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    eprintln!("{kills} kills");
}

#[test]
fn a_worker_with_the_clock_of_another_day_takes_nothing_from_the_living() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = add(dir.path(), 1);
    let me = OwnerId::new(1, 2, 3);
    let hold = claim(&mut db, &me, 1)[0];
    let yesterday = Moment { now: Timestamp(at().now.0 - 86_400_000), ..at() };
    assert_eq!(db.recover(&DeadOwners::default(), yesterday).unwrap().requeued, []);
    assert_eq!(db.renew(&[hold], at()).unwrap(), [Ok(())]);
    assert_eq!(db.finish(vec![(hold, answer("x".into()))], at()).unwrap(), [Ok(TaskState::Done)]);
}

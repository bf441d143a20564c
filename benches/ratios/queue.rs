//! The queue against Huey with its SQLite storage and fsync on, in files on one disk: tasks in, and tasks through.
//!
//! Both sides keep a write-ahead log with `synchronous=FULL`, so that a commit is on the disk when it returns; both
//! check it. Not equal is what a commit means: Huey's dequeue deletes the task before it is done.

use crate::header::text;
use crate::measure::{in_cold_turns, output, wall};
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};
use modelctl::clock::{self, Timestamp};
use modelctl::db::{Access, Db};
use modelctl::model::ModelId;
use modelctl::model::task::machine::End;
use modelctl::model::task::order::{ClaimAsk, Claimed, Loaded};
use modelctl::model::task::{Hold, Moment, OwnerId, Policy, Queue, Task, TaskResult, TaskState, Wish};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

const LINES: usize = 100_000;
/// A file may have half of them.
const FILES: usize = 2;
/// Huey commits each task by itself, so that its rate does not hang on their number; these are the first of them.
const THEIR_LINES: usize = 20_000;
/// Rounds of putting tasks through, many and short: how long a disk takes for a commit changes by the second.
const ROUNDS: usize = 13;
/// Tasks put through in one round. All rounds of the three lines must find as many with Huey, and 200 more that do not
/// count.
const THROUGH: usize = 224;
/// What the executor takes at once with the small model of the fixtures.
const GROUP: usize = 16;
const AGAINST: &str = "Huey, SQLite, fsync";

pub fn measure(stage: &Stage, table: &mut Table) {
    let share = LINES / FILES;
    let files: Vec<PathBuf> = (0..FILES).map(|n| lines(stage, &n.to_string(), n * share..(n + 1) * share)).collect();
    let theirs_lines = lines(stage, "huey", 0..THEIR_LINES);
    let db = stage.db("queue");
    let ours_in = || {
        stage.forget(&db);
        let took = files.iter().map(|file| wall(&mut stage.modelctl(&db, &["task", "import", text(file)])));
        LINES as f64 / took.sum::<std::time::Duration>().as_secs_f64()
    };
    let theirs_db = stage.db("huey");
    let huey = |args: &[&str]| stage.huey(args);
    if huey(&[]).is_none() {
        table.missing("the queue", "huey is not in target/bench/python-huey");
        return;
    }
    let theirs = |args: &[&str]| output(&mut huey(args).expect("it was there just now"));
    let theirs_in = || {
        stage.forget(&theirs_db);
        let args = ["enqueue", text(&theirs_db), text(&theirs_lines)];
        let start = Instant::now();
        let count = theirs(&args);
        let rate = THEIR_LINES as f64 / start.elapsed().as_secs_f64();
        assert_eq!(count.trim(), THEIR_LINES.to_string(), "Huey has every task");
        rate
    };
    let what = format!("enqueue of {LINES} JSONL lines");
    table.compare(what, Unit::TasksPerSecond, in_cold_turns(2, ours_in, theirs_in), AGAINST, Goal::TimesTheRate(20.0));
    assert_durable(&db);

    let mut ours = Db::open(&db, Access::ReadWrite).expect("the database opens");
    let queued = |db: &Db| count(db, TaskState::Queued);
    assert_eq!(queued(&ours), LINES as u64, "every line is a task");
    let theirs_through = || {
        let rate = theirs(&["through", text(&theirs_db), &THROUGH.to_string()]);
        rate.trim().parse::<f64>().expect("a rate")
    };
    for (what, group, goal, through) in [
        ("claim, then complete, one by one", 1, 2.0, in_two_commits as Through),
        ("complete and claim in one commit, one by one, as the executor does", 1, 2.0, exchanging),
        ("the same in groups of 16, as the executor does", GROUP, 5.0, exchanging),
    ] {
        let before = count(&ours, TaskState::Done);
        let mut rounds = 0;
        let rates = in_cold_turns(
            ROUNDS,
            || {
                rounds += 1;
                let start = Instant::now();
                through(&mut ours, group);
                THROUGH as f64 / start.elapsed().as_secs_f64()
            },
            theirs_through,
        );
        table.compare(what, Unit::TasksPerSecond, rates, AGAINST, Goal::TimesTheRate(goal));
        let done = count(&ours, TaskState::Done) - before;
        assert_eq!(done, (rounds * THROUGH) as u64, "every task that went through is done");
    }
}

type Through = fn(&mut Db, usize);

/// A commit to take tasks, and one for their answers.
fn in_two_commits(db: &mut Db, group: usize) {
    for _ in 0..THROUGH / group {
        let claimed = db.claim(&ask(group), moment()).expect("the database works");
        let ended = db.finish(ends(tasks(claimed, group)), moment()).expect("the database works");
        assert!(ended.iter().all(|e| *e == Ok(TaskState::Done)), "every answer is taken");
    }
}

/// What the executor does: the answers of the last and the next tasks in one commit.
fn exchanging(db: &mut Db, group: usize) {
    let mut last = Vec::new();
    for _ in 0..THROUGH / group {
        let (ended, claimed) = db.exchange(last, &ask(group), moment()).expect("the database works");
        assert!(ended.iter().all(|e| *e == Ok(TaskState::Done)), "every answer is taken");
        last = ends(tasks(claimed, group));
    }
    db.finish(last, moment()).expect("the database works");
}

fn ask(limit: usize) -> ClaimAsk {
    let loaded = Loaded { serves: vec![Wish::Any], since: Timestamp(0) };
    ClaimAsk { loaded: Some(loaded), ..ClaimAsk::new(OwnerId::new(1, 1, 1), limit) }
}

fn moment() -> Moment {
    Moment { now: clock::now(), policy: Policy::default() }
}

fn tasks(claimed: Claimed, group: usize) -> Vec<Task> {
    match claimed {
        Claimed::Tasks(tasks) if tasks.len() == group => tasks,
        other => panic!("not the tasks that were asked for: {other:?}"),
    }
}

fn ends(tasks: Vec<Task>) -> Vec<(Hold, End)> {
    let answer = |task: Task| {
        let result = TaskResult {
            text: "x".repeat(200),
            finish_reason: "stop".into(),
            prompt_tokens: 33,
            completion_tokens: 32,
            prompt_ms: 100,
            generate_ms: 1_000,
            model: ModelId("0123456789ab".into()),
            model_name: "small".into(),
        };
        (Hold::from(&task.ticket), End::Done(result))
    };
    tasks.into_iter().map(answer).collect()
}

fn count(db: &Db, state: TaskState) -> u64 {
    let counts = db.counts(None).expect("the database counts");
    counts.iter().find(|(of, _)| **of == state).map_or(0, |(_, n)| *n)
}

/// `synchronous` belongs to a connection and is tested where that is made; the log belongs to the file.
fn assert_durable(db: &Path) {
    let header = std::fs::read(db).expect("the database can be read");
    // Format versions of the file: 2 is a write-ahead log.
    assert_eq!(header.get(18..20), Some(&[2, 2][..]), "the database keeps a write-ahead log");
}

/// A batch file.
fn lines(stage: &Stage, name: &str, ids: Range<usize>) -> PathBuf {
    let path = stage.bench.join(format!("queue-{name}.jsonl"));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("the target folder takes files"));
    for id in ids {
        let body = serde_json::json!({
            "custom_id": format!("request-{id}"), "method": "POST", "url": "/v1/chat/completions",
            "body": {
                "max_tokens": 32, "temperature": 0,
                "messages": [{ "role": "user", "content": format!("Name the capital of country number {id}, in one word.") }],
            },
        });
        writeln!(file, "{body}").expect("the target folder takes files");
    }
    file.flush().expect("the target folder takes files");
    path
}

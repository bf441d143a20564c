//! `kill -9` of an executor in the middle of a task: how long until the task runs again under the next one.

use crate::header::text;
use crate::measure::{median, wall};
use crate::real_models::{self, SMOLLM2};
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};
use modelctl::db::{Access, Db};
use modelctl::model::task::Queue;
use modelctl::model::task::{TaskId, TaskState};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;

const ROUNDS: usize = 5;
const PROMPT: &str = "Count from one to a thousand, in words.";

pub fn measure(stage: &Stage, table: &mut Table) {
    if !cfg!(feature = "llama") {
        table.missing("recovery", "built without llama.cpp");
        return;
    }
    let times: Vec<(f64, f64)> = (0..ROUNDS).map(|_| killed(stage)).collect();
    let (claimed, running) = times.into_iter().unzip();
    let what = "kill -9 of an executor, to the next one";
    table.alone(format!("{what} having the task"), Unit::Seconds, median(claimed), Goal::None);
    table.alone(format!("{what} running it, model loaded"), Unit::Seconds, median(running), Goal::None);
}

/// Seconds from the kill until the task has been taken up, and until a loaded model has been asked.
fn killed(stage: &Stage) -> (f64, f64) {
    let db = stage.db("recovery");
    stage.forget(&db);
    wall(&mut stage.modelctl(&db, &["scan", text(&real_models::folder())]));
    let add =
        ["task", "add", "--model", SMOLLM2.short, "--temperature", "0", "--max-tokens", "256", "--prompt", PROMPT];
    wall(&mut stage.modelctl(&db, &add));
    let mut first = Executor::start(stage, &db);
    first.wait_for(" loaded in ");
    assert_eq!(look(&db), (TaskState::Running, 0), "the task runs");

    let killed = Instant::now();
    first.process.kill().expect("a child can be killed");
    first.process.wait().expect("a child can be waited for");
    let mut second = Executor::start(stage, &db);
    second.wait_for("taken up after a process that was killed: 1 task");
    let claimed = killed.elapsed().as_secs_f64();
    second.wait_for(" loaded in ");
    let running = killed.elapsed().as_secs_f64();
    assert_eq!(look(&db), (TaskState::Running, 1), "the task runs, and its interruption is counted");
    let status = second.process.wait().expect("a child can be waited for");
    assert!(status.success(), "the second executor: {status}");
    assert_eq!(look(&db), (TaskState::Done, 1), "the task has its answer");
    (claimed, running)
}

/// The state of the one task, and how often its executor died.
fn look(db: &Path) -> (TaskState, u32) {
    let db = Db::open(db, Access::ReadOnly).expect("the database opens");
    let task = db.task(TaskId(1)).expect("the database works").expect("the task is there");
    (task.ticket.state(), task.ticket.interruptions)
}

struct Executor {
    process: Child,
    notes: BufReader<std::process::ChildStderr>,
}

impl Executor {
    fn start(stage: &Stage, db: &Path) -> Executor {
        let mut command = stage.modelctl(db, &["run-once"]);
        let mut process = command.stderr(Stdio::piped()).spawn().expect("modelctl starts");
        let notes = BufReader::new(process.stderr.take().expect("stderr is piped"));
        Executor { process, notes }
    }

    fn wait_for(&mut self, words: &str) {
        let mut said = String::new();
        while !said.contains(words) {
            said.clear();
            let read = self.notes.read_line(&mut said).expect("stderr can be read");
            assert!(read > 0, "the executor never said `{words}`");
        }
    }
}

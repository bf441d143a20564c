//! The kill loop: real executors with a real model, their workers, what sweeps behind them and what fills the queue, all
//! killed at random. Nothing may be lost, recorded twice or left behind.

use crate::offload::with_model;
use crate::processes::{self, Process};
use crate::sandbox::{Sandbox, finish};
use modelctl::clock;
use modelctl::db::{Access, Db};
use modelctl::model::task::{AttemptEnd, ErrorKind, Moment, Policy, Queue, Task, TaskFilter, TaskId, TaskState};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::time::{Duration, Instant};

/// Tasks that one import brings: whole, or not at all.
const LINES: u64 = 24;
/// Below so many open tasks more are brought in.
const LOW: u64 = 48;
/// Executors that race for one database: the daemon, and runs from cron.
const EXECUTORS: usize = 3;
/// What a dead executor's worker may take to die; a kill that takes longer is a finding.
const ORPHAN_LIMIT: Duration = Duration::from_secs(20);

#[test]
fn kills_at_random_lose_nothing_record_nothing_twice_and_leave_nothing_behind() {
    kill_loop(10);
}

/// By name in a release build with `--ignored --nocapture`; it prints its figures.
#[test]
#[ignore = "takes minutes"]
fn two_hundred_kills() {
    kill_loop(200);
}

fn kill_loop(kills: u64) {
    let (sandbox, _turn) = with_model();
    let begun = Instant::now();
    let mut loop_ = KillLoop::new(sandbox);
    while loop_.figures.kills() < kills {
        assert!(begun.elapsed() < Duration::from_secs(30 * kills + 300), "{:?}", loop_.figures);
        loop_.keep_busy();
        loop_.kill();
        loop_.check();
        if loop_.figures.kills().is_multiple_of(20) {
            loop_.try_failed_again();
            loop_.check_file();
        }
    }
    loop_.finish();
    eprintln!("{:#?}\nin {:.1?}", loop_.figures, begun.elapsed());
}

/// A generator whose start is printed, so that a run can be looked at again.
struct Chance(u64);

impl Chance {
    fn new() -> Chance {
        let drawn = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
        let seed = std::env::var("MODELCTL_TEST_SEED").map_or(drawn.into(), |seed| seed.parse().unwrap());
        eprintln!("MODELCTL_TEST_SEED={seed}");
        Chance(seed)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[derive(Debug, Default)]
struct Figures {
    killed_executors: u64,
    killed_daemons: u64,
    killed_workers: u64,
    killed_sweepers: u64,
    killed_imports: u64,
    imports_that_had_committed: u64,
    tasks: u64,
    crashed_attempts: u64,
    interrupted_attempts: u64,
    failed_for_their_crashes: u64,
    failed_through_the_model: u64,
    longest_orphan: Duration,
}

impl Figures {
    fn kills(&self) -> u64 {
        self.killed_executors + self.killed_daemons + self.killed_workers + self.killed_sweepers + self.killed_imports
    }
}

struct KillLoop {
    sandbox: Sandbox,
    db: Db,
    chance: Chance,
    figures: Figures,
    executors: Vec<Child>,
    /// The process number of that one of them which is a daemon.
    daemon: Option<u32>,
    files: u64,
    /// Batches that are known to be in.
    batches: BTreeSet<String>,
    /// What has been seen recorded: it may never change.
    recorded: BTreeMap<TaskId, (u64, String)>,
}

impl KillLoop {
    fn new(sandbox: Sandbox) -> KillLoop {
        let db = Db::open(&sandbox.db(), Access::ReadWrite).unwrap();
        KillLoop {
            sandbox,
            db,
            chance: Chance::new(),
            figures: Figures::default(),
            executors: Vec::new(),
            daemon: None,
            files: 0,
            batches: BTreeSet::new(),
            recorded: BTreeMap::new(),
        }
    }

    fn open_tasks(&self) -> u64 {
        self.db.counts(None).unwrap().iter().filter(|(state, _)| !state.is_finished()).map(|(_, n)| n).sum()
    }

    fn start_import(&mut self) -> (String, Child) {
        self.files += 1;
        let batch = format!("batch-{}", self.files);
        let line = |n: u64| {
            let prompt = format!("The number after {} is", self.files * 100 + n);
            let body = json!({"prompt": prompt, "max_tokens": 4 + n % 5, "temperature": 0});
            json!({"custom_id": format!("q{n}"), "method": "POST", "url": "/v1/completions", "body": body}).to_string()
        };
        let path = self.sandbox.path("in.jsonl");
        std::fs::write(&path, (0..LINES).map(line).collect::<Vec<_>>().join("\n")).unwrap();
        let child = self.sandbox.start(["task", "import", path.to_str().unwrap(), "--batch", &batch]);
        (batch, child)
    }

    /// Brings tasks in where there are few, and starts executors that have ended.
    fn keep_busy(&mut self) {
        while self.open_tasks() < LOW {
            let (batch, import) = self.start_import();
            finish(import.wait_with_output().unwrap()).ok();
            self.batches.insert(batch);
        }
        let mut running = Vec::new();
        for mut executor in std::mem::take(&mut self.executors) {
            match executor.try_wait().unwrap() {
                None => running.push(executor),
                Some(_) => ended_well(executor),
            }
        }
        self.executors = running;
        while self.executors.len() < EXECUTORS {
            let has_daemon = self.executors.iter().any(|child| Some(child.id()) == self.daemon);
            let args: &[&str] = if has_daemon { &["run-once", "--max-tasks", "1000"] } else { &["serve"] };
            let child = self.sandbox.start(args);
            if !has_daemon {
                self.daemon = Some(child.id());
            }
            self.executors.push(child);
        }
    }

    /// A random moment: a few commits of others, or a few milliseconds.
    fn let_it_run(&mut self) {
        let commits = self.chance.below(6);
        for _ in 0..commits {
            let version = self.db.changes().unwrap();
            self.db.wait_for_change(version, Duration::from_millis(1500), None).unwrap();
        }
        self.pass(200);
    }

    /// Up to so many milliseconds.
    fn pass(&mut self, most_ms: u64) {
        let until = Instant::now() + Duration::from_millis(self.chance.below(most_ms));
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let version = self.db.changes().unwrap();
            self.db.wait_for_change(version, left, None).unwrap();
        }
    }

    fn kill(&mut self) {
        match self.chance.below(20) {
            0..=8 => {
                self.let_it_run();
                let victim = usize::try_from(self.chance.below(EXECUTORS as u64)).unwrap();
                // More often the one that has the model than the one that waits for it.
                let has_worker = |child: &Child| !self.workers_of(child.id()).is_empty();
                let victim = self.executors.iter().position(has_worker).unwrap_or(victim);
                let victim = self.executors.remove(victim);
                if Some(victim.id()) == self.daemon {
                    self.figures.killed_daemons += 1;
                } else {
                    self.figures.killed_executors += 1;
                }
                self.kill_executor(victim);
            }
            9..=14 => {
                self.let_it_run();
                if let Some(worker) = self.workers().first() {
                    processes::kill(worker.pid);
                    self.figures.killed_workers += 1;
                }
            }
            15..=17 => {
                // It recovers, then finds the device taken; or takes it, when an executor was just killed.
                let sweeper = self.sandbox.start(["run-once"]);
                self.pass(25);
                self.kill_executor(sweeper);
                self.figures.killed_sweepers += 1;
            }
            _ => {
                let (batch, mut import) = self.start_import();
                self.pass(25);
                import.kill().unwrap();
                import.wait().unwrap();
                self.figures.killed_imports += 1;
                let there: u64 = self.db.counts(Some(&batch)).unwrap().values().sum();
                assert!(there == 0 || there == LINES, "{there} of {LINES} lines of a killed import are in");
                if there == LINES {
                    self.figures.imports_that_had_committed += 1;
                    self.batches.insert(batch);
                }
            }
        }
    }

    /// Kills it and sees its workers die with it.
    fn kill_executor(&mut self, mut executor: Child) {
        executor.kill().unwrap();
        let at = Instant::now();
        let orphans = self.workers_of(executor.id());
        executor.wait().unwrap();
        for orphan in &orphans {
            while orphan.lives() {
                assert!(at.elapsed() < ORPHAN_LIMIT, "{orphan:?} outlived its executor");
            }
        }
        self.figures.longest_orphan = self.figures.longest_orphan.max(at.elapsed());
    }

    /// The worker processes that have their socket in this sandbox.
    fn workers(&self) -> Vec<Process> {
        processes::workers_in(&self.sandbox.path("run"))
    }

    fn workers_of(&self, executor: u32) -> Vec<Process> {
        self.workers().into_iter().filter(|worker| worker.parent == executor).collect()
    }

    /// Every promise, at a moment like any other.
    fn check(&mut self) {
        let tasks = self.tasks();
        assert_eq!(tasks.len() as u64, self.batches.len() as u64 * LINES, "tasks are lost or came from nowhere");
        for task in &tasks {
            self.check_task(task);
        }
        // The device lock lets one model be in memory; one that is being killed may still be dying.
        let before = self.workers();
        if before.len() > 1 {
            let until = Instant::now() + ORPHAN_LIMIT;
            while before.iter().filter(|worker| worker.lives()).count() > 1 {
                assert!(Instant::now() < until, "two workers at once: {before:?}");
            }
        }
    }

    fn tasks(&self) -> Vec<Task> {
        self.db.tasks_after(&TaskFilter::default(), TaskId(0), 100_000).unwrap()
    }

    fn check_task(&mut self, task: &Task) {
        let ticket = &task.ticket;
        let attempts = self.db.attempts(ticket.id).unwrap();
        // Others write meanwhile: what was read in two steps is only held against itself when it is of one state.
        if self.db.ticket(ticket.id).unwrap().as_ref() != Some(ticket) {
            return;
        }
        let count =
            |end: Option<AttemptEnd>| attempts.iter().filter(|a| a.round == ticket.round && a.end == end).count();
        let open = attempts.iter().filter(|a| a.end.is_none()).count();
        assert_eq!(attempts.len() as u64, ticket.token, "{ticket:?}\n{attempts:?}");
        assert_eq!(open, usize::from(ticket.state() == TaskState::Running), "{ticket:?}\n{attempts:?}");
        assert_eq!(count(Some(AttemptEnd::Crashed)), ticket.crashes as usize, "{ticket:?}\n{attempts:?}");
        let interrupted = count(Some(AttemptEnd::Interrupted));
        assert_eq!(interrupted, ticket.interruptions as usize, "{ticket:?}\n{attempts:?}");
        let counted = open + count(Some(AttemptEnd::Done)) + count(Some(AttemptEnd::Failed));
        assert_eq!(counted, ticket.attempts as usize, "{ticket:?}\n{attempts:?}");
        let policy = Policy::default();
        assert!(ticket.attempts <= ticket.max_attempts && ticket.crashes <= policy.max_crashes + 1, "{ticket:?}");
        assert!(ticket.interruptions <= policy.max_interruptions, "an executor's death is no task's fault: {ticket:?}");
        let done = attempts.iter().filter(|a| a.end == Some(AttemptEnd::Done)).count();
        assert_eq!(done, usize::from(ticket.state() == TaskState::Done), "{ticket:?}\n{attempts:?}");
        assert_eq!(task.result.is_some(), done == 1);
        if ticket.state() == TaskState::Failed {
            let error = ticket.error.as_ref().unwrap();
            assert!([ErrorKind::KilledWorker, ErrorKind::Model].contains(&error.kind), "{ticket:?}");
        }
        let now = task.result.as_ref().map(|result| (ticket.token, result.text.clone()));
        match (self.recorded.get(&ticket.id), now) {
            (Some(before), now) => assert_eq!(Some(before), now.as_ref(), "recorded again"),
            (None, Some(now)) => {
                assert!(!now.1.is_empty());
                self.recorded.insert(ticket.id, now);
            }
            (None, None) => {}
        }
    }

    /// Two workers that die under a task alone are forgiven and the third is its end: a person tries those again. What
    /// waits after an error is due now.
    fn try_failed_again(&mut self) {
        let states = vec![TaskState::Failed, TaskState::Scheduled];
        let filter = TaskFilter { states, batch: None };
        let stuck = self.db.tickets_after(&filter, TaskId(0), 100_000).unwrap();
        for ticket in stuck.iter().filter(|ticket| ticket.state() == TaskState::Failed) {
            match ticket.error.as_ref().unwrap().kind {
                ErrorKind::KilledWorker => self.figures.failed_for_their_crashes += 1,
                _ => self.figures.failed_through_the_model += 1,
            }
        }
        let ids: Vec<TaskId> = stuck.iter().map(|ticket| ticket.id).collect();
        self.db.retry(&ids, Moment { now: clock::now(), policy: Policy::default() }).unwrap();
    }

    fn check_file(&self) {
        let sqlite = rusqlite::Connection::open(self.sandbox.db()).unwrap();
        let verdict: String = sqlite.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
    }

    /// Nobody is killed any more: everything is answered, once, and nothing is left but the answers.
    fn finish(&mut self) {
        for executor in std::mem::take(&mut self.executors) {
            self.kill_executor(executor);
        }
        let until = Instant::now() + Duration::from_secs(900);
        while self.open_tasks() > 0 || self.db.counts(None).unwrap().contains_key(&TaskState::Failed) {
            assert!(Instant::now() < until, "{:?}", self.db.counts(None));
            self.try_failed_again();
            ended_well(self.sandbox.start(["run-once", "--max-tasks", "100000"]));
        }
        self.check();
        self.check_file();
        self.figures.tasks = self.recorded.len() as u64;
        assert_eq!(self.figures.tasks, self.batches.len() as u64 * LINES, "answered");
        for id in self.recorded.keys() {
            let attempts = self.db.attempts(*id).unwrap();
            let ended = |end| attempts.iter().filter(|a| a.end == Some(end)).count() as u64;
            self.figures.crashed_attempts += ended(AttemptEnd::Crashed);
            self.figures.interrupted_attempts += ended(AttemptEnd::Interrupted);
        }
        assert!(self.workers().is_empty(), "{:?}", self.workers());
        let names = |folder: &str| -> Vec<String> {
            let entries = std::fs::read_dir(self.sandbox.path(folder)).unwrap();
            let mut names: Vec<String> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        let mut locks = names("modelctl.db-run");
        // That of a killed daemon stays until the next one takes its place.
        locks.retain(|name| name != "serve.json");
        assert_eq!(locks, ["device.lock", "serve.lock"], "locks of the dead");
        let sockets: Vec<String> = processes::files_below(&self.sandbox.path("run"));
        // As above.
        let is_left = |name: &&String| name.ends_with(".sock") && !name.ends_with("serve.sock");
        assert_eq!(sockets.iter().find(is_left), None, "{sockets:?}");
    }
}

/// An executor that came to its end by itself: with its tasks done (0) or failed (1), or because another one has the
/// device (4).
fn ended_well(executor: Child) {
    let run = finish(executor.wait_with_output().unwrap());
    assert!(matches!(run.code, Some(0 | 1 | 4)) && !run.err.contains("panicked"), "{run:#?}");
}

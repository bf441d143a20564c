//! A power cut: the database and its log as they were at some moment, the log cut off anywhere.

use super::*;
use crate::model::task::order::Claimed;
use std::fs;

/// A tiny generator with a fixed start: the places to cut differ widely and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n.max(1)
    }
}

#[test]
fn a_log_that_is_cut_off_anywhere_gives_an_earlier_state_that_keeps_every_promise() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let log = dir.path().join("db-wal");
    let mut db = open(&path);
    let mut chance = Chance(7);
    let mut cut = 0;
    for round in 0..40i64 {
        let tasks = (0..3).map(|i| Ok(keyed(&format!("{round}-{i}"))));
        db.enqueue(&mut tasks.into_iter(), OnFinished::Keep, at(round)).unwrap();
        if let Claimed::Tasks(tasks) = db.claim(&ask(1, 2), at(round)).unwrap() {
            let ends = tasks.iter().map(|t| (Hold::from(&t.ticket), done(&t.ticket.id.to_string()))).collect();
            db.finish(ends, at(round)).unwrap();
        }
        // Copies by name, never through the file that SQLite has open: see `db/place.rs`.
        let (main, wal) = (fs::read(&path), fs::read(&log));
        let (Ok(main), Ok(wal)) = (main, wal) else { continue };
        for _ in 0..4 {
            let copy = dir.path().join(format!("copy-{cut}"));
            cut += 1;
            let keep = usize::try_from(chance.below(wal.len() as u64 + 1)).unwrap();
            fs::write(&copy, &main).unwrap();
            fs::write(dir.path().join(format!("copy-{}-wal", cut - 1)), &wal[..keep]).unwrap();
            check(&copy);
        }
    }
    assert!(cut > 100);
}

fn check(path: &Path) {
    // With nearly all of the log gone there may be no database yet.
    let mut db = match Db::open(path, Access::ReadWrite) {
        Ok(db) => db,
        Err(error) => panic!("{error:#}"),
    };
    let filter = TaskFilter::default();
    let tasks = db.tasks_after(&filter, TaskId(0), 1000).unwrap();
    for task in &tasks {
        let ticket = &task.ticket;
        assert_eq!(task.result.is_some(), ticket.state() == TaskState::Done, "{ticket:?}");
        if let Some(result) = &task.result {
            assert_eq!(result.text, ticket.id.to_string());
        }
        let attempts = db.attempts(ticket.id).unwrap();
        assert_eq!(attempts.len() as u64, ticket.token);
        let open = attempts.iter().filter(|a| a.end.is_none()).count();
        assert_eq!(open, usize::from(ticket.state() == TaskState::Running));
    }
    // Batches of three go in whole, and the queue goes on from there.
    assert_eq!(tasks.len() % 3, 0);
    db.recover(&died(1), at(1000)).unwrap();
    let mut left = tasks.iter().filter(|t| t.ticket.state() != TaskState::Done).count();
    while let Claimed::Tasks(tasks) = db.claim(&ask(2, 7), at(1000)).unwrap() {
        left -= tasks.len();
        let ends = tasks.iter().map(|t| (Hold::from(&t.ticket), done("again"))).collect();
        assert!(db.finish(ends, at(1000)).unwrap().iter().all(Result::is_ok));
    }
    assert_eq!(left, 0);
    let next = db.enqueue(&mut [Ok(new_task("x"))].into_iter(), OnFinished::Keep, at(1000)).unwrap();
    assert_eq!(next[0].id.0, tasks.len() as u64 + 1);
}

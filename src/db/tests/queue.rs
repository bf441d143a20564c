use super::*;
use crate::clock::Timestamp;
use crate::model::task::machine::End;
use crate::model::task::order::{ClaimAsk, Claimed, Loaded, Scope};
use crate::model::task::*;

fn at(now: i64) -> Moment {
    Moment { now: Timestamp(now), policy: Policy::default() }
}

fn request() -> TaskRequest {
    TaskRequest { endpoint: Endpoint::Completions, body: r#"{"prompt":"?"}"#.into() }
}

/// What SQLite says it will do, one step a line.
fn plan(db: &Db, sql: &str) -> String {
    let mut explain = db.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = explain.raw_query();
    let mut steps = String::new();
    while let Some(row) = rows.next().unwrap() {
        steps += &row.get::<_, String>(3).unwrap();
        steps.push('\n');
    }
    steps
}

#[test]
fn a_claim_and_a_recovery_walk_along_their_indexes_and_sort_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"));
    for (sql, index) in [
        (
            "SELECT id, owner FROM task WHERE state = 'queued' AND wish_model > ?1
             ORDER BY wish_model, wish_tier, priority DESC, ready, id LIMIT 1",
            "task_wish",
        ),
        (
            "SELECT id, owner FROM task WHERE state = 'queued' AND wish_model IS NULL AND wish_tier > ?1
             ORDER BY wish_model, wish_tier, priority DESC, ready, id LIMIT 1",
            "task_wish",
        ),
        (
            "SELECT id, owner FROM task WHERE state = 'queued'
             ORDER BY wish_model, wish_tier, priority DESC, ready, id LIMIT 1",
            "task_wish",
        ),
        ("SELECT EXISTS (SELECT 1 FROM task WHERE state = 'queued')", "COVERING INDEX task_wish"),
        ("SELECT count(*) FROM task WHERE state = 'queued' AND priority > ?1", "COVERING INDEX task_wish"),
        (
            "SELECT id, owner FROM task WHERE state = 'queued' AND wish_model IS ?2 AND wish_tier IS ?3
             ORDER BY priority DESC, ready, id LIMIT ?1",
            "task_wish",
        ),
        ("SELECT id FROM task WHERE state = 'scheduled' AND until <= ?1 ORDER BY until LIMIT ?2", "task_due"),
        (
            "SELECT id FROM task WHERE state = 'scheduled' AND attempts + crashes + interruptions > 0 AND until > ?1
             LIMIT ?2",
            "task_backoff",
        ),
        (
            "SELECT id FROM task WHERE deadline IS NOT NULL AND state IN ('queued', 'scheduled') AND deadline <= ?1
             LIMIT ?2",
            "task_deadline",
        ),
        ("SELECT DISTINCT owner FROM task WHERE state = 'running'", "task_running"),
        ("SELECT id, bytes FROM task WHERE finished IS NOT NULL ORDER BY finished, id LIMIT ?1", "task_finished"),
        ("SELECT sum(bytes) FROM task WHERE finished IS NOT NULL", "COVERING INDEX task_finished"),
        ("SELECT id FROM task WHERE batch = ?1 AND key = ?2", "task_key"),
    ] {
        let plan = plan(&db, sql);
        assert!(plan.contains(index), "{sql}\n{plan}");
        assert!(!plan.contains("ORDER BY"), "{sql}\n{plan}");
    }
}

#[test]
fn a_plan_is_made_once_and_kept_whatever_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"));
    let sql = "SELECT id FROM task WHERE state = 'scheduled' AND until <= ?1 ORDER BY until LIMIT ?2";
    let mut find = db.conn.prepare(sql).unwrap();
    for n in 0..5 {
        assert_eq!(find.query_map([n, n], |row| row.get::<_, i64>(0)).unwrap().count(), 0);
    }
    assert_eq!(find.get_status(rusqlite::StatementStatus::RePrepare), 0);
}

/// Every page that a commit writes is waited for.
#[test]
fn few_pages_are_written_for_a_task_that_is_taken_and_done() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let task =
        |n: usize| Ok(NewTask { batch: "b".into(), key: Some(format!("request-{n}")), ..NewTask::new(request()) });
    db.enqueue(&mut (0..500).map(task), OnFinished::Keep, at(0)).unwrap();
    // With its header of 24 bytes, in a log that has not wrapped yet.
    let written = || std::fs::metadata(dir.path().join("db-wal")).unwrap().len() / (4096 + 24);
    let (mut taken, mut done) = (Vec::new(), Vec::new());
    for n in 0..20 {
        let before = written();
        let ask = ClaimAsk::new(OwnerId::new(1, 2, 3), 1);
        let Claimed::Tasks(tasks) = db.claim(&ask, at(n)).unwrap() else { panic!() };
        taken.push(written() - before);
        let before = written();
        let end = End::Done(answer());
        db.finish(vec![(Hold::from(&tasks[0].ticket), end)], at(n)).unwrap()[0].as_ref().unwrap();
        done.push(written() - before);
    }
    for pages in [&mut taken, &mut done] {
        pages.sort_unstable();
    }
    // Its row, and two indexes; then its row, two indexes and the result.
    assert_eq!((taken[10], done[10]), (3, 4), "{taken:?} {done:?}");
}

fn answer() -> TaskResult {
    TaskResult {
        text: "x".into(),
        finish_reason: "stop".into(),
        prompt_tokens: 1,
        completion_tokens: 1,
        prompt_ms: 1,
        generate_ms: 1,
        model: crate::model::ModelId("a".into()),
        model_name: "a".into(),
    }
}

#[test]
fn a_claim_is_as_fast_behind_many_tasks_that_have_ended_or_are_not_due() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let later = |i: i64| NewTask { not_before: Some(Timestamp(1_000_000 + i)), priority: 9, ..NewTask::new(request()) };
    db.enqueue(&mut (0..3_000).map(|i| Ok(later(i))), OnFinished::Keep, at(0)).unwrap();
    let ended: Vec<TaskId> = db
        .enqueue(&mut (0..3_000).map(|_| Ok(NewTask::new(request()))), OnFinished::Keep, at(0))
        .unwrap()
        .iter()
        .map(|e| e.id)
        .collect();
    assert!(db.cancel(&ended, at(1)).unwrap().iter().all(Result::is_ok));
    db.enqueue(&mut (0..20).map(|_| Ok(NewTask::new(request()))), OnFinished::Keep, at(2)).unwrap();
    // Counted in steps of SQLite's machine, which no busy neighbour changes.
    let sql = "SELECT id FROM task WHERE state = 'queued' AND wish_model IS NULL AND wish_tier IS NULL
               ORDER BY priority DESC, ready, id LIMIT 5";
    let mut first = db.conn.prepare(sql).unwrap();
    assert_eq!(first.query_map([], |row| row.get::<_, i64>(0)).unwrap().count(), 5);
    let steps = first.get_status(rusqlite::StatementStatus::VmStep);
    assert!(steps < 200, "{steps} steps");
    drop(first);
    let ask = ClaimAsk::new(OwnerId::new(1, 2, 3), 5);
    assert!(matches!(db.claim(&ask, at(3)).unwrap(), Claimed::Tasks(tasks) if tasks.len() == 5));
}

#[test]
fn a_clock_that_leapt_ahead_is_doubted_by_every_process_until_it_has_stood_for_an_hour() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let hours = |h: i64| Timestamp(h * 3_600_000);
    let id = db.enqueue(&mut [Ok(NewTask::new(request()))].into_iter(), OnFinished::Keep, at(0)).unwrap()[0].id;
    db.cancel(&[id], at(1)).unwrap()[0].as_ref().unwrap();
    assert!(!db.trust_clock(hours(900)).unwrap(), "the newest task that ended says what the clock was");
    drop(db);
    let mut db = open(&dir.path().join("db"));
    assert!(!db.trust_clock(hours(900)).unwrap());
    assert!(db.trust_clock(hours(901)).unwrap() && db.trust_clock(hours(902)).unwrap());
    assert!(!db.trust_clock(hours(9_999)).unwrap());
    assert!(db.trust_clock(hours(2)).unwrap(), "it was set right");
}

#[test]
fn the_place_in_the_queue_and_the_wait_are_told_from_what_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let task = |priority| Ok(NewTask { priority, ..NewTask::new(request()) });
    db.enqueue(&mut [0, 0, 5, 0].map(task).into_iter(), OnFinished::Keep, at(0)).unwrap();
    let standing = |db: &Db, id| db.standing(&db.ticket(TaskId(id)).unwrap().unwrap()).unwrap();
    assert_eq!([1, 2, 3, 4].map(|id| standing(&db, id).ahead), [1, 2, 0, 3]);
    assert_eq!(standing(&db, 4).wait_ms(), None, "nothing is known yet");
    let ask = ClaimAsk::new(OwnerId::new(1, 2, 3), 1);
    let Claimed::Tasks(tasks) = db.claim(&ask, at(100)).unwrap() else { panic!() };
    db.finish(vec![(Hold::from(&tasks[0].ticket), End::Done(answer()))], at(2100)).unwrap()[0].as_ref().unwrap();
    assert_eq!((standing(&db, 4).ahead, standing(&db, 4).wait_ms()), (2, Some(4000)));
    assert_eq!(db.stats().unwrap().finished_bytes, request().body.len() as u64 + 1);
}

#[test]
fn a_text_for_sqlite_to_choke_on_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let odd = "'); DROP TABLE task; --\u{1F600}\u{202e}\"\\";
    let task = NewTask {
        key: Some(odd.into()),
        batch: odd.into(),
        wish: Wish::Model(odd.into()),
        request: TaskRequest { endpoint: Endpoint::Chat, body: format!("{odd}\0") },
        ..NewTask::new(request())
    };
    db.enqueue(&mut [Ok(task.clone())].into_iter(), OnFinished::Keep, at(0)).unwrap();
    let found = db.task(db.by_key(odd, odd).unwrap().unwrap()).unwrap().unwrap();
    assert_eq!((found.ticket.wish.clone(), found.request), (task.wish.clone(), task.request));
    let loaded = Some(Loaded { serves: vec![task.wish], since: Timestamp(0) });
    let ask = ClaimAsk { loaded, scope: Scope::LoadedOnly, ..ClaimAsk::new(OwnerId::new(1, 2, 3), 1) };
    assert!(matches!(db.claim(&ask, at(1)).unwrap(), Claimed::Tasks(_)));
}

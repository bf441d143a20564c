use super::samples::*;
use super::*;
use crate::clock::Timestamp;
use crate::db::UseEvent;
use crate::model::*;

fn event(model: &str, at: i64, source: &str) -> UseEvent {
    UseEvent {
        model: ModelId(model.into()),
        at: Timestamp(at),
        source: source.into(),
        prompt_tokens: 12,
        completion_tokens: 34,
        duration_ms: 5_600,
        outcome: "stop".into(),
    }
}

fn usage(db: &Db, id: &str) -> Usage {
    db.models(Some(&[ModelId(id.into())])).unwrap().remove(0).usage
}

#[test]
fn uses_are_counted_and_come_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    db.record_scan(&added(vec![model("aaaaaaaaaaaa", "a"), model("bbbbbbbbbbbb", "b")]), NOW).unwrap();
    assert_eq!(usage(&db, "aaaaaaaaaaaa"), Usage::default());
    // The second one ended before the first and was reported after it.
    let events = [event("aaaaaaaaaaaa", 2_000, "serve"), event("aaaaaaaaaaaa", 1_000, "run-once")];
    for event in &events {
        db.record_use(event).unwrap();
    }
    let wanted = Usage { last_used: Some(Timestamp(2_000)), use_count: 2, last_source: Some("serve".into()) };
    assert_eq!(usage(&db, "aaaaaaaaaaaa"), wanted);
    assert_eq!(usage(&db, "bbbbbbbbbbbb"), Usage::default());
    let id = ModelId("aaaaaaaaaaaa".into());
    assert_eq!(db.uses(&id, 10).unwrap(), [events[1].clone(), events[0].clone()]);
    assert_eq!(db.uses(&id, 1).unwrap(), [events[1].clone()]);
    let row = db.rows().unwrap().remove(0);
    assert_eq!((row.last_used, row.use_count), (Some(Timestamp(2_000)), 2));
}

#[test]
fn a_file_that_is_fetched_again_keeps_its_history() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    db.record_scan(&added(vec![model("aaaaaaaaaaaa", "same")]), NOW).unwrap();
    db.record_use(&event("aaaaaaaaaaaa", 1_000, "run-once")).unwrap();
    let outcome =
        ScanOutcome { gone: vec![ModelId("aaaaaaaaaaaa".into())], ..added(vec![model("bbbbbbbbbbbb", "same")]) };
    db.record_scan(&outcome, NOW).unwrap();
    assert_eq!(usage(&db, "bbbbbbbbbbbb").use_count, 1);
    assert_eq!(db.uses(&ModelId("bbbbbbbbbbbb".into()), 9).unwrap(), [event("aaaaaaaaaaaa", 1_000, "run-once")]);
}

#[test]
fn a_use_before_the_first_scan_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let id = ModelId("aaaaaaaaaaaa".into());
    db.record_use(&event(id.as_str(), 3_000, "run-once")).unwrap();
    assert_eq!(db.uses(&id, 9).unwrap().len(), 1);
    db.record_scan(&added(vec![model("bbbbbbbbbbbb", "same")]), NOW).unwrap();
    db.record_use(&event("bbbbbbbbbbbb", 1_000, "serve")).unwrap();
    // The id turns out to be another copy of that content: both histories are one.
    db.record_scan(&added(vec![model(id.as_str(), "same")]), NOW).unwrap();
    let wanted = Usage { last_used: Some(Timestamp(3_000)), use_count: 2, last_source: Some("run-once".into()) };
    assert_eq!(usage(&db, id.as_str()), wanted);
    assert_eq!(db.uses(&id, 9).unwrap().len(), 2);
}

#[test]
fn an_impossible_figure_leaves_neither_entry_nor_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let bad = UseEvent { duration_ms: u64::MAX, ..event("aaaaaaaaaaaa", 1, "task") };
    assert!(db.record_use(&bad).is_err());
    assert_eq!(db.uses(&bad.model, 9).unwrap(), []);
}

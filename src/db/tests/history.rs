use super::samples::*;
use super::*;
use crate::clock::Timestamp;
use crate::db::HistoryFilter;
use crate::db::history::{AGE_KEPT, ROWS_KEPT, STEP};
use crate::model::*;
use rusqlite::params;
use serde_json::json;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

fn fresh() -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"));
    (dir, db)
}

fn event(at: i64, action: Action) -> Event {
    Event::new(Timestamp(at), Actor::default(), action)
}

fn about(at: i64, action: Action, id: &str) -> Event {
    let subject = Subject { id: Some(ModelId(id.into())), name: id.to_uppercase(), path: None };
    Event { subject: Some(subject), ..event(at, action) }
}

fn times(db: &Db, filter: &HistoryFilter) -> Vec<i64> {
    db.history(filter, None, 1000).unwrap().iter().map(|r| r.event.at.0).collect()
}

fn numbers(db: &Db) -> Vec<i64> {
    db.history(&HistoryFilter::default(), None, u32::MAX).unwrap().iter().map(|r| r.number).collect()
}

#[test]
fn an_event_is_read_back_as_it_was_told() {
    let (_dir, mut db) = fresh();
    let full = Event {
        at: NOW,
        actor: Actor {
            uid: u32::MAX,
            user: Some("root".into()),
            login: Some("ann".into()),
            pid: 7,
            process: Some("modelctl".into()),
            parent: Some("sh\u{1b}[31m".into()),
            unit: Some("modelctl-prune.service".into()),
            command: Some("modelctl prune --confirm".into()),
        },
        action: Action::Prune,
        subject: Some(Subject {
            id: Some(ModelId("5a11da7a0001".into())),
            name: "Smol".into(),
            path: Some(OsString::from_vec(b"/models/\xff.gguf".to_vec()).into()),
        }),
        others: vec![],
        reason: Some("unused for 90 days".into()),
        apparent: Some(3),
        allocated: Some(0),
        freed: Some(i64::MAX as u64),
        detail: json!({"run": "1", "list": [1.5, null]}),
    };
    assert_eq!(db.record_history(&full).unwrap(), 1);
    assert_eq!(db.record_history(&event(1, Action::Empty)).unwrap(), 2);
    let told = db.history(&HistoryFilter::default(), None, 9).unwrap();
    assert_eq!(told[1], Recorded { number: 1, event: full });
    assert_eq!(told[0], Recorded { number: 2, event: event(1, Action::Empty) });
    // A size that no disk has is no reason to lose the event.
    db.record_history(&Event { freed: Some(u64::MAX), ..event(2, Action::Purge) }).unwrap();
    assert_eq!(db.history(&HistoryFilter::default(), None, 1).unwrap()[0].event.freed, Some(i64::MAX as u64));
}

#[test]
fn events_are_found_by_model_kind_and_time() {
    let (_dir, mut db) = fresh();
    let scan = Event { others: vec![ModelId("b".into()), ModelId("a".into())], ..about(10, Action::Scan, "a") };
    for event in [scan, about(20, Action::Set, "a"), about(30, Action::Set, "b"), event(40, Action::Keep)] {
        db.record_history(&event).unwrap();
    }
    let all = HistoryFilter::default();
    let model = |id: &str| HistoryFilter { model: Some(ModelId(id.into())), ..all.clone() };
    let since = |at| HistoryFilter { since: Some(Timestamp(at)), ..all.clone() };
    let until = |at| HistoryFilter { until: Some(Timestamp(at)), ..all.clone() };
    let actions = |actions: &[Action]| HistoryFilter { actions: actions.to_vec(), ..all.clone() };
    for (filter, expected) in [
        (all.clone(), vec![40, 30, 20, 10]),
        (model("a"), vec![20, 10]),
        (model("b"), vec![30, 10]),
        (model("c"), vec![]),
        (since(20), vec![40, 30, 20]),
        (until(20), vec![10]),
        (actions(&[Action::Set]), vec![30, 20]),
        (actions(&[Action::Keep, Action::Scan]), vec![40, 10]),
        (HistoryFilter { since: Some(Timestamp(30)), actions: vec![Action::Set], ..model("b") }, vec![30]),
    ] {
        assert_eq!(times(&db, &filter), expected, "{filter:?}");
    }
    let page = db.history(&all, Some(3), 1).unwrap();
    assert_eq!(page.iter().map(|r| r.number).collect::<Vec<_>>(), [2]);
}

#[test]
fn events_of_more_than_two_years_ago_go_in_small_steps() {
    let (_dir, mut db) = fresh();
    let old = STEP * 2;
    for at in 0..old {
        db.record_history(&about(at, Action::Set, "a")).unwrap();
    }
    let now = AGE_KEPT + old;
    // One clock that is two years ahead takes nothing away.
    db.record_history(&event(now, Action::Set)).unwrap();
    assert_eq!(numbers(&db).len() as i64, old + 1);
    db.record_history(&event(now, Action::Set)).unwrap();
    assert_eq!(numbers(&db).len() as i64, old + 2 - STEP);
    db.record_history(&event(now, Action::Set)).unwrap();
    db.record_history(&event(now, Action::Set)).unwrap();
    assert_eq!(times(&db, &HistoryFilter::default()), [now; 4]);
    let left: i64 = db.conn.query_row("SELECT count(*) FROM history_model", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0, "what leads to an event goes with it");
}

#[test]
fn the_newest_200_000_events_are_kept() {
    let (_dir, mut db) = fresh();
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                INSERT INTO history (number, at, uid, pid, action) SELECT i, ?2, 0, 0, 'set' FROM n";
    db.conn.execute(fill, params![ROWS_KEPT + 150, NOW.0]).unwrap();
    db.record_history(&event(NOW.0, Action::Set)).unwrap();
    assert_eq!(numbers(&db).len() as i64, ROWS_KEPT + 151 - STEP);
    for _ in 0..3 {
        db.record_history(&event(NOW.0, Action::Set)).unwrap();
    }
    let left = numbers(&db);
    assert_eq!((left.len() as i64, left.first()), (ROWS_KEPT, Some(&(ROWS_KEPT + 154))));
}

#[test]
fn settings_are_told_with_what_they_were_and_only_when_they_change() {
    let (_dir, mut db) = fresh();
    let smol = model("5a11da7a0001", "c0ffee");
    db.record_scan(&added(vec![smol.clone()]), NOW).unwrap();
    let tell = |before: &Settings, after: &Settings| Event {
        detail: json!([before.pinned, after.pinned]),
        ..event(5, Action::Set)
    };
    for _ in 0..2 {
        let pinned = db.change_settings(&smol.id, |s| Settings { pinned: true, ..s }, tell).unwrap();
        assert!(pinned.pinned);
    }
    let told = db.history(&HistoryFilter::default(), None, 9).unwrap();
    assert_eq!(told.iter().map(|r| &r.event.detail).collect::<Vec<_>>(), [&json!([false, true])]);
    assert!(db.settings(&smol.id).unwrap().pinned);
    assert!(db.change_settings(&ModelId("nobody".into()), |s| s, tell).is_err());
}

#[test]
fn a_value_that_makes_no_sense_is_named() {
    let (_dir, mut db) = fresh();
    db.record_history(&event(1, Action::Set)).unwrap();
    for (column, value) in [("action", "'shrug'"), ("detail", "'{'"), ("freed", "-1")] {
        db.conn.execute(&format!("UPDATE history SET {column} = {value}"), []).unwrap();
        let (said, kind, _) = complaint(db.history(&HistoryFilter::default(), None, 9));
        assert_eq!(kind, Exit::CannotMeet);
        assert!(said.contains("history") && said.contains(column), "{said}");
        db.conn.execute("UPDATE history SET action = 'set', detail = NULL, freed = NULL", []).unwrap();
    }
}

#[test]
fn two_who_write_at_once_both_stand_in_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(open(&path));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let mut db = open(path);
                for n in 0..25 {
                    db.record_history(&about(writer * 100 + n, Action::Restore, "a")).unwrap();
                }
            });
        }
    });
    let db = open(&path);
    let mut told = times(&db, &HistoryFilter { model: Some(ModelId("a".into())), ..HistoryFilter::default() });
    told.sort_unstable();
    assert_eq!(told, (0..4).flat_map(|w| (0..25).map(move |n| w * 100 + n)).collect::<Vec<_>>());
}

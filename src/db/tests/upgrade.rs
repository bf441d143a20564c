//! Each released format is kept as a dump of a small database in `fixtures/db/vN.sql`, and is led through every step
//! that came after it. A new step brings its own dump; the old ones are never edited.

use super::samples::*;
use super::*;
use crate::clock::Timestamp;
use crate::db::HistoryFilter;
use crate::db::schema::VERSION;
use crate::db::{HashRecord, ServerHint, UseEvent};
use crate::model::ledger::{Admission, Admitted, Place, ProcessId, Purpose};
use crate::model::server::Choices;
use crate::model::task::machine::End;
use crate::model::task::order::{ClaimAsk, Claimed};
use crate::model::task::*;
use crate::model::tuning::{NewTuning, Snapshot};
use crate::model::{
    Action, Actor, DeviceBytes, DeviceMemory, Event, Model, ModelId, ScanOutcome, Settings, Subject, Surveyed,
};
use rusqlite::Connection;
use std::io::Write;

const DUMPS: &[&str] = &[
    include_str!("../../../fixtures/db/v1.sql"),
    include_str!("../../../fixtures/db/v2.sql"),
    include_str!("../../../fixtures/db/v3.sql"),
    include_str!("../../../fixtures/db/v4.sql"),
    include_str!("../../../fixtures/db/v5.sql"),
    include_str!("../../../fixtures/db/v6.sql"),
    include_str!("../../../fixtures/db/v7.sql"),
    include_str!("../../../fixtures/db/v8.sql"),
    include_str!("../../../fixtures/db/v9.sql"),
    include_str!("../../../fixtures/db/v10.sql"),
    include_str!("../../../fixtures/db/v11.sql"),
    include_str!("../../../fixtures/db/v12.sql"),
    include_str!("../../../fixtures/db/v13.sql"),
    include_str!("../../../fixtures/db/v14.sql"),
    include_str!("../../../fixtures/db/v15.sql"),
    include_str!("../../../fixtures/db/v16.sql"),
    include_str!("../../../fixtures/db/v17.sql"),
    include_str!("../../../fixtures/db/v18.sql"),
];

/// Everything in the schema, as SQLite keeps it.
fn shape(conn: &Connection) -> Vec<(String, String, Option<String>)> {
    let mut all = conn.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").unwrap();
    all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect()
}

fn restore(dump: &str, path: &Path) -> i32 {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(dump).unwrap();
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn there_is_a_dump_of_every_released_format() {
    assert_eq!(i32::try_from(DUMPS.len()), Ok(VERSION));
}

#[test]
fn every_older_database_is_brought_up_to_date_with_all_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let new = open(&dir.path().join("new"));
    for (index, dump) in DUMPS.iter().enumerate() {
        // A list on an older database upgrades it as well as a scan does.
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let path = dir.path().join(format!("{index}-{access:?}"));
            assert_eq!(restore(dump, &path), i32::try_from(index).unwrap() + 1);
            let db = Db::open(&path, access).unwrap();
            assert!(!db.is_fresh());
            assert_eq!(shape(&db.conn), shape(&new.conn), "a released step was edited");
            let verdict: String = db.conn.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
            assert_eq!(verdict, "ok");

            let models = db.models(None).unwrap();
            let names: Vec<_> = models.iter().map(|m| (m.name.as_str(), m.artifacts.len())).collect();
            assert_eq!(names, [("SmolLM2-135M-Instruct", 1), ("Big-MoE", 3), ("broken", 1)]);
            assert!(models[0].settings.pinned);
            assert_eq!(models[0].settings.server.context, (index >= 14).then_some(8_192));
            assert_eq!(models[0].usage.use_count, 2);
            assert_eq!(models[1].artifacts[0].also.len(), 1);
            assert!(models[2].artifacts[0].header.is_err());
            assert_eq!(db.uses(&models[0].id, 9).unwrap().len(), 2);
            assert_eq!(db.rows().unwrap().len(), 3);
            assert_eq!(db.tunings(None).unwrap().len(), usize::from(index >= 15));
            assert_eq!(
                db.server_hints().unwrap().iter().map(|h| h.access_count).sum::<u64>(),
                if index >= 16 { 3 } else { 0 }
            );
            assert_eq!(db.roots().unwrap().len(), 2);
            let hints = if dump.contains("INSERT INTO keep_hint") { 2 } else { 0 };
            assert_eq!(db.keep_hints().unwrap().len(), hints);
            let queue = db.tasks_after(&TaskFilter::default(), TaskId(0), 9).unwrap();
            if dump.contains("INSERT INTO task ") {
                let told: Vec<_> = queue.iter().map(|t| (t.ticket.state().name(), t.ticket.token)).collect();
                assert_eq!(told, [("done", 1), ("running", 1), ("queued", 0)]);
                assert_eq!(queue[0].result.as_ref().unwrap().text, "ja");
                let attempts = |id| {
                    let told = db.attempts(TaskId(id)).unwrap().into_iter();
                    told.map(|a| (a.token, a.owner, a.model.map(|m| m.0), a.ended.is_some(), a.end)).collect::<Vec<_>>()
                };
                let (owner, model) = (OwnerId::new(1, 2, 3), Some("5a11da7a0001".to_owned()));
                assert_eq!(attempts(1), [(1, owner.clone(), model, true, Some(AttemptEnd::Done))]);
                assert_eq!(attempts(2), [(1, owner, None, false, None)]);
                assert_eq!(attempts(3), []);
                assert_eq!(db.stats().unwrap().attempts, [(AttemptEnd::Done, 1)].into());
            }
            let events = db.history(&HistoryFilter::default(), None, 9).unwrap();
            assert_eq!(events.len(), usize::from(dump.contains("INSERT INTO history ")));
            assert!(events.iter().all(|told| told.event == sample_event(models[0].id.clone())));
            let stamps = usize::from(dump.contains("INSERT INTO stamp"));
            assert_eq!(db.stamps().unwrap().len(), stamps);
            let loads: Vec<_> = db.ledger().unwrap().into_iter().map(|row| (row.worker, row.held("CPU"))).collect();
            let load = (Some(ProcessId { pid: 3, start: 4 }), 6);
            assert_eq!(loads, if dump.contains("INSERT INTO load ") { vec![load] } else { vec![] });
        }
    }
}

/// Prints the dump of a small database in the newest format, for the fixture that a new step needs. Run it by name
/// with `--ignored --nocapture`.
#[test]
#[ignore = "a tool, not a test"]
fn print_a_dump() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let small = Model { name: "SmolLM2-135M-Instruct".into(), ..model("5a11da7a0001", "c0ffee") };
    let mut big = Model { name: "Big-MoE".into(), ..split() };
    for part in &mut big.artifacts {
        part.also.truncate(1);
    }
    let broken = Model { name: "broken".into(), ..damaged("dddddddddddd") };
    let surveys = vec![Surveyed { apart: vec![apart().folder], ..survey() }, apart()];
    db.record_scan(&ScanOutcome { surveys, ..added(vec![small.clone(), big, broken]) }, NOW).unwrap();
    let server = Choices { context: Some(8_192), ..Choices::default() };
    db.set(&small.id, &Settings { pinned: true, alias: Some("smol".into()), server, ..Settings::default() }).unwrap();
    for at in [1, 2] {
        db.record_use(&UseEvent {
            model: small.id.clone(),
            at: Timestamp(NOW.0 + at),
            source: "run-once".into(),
            prompt_tokens: 12,
            completion_tokens: 34,
            duration_ms: 560,
            outcome: "stop".into(),
        })
        .unwrap();
    }
    if let Some(file) = small.artifacts.first() {
        let record = HashRecord { sha256: "ab".repeat(32), at: NOW };
        db.record_verified(&file.identity, &record).unwrap();
        let devices = [DeviceMemory { device: "CPU".into(), weights: 1, kv_cache: 2, compute: 3 }];
        db.record_measured(&file.identity, "ctx=4096", &devices).unwrap();
        let held = [DeviceBytes { device: "CPU".into(), bytes: 6 }];
        db.record_footprint(&file.identity, "ctx=4096", &held).unwrap();
    }
    let load = Admission {
        place: Place { host: "box".into(), boot: "b".into(), namespace: 1 },
        owner: ProcessId { pid: 1, start: 2 },
        who: "modelctl run-once (process 1)".into(),
        model: small.id.clone(),
        name: small.name.clone(),
        purpose: Purpose::Main,
        needs: vec![DeviceBytes { device: "CPU".into(), bytes: 6 }],
        at: NOW,
    };
    if let Admitted::Load(id) = db.admit(&load, &[], &[]).unwrap() {
        db.set_load_worker(id, ProcessId { pid: 3, start: 4 }).unwrap();
    }
    db.add_keep_hints(&["*-Q4_K_M".into(), "/models/big.gguf".into()], NOW, |_| None).unwrap();
    db.record_tuning(&sample_tuning()).unwrap();
    let hint = ServerHint {
        model: small.id.clone(),
        purpose: Purpose::Main,
        last_access: Some(Timestamp(NOW.0 + 1)),
        access_count: 3,
        load_time: Some(std::time::Duration::from_millis(1_500)),
        is_loaded: true,
    };
    db.save_server_hints(&[hint], Timestamp(NOW.0 + 2)).unwrap();
    sample_queue(&mut db);
    db.record_history(&sample_event(small.id)).unwrap();
    std::io::stdout().write_all(dump(&db.conn).as_bytes()).unwrap();
}

fn sample_tuning() -> NewTuning {
    let before = Snapshot { taken: NOW, services: Vec::new(), memory_available_bytes: Some(1), gpu_used_bytes: None };
    NewTuning {
        knob: "--threads".into(),
        service: Some("llama".into()),
        from: "4".into(),
        to: "6".into(),
        why: "slow".into(),
        at: NOW,
        by: "ann".into(),
        before,
    }
}

fn sample_event(id: ModelId) -> Event {
    let subject =
        Subject { id: Some(id), name: "SmolLM2-135M-Instruct".into(), path: Some("/models/smol.gguf".into()) };
    let actor = Actor { uid: 1000, user: Some("ann".into()), pid: 4711, ..Actor::default() };
    Event { subject: Some(subject), freed: Some(4096), ..Event::new(NOW, actor, Action::Prune) }
}

/// One task that is done, one that runs, one that waits.
fn sample_queue(db: &mut Db) {
    let at = Moment { now: NOW, policy: Policy::default() };
    let task = |key: &str| {
        let request = TaskRequest { endpoint: Endpoint::Completions, body: r#"{"prompt":"?"}"#.into() };
        Ok(NewTask { key: Some(key.into()), ..NewTask::new(request) })
    };
    db.enqueue(&mut ["a", "b", "c"].map(task).into_iter(), OnFinished::Keep, at).unwrap();
    let owner = OwnerId::new(1, 2, 3);
    let ask = ClaimAsk::new(owner, 2);
    assert!(matches!(db.claim(&ask, at).unwrap(), Claimed::Tasks(tasks) if tasks.len() == 2));
    let result = TaskResult {
        text: "ja".into(),
        finish_reason: "stop".into(),
        prompt_tokens: 1,
        completion_tokens: 2,
        prompt_ms: 3,
        generate_ms: 4,
        model: ModelId("5a11da7a0001".into()),
        model_name: "SmolLM2-135M-Instruct".into(),
    };
    db.finish(vec![(Hold { id: TaskId(1), token: 1, nonce: OwnerId::new(1, 2, 3).nonce() }, End::Done(result))], at)
        .unwrap()[0]
        .as_ref()
        .unwrap();
}

fn dump(conn: &Connection) -> String {
    let mut text = String::new();
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    let made = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    let mut all = conn.prepare(made).unwrap();
    let objects: Vec<(String, String)> =
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    for (_, sql) in &objects {
        text += &format!("{sql};\n\n");
    }
    for (name, _) in objects.iter().filter(|(_, sql)| sql.starts_with("CREATE TABLE")) {
        let mut rows = conn.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns: Vec<String> = rows.column_names().map(|c| format!("quote({c})")).collect();
        rows = conn.prepare(&format!("SELECT concat_ws(', ', {}) FROM {name}", columns.join(", "))).unwrap();
        for values in rows.query_map([], |row| row.get::<_, String>(0)).unwrap() {
            text += &format!("INSERT INTO {name} VALUES ({});\n", values.unwrap());
        }
    }
    text += &format!("\nPRAGMA application_id = {};\n", number("application_id"));
    text += &format!("PRAGMA user_version = {};\n", number("user_version"));
    text
}

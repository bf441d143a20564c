use super::samples::*;
use super::*;
use crate::model::*;
use rusqlite::Connection;

fn filled(path: &Path, models: usize) -> Db {
    let mut db = open(path);
    let all = (0..models).map(|n| model(&format!("{n:012x}"), &format!("content-{n}"))).collect();
    db.record_scan(&added(all), NOW).unwrap();
    db
}

#[test]
fn what_is_no_database_is_refused_and_not_touched() {
    let noise: Vec<u8> = (0u32..8192).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut torn = b"SQLite format 3\0".to_vec();
    torn.extend(&noise);
    for bytes in [&noise[..], &noise[..40], &torn, &[0; 4096]] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        fs::write(&path, bytes).unwrap();
        let before = contents(dir.path());
        check_refused(&path, "damaged", "modelctl scan");
        assert_eq!(contents(dir.path()), before);
    }
}

#[test]
fn an_empty_file_is_a_new_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    fs::write(&path, "").unwrap();
    assert!(Db::open(&path, Access::ReadOnly).unwrap().is_fresh());
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    assert!(open(&path).is_fresh());
    assert!(!Db::open(&path, Access::ReadOnly).unwrap().is_fresh());
}

#[test]
fn an_emptied_file_does_not_cost_the_log_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    fs::write(&path, "").unwrap();
    fs::write(dir.path().join("db-wal"), "the last transactions").unwrap();
    let before = contents(dir.path());
    check_refused(&path, "is damaged: it is empty, but its journal", "move");
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn a_damaged_page_is_an_error_and_not_a_shorter_list() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let look = |access: Access| {
        let db = Db::open(&path, access)?;
        Ok::<_, anyhow::Error>((db.rows()?, db.known_files()?, db.models(None)?, db.roots()?))
    };
    drop(filled(&path, 40));
    let whole = fs::read(&path).unwrap();
    let wanted = look(Access::ReadWrite).unwrap();
    let mut complaints = 0;
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
        fs::write(&path, &bytes).unwrap();
        let access = if page % 2 == 0 { Access::ReadOnly } else { Access::ReadWrite };
        match look(access) {
            // The page of an index, or a free one.
            Ok(seen) => assert_eq!(seen, wanted, "page {page}"),
            Err(error) => {
                let (said, kind, hint) = complaint::<()>(Err(error));
                assert_eq!(kind, Exit::CannotMeet);
                assert!(said.contains("is damaged") || said.contains("makes no sense"), "page {page}: {said}");
                assert!(hint.contains("modelctl scan"), "page {page}: {hint}");
                complaints += 1;
            }
        }
        assert!(fs::read(&path).unwrap() == bytes, "page {page} was written to");
    }
    assert!(complaints > 20, "{complaints}");
}

#[test]
fn a_value_that_makes_no_sense_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for (spoil, wanted) in [
        (
            "UPDATE model SET state = 'asleep' WHERE id = '000000000001'",
            "table `model`, column `state`, row `000000000001`: `asleep`",
        ),
        ("UPDATE model SET size = -1 WHERE id = '000000000001'", "table `model`, column `size`, row `000000000001`"),
        ("UPDATE artifact_header SET facts = '{' WHERE artifact = 2", "table `artifact`, column `facts`, row `2`"),
        ("UPDATE artifact SET role = 'x' WHERE number = 2", "table `artifact`, column `role`, row `2`"),
        ("DELETE FROM artifact_header WHERE artifact = 2", "table `artifact`, column `facts`, row `2`"),
        ("UPDATE model SET name = CAST(x'ff' AS TEXT) WHERE number = 2", "column `name`, row `000000000001`"),
        ("INSERT INTO setting VALUES ('content-1', 1, 1, 'huge', NULL, NULL, NULL)", "column `tier`"),
        ("INSERT INTO setting VALUES ('content-1', 1, 1, NULL, NULL, NULL, '1')", "column `server`"),
    ] {
        let path = dir.path().join("db");
        let db = filled(&path, 3);
        db.conn.execute_batch(spoil).unwrap();
        let (said, kind, _) = complaint(db.rows().and_then(|_| db.models(None)));
        assert_eq!(kind, Exit::CannotMeet);
        assert!(said.contains(wanted), "{spoil}: {said}");
        drop(db);
        fs::remove_file(&path).unwrap();
    }
}

/// An operator who is told "a bug in modelctl" does not look at the file, and a script does not restore a backup.
#[test]
fn a_schema_that_was_altered_is_damage_and_not_a_bug() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let tables: Vec<String> = {
        let db = filled(&path, 3);
        let mut names = db.conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        let all = names.query_map([], |row| row.get(0)).unwrap();
        all.collect::<Result<_, _>>().unwrap()
    };
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for table in tables.iter().filter(|name| !name.starts_with("sqlite_")) {
        for spoil in [
            format!("DROP TABLE {table}"),
            format!("ALTER TABLE {table} RENAME TO x; CREATE VIEW {table} AS SELECT * FROM x"),
            format!("ALTER TABLE {table} RENAME TO x; CREATE TABLE {table} (y)"),
        ] {
            fs::write(&path, &whole).unwrap();
            Connection::open(&path).unwrap().execute_batch(&format!("PRAGMA foreign_keys = OFF; {spoil}")).unwrap();
            let work = || {
                let mut db = Db::open(&path, Access::ReadWrite)?;
                db.record_scan(&added(vec![model("aaaaaaaaaaaa", "a")]), NOW)?;
                Ok::<_, anyhow::Error>((db.models(None)?, db.keep_hints()?, db.roots()?))
            };
            // Not every table is used by these calls.
            if let Err(error) = work() {
                let (said, kind, _) = complaint::<()>(Err(error));
                assert_eq!(kind, Exit::CannotMeet, "{spoil}: {said}");
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "{refused}");
}

/// A foreign trigger would delete tasks and answers as they are written.
#[test]
fn a_trigger_that_is_not_ours_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(filled(&path, 3));
    let spoil = "CREATE TRIGGER t AFTER INSERT ON model BEGIN DELETE FROM model; END";
    Connection::open(&path).unwrap().execute_batch(spoil).unwrap();
    let mut db = open(&path);
    db.record_scan(&added(vec![model("aaaaaaaaaaaa", "a")]), NOW).unwrap();
    assert_eq!(db.models(None).unwrap().len(), 4);
}

#[test]
fn a_full_disk_leaves_the_last_state() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = filled(&dir.path().join("db"), 20);
    let before = db.models(None).unwrap();
    // SQLite's own limit gives the very error of a full disk.
    let pages: i64 = db.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    db.conn.pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(())).unwrap();
    let more = (100..400).map(|n| model(&format!("{n:012x}"), "more")).collect();
    let (said, kind, hint) = complaint(db.record_scan(&added(more), NOW));
    assert_eq!(kind, Exit::CannotMeet);
    assert!(said.contains("no space left for the database") && said.contains("nothing was changed"), "{said}");
    assert!(hint.contains("make room"));
    assert!(db.conn.is_autocommit());
    assert_eq!(db.models(None).unwrap(), before);
}

#[test]
fn a_locked_database_is_busy_for_writers_and_open_to_readers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(filled(&path, 1));
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut db = Db::open_patiently(&path, Access::ReadWrite, SHORT).unwrap();
    let (said, kind, hint) = complaint(db.set(&ModelId("000000000000".into()), &Settings::default()));
    assert_eq!(kind, Exit::Busy);
    assert!(said.contains("in use by another process and stayed locked for 30ms"), "{said}");
    assert!(hint.contains("try again"));
    assert_eq!(db.rows().unwrap().len(), 1);
    assert_eq!(Db::open_patiently(&path, Access::ReadOnly, SHORT).unwrap().rows().unwrap().len(), 1);
    holder.execute_batch("ROLLBACK").unwrap();
    db.set(&ModelId("000000000000".into()), &Settings::default()).unwrap();
}

#[test]
fn after_a_power_cut_the_old_state_or_the_new_one_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(filled(&path, 5));
    // Every state that was ever complete, oldest first. Nothing moves from the log to the main file meanwhile.
    let mut db = open(&path);
    db.conn.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(())).unwrap();
    let mut states = vec![db.models(None).unwrap()];
    for round in 0..4 {
        let changed = Model { name: format!("round {round}"), ..model("000000000002", "content-2") };
        let outcome = ScanOutcome {
            gone: vec![ModelId(format!("{round:012x}"))],
            ..added(vec![model(&format!("a{round:011x}"), "new"), changed])
        };
        db.record_scan(&outcome, NOW).unwrap();
        states.push(db.models(None).unwrap());
    }
    let main = fs::read(&path).unwrap();
    let log = fs::read(dir.path().join("db-wal")).unwrap();
    assert!(log.len() > 40_000);

    // Where the cut falls: a low-discrepancy walk over the log, its ends, and frame borders.
    let frame = 4096 + 24;
    let mut cuts: Vec<usize> =
        (0..30u64).map(|n| (n.wrapping_mul(7_640_891_576_956_012_809) % log.len() as u64) as usize).collect();
    cuts.extend([0, 31, 32, 32 + frame, 33 + frame, 32 + 3 * frame, log.len() - 1, log.len()]);
    let mut seen = std::collections::BTreeSet::new();
    for cut in cuts {
        // The rest of the file is missing, or is there and holds what lay on the disk before.
        for filler in [None, Some(0u8), Some(0xa5)] {
            let copy = tempfile::tempdir().unwrap();
            let mut bytes = log[..cut].to_vec();
            if let Some(filler) = filler {
                bytes.resize(log.len(), filler);
            }
            fs::write(copy.path().join("db"), &main).unwrap();
            fs::write(copy.path().join("db-wal"), bytes).unwrap();
            let access = if cut % 2 == 0 { Access::ReadWrite } else { Access::ReadOnly };
            let after = Db::open(&copy.path().join("db"), access).unwrap();
            let models = after.models(None).unwrap();
            let state = states.iter().position(|s| *s == models);
            assert!(state.is_some(), "cut at {cut} of {} shows a state that never was", log.len());
            seen.extend(state);
            let verdict: String = after.conn.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
            assert_eq!(verdict, "ok");
        }
    }
    assert!(seen.contains(&0) && seen.contains(&4) && seen.len() > 2, "{seen:?}");
}

#[test]
fn a_log_that_was_moved_in_by_half_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (path, log) = (dir.path().join("db"), dir.path().join("db-wal"));
    drop(open(&path));
    // A second connection keeps the log from being moved in when the first is closed.
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.query_row("SELECT count(*) FROM meta", [], |_| Ok(())).unwrap();
    drop(filled(&path, 400));
    let (before, wal) = (std::fs::read(&path).unwrap(), std::fs::read(&log).unwrap());
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let after = std::fs::read(&path).unwrap();
    assert!(after.len() > before.len());
    // The first page is new, the pages that it tells of are still in the log: there was no room for them.
    let copy = dir.path().join("copy");
    std::fs::write(&copy, [&after[..4096], &before[4096..]].concat()).unwrap();
    std::fs::write(dir.path().join("copy-wal"), wal).unwrap();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        assert_eq!(Db::open(&copy, access).unwrap().rows().unwrap().len(), 400);
    }
    // Without the log the pages are gone, and that is damage.
    std::fs::write(&copy, [&after[..4096], &before[4096..]].concat()).unwrap();
    check_refused(&copy, "damaged", "modelctl scan");
}

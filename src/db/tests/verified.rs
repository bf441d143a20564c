use super::*;
use crate::clock::Timestamp;
use crate::db::HashRecord;
use crate::model::{Damage, FileIdentity, RootState, ScanOutcome, State};

#[test]
fn a_hash_speaks_only_of_the_file_it_was_taken_of() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let file = FileIdentity { dev: u64::MAX, ino: 7, size: 42, mtime_ns: -1, ctime_ns: 9 };
    let record = HashRecord { sha256: "ab".repeat(32), at: Timestamp(5) };
    db.record_verified(&file, &record).unwrap();
    let touched = FileIdentity { ctime_ns: 10, ..file };
    let other = FileIdentity { ino: 8, ..file };
    let found = db.verified(&[file, touched, other]).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found.get(&file), Some(&record));
    // The inode has other bytes now; one row per inode keeps the table as small as the disk.
    let newer = HashRecord { sha256: "cd".repeat(32), at: Timestamp(6) };
    db.record_verified(&touched, &newer).unwrap();
    let found = db.verified(&[file, touched]).unwrap();
    assert_eq!((found.len(), found.get(&touched)), (1, Some(&newer)));
}

#[test]
fn what_was_found_in_a_file_reaches_the_rows_until_the_file_changes() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let mut sound = samples::model("aaaaaaaaaaaa", "a");
    sound.artifacts[0].expected_sha256 = Some("AB".repeat(32));
    let file = sound.artifacts[0].identity;
    db.record_scan(&samples::added(vec![sound.clone()]), samples::NOW).unwrap();
    let seen = |db: &Db| {
        let row = db.rows().unwrap().remove(0);
        let model = db.models(None).unwrap().remove(0);
        assert_eq!((row.state, &row.reason), (model.state, &model.reason));
        (row.state, row.damage, row.reason)
    };
    let found = |sha256: &str| HashRecord { sha256: sha256.repeat(32), at: Timestamp(5) };
    db.record_verified(&file, &found("ab")).unwrap();
    assert_eq!(seen(&db), (State::Ready, None, None));
    db.record_verified(&file, &found("cd")).unwrap();
    let (state, by, reason) = seen(&db);
    assert_eq!((state, by), (State::Damaged, Some(Damage::Hash)));
    assert!(reason.unwrap().starts_with(&format!("its sha256 is {}, but its store declares", "cd".repeat(32))));
    // The scan compares with what it recorded itself.
    assert_eq!(db.models_in(&[sound.root.clone()]).unwrap()[0].state, State::Ready);

    let changed = FileIdentity { ctime_ns: file.ctime_ns + 1, ..file };
    let mut touched = sound.clone();
    touched.artifacts[0].identity = changed;
    db.record_scan(&samples::added(vec![touched]), samples::NOW).unwrap();
    assert_eq!(seen(&db), (State::Ready, None, None));
    // Bytes that changed under one identity, and a disk that does not hand them over.
    db.record_verified(&changed, &found("ab")).unwrap();
    db.record_finding(&changed, Ok(&"cd".repeat(32)), Timestamp(6)).unwrap();
    assert_eq!((seen(&db).0, seen(&db).1), (State::Damaged, Some(Damage::Hash)));
    db.record_finding(&changed, Err("cannot be read to its end"), Timestamp(7)).unwrap();
    assert_eq!((seen(&db).0, seen(&db).1), (State::Unreadable, None));
    db.record_verified(&changed, &found("ab")).unwrap();
    assert_eq!(seen(&db), (State::Ready, None, None));
}

#[test]
fn a_promised_hash_outweighs_what_the_structure_looks_like() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let mut odd = samples::damaged("aaaaaaaaaaaa");
    odd.artifacts[0].expected_sha256 = Some("ab".repeat(32));
    db.record_scan(&samples::added(vec![odd.clone()]), samples::NOW).unwrap();
    assert_eq!(db.rows().unwrap()[0].damage, Some(Damage::Structure));
    db.record_verified(&odd.artifacts[0].identity, &HashRecord { sha256: "ab".repeat(32), at: Timestamp(5) }).unwrap();
    let row = db.rows().unwrap().remove(0);
    assert_eq!((row.state, row.damage), (State::Unsupported, None));
}

#[test]
fn a_file_that_is_not_the_scanned_one_is_not_called_ready_until_it_is_scanned_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let sound = samples::model("aaaaaaaaaaaa", "a");
    let file = sound.artifacts[0].identity;
    db.record_scan(&samples::added(vec![sound.clone()]), samples::NOW).unwrap();
    let why = || Some("changed since the last scan: run `modelctl scan`".to_owned());
    let state = |db: &Db| (db.rows().unwrap().remove(0).state, db.models(None).unwrap().remove(0).reason);
    db.record_changed(&[(file, why())], Timestamp(6)).unwrap();
    assert_eq!(state(&db), (State::Unavailable, why()));
    db.record_changed(&[(file, None)], Timestamp(7)).unwrap();
    assert_eq!(state(&db), (State::Ready, None));
    db.record_changed(&[(file, why())], Timestamp(8)).unwrap();
    let roots = vec![(sound.root.clone(), sound.store, RootState::Read)];
    db.record_scan(&ScanOutcome { roots, ..ScanOutcome::default() }, samples::NOW).unwrap();
    assert_eq!(state(&db), (State::Ready, None));
}

use super::samples::*;
use super::*;
use crate::model::{Holding, ScanOutcome, Surveyed};
use std::path::PathBuf;

fn record(db: &mut Db, surveys: Vec<Surveyed>) {
    db.record_scan(&ScanOutcome { surveys, ..ScanOutcome::default() }, NOW).unwrap();
}

fn paths(db: &Db) -> Vec<PathBuf> {
    db.holdings().unwrap().into_iter().map(|h| h.path).collect()
}

#[test]
fn what_a_store_holds_comes_back_as_it_was_and_goes_when_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    record(&mut db, vec![survey()]);
    assert_eq!(db.holdings().unwrap(), survey().holdings);
    // Nothing new: the same rows stay, they are not written again.
    record(&mut db, vec![survey()]);
    assert_eq!(db.holdings().unwrap(), survey().holdings);
    let fewer = Surveyed { holdings: survey().holdings.split_off(1), ..survey() };
    record(&mut db, vec![fewer.clone()]);
    assert_eq!(db.holdings().unwrap(), fewer.holdings);
}

#[test]
fn a_place_that_could_not_be_read_keeps_what_was_known_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    record(&mut db, vec![survey()]);
    let unread = vec!["/hub/models--org--x".into()];
    record(&mut db, vec![Surveyed { holdings: Vec::new(), unread, ..survey() }]);
    assert_eq!(paths(&db), ["/hub/models--org--x/blobs/ab", "/hub/models--org--x/refs"].map(PathBuf::from));
    record(&mut db, vec![survey()]);
    assert_eq!(db.holdings().unwrap(), survey().holdings);
}

#[test]
fn a_look_at_a_part_is_not_undone_by_a_look_at_the_whole_that_finds_what_it_found_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    record(&mut db, vec![survey()]);
    let part = Surveyed { folder: "/hub/models--org--x".into(), ..Surveyed::default() };
    record(&mut db, vec![part]);
    assert_eq!(paths(&db), [PathBuf::from("/hub/.locks")]);
    record(&mut db, vec![survey()]);
    assert_eq!(db.holdings().unwrap(), survey().holdings);
}

#[test]
fn an_unchanged_store_is_not_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let one = survey().holdings.remove(1);
    let holdings: Vec<Holding> =
        (0..2_000).map(|n| Holding { path: format!("/hub/{n:05}").into(), ..one.clone() }).collect();
    record(&mut db, vec![Surveyed { holdings: holdings.clone(), ..survey() }]);
    let first: i64 = db.conn.query_row("SELECT max(number) FROM holding", [], |r| r.get(0)).unwrap();
    record(&mut db, vec![Surveyed { holdings, ..survey() }]);
    let second: i64 = db.conn.query_row("SELECT max(number) FROM holding", [], |r| r.get(0)).unwrap();
    assert_eq!((first, second), (2_000, 2_000));
}

/// `/hub` with one repository that has a survey of its own.
fn hub(apart_from_it: &[Surveyed]) -> Surveyed {
    let holdings = vec![survey().holdings.swap_remove(0)];
    Surveyed { holdings, apart: apart_from_it.iter().map(|s| s.folder.clone()).collect(), ..survey() }
}

fn stamped(db: &Db) -> Vec<PathBuf> {
    db.stamps().unwrap().into_iter().map(|s| s.folder).collect()
}

#[test]
fn a_repository_that_was_not_read_keeps_its_rows_and_its_stamp_until_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    record(&mut db, vec![hub(&[apart()]), apart()]);
    assert_eq!(paths(&db), ["/hub/.locks", "/hub/models--org--y/blobs/cd"].map(PathBuf::from));
    assert_eq!(db.stamps().unwrap(), [apart().stamp.unwrap()]);
    // Nothing new around it; then something new; then an older reading of its own.
    record(&mut db, vec![hub(&[apart()])]);
    record(&mut db, vec![Surveyed { holdings: Vec::new(), ..hub(&[apart()]) }]);
    assert_eq!(paths(&db), [PathBuf::from("/hub/models--org--y/blobs/cd")]);
    assert_eq!(stamped(&db), [apart().folder]);
    record(&mut db, vec![hub(&[apart()]), Surveyed { holdings: Vec::new(), ..apart() }]);
    assert_eq!((paths(&db), stamped(&db)), (vec![PathBuf::from("/hub/.locks")], vec![apart().folder]));
    record(&mut db, vec![hub(&[apart()]), apart()]);
    // Only its name tells it from the one beside it.
    let near = Surveyed { folder: "/hub/models--org".into(), ..Surveyed::default() };
    record(&mut db, vec![near]);
    assert_eq!((paths(&db).len(), stamped(&db).len()), (2, 1));
    record(&mut db, vec![hub(&[])]);
    assert_eq!((paths(&db), stamped(&db)), (vec![PathBuf::from("/hub/.locks")], vec![]));
}

#[test]
fn a_stamp_goes_when_its_folder_was_read_by_other_rules_or_not_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let spoilers = [
        vec![Surveyed { stamp: None, ..apart() }],
        vec![Surveyed { unread: vec!["/hub/models--org--y/blobs".into()], ..apart() }],
        // As a plain folder, alone and as a part of a larger one.
        vec![Surveyed { folder: "/hub/models--org--y".into(), ..Surveyed::default() }],
        vec![Surveyed { folder: "/hub/models--org--y/blobs".into(), ..Surveyed::default() }],
        vec![survey()],
    ];
    for spoiler in spoilers {
        record(&mut db, vec![hub(&[apart()]), apart()]);
        assert_eq!(stamped(&db), [apart().folder]);
        record(&mut db, spoiler.clone());
        assert!(stamped(&db).is_empty(), "{spoiler:?}");
    }
}

#[test]
fn what_is_surveyed_apart_for_the_first_time_is_taken_from_the_survey_around_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    // As an older version wrote it: one survey with everything in it.
    let whole = Surveyed { holdings: [hub(&[]).holdings, apart().holdings].concat(), ..survey() };
    record(&mut db, vec![whole.clone()]);
    record(&mut db, vec![apart()]);
    assert_eq!(paths(&db).len(), 2);
    record(&mut db, vec![Surveyed { holdings: Vec::new(), ..apart() }]);
    assert_eq!(paths(&db), [PathBuf::from("/hub/.locks")]);
    // The older version again: what it saw is not taken for known.
    record(&mut db, vec![whole.clone()]);
    assert_eq!(db.holdings().unwrap(), whole.holdings);
}

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

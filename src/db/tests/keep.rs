use super::*;
use crate::clock::Timestamp;

fn words(hints: &[&str]) -> Vec<String> {
    hints.iter().map(|h| (*h).to_owned()).collect()
}

#[test]
fn hints_stay_in_the_order_in_which_they_were_added() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut db = open(&path);
    assert_eq!(db.keep_hints().unwrap(), words(&[]));
    assert_eq!(db.add_keep_hints(&words(&["z", "a", "z"]), Timestamp(1), |_| None).unwrap(), [true, true, false]);
    // Added again it does not move to the end.
    assert_eq!(db.add_keep_hints(&words(&["z", "m,n"]), Timestamp(2), |_| None).unwrap(), [false, true]);
    drop(db);
    let mut db = open(&path);
    assert_eq!(db.keep_hints().unwrap(), words(&["z", "a", "m,n"]));
    assert_eq!(db.remove_keep_hints(&words(&["a", "nothing"]), |_| None).unwrap(), [true, false]);
    db.add_keep_hints(&words(&["a"]), Timestamp(3), |_| None).unwrap();
    assert_eq!(db.keep_hints().unwrap(), words(&["z", "m,n", "a"]));
}

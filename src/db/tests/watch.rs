use super::*;
use crate::clock::Timestamp;

#[test]
fn a_commit_of_another_connection_ends_the_wait_and_our_own_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut writer = open(&path);
    let reader = Db::open(&path, Access::ReadOnly).unwrap();
    let seen = reader.version().unwrap();
    assert!(!reader.wait_for_change(seen, SHORT).unwrap());
    writer.set_inference(false, Timestamp(1)).unwrap();
    assert!(reader.wait_for_change(seen, Duration::ZERO).unwrap());
    let seen = writer.version().unwrap();
    writer.set_inference(true, Timestamp(2)).unwrap();
    assert!(!writer.wait_for_change(seen, SHORT).unwrap());
    std::thread::scope(|scope| {
        let seen = reader.version().unwrap();
        let waiting = scope.spawn(move || reader.wait_for_change(seen, Duration::from_secs(60)).unwrap());
        writer.set_inference(false, Timestamp(3)).unwrap();
        assert!(waiting.join().unwrap());
    });
}

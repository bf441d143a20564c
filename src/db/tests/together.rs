use super::samples::*;
use super::*;
use crate::model::*;
use std::sync::Barrier;

#[test]
fn everybody_who_creates_the_database_at_once_succeeds() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/db");
        let start = Barrier::new(6);
        let fresh: usize = std::thread::scope(|scope| {
            let opened: Vec<_> = (0..6)
                .map(|n| {
                    let (path, start) = (&path, &start);
                    scope.spawn(move || {
                        start.wait();
                        let access = if n == 5 { Access::ReadOnly } else { Access::ReadWrite };
                        let mut db = Db::open(path, access).unwrap();
                        if n < 5 {
                            db.record_scan(&added(vec![model(&format!("{n:012x}"), "same")]), NOW).unwrap();
                        }
                        usize::from(db.is_fresh() && n < 5)
                    })
                })
                .collect();
            opened.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(fresh, 1, "exactly one made it");
        assert_eq!(open(&path).rows().unwrap().len(), 5);
    }
}

#[test]
fn a_second_look_in_one_process_does_not_drop_the_locks_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut first = open(&path);
    first.record_scan(&added(vec![model("aaaaaaaaaaaa", "a")]), NOW).unwrap();
    drop(Db::open(&path, Access::ReadOnly).unwrap());
    drop(Db::open(&path, Access::ReadWrite).unwrap());
    // The kernel's list of locks is the judge: without the shared lock another process would delete the log.
    use std::os::unix::fs::MetadataExt;
    let inode = fs::metadata(&path).unwrap().ino();
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    if locks.is_empty() {
        crate::testing::skip("this kernel does not list its locks");
        return;
    }
    let ours = locks.lines().any(|line| line.contains(&format!(":{inode} ")) && line.contains("READ"));
    assert!(ours, "no lock on inode {inode} in\n{locks}");
    assert_eq!(first.rows().unwrap().len(), 1);
}

#[test]
fn a_reader_sees_one_state_while_a_writer_works() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut writer = open(&path);
    writer.record_scan(&added(vec![split()]), NOW).unwrap();
    let reader = Db::open(&path, Access::ReadOnly).unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for round in 0..50 {
                // Name and number of files change together or not at all.
                let mut changed = split();
                changed.artifacts.truncate(1 + round % 3);
                changed.name = format!("{} files", changed.artifacts.len());
                writer.record_scan(&added(vec![changed]), NOW).unwrap();
            }
        });
        while !writing.is_finished() {
            let model: Model = reader.models(None).unwrap().remove(0);
            if model.name != split().name {
                assert_eq!(model.name, format!("{} files", model.artifacts.len()));
            }
        }
        writing.join().unwrap();
    });
}

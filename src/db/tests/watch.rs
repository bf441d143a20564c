use super::*;
use crate::clock::Timestamp;
use crate::model::task::Queue;
use std::os::fd::AsFd;

#[test]
fn a_commit_of_another_connection_ends_the_wait_and_our_own_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut writer = open(&path);
    let reader = Db::open(&path, Access::ReadOnly).unwrap();
    let seen = reader.changes().unwrap();
    assert!(!reader.wait_for_change(seen, SHORT, None).unwrap());
    writer.set_inference(false, Timestamp(1)).unwrap();
    assert!(reader.wait_for_change(seen, Duration::ZERO, None).unwrap());
    let seen = writer.changes().unwrap();
    writer.set_inference(true, Timestamp(2)).unwrap();
    assert!(!writer.wait_for_change(seen, SHORT, None).unwrap());
    std::thread::scope(|scope| {
        let seen = reader.changes().unwrap();
        let waiting = scope.spawn(move || reader.wait_for_change(seen, Duration::from_secs(60), None).unwrap());
        writer.set_inference(false, Timestamp(3)).unwrap();
        assert!(waiting.join().unwrap());
    });
}

/// An idle daemon waits at this for hours: it must neither miss a commit nor need the processor.
#[test]
fn a_wait_notices_a_commit_by_the_files_and_ends_when_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut writer = open(&path);
    let reader = open(&path);
    let (noticed, heard) = std::sync::mpsc::channel();
    let stop = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
    std::thread::scope(|scope| {
        let (seen, stop) = (reader.changes().unwrap(), stop.as_fd());
        let waiting = scope.spawn(move || {
            assert!(reader.wait_for_change(seen, Duration::from_secs(600), Some(stop)).unwrap(), "of the commit");
            noticed.send(()).unwrap();
            let seen = reader.changes().unwrap();
            assert!(!reader.wait_for_change(seen, Duration::from_secs(600), Some(stop)).unwrap(), "of the stop");
            assert!(matches!(reader.watch.get(), Some(Some(_))), "the files are watched");
        });
        writer.set_inference(false, Timestamp(1)).unwrap();
        heard.recv().unwrap();
        rustix::io::write(stop, &1u64.to_ne_bytes()).unwrap();
        waiting.join().unwrap();
    });
}

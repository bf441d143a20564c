use super::samples::NOW;
use super::*;
use crate::model::ledger::*;
use crate::model::{DeviceBytes, FileIdentity, ModelId};
use std::sync::Barrier;

fn place() -> Place {
    Place { host: "here".into(), boot: "b".into(), namespace: u64::MAX }
}

fn admission(name: &str, needs: &[(&str, u64)]) -> Admission {
    Admission {
        place: place(),
        owner: ProcessId { pid: 4711, start: u64::MAX },
        who: "run-once (process 4711)".into(),
        model: ModelId("5a11da7a0001".into()),
        name: name.into(),
        purpose: Purpose::Vectors,
        needs: needs.iter().map(|(device, bytes)| DeviceBytes { device: (*device).into(), bytes: *bytes }).collect(),
        at: NOW,
    }
}

fn budget(bytes: u64) -> Vec<DeviceBudget> {
    vec![DeviceBudget { device: "CPU".into(), budget: bytes, available: None }]
}

fn admitted(admitted: Admitted) -> LoadId {
    match admitted {
        Admitted::Load(id) => id,
        Admitted::Refused(refusal) => panic!("{refusal:?}"),
    }
}

#[test]
fn a_row_keeps_all_that_is_said_of_a_load_until_it_is_released() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let id =
        admitted(db.admit(&admission("smol", &[("CPU", 40), ("CPU", 2), ("CUDA0", 7)]), &budget(50), &[]).unwrap());
    let worker = ProcessId { pid: 4712, start: 99 };
    db.set_load_worker(id, worker).unwrap();
    db.set_load_state(id, LoadState::Ready).unwrap();
    let measured = [("CPU", 45), ("Vulkan0", 3)];
    let measured = measured.map(|(device, bytes)| DeviceBytes { device: device.into(), bytes });
    db.set_load_measured(id, &measured).unwrap();
    let bytes = |device: &str, reserved, measured| LedgerBytes { device: device.into(), reserved, measured };
    let expected = LedgerRow {
        id,
        place: place(),
        owner: ProcessId { pid: 4711, start: u64::MAX },
        who: "run-once (process 4711)".into(),
        worker: Some(worker),
        model: ModelId("5a11da7a0001".into()),
        name: "smol".into(),
        purpose: Purpose::Vectors,
        state: LoadState::Ready,
        since: NOW,
        bytes: vec![bytes("CPU", 42, Some(45)), bytes("CUDA0", 7, None), bytes("Vulkan0", 0, Some(3))],
    };
    assert_eq!(db.ledger().unwrap(), std::slice::from_ref(&expected));
    match db.admit(&admission("gemma", &[("CPU", 6)]), &budget(50), &[]).unwrap() {
        Admitted::Refused(refusal) => assert_eq!((refusal.short[0].bytes, refusal.rows), (1, vec![expected])),
        Admitted::Load(_) => panic!("above the budget"),
    }
    db.release_loads(&[id, id]).unwrap();
    assert_eq!(db.ledger().unwrap(), []);
    // What comes too late for a row brings nothing back.
    db.set_load_measured(id, &measured).unwrap();
    assert_eq!(db.ledger().unwrap(), []);
    let next = admitted(db.admit(&admission("gemma", &[("CPU", 50)]), &budget(50), &[]).unwrap());
    assert_ne!(next, id, "a late release must not meet another row");
}

#[test]
fn the_memory_of_the_dead_is_given_to_the_next_in_one_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let dead = admitted(db.admit(&admission("smol", &[("CPU", 50)]), &budget(50), &[]).unwrap());
    assert!(matches!(db.admit(&admission("gemma", &[("CPU", 50)]), &budget(50), &[]).unwrap(), Admitted::Refused(_)));
    let next = admitted(db.admit(&admission("gemma", &[("CPU", 50)]), &budget(50), &[dead]).unwrap());
    assert_eq!(db.ledger().unwrap().iter().map(|row| row.id).collect::<Vec<_>>(), [next]);
}

/// Everybody asks at once, on connections of their own, and never is more admitted than fits.
#[test]
fn two_that_do_not_fit_together_are_never_admitted_together() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(open(&path));
    let start = Barrier::new(4);
    let done: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut db = Db::open_patiently(&path, Access::ReadWrite, Duration::from_secs(60)).unwrap();
                    start.wait();
                    let mut done = 0;
                    for _ in 0..40 {
                        let admitted = db.admit(&admission("smol", &[("CPU", 40)]), &budget(100), &[]).unwrap();
                        let held: u64 = db.ledger().unwrap().iter().map(|row| row.held("CPU")).sum();
                        assert!(held <= 100, "{held} bytes of 100");
                        if let Admitted::Load(id) = admitted {
                            done += 1;
                            db.release_loads(&[id]).unwrap();
                        }
                    }
                    done
                })
            })
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(done >= 40, "only {done} were admitted");
}

#[test]
fn what_a_model_took_is_that_of_the_file_and_the_settings_and_the_most_counts() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let file = FileIdentity { dev: u64::MAX, ino: 7, size: 42, mtime_ns: -1, ctime_ns: 9 };
    let took = |all: &[(&str, u64)]| -> Vec<DeviceBytes> {
        all.iter().map(|(device, bytes)| DeviceBytes { device: (*device).into(), bytes: *bytes }).collect()
    };
    db.record_footprint(&file, "ctx=1", &took(&[("CPU", 5)])).unwrap();
    db.record_footprint(&file, "ctx=1", &took(&[("CPU", 4), ("CUDA0", 3)])).unwrap();
    assert_eq!(db.footprint(&file, "ctx=1").unwrap(), Some(took(&[("CPU", 5), ("CUDA0", 3)])));
    assert_eq!(db.footprint(&file, "ctx=2").unwrap(), None);
    let touched = FileIdentity { ctime_ns: 10, ..file };
    assert_eq!(db.footprint(&touched, "ctx=1").unwrap(), None);
    db.record_footprint(&touched, "ctx=2", &took(&[("CPU", 1)])).unwrap();
    assert_eq!(db.footprint(&file, "ctx=1").unwrap(), None, "the inode holds another file now");
}

use super::*;
use crate::supervise::{Child, SpawnSpec, spawn};

/// A process that holds the lock in `dir` and shows nothing: it is stopped. Its child is called as a worker is.
fn stopped_holder(dir: &Path) -> (Child, Holder) {
    let script = "exec 9>>device.lock; flock 9; sh -c 'read forever' worker & kill -STOP $$; read forever";
    let args = ["-c", &format!("cd \"$1\"; {script}"), "holder", &dir.display().to_string()];
    let child = spawn(&SpawnSpec::new("/bin/sh", args)).unwrap();
    let is_stopped = || std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap().contains(") T ");
    while !is_stopped() {
        std::thread::yield_now();
    }
    let start = proc_stat::read(&child.id().to_string()).unwrap().start;
    let beat = clock::uptime().unwrap().saturating_sub((SOON + LEASE) / 2);
    let holder = Holder { who: "stopped".into(), pid: child.id(), start, place: place().unwrap(), beat };
    std::fs::write(dir.join("device.lock"), holder.text()).unwrap();
    (child, holder)
}

/// A lease that is over for [`stopped_holder`], and not for a process that runs.
const SOON: Duration = LEASE.checked_div(2).unwrap();

#[test]
fn what_a_holder_writes_is_read_back_and_anything_else_has_no_lease() {
    let ours = Holder::ours("modelctl serve (process 1)").unwrap();
    assert_eq!(
        Holder::parse(&ours.text()),
        Some(Holder { beat: Duration::from_millis(ours.beat.as_millis() as u64), ..ours.clone() })
    );
    assert!(!ours.is_over(LEASE));
    for text in ["", "who", "who\n1\n", "who\nx\n1 a 2\n", "who\n1\n1 a\n", "who\n1\n1 a b\n"] {
        assert_eq!(Holder::parse(text), None, "{text:?}");
    }
    let later = Holder { beat: ours.beat.saturating_sub(LEASE * 2), ..ours };
    assert!(later.is_over(LEASE) || later.beat.is_zero());
    // Of another boot, another container, or a number that another process has got since: nothing is known.
    assert!(!Holder { place: "elsewhere".into(), ..later.clone() }.is_over(LEASE));
    assert!(!Holder { start: later.start + 1, ..later }.is_over(LEASE));
}

#[test]
fn the_place_of_a_stopped_process_is_taken_and_its_worker_is_gone_before() {
    let dir = tempfile::tempdir().unwrap();
    let (_child, holder) = stopped_holder(dir.path());
    let path = dir.path().join("device.lock");
    assert_eq!(stopped(&path, SOON), Some(holder.clone()));
    assert_eq!(stopped(&path, LEASE), None, "its lease is not over");
    let before = std::fs::metadata(&path).unwrap().ino();
    let workers = children(&holder);
    let lock = take_over((dir.path(), "device.lock"), &holder, ("second", SOON)).unwrap().unwrap();
    assert!(workers.iter().all(|pid| !is_worker(pid)), "{workers:?}");
    assert_ne!(lock.file().metadata().unwrap().ino(), before);
    assert!(
        matches!(NamedLock::take(dir.path(), "device.lock", "third").unwrap(), Tried::Busy { who, .. } if who == "second")
    );
    drop(lock);
    assert!(matches!(NamedLock::take(dir.path(), "device.lock", "third").unwrap(), Tried::Ours(_)));
}

#[test]
fn a_process_that_runs_again_keeps_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let (_child, holder) = stopped_holder(dir.path());
    let again = Holder { beat: clock::uptime().unwrap(), ..holder.clone() };
    std::fs::write(dir.path().join("device.lock"), again.text()).unwrap();
    assert!(take_over((dir.path(), "device.lock"), &holder, ("second", SOON)).unwrap().is_none());
}

#[test]
fn a_holder_shows_that_it_runs_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("device.lock");
    let Tried::Ours(lock) = NamedLock::take(dir.path(), "device.lock", "first").unwrap() else { panic!() };
    let beating = Beating::start(&lock.lock(), "first").unwrap();
    let read = || Holder::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let first = read();
    assert_eq!((first.who.as_str(), first.pid), ("first", std::process::id()));
    let end = clock::instant() + Duration::from_secs(60);
    while read().beat == first.beat {
        assert!(clock::instant() < end, "it shows nothing");
        std::thread::yield_now();
    }
    drop(beating);
}

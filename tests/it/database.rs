//! The database between processes: what threads of one process cannot show, because they share its file locks.

use modelctl::clock::Timestamp;
use modelctl::db::{Access, Db, UseEvent};
use modelctl::model::{ModelId, RootState, ScanOutcome, StoreKind};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const FILE: &str = "state/modelctl.db";
const USES: u32 = 25;

/// What each of the processes does, in its working directory: create or open, record a scan, record uses.
#[test]
#[ignore = "a part of the tests below, which start it as another process"]
fn one_of_several_processes() {
    let mut db = Db::open(Path::new(FILE), Access::ReadWrite).unwrap();
    let roots = vec![("/models".into(), StoreKind::Dir, RootState::Read)];
    db.record_scan(&ScanOutcome { roots, ..ScanOutcome::default() }, Timestamp(1)).unwrap();
    for at in 0..USES {
        db.record_use(&UseEvent {
            model: ModelId("aaaaaaaaaaaa".into()),
            at: Timestamp(at.into()),
            source: "run-once".into(),
            prompt_tokens: 1,
            completion_tokens: 1,
            duration_ms: 1,
            outcome: "stop".into(),
        })
        .unwrap();
        // Opening and closing in between is what one-shot commands do.
        drop(Db::open(Path::new(FILE), Access::ReadOnly).unwrap());
    }
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "database::one_of_several_processes", "--ignored", "--quiet"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn processes_that_create_the_database_at_once_all_succeed_and_lose_nothing() {
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let children: Vec<Child> = (0..4).map(|_| start(dir.path())).collect();
        let count = u32::try_from(children.len()).unwrap();
        for child in children {
            let done = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{said}");
            assert!(said.contains("1 passed"), "{said}");
        }
        let db = Db::open(&dir.path().join(FILE), Access::ReadOnly).unwrap();
        assert_eq!(db.uses(&ModelId("aaaaaaaaaaaa".into()), u32::MAX).unwrap().len(), (count * USES) as usize);
        assert_eq!(db.roots().unwrap().len(), 1);
    }
}

#[test]
fn what_a_killed_process_reported_as_stored_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let id = ModelId("aaaaaaaaaaaa".into());
    let mut before = 0;
    for round in 0..10 {
        let mut child = start(dir.path());
        // Killed at the first use that another process can see, so in the middle of its work.
        let deadline = modelctl::clock::instant() + std::time::Duration::from_secs(20);
        loop {
            let uses = Db::open(&path, Access::ReadOnly).unwrap().uses(&id, u32::MAX).unwrap().len();
            if uses > before || child.try_wait().unwrap().is_some() {
                break;
            }
            assert!(modelctl::clock::instant() < deadline, "round {round}: nothing was stored");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let uses = Db::open(&path, Access::ReadWrite).unwrap().uses(&id, u32::MAX).unwrap().len();
        assert!(uses > before, "round {round}");
        before = uses;
    }
}

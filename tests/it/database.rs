//! The database between processes: what threads of one process cannot show, because they share its file locks.

use crate::sandbox::Sandbox;
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
        let deadline = modelctl::clock::instant() + std::time::Duration::from_secs(120);
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

/// "Try again in a moment" never helps where locks do not work at all.
#[test]
fn a_file_system_without_locks_is_reported_as_that() {
    const FAKE_NO_LOCKS: &str = r#"
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <stdarg.h>
        #include <unistd.h>
        #include <sys/syscall.h>
        static int call(int fd, int command, void *argument) {
            if (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK) { errno = ENOLCK; return -1; }
            return syscall(SYS_fcntl, fd, command, argument);
        }
        int fcntl64(int fd, int command, ...) {
            va_list rest; va_start(rest, command); void *argument = va_arg(rest, void *); va_end(rest);
            return call(fd, command, argument);
        }
        int fcntl(int fd, int command, ...) {
            va_list rest; va_start(rest, command); void *argument = va_arg(rest, void *); va_end(rest);
            return call(fd, command, argument);
        }
    "#;
    let sandbox = Sandbox::new();
    let source = sandbox.write("fake_no_locks.c", FAKE_NO_LOCKS.as_bytes());
    let library = sandbox.path("fake_no_locks.so");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(built.unwrap().success());
    sandbox.run(["scan"]).ok();
    let mut command = sandbox.command(["keep", "add", "x"]);
    let run = crate::sandbox::finish(command.env("LD_PRELOAD", &library).output().unwrap());
    let run = run.refuses(3, "does not support file locks");
    assert!(run.err.contains("hint: use a path on a local disk"), "{}", run.err);
    let beside = std::fs::read_dir(sandbox.db().parent().unwrap()).unwrap();
    assert!(beside.flatten().all(|file| !file.file_name().to_string_lossy().contains("locktest")));
}

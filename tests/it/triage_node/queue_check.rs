//! `queue.check`: a program or a URL of the configuration that says who polls a queue.

use super::{config, is_alive, signal, timed, within};
use crate::health::serve;
use crate::sandbox::Sandbox;
use crate::supervised::script;
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

const ANSWER: &str =
    r#"{"queue":"q@gpu","pollers":[{"identity":"a@gpu","last_seen_s":3}],"backlog":2,"done":7,"failed":0}"#;

fn service(check: &str) -> String {
    format!(
        "[[services]]\nname = \"worker\"\nrole = \"worker\"\nmanager = \"none\"\n\
         queue = {{ name = \"q@gpu\", identity = \"@gpu\", check = [{check}] }}\n"
    )
}

/// The check of the queue, as health prints it.
fn health(sandbox: &Sandbox, more: &[&str]) -> serde_json::Value {
    let args: Vec<&str> = ["health", "--check", "queue", "--json"].iter().chain(more).copied().collect();
    let (run, _) = timed(sandbox, &args);
    let report = run.json();
    report["checks"].as_array().unwrap().iter().find(|one| one["name"] == "queue").unwrap().clone()
}

/// A worker that polls another queue is up, and does nothing: only the queue can tell.
#[test]
fn a_program_and_a_url_say_who_polls() {
    let sandbox = Sandbox::new();
    // Without an environment, in `/`, with its arguments as they are.
    let text = format!(
        "#!/bin/sh\n[ -z \"$HOME$LD_LIBRARY_PATH$MODELCTL_DB\" ] && [ \"$PWD\" = / ] && [ \"$1\" = 'a b' ] && echo '{ANSWER}'\n"
    );
    let program = script(&sandbox, "bin/pollers", &text);
    config(&sandbox, &service(&format!("{program:?}, \"a b\"")));
    let check = health(&sandbox, &[]);
    assert_eq!(check["status"], "ok", "{check:#}");

    let url = format!("{}/pollers", serve(&[("/pollers", 200, ANSWER)]));
    config(&sandbox, &service(&format!("{url:?}")));
    let check = health(&sandbox, &[]);
    assert_eq!(check["status"], "ok", "{check:#}");
    let url = format!("{}/pollers", serve(&[("/pollers", 500, "no")]));
    config(&sandbox, &service(&format!("{url:?}")));
    assert_eq!(health(&sandbox, &[])["status"], "unknown");

    for (text, words) in [
        ("#!/bin/sh\necho garbage\n", "queue.check"),
        ("#!/bin/sh\nexit 3\n", "exit code 3"),
        ("#!/no/such/interpreter\n", "could not be started"),
    ] {
        let program = script(&sandbox, "bin/pollers", text);
        config(&sandbox, &service(&format!("{program:?}")));
        let check = health(&sandbox, &[]);
        let reason = check["reason"].as_str().unwrap();
        assert!(check["status"] == "unknown" && reason.contains(words), "{check:#}");
    }
}

/// Whoever may write the program, or the file that names it, could have root run anything.
#[test]
fn what_others_can_write_is_not_run() {
    let sandbox = Sandbox::new();
    let ran = sandbox.path("ran");
    let program = script(&sandbox, "bin/pollers", &format!("#!/bin/sh\ntouch {}\necho '{ANSWER}'\n", ran.display()));
    let config = config(&sandbox, &service(&format!("{program:?}")));
    let chmod = |path: &Path, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    for (path, mode) in [(program.as_path(), 0o775), (program.parent().unwrap(), 0o777), (Path::new(&config), 0o666)] {
        let before = std::fs::metadata(path).unwrap().permissions().mode();
        chmod(path, mode);
        let check = health(&sandbox, &[]);
        assert!(check["status"] == "unknown" && check["right"].is_string(), "{}: {check:#}", path.display());
        let (run, _) = timed(&sandbox, &["triage", "--json"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.json()["unknown"].to_string().contains("writable by others"), "{run:?}");
        assert!(!ran.exists(), "{}", path.display());
        chmod(path, before & 0o777);
    }
    assert_eq!(health(&sandbox, &[])["status"], "ok");
    assert!(ran.exists());
}

/// A program that starts another one and hangs: both write their numbers first.
fn endless(sandbox: &Sandbox) -> String {
    let pids = sandbox.path("pids");
    let text = format!("#!/bin/sh\nsleep 600 &\necho $$ $! >{0}.new\nmv {0}.new {0}\nwait\n", pids.display());
    let program = script(sandbox, "bin/pollers", &text);
    service(&format!("{program:?}"))
}

/// Returns the numbers of the program and of its child, once they are there.
fn pids(sandbox: &Sandbox) -> Vec<u32> {
    let file = sandbox.path("pids");
    within(Duration::from_secs(30), "the program of the check", || file.exists());
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// A probe that runs every ten seconds and leaves two processes each time takes the machine down in an hour.
#[test]
fn a_check_that_hangs_ends_with_all_that_it_started() {
    let sandbox = Sandbox::new();
    config(&sandbox, &endless(&sandbox));
    let check = health(&sandbox, &["--timeout", "2s"]);
    assert_eq!(check["status"], "unknown", "{check:#}");
    let started = pids(&sandbox);
    assert_eq!(started.len(), 2);
    within(Duration::from_secs(20), "the end of the program and its child", || {
        !started.iter().any(|pid| is_alive(*pid))
    });

    let (run, took) = timed(&sandbox, &["triage", "--json"]);
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(run.json()["unknown"].to_string().contains("no response within"), "{run:?}");
    let started = pids(&sandbox);
    within(Duration::from_secs(20), "the end of the program and its child", || {
        !started.iter().any(|pid| is_alive(*pid))
    });
}

/// Ctrl-C is the commonest end of a triage that takes long.
#[test]
fn an_interrupt_ends_the_program_of_a_check_too() {
    for args in [&["health", "--timeout", "60s"][..], &["triage"], &["tune", "next"]] {
        let sandbox = Sandbox::new();
        let config = config(&sandbox, &endless(&sandbox));
        let mut child = sandbox.start(["--config", config.as_str()].iter().chain(args));
        let started = pids(&sandbox);
        let began = Instant::now();
        signal(child.id(), Signal::INT);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{args:?}");
        assert!(began.elapsed() < Duration::from_secs(4), "{args:?}: {:?}", began.elapsed());
        within(Duration::from_secs(20), "the end of the program and its child", || {
            !started.iter().any(|pid| is_alive(*pid))
        });
    }
}

/// The OOM killer and an impatient cron kill without a word to the program: what it had started must not pile up.
#[test]
fn a_kill_ends_the_program_of_a_check_too() {
    let sandbox = Sandbox::new();
    let config = config(&sandbox, &endless(&sandbox));
    let mut child = sandbox.start(["--config", config.as_str(), "health", "--timeout", "60s"]);
    let started = pids(&sandbox);
    signal(child.id(), Signal::KILL);
    assert_eq!(child.wait().unwrap().code(), None);
    within(Duration::from_secs(20), "the end of the program and its child", || {
        !started.iter().any(|pid| is_alive(*pid))
    });
}

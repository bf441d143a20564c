//! Programs of others that are tied to our life, with real processes.

use modelctl::supervise::{CrashClass, Ending, Evidence, SpawnSpec, spawn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

const MODELCTL: &str = env!("CARGO_BIN_EXE_modelctl");
const LIMIT: Duration = Duration::from_secs(30);

fn launched(script: &str) -> SpawnSpec {
    SpawnSpec { dies_with_us: true, launcher: MODELCTL.into(), ..SpawnSpec::new("/bin/sh", ["-c", script]) }
}

/// A llama-server that outlives a killed daemon holds its memory for ever.
#[test]
fn a_program_of_others_dies_with_the_process_that_started_it() {
    // It writes its number only when it has begun, and hears of nothing: not even of the end of its stdin.
    let script = r#""$1" launch --parent $$ -- /bin/sh -c 'echo $$; exec sleep 600 </dev/null' & wait"#;
    let mut parent =
        Command::new("/bin/sh").args(["-c", script, "parent", MODELCTL]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pid = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
    let child = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    kill_process(Pid::from_child(&parent), Signal::KILL).unwrap();
    parent.wait().unwrap();
    let mut ended = [PollFd::new(&child, PollFlags::IN)];
    let limit = Timespec::try_from(LIMIT).unwrap();
    assert_eq!(poll(&mut ended, Some(&limit)).unwrap(), 1, "it lives on without its parent");
}

#[test]
fn a_launched_program_gets_its_arguments_its_environment_and_its_priority() {
    let mut spec = launched("echo \"$0 $ONE\"; nice");
    spec.args.push("--odd name".into());
    spec.env = vec![("ONE".into(), "1".into())];
    spec.nice = 3;
    let ours = rustix::process::getpriority_process(None).unwrap();
    let mut child = spawn(&spec).unwrap();
    let mut out = String::new();
    child.take_stdout().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, format!("--odd name 1\n{}\n", (ours + 3).min(19)));
    assert_eq!(child.wait(LIMIT).unwrap(), Some(Ending::Exited(0)));
}

#[test]
fn a_program_that_is_not_there_is_refused_and_no_crash() {
    let mut spec = SpawnSpec::new("/nonexistent/llama-server", ["--port", "0"]);
    (spec.dies_with_us, spec.launcher) = (true, MODELCTL.into());
    let mut child = spawn(&spec).unwrap();
    let mut why = String::new();
    child.take_stderr().unwrap().read_to_string(&mut why).unwrap();
    assert!(why.contains("cannot start `/nonexistent/llama-server`"), "{why}");
    let ending = child.wait(LIMIT).unwrap();
    assert_eq!(ending, Some(Ending::Exited(127)));
    assert_eq!(CrashClass::of(Evidence { ending, ..Evidence::default() }), CrashClass::Refused);
}

#[test]
fn a_program_whose_parent_has_gone_does_not_begin() {
    let output = Command::new(MODELCTL).args(["launch", "--parent", "1", "--", "/bin/echo", "x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(output.stdout.is_empty() && String::from_utf8_lossy(&output.stderr).contains("is gone"));
}

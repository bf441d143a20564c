//! The model servers of the daemon with real processes: how they are started and stopped by people, what happens when
//! one dies, and what a client can do to the daemon.

#[cfg(feature = "llama")]
mod deaths;
mod garbage;
mod hostile;
mod opening;
mod others;
#[cfg(feature = "llama")]
mod sharing;
#[cfg(feature = "llama")]
mod starts;
mod unstartable;

use crate::sandbox::Sandbox;

#[test]
fn without_a_daemon_every_command_says_so_and_how_to_start_one() {
    let sandbox = Sandbox::new();
    sandbox.run(["scan"]).ok();
    let commands: [&[&str]; 7] = [
        &["start", "x"],
        &["stop", "x"],
        &["restart", "x"],
        &["start-all"],
        &["stop-all"],
        &["logs", "x"],
        &["events", "-f"],
    ];
    for command in commands {
        let run = sandbox.run(command).refuses(3, "no daemon is running for this database");
        assert!(run.err.contains("start one with `modelctl serve`"), "{command:?}: {}", run.err);
        assert_eq!(run.out, "", "{command:?} prints no half document");
    }
}

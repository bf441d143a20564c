//! Ctrl-C at any moment.

use super::{config, ours, within};
use crate::health::hung;
use crate::sandbox::Sandbox;
use crate::supervised::script;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::time::Duration;

/// An operator who loses patience must find a node as it was: no process of ours, no exit code that looks like a verdict.
#[test]
fn an_interrupt_at_any_moment_ends_all_that_was_started() {
    let sandbox = Sandbox::new();
    let (_listener, url) = hung();
    let check = script(&sandbox, "bin/pollers", "#!/bin/sh\nsleep 600 & wait\n");
    let config = config(
        &sandbox,
        &format!(
            "[[services]]\nname = \"api\"\nrole = \"api\"\nmanager = \"none\"\nendpoint = {url:?}\n\
             queue = {{ name = \"q\", check = [{check:?}] }}\n"
        ),
    );
    let mut answered = 0;
    for round in 0..20u64 {
        let mut child = sandbox.start(["--config", config.as_str(), "triage"]);
        let pid = Pid::from_child(&child);
        let ended = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        // Moments all over the first two seconds, and never the same.
        let moment = Duration::from_millis((round * 397 + 61) % 2_000);
        let limit = Timespec::try_from(moment).unwrap();
        poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&limit)).unwrap();
        // On a busy machine it may have come to its verdict meanwhile.
        let at_once = Timespec::default();
        let has_ended = poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&at_once)).unwrap() == 1;
        kill_process(pid, Signal::INT).unwrap();
        let status = child.wait().unwrap();
        // Before it listens for signals, the signal itself ends it; a shell reports 130 for that too.
        let by_signal = std::os::unix::process::ExitStatusExt::signal(&status) == Some(2);
        assert!(has_ended || status.code() == Some(130) || by_signal, "{round}: {status:?}");
        answered += u32::from(status.code() == Some(130));
        within(Duration::from_secs(20), "the end of all our processes", || ours(&sandbox).is_empty());
    }
    assert!(answered >= 10, "only {answered} of 20 ended with 130");
}

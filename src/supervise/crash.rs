use super::Ending;
use super::launch::{NOT_EXECUTABLE, NOT_FOUND, NOT_PREPARED};
use serde::{Deserialize, Serialize};

/// The reason for the end of a long-lived child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashClass {
    /// We asked it to end.
    Wanted,
    /// The kernel killed it because memory ran out.
    Oom,
    /// It reported why it does not run, or could not be started. A retry without a change gives the same result.
    Refused,
    /// A fault of its own ended it.
    Crash,
    /// Another process ended it, or it exited without a fault.
    Disappeared,
}

/// The known facts about the end of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// The status; `None` where another process reaped the child.
    pub ending: Option<Ending>,
    /// Whether we asked it to end.
    pub is_wanted: bool,
    /// Whether it reported that it will not run.
    pub has_refused: bool,
    /// The number of processes that the kernel killed because memory ran out while the child ran ([`super::OomKills`]);
    /// `None` where the kernel does not report it.
    pub oom_kills: Option<u64>,
}

impl CrashClass {
    /// Classifies the end of a child. A wanted end is no crash, whatever the signal. A SIGKILL counts as the kernel's
    /// where the kernel's counter rose, since no other kill raises it.
    pub fn of(evidence: Evidence) -> CrashClass {
        if evidence.is_wanted {
            return CrashClass::Wanted;
        }
        if evidence.has_refused {
            return CrashClass::Refused;
        }
        let killed_for_memory = evidence.oom_kills.is_some_and(|kills| kills > 0);
        match evidence.ending {
            None => CrashClass::Disappeared,
            Some(Ending::Signalled { signal: SIGKILL, .. }) if killed_for_memory => CrashClass::Oom,
            // A shell that runs the child passes on the signal this way.
            Some(Ending::Exited(code)) if code == 128 + SIGKILL && killed_for_memory => CrashClass::Oom,
            Some(Ending::Signalled { signal: SIGKILL | SIGTERM | SIGINT | SIGHUP, .. } | Ending::Exited(0)) => {
                CrashClass::Disappeared
            }
            Some(Ending::Exited(code)) if LAUNCH_FAILED.iter().any(|failed| i32::from(*failed) == code) => {
                CrashClass::Refused
            }
            Some(_) => CrashClass::Crash,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            CrashClass::Wanted => "wanted",
            CrashClass::Oom => "oom",
            CrashClass::Refused => "refused",
            CrashClass::Crash => "crash",
            CrashClass::Disappeared => "disappeared",
        }
    }
}

const LAUNCH_FAILED: [u8; 3] = [NOT_FOUND, NOT_EXECUTABLE, NOT_PREPARED];
// signal(7).
const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::{SpawnSpec, spawn};
    use rustix::process::{Pid, Signal, kill_process};
    use std::time::Duration;

    fn signalled(signal: i32) -> Option<Ending> {
        Some(Ending::Signalled { signal, core_dumped: false })
    }

    #[test]
    fn the_kernel_a_person_and_a_fault_are_told_apart() {
        let class = |ending, oom_kills| CrashClass::of(Evidence { ending, oom_kills, ..Evidence::default() });
        assert_eq!(class(signalled(9), Some(1)), CrashClass::Oom);
        assert_eq!(class(Some(Ending::Exited(137)), Some(1)), CrashClass::Oom);
        assert_eq!(class(signalled(9), Some(0)), CrashClass::Disappeared);
        assert_eq!(class(signalled(9), None), CrashClass::Disappeared);
        assert_eq!(class(signalled(15), Some(3)), CrashClass::Disappeared);
        assert_eq!(class(Some(Ending::Exited(0)), Some(3)), CrashClass::Disappeared);
        assert_eq!(class(None, Some(3)), CrashClass::Disappeared);
        assert_eq!(class(signalled(6), Some(1)), CrashClass::Crash, "an assertion, whatever else was killed");
        assert_eq!(class(Some(Ending::Exited(1)), Some(0)), CrashClass::Crash);
        assert_eq!(class(Some(Ending::Exited(127)), Some(0)), CrashClass::Refused);
    }

    #[test]
    fn what_we_wanted_and_what_it_refused_are_no_crashes() {
        let killed = Evidence { ending: signalled(9), oom_kills: Some(1), ..Evidence::default() };
        assert_eq!(CrashClass::of(Evidence { is_wanted: true, ..killed }), CrashClass::Wanted);
        assert_eq!(CrashClass::of(Evidence { has_refused: true, ..killed }), CrashClass::Refused);
    }

    #[test]
    fn real_children_end_in_their_classes() {
        let class = |script: &str, end: &dyn Fn(&mut crate::supervise::Child)| {
            let mut child = spawn(&SpawnSpec::new("/bin/sh", ["-c", script])).unwrap();
            end(&mut child);
            let ending = child.wait(Duration::from_secs(20)).unwrap();
            assert!(ending.is_some());
            CrashClass::of(Evidence { ending, is_wanted: child.is_unwanted(), ..Evidence::default() })
        };
        let wait_only = |_: &mut crate::supervise::Child| {};
        assert_eq!(class("kill -SEGV $$", &wait_only), CrashClass::Crash);
        assert_eq!(class("exit 9", &wait_only), CrashClass::Crash);
        let by_hand = |child: &mut crate::supervise::Child| {
            let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
        };
        assert_eq!(class("read -r line", &by_hand), CrashClass::Disappeared);
        let told = |child: &mut crate::supervise::Child| child.tell_to_stop().unwrap();
        assert_eq!(class("read -r line", &told), CrashClass::Wanted);
    }
}

//! The right to have a model in memory: one lock for the device, so that a run from cron and a daemon never load two
//! models into the same memory.

use super::load::pause;
use crate::clock;
use crate::failure::{Failure, OrFail};
use crate::supervise::{Interrupt, NamedLock, Tried};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often the device is tried for. The kernel can wait for a lock, but not for a lock or a signal or a limit.
pub(super) const TRY_EVERY: Duration = Duration::from_millis(50);

/// Held while a model is loaded, or about to be. The kernel lets go of it when this process has ended and every worker
/// that was given the [`Device::lock`].
#[derive(Debug)]
pub struct Device {
    lock: NamedLock,
}

/// What a try for the device gave.
#[derive(Debug)]
pub enum Taken {
    Ours(Device),
    /// Who has it, as it says itself: `modelctl run-once, process 123, since 2026-…`.
    Busy(String),
    /// Who had it is gone, its worker is not yet: a matter of moments. What a person is told in place of who.
    Orphaned(String),
}

impl Device {
    /// Takes the lock in `dir` (made with mode 0700) if it is free. `who`: what others are told meanwhile.
    ///
    /// # Errors
    /// Cannot be met (3) when the folder cannot be written to.
    pub fn take(dir: &Path, who: &str) -> anyhow::Result<Taken> {
        let failure = || Failure::cannot_meet(format!("cannot lock a file in `{}`", dir.display()));
        Ok(match NamedLock::take(dir, "device.lock", who).or_fail(failure)? {
            Tried::Ours(lock) => Taken::Ours(Device { lock }),
            Tried::Busy { who, is_gone: true } => Taken::Orphaned(format!("the worker that {who} left behind")),
            Tried::Busy { who, is_gone: false } => Taken::Busy(who),
        })
    }

    /// For a worker to hold as well.
    pub fn lock(&self) -> Arc<OwnedFd> {
        self.lock.descriptor()
    }

    /// Takes the lock as soon as it is free, within `limit`. `tell` hears once, after `patience`, who has it. What is
    /// given when `stop` is thrown is whatever was found last.
    ///
    /// # Errors
    /// As [`Device::take`].
    pub fn take_within(
        (dir, who): (&Path, &str),
        (limit, patience): (Duration, Duration),
        stop: &Interrupt,
        mut tell: impl FnMut(&str),
    ) -> anyhow::Result<Taken> {
        let began = clock::instant();
        let mut told = false;
        loop {
            let found = Device::take(dir, who)?;
            let (Taken::Busy(busy) | Taken::Orphaned(busy)) = &found else { return Ok(found) };
            let waited = began.elapsed();
            let Some(left) = limit.checked_sub(waited).filter(|left| !left.is_zero()) else {
                return Ok(found);
            };
            if stop.thrown().is_some() {
                return Ok(found);
            }
            if !told && waited >= patience {
                told = true;
                tell(busy);
            }
            pause(TRY_EVERY.min(left), stop)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::{SpawnSpec, spawn};
    use std::fs::File;

    fn child(script: &str, keep: Option<Arc<OwnedFd>>) -> crate::supervise::Child {
        let args = vec!["-c".into(), script.into()];
        spawn(&SpawnSpec { program: "/bin/sh".into(), args, env: vec![], keep }).unwrap()
    }

    #[test]
    fn the_device_is_free_only_when_the_worker_is_gone_too() {
        let dir = tempfile::tempdir().unwrap();
        let Taken::Ours(device) = Device::take(dir.path(), "first").unwrap() else { panic!() };
        let mut worker = child("read forever", Some(device.lock()));
        // Another child of the same time does not have it.
        let mut bystander = child("read forever", None);
        drop(device);
        assert!(matches!(Device::take(dir.path(), "second").unwrap(), Taken::Busy(who) if who == "first"));
        worker.kill().unwrap();
        assert!(matches!(Device::take(dir.path(), "second").unwrap(), Taken::Ours(_)));
        bystander.kill().unwrap();
    }

    #[test]
    fn a_worker_that_was_left_behind_is_told_from_one_that_is_looked_after() {
        let dir = tempfile::tempdir().unwrap();
        let mut dead = child("exit 0", None);
        dead.wait(Duration::from_secs(60)).unwrap();
        let path = dir.path().join("device.lock");
        std::fs::write(&path, format!("run-once, process 7\n{}\n", dead.id())).unwrap();
        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        let told = "the worker that run-once, process 7 left behind";
        assert!(matches!(Device::take(dir.path(), "me").unwrap(), Taken::Orphaned(what) if what == told));
    }

    #[test]
    fn who_waits_is_told_for_whom_and_gets_the_device_when_it_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let stop = Interrupt::new();
        let mut first = Some(Device::take(dir.path(), "first").unwrap());
        let all = (Duration::from_secs(60), Duration::ZERO);
        let mut heard = Vec::new();
        let taken = Device::take_within((dir.path(), "second"), all, &stop, |who| {
            heard.push(who.to_owned());
            first = None;
        });
        assert!(matches!(taken.unwrap(), Taken::Ours(_)));
        assert_eq!(heard, ["first"]);
    }

    #[test]
    fn a_wait_ends_at_its_limit_or_when_somebody_wants_us_to_stop() {
        let dir = tempfile::tempdir().unwrap();
        let _first = Device::take(dir.path(), "first").unwrap();
        let wait = |limit, stop: &Interrupt| {
            let taken = Device::take_within((dir.path(), "second"), (limit, limit), stop, |_| {}).unwrap();
            assert!(matches!(taken, Taken::Busy(who) if who == "first"));
        };
        let stop = Interrupt::new();
        wait(Duration::from_millis(60), &stop);
        stop.throw(crate::supervise::Stop::Interrupted);
        wait(Duration::from_secs(600), &stop);
    }

    #[test]
    fn the_second_is_told_who_has_the_device_and_gets_it_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("run");
        let first = Device::take(&place, "run-once, process 7").unwrap();
        assert!(matches!(&first, Taken::Ours(_)));
        assert!(matches!(Device::take(&place, "me").unwrap(), Taken::Busy(who) if who == "run-once, process 7"));
        drop(first);
        assert!(matches!(Device::take(&place, "me").unwrap(), Taken::Ours(_)));
    }
}

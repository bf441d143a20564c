//! The right to have a model in memory: one lock for the device, so that a run from cron and a daemon never load two
//! models into the same memory.

use super::lease::{self, Beating, LEASE, OBSERVED};
use crate::clock;
use crate::failure::{Failure, OrFail};
use crate::host::file_lock::FileLock;
use crate::host::named_lock::{LockFile, NamedLock, Tried};
use crate::supervise::StopSignal;
use crate::worker::Held;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The interval between tries for the device. The kernel can wait for a lock, but not for a lock or a signal or a
/// limit.
pub(super) const TRY_EVERY: Duration = Duration::from_millis(50);

/// The lock on the device, held while a model is loaded or about to be. The kernel releases it when this process and
/// every worker that was given the [`Device::lock`] have ended.
#[derive(Debug)]
pub struct Device {
    /// Declared first: it must end before the lock is released.
    _beating: Beating,
    lock: Arc<FileLock>,
    file: LockFile,
}

/// The name of the lock file.
const NAME: &str = "device.lock";

/// The result of a try for the device.
#[derive(Debug)]
pub enum Taken {
    Ours(Device),
    /// The holder, in its own words: `modelctl run-once, process 123, since 2026-…`.
    Busy(String),
    /// The holder has ended, but its worker has not yet, which takes a moment. Contains a text for people in place of
    /// the holder.
    Orphaned(String),
}

impl Device {
    /// Takes the lock in `dir` (created with mode 0700) if it is free. `who` is the text that others see while it is
    /// held.
    ///
    /// # Errors
    /// Cannot be met (3) when the folder cannot be written to.
    pub fn take(dir: &Path, who: &str) -> anyhow::Result<Taken> {
        let failure = || Failure::cannot_meet(format!("cannot lock a file in `{}`", dir.display()));
        let device = |lock: Arc<FileLock>| -> anyhow::Result<Taken> {
            let beating = Beating::start(&lock, who).or_fail(failure)?;
            let file = LockFile::of(&lock, &dir.join(NAME)).or_fail(failure)?;
            Ok(Taken::Ours(Device { _beating: beating, lock, file }))
        };
        let busy = match NamedLock::take(dir, NAME, who).or_fail(failure)? {
            Tried::Ours(lock) => return device(lock.lock()),
            Tried::Busy { who, is_gone: true } => {
                return Ok(Taken::Orphaned(format!("the worker that {who} left behind")));
            }
            Tried::Busy { who, is_gone: false } => who,
        };
        // A stopped holder keeps the device only for its lease.
        let Some(holder) = lease::stopped(&dir.join(NAME), LEASE) else { return Ok(Taken::Busy(busy)) };
        StopSignal::new().wait_timeout(OBSERVED);
        match lease::take_over((dir, NAME), &holder, (who, LEASE)).or_fail(failure)? {
            Some(lock) => device(lock),
            None => Ok(Taken::Busy(format!("{busy}, which is stopped"))),
        }
    }

    /// Returns the lock, which a worker must hold as well.
    pub fn lock(&self) -> Arc<FileLock> {
        Arc::clone(&self.lock)
    }

    /// Returns the lock file: a process that was stopped for long finds that the name belongs to another file.
    pub fn file(&self) -> &LockFile {
        &self.file
    }

    /// Returns the lock and its file, for starting a worker.
    pub fn held(&self) -> Held {
        Held { lock: self.lock(), file: self.file.clone() }
    }

    /// Takes the lock as soon as it is free, within `limit`. `on_wait` is called once, after `busy_timeout`, with the
    /// holder. When a stop is requested, the latest result is returned.
    ///
    /// # Errors
    /// As [`Device::take`].
    pub fn take_within(
        (dir, who): (&Path, &str),
        (limit, busy_timeout): (Duration, Duration),
        stop: &StopSignal,
        mut on_wait: impl FnMut(&str),
    ) -> anyhow::Result<Taken> {
        let began = clock::instant();
        let mut is_reported = false;
        loop {
            let found = Device::take(dir, who)?;
            let (Taken::Busy(busy) | Taken::Orphaned(busy)) = &found else { return Ok(found) };
            let waited = began.elapsed();
            let Some(left) = limit.checked_sub(waited).filter(|left| !left.is_zero()) else {
                return Ok(found);
            };
            if stop.reason().is_some() {
                return Ok(found);
            }
            if !is_reported && waited >= busy_timeout {
                is_reported = true;
                on_wait(busy);
            }
            stop.wait_timeout(TRY_EVERY.min(left));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::{SpawnSpec, spawn};
    use std::fs::File;

    fn child(script: &str, keep: Option<Arc<FileLock>>) -> crate::supervise::Child {
        let keep = keep.map(|lock| lock as _);
        spawn(&SpawnSpec { keep, ..SpawnSpec::new("/bin/sh", ["-c", script]) }).unwrap()
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
        let stop = StopSignal::new();
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
        let wait = |limit, stop: &StopSignal| {
            let taken = Device::take_within((dir.path(), "second"), (limit, limit), stop, |_| {}).unwrap();
            assert!(matches!(taken, Taken::Busy(who) if who == "first"));
        };
        let stop = StopSignal::new();
        wait(Duration::from_millis(60), &stop);
        stop.request(crate::supervise::Stop::Interrupted);
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

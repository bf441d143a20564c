//! The right to have a model in memory: one lock for the device, so that a run from cron and a daemon never load two
//! models into the same memory.

use super::load::pause;
use crate::clock;
use crate::failure::{Failure, OrFail};
use crate::supervise::Interrupt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

/// How often the device is tried for. The kernel can wait for a lock, but not for a lock or a signal or a limit.
const TRY_EVERY: Duration = Duration::from_millis(50);

/// Held while a model is loaded, or about to be. The kernel lets go of it when the process ends.
#[derive(Debug)]
pub struct Device {
    /// The lock lives as long as this is open.
    _lock: File,
}

/// What a try for the device gave.
#[derive(Debug)]
pub enum Taken {
    Ours(Device),
    /// Who has it, as it says itself: `modelctl run-once, process 123, since 2026-…`.
    Busy(String),
}

impl Device {
    /// Takes the lock in `dir` (made with mode 0700) if it is free. `who`: what others are told meanwhile.
    ///
    /// # Errors
    /// Cannot be met (3) when the folder cannot be written to.
    pub fn take(dir: &Path, who: &str) -> anyhow::Result<Taken> {
        let failure = || Failure::cannot_meet(format!("cannot lock a file in `{}`", dir.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(dir).or_fail(failure)?;
        let path = dir.join("device.lock");
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).or_fail(failure)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).or_fail(failure)?;
                file.rewind().or_fail(failure)?;
                file.write_all(who.as_bytes()).or_fail(failure)?;
                Ok(Taken::Ours(Device { _lock: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut told = String::new();
                // Whoever holds it may be writing just now; that somebody does is all that matters.
                let read = file.take(512).read_to_string(&mut told);
                let told = told.trim();
                Ok(Taken::Busy(if read.is_err() || told.is_empty() { "another process".into() } else { told.into() }))
            }
            Err(TryLockError::Error(error)) => Err(error).or_fail(failure),
        }
    }
}

impl Device {
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
            let busy = match Device::take(dir, who)? {
                Taken::Busy(busy) => busy,
                ours @ Taken::Ours(_) => return Ok(ours),
            };
            let waited = began.elapsed();
            let Some(left) = limit.checked_sub(waited).filter(|left| !left.is_zero()) else {
                return Ok(Taken::Busy(busy));
            };
            if stop.thrown().is_some() {
                return Ok(Taken::Busy(busy));
            }
            if !told && waited >= patience {
                told = true;
                tell(&busy);
            }
            pause(TRY_EVERY.min(left), stop)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

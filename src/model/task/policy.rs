use crate::clock::Timestamp;
use crate::model::backoff::{Backoff, Jitter};
use std::time::Duration;

/// The limits and waits of the queue. They must be the same for every process on one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The time that a claim lasts without a renewal, ms. Renew after a third of it.
    pub lease_ms: i64,
    /// The wait before the second attempt, ms; it doubles with each further one.
    pub backoff_ms: i64,
    /// The longest wait between two attempts, ms, before jitter.
    pub backoff_cap_ms: i64,
    /// The number of crashes that are forgiven; a task that kills one more worker has failed. A worker may have been
    /// killed twice in a row by a person who needed its memory.
    pub max_crashes: u32,
    /// The number of deaths of an executor that are forgiven, reboots included; after one more the task has failed.
    pub max_interruptions: u32,
    /// The time that a task may wait behind others that suit the loaded model better, ms.
    pub patience_ms: i64,
}

impl Policy {
    /// The default number of attempts that may end in an error.
    pub const MAX_ATTEMPTS: u32 = 3;

    /// Returns the wait after `attempts` failed attempts, ms, changed by `jitter`.
    pub fn backoff(&self, attempts: u32, jitter: Jitter) -> i64 {
        millis(jitter.moves(self.waits().after(attempts)))
    }

    /// Returns the longest wait between attempts, ms.
    pub fn longest_backoff(&self) -> i64 {
        millis(self.waits().longest())
    }

    fn waits(&self) -> Backoff {
        let from = |ms: i64| Duration::from_millis(ms.max(0).unsigned_abs());
        Backoff::doubling(from(self.backoff_ms), from(self.backoff_cap_ms))
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            lease_ms: 60_000,
            backoff_ms: 10_000,
            backoff_cap_ms: 15 * 60_000,
            max_crashes: 2,
            max_interruptions: 10,
            patience_ms: 120_000,
        }
    }
}

/// The time of an event, and the policy that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub now: Timestamp,
    pub policy: Policy,
}

impl Moment {
    /// Returns `now` plus `ms` milliseconds, within the range of the number.
    pub fn after(&self, ms: i64) -> Timestamp {
        Timestamp(self.now.0.saturating_add(ms))
    }
}

/// The limits for keeping finished tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The age from which finished tasks are removed, ms.
    pub max_age_ms: i64,
    /// The limit for the texts of finished tasks, bytes; above it, the oldest tasks are removed.
    pub max_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { max_age_ms: 30 * 24 * 3_600_000, max_bytes: 1 << 30 }
    }
}

/// The memory of the clock, which keeps a date far in the future from being trusted at once: with a wrong date,
/// retention by age would remove every finished task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockMemory {
    /// The last time that was trusted.
    pub seen: Option<Timestamp>,
    /// The time when the clock was found far ahead of `seen`; it has not been trusted since.
    pub doubted: Option<Timestamp>,
}

impl ClockMemory {
    /// The jump above which a time is doubted, ms: the machine was off for a weekend, or the clock was set wrong.
    const LEAP_MS: i64 = 24 * 3_600_000;
    /// The time after which a doubted clock is trusted, ms: until then a person or NTP can correct it.
    const CONFIRMED_MS: i64 = 3_600_000;

    /// Returns whether ages may be computed with `now`, and the new memory.
    pub fn judge(self, now: Timestamp) -> (bool, ClockMemory) {
        let believed = (true, ClockMemory { seen: Some(now), doubted: None });
        let Some(seen) = self.seen else { return believed };
        let ahead = now.0.saturating_sub(seen.0);
        if ahead <= Self::LEAP_MS {
            // A small step is not recorded on every call.
            let is_fresh = self.doubted.is_none() && ahead.unsigned_abs() < Self::CONFIRMED_MS.unsigned_abs();
            return if is_fresh { (true, self) } else { believed };
        }
        match self.doubted {
            Some(since) if now.0.saturating_sub(since.0) >= Self::CONFIRMED_MS => believed,
            Some(since) if since <= now => (false, self),
            _ => (false, ClockMemory { doubted: Some(now), ..self }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_far_ahead_is_believed_after_an_hour_and_one_that_was_set_right_at_once() {
        let hours = |h: i64| Timestamp(h * 3_600_000);
        let memory =
            |seen: i64, doubted: Option<i64>| ClockMemory { seen: Some(hours(seen)), doubted: doubted.map(hours) };
        assert_eq!(ClockMemory::default().judge(hours(5)), (true, memory(5, None)));
        let first = memory(100, None);
        // As clocks go: nothing is written within the hour, a day is believed, and so is a clock that was set back.
        assert_eq!(first.judge(Timestamp(hours(100).0 + 60_000)), (true, first));
        assert_eq!(first.judge(hours(124)), (true, memory(124, None)));
        assert_eq!(first.judge(hours(3)), (true, memory(3, None)));
        // A leap is not, until it has stood for an hour.
        let leapt = memory(100, Some(900));
        assert_eq!(first.judge(hours(900)), (false, leapt));
        assert_eq!(leapt.judge(Timestamp(hours(900).0 + 60_000)), (false, leapt));
        assert_eq!(leapt.judge(hours(901)), (true, memory(901, None)));
        assert_eq!(leapt.judge(hours(101)), (true, memory(101, None)));
        assert_eq!(leapt.judge(hours(800)), (false, memory(100, Some(800))));
        assert!(!first.judge(Timestamp(i64::MAX)).0 && memory(-1, None).judge(Timestamp(i64::MIN)).0);
    }

    #[test]
    fn the_wait_doubles_up_to_its_cap_and_jitter_moves_it_by_a_tenth() {
        let policy = Policy::default();
        let waits: Vec<i64> = (1..=9).map(|n| policy.backoff(n, Jitter::default()) / 1000).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 900, 900]);
        for random in 0..500 {
            let jitter = Jitter::from_random(random);
            assert!((9_000..=11_000).contains(&policy.backoff(1, jitter)));
            assert!(policy.backoff(u32::MAX, jitter) <= policy.longest_backoff());
        }
        assert_eq!([0, 200].map(|r| policy.backoff(1, Jitter::from_random(r))), [9_000, 11_000]);
    }
}

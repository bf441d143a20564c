use crate::clock::Timestamp;

/// What the queue allows and how long it waits. The same for every process on one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long a claim lasts without a renewal, ms. Renew at a third of it.
    pub lease_ms: i64,
    /// The wait before the second attempt, ms; it doubles with each further one.
    pub backoff_ms: i64,
    /// The longest wait between two attempts, ms, before jitter.
    pub backoff_cap_ms: i64,
    /// So many crashes are forgiven; a task that kills one more worker has failed. A worker may have been killed by
    /// somebody who wanted its memory, twice in a row.
    pub max_crashes: u32,
    /// So many deaths of an executor are forgiven, reboots among them; after one more the task has failed.
    pub max_interruptions: u32,
    /// How long a task may wait behind others that suit the loaded model better, ms.
    pub patience_ms: i64,
}

impl Policy {
    /// Attempts that may end in an error, where nobody says otherwise.
    pub const MAX_ATTEMPTS: u32 = 3;

    /// The wait after so many failed attempts: doubling, capped, then moved by up to a tenth either way, so that tasks
    /// that failed together are not tried together.
    pub fn backoff(&self, attempts: u32, jitter: Jitter) -> i64 {
        let doublings = attempts.saturating_sub(1).min(40);
        let plain = self.backoff_ms.saturating_mul(1i64 << doublings).clamp(0, self.backoff_cap_ms.max(0));
        plain.saturating_add(plain.saturating_mul(i64::from(jitter.per_mille())) / 1000)
    }

    /// No wait between attempts is longer, ms.
    pub fn longest_backoff(&self) -> i64 {
        let cap = self.backoff_cap_ms.max(0);
        cap.saturating_add(cap / 10)
    }
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

/// Chance, handed in from outside so that decisions stay pure: -100 to 100 per mille.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Jitter(i16);

impl Jitter {
    /// From any random number.
    pub fn from_random(random: u64) -> Jitter {
        let within = i16::try_from(random % 201).unwrap_or(0);
        Jitter(within.saturating_sub(100))
    }

    pub fn per_mille(self) -> i16 {
        self.0
    }
}

/// When something happens, and under which policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub now: Timestamp,
    pub policy: Policy,
}

impl Moment {
    /// `now` moved by so many ms; stays within what a number holds.
    pub fn after(&self, ms: i64) -> Timestamp {
        Timestamp(self.now.0.saturating_add(ms))
    }
}

/// How long what has ended is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Finished tasks older than this go, ms.
    pub max_age_ms: i64,
    /// While the texts of finished tasks take more than this, the oldest go, bytes.
    pub max_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { max_age_ms: 30 * 24 * 3_600_000, max_bytes: 1 << 30 }
    }
}

/// What is remembered of the clock, so that a date far in the future is not believed at once: retention by age would
/// take away everything that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockMemory {
    /// The last time that was believed.
    pub seen: Option<Timestamp>,
    /// When the clock was found far ahead of that, and has not been believed since.
    pub doubted: Option<Timestamp>,
}

impl ClockMemory {
    /// Further ahead than that is doubted, ms: a machine that was off for a weekend, or a clock that was set wrong.
    const LEAP_MS: i64 = 24 * 3_600_000;
    /// What is still there after so long is believed, ms: time for a person or for NTP to set it right.
    const CONFIRMED_MS: i64 = 3_600_000;

    /// Whether ages may be told by `now`, and what to remember.
    pub fn judge(self, now: Timestamp) -> (bool, ClockMemory) {
        let believed = (true, ClockMemory { seen: Some(now), doubted: None });
        let Some(seen) = self.seen else { return believed };
        let ahead = now.0.saturating_sub(seen.0);
        if ahead <= Self::LEAP_MS {
            // Not written down with every look.
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

use std::time::Duration;

/// The wait before a failed operation is tried again, which grows with each failure up to a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The factor by which each further wait is longer than the one before.
    pub factor: u32,
    /// The longest wait, before jitter.
    pub cap: Duration,
}

/// A random number from -100 to 100 per mille, passed in from outside so that decisions stay pure. It keeps operations
/// that failed together from being retried together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Jitter(i16);

impl Jitter {
    /// Derives the jitter from any random number.
    pub fn from_random(random: u64) -> Jitter {
        let within = i16::try_from(random % 201).unwrap_or(0);
        Jitter(within.saturating_sub(100))
    }

    pub fn per_mille(self) -> i16 {
        self.0
    }

    /// Lengthens or shortens a wait by up to a tenth.
    pub fn moves(self, wait: Duration) -> Duration {
        let by = wait.saturating_mul(u32::from(self.0.unsigned_abs())) / 1000;
        if self.0 < 0 { wait.saturating_sub(by) } else { wait.saturating_add(by) }
    }
}

impl Backoff {
    /// Creates a backoff whose waits double.
    pub const fn doubling(first: Duration, cap: Duration) -> Backoff {
        Backoff { first, factor: 2, cap }
    }

    /// Returns the wait after `failures` failures in a row, counted from 1. Without jitter: see [`Jitter::moves`].
    pub fn after(&self, failures: u32) -> Duration {
        let mut wait = self.first;
        for _ in 1..failures {
            if wait >= self.cap || self.factor <= 1 || wait.is_zero() {
                break;
            }
            wait = wait.saturating_mul(self.factor);
        }
        wait.min(self.cap)
    }

    /// Returns the longest wait, jitter included.
    pub fn longest(&self) -> Duration {
        self.cap.saturating_add(self.cap / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_grow_by_their_factor_up_to_the_cap() {
        let seconds = |backoff: Backoff| (1..=6).map(|n| backoff.after(n).as_secs()).collect::<Vec<_>>();
        let cap = Duration::from_secs(20);
        assert_eq!(seconds(Backoff::doubling(Duration::from_secs(2), cap)), [2, 4, 8, 16, 20, 20]);
        assert_eq!(seconds(Backoff { first: Duration::from_secs(1), factor: 3, cap }), [1, 3, 9, 20, 20, 20]);
        assert_eq!(seconds(Backoff { first: Duration::from_secs(1), factor: 1, cap }), [1; 6]);
        assert_eq!(Backoff::doubling(cap * 2, cap).after(1), cap);
    }

    proptest! {
        #[test]
        fn no_wait_is_shorter_than_the_one_before_and_none_is_over_the_longest(
            first in any::<u64>(), factor in any::<u32>(), cap in any::<u64>(), failures in any::<u32>(), random in any::<u64>(),
        ) {
            let backoff = Backoff { first: Duration::from_nanos(first), factor, cap: Duration::from_nanos(cap) };
            let wait = backoff.after(failures);
            prop_assert!(wait <= backoff.after(failures.saturating_add(1)) || factor == 0);
            prop_assert!(Jitter::from_random(random).moves(wait) <= backoff.longest());
        }
    }
}

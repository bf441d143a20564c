//! A rate limit shared by several readers. The arithmetic is pure: it receives the time and returns a wait.

use std::time::Duration;

/// The longest time by which all readers together may be ahead of the average rate.
const BURST: Duration = Duration::from_millis(200);
const NANOS: u128 = 1_000_000_000;

/// A limit in bytes per second for all readers, kept as the time at which all requested bytes would have been read at
/// that rate.
#[derive(Debug)]
pub struct Pace {
    rate: u64,
    /// The time since the start of the caller's clock.
    due: Duration,
}

impl Pace {
    /// Creates a limit. `rate`: in bytes per second; 0 counts as 1, so that a wait always ends.
    pub fn new(rate: u64) -> Pace {
        Pace { rate: rate.max(1), due: Duration::ZERO }
    }

    /// Books `bytes` at `now` and returns the time to wait before they are read. Unused time is lost, except for a
    /// short burst: after a pause the readers do not catch up.
    pub fn book(&mut self, now: Duration, bytes: u64) -> Duration {
        let nanos = u128::from(bytes).saturating_mul(NANOS).checked_div(u128::from(self.rate)).unwrap_or(0);
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.due = self.due.max(now).saturating_add(cost);
        self.due.saturating_sub(now).saturating_sub(BURST)
    }

    /// Returns the number of bytes per read: few enough for a steady slow rate, many enough for a cheap fast one.
    pub fn chunk(&self, most: usize) -> usize {
        let tenth = usize::try_from(self.rate.checked_div(10).unwrap_or(0)).unwrap_or(most);
        tenth.clamp(most.min(4096), most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn readers_together_keep_the_pace() {
        let mut pace = Pace::new(1_000_000);
        // Ten bookings of 100 kB without time passing: the last of the million bytes is due after a second.
        let waits: Vec<Duration> = (0..10).map(|_| pace.book(Duration::ZERO, 100_000)).collect();
        assert_eq!(waits.first(), Some(&Duration::ZERO));
        assert_eq!(waits.last(), Some(&MS(800)));
        assert!(waits.is_sorted());
    }

    /// Returns the seconds in which `readers` readers read `bytes`, if each needs `cost` for a chunk in addition to its
    /// waits.
    fn seconds(rate: u64, readers: usize, bytes: u64, cost: Duration) -> f64 {
        let mut pace = Pace::new(rate);
        let chunk = pace.chunk(1 << 20) as u64;
        let mut free_at = vec![Duration::ZERO; readers];
        let mut read = 0;
        while read < bytes {
            let next = (0..readers).min_by_key(|reader| free_at[*reader]).unwrap();
            let now = free_at[next];
            free_at[next] = now + pace.book(now, chunk) + cost;
            read += chunk;
        }
        free_at.into_iter().max().unwrap().as_secs_f64()
    }

    #[test]
    fn the_rate_asked_for_is_kept_within_a_fifth() {
        for rate in [100_000, 5_000_000, 50_000_000, 1_000_000_000] {
            for readers in [1, 2, 8] {
                // A disk that is idle half of the time at that rate, and one that answers at once.
                for cost in
                    [Duration::ZERO, Duration::from_secs_f64(0.5 * f64::from(1 << 20) / rate as f64).min(MS(50))]
                {
                    let bytes = rate * 5;
                    let reached = bytes as f64 / seconds(rate, readers, bytes, cost) / rate as f64;
                    assert!((0.8..1.2).contains(&reached), "{reached:.2} of {rate} with {readers} readers, {cost:?}");
                }
            }
        }
    }

    #[test]
    fn time_that_nobody_used_is_not_caught_up() {
        let mut pace = Pace::new(1_000_000);
        assert_eq!(pace.book(Duration::from_secs(3600), 100_000), Duration::ZERO);
        assert_eq!(pace.book(Duration::from_secs(3600), 1_000_000), MS(900));
    }

    #[test]
    fn extreme_rates_and_sizes_give_a_wait_and_no_panic() {
        let mut slow = Pace::new(0);
        assert!(slow.book(Duration::MAX, u64::MAX) < Duration::MAX);
        assert_eq!(slow.chunk(1 << 20), 4096);
        let mut fast = Pace::new(u64::MAX);
        assert_eq!(fast.book(Duration::ZERO, u64::MAX), MS(800));
        assert_eq!(fast.chunk(1 << 20), 1 << 20);
    }
}

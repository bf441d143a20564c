use crate::clock::Timestamp;

/// Bytes per second that any disk that models are on should give, where nothing was measured.
const ASSUMED_SPEED: f64 = 100e6;
/// Slower than this is a load that stands still rather than one that was measured.
const LEAST_SPEED: f64 = 1e6;
/// A model may take this many times as long as its size and the speed say.
const TIMES: f64 = 3.0;
/// Seconds that any start may take.
const LEAST_SECONDS: f64 = 30.0;

/// What is known of a load that may be going on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Load {
    /// Bytes of the model file.
    pub size: Option<u64>,
    /// Bytes that the processes of the service have read from disks since they started.
    pub read: Option<u64>,
    /// When the process started.
    pub since: Option<Timestamp>,
}

impl Load {
    /// Returns how long it has been loading and how long it may, in seconds. None where the start is unknown.
    pub fn progress(&self, now: Timestamp) -> Option<(f64, f64)> {
        let age = self.since?.age(now).as_secs_f64();
        let measured = self.read.map(|read| read as f64 / age.max(0.001)).filter(|speed| *speed >= LEAST_SPEED);
        // A fast disk is no reason for less time: the rest of a start does not depend on it.
        let speed = measured.unwrap_or(ASSUMED_SPEED).min(ASSUMED_SPEED);
        let allowed = self.size.map_or(0.0, |size| TIMES * size as f64 / speed);
        Some((age, allowed.max(LEAST_SECONDS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A large model on a slow disk would otherwise be killed in the middle of every load.
    #[test]
    fn a_load_may_take_three_times_what_its_size_says() {
        let load = Load { size: Some(10_000_000_000), read: None, since: Some(Timestamp(0)) };
        let within = |load: Load, seconds: i64| {
            let (age, allowed) = load.progress(Timestamp(seconds * 1_000)).unwrap();
            age <= allowed
        };
        assert!(within(load, 299) && !within(load, 301));
        // 10 MB/s, and still reading.
        let slow = |seconds: i64| Load { read: Some(10_000_000 * seconds as u64), ..load };
        assert!(within(slow(900), 900));
        // It has read next to nothing for an hour.
        assert!(!within(Load { read: Some(1_000_000), ..load }, 3_600));
        assert!(within(Load { since: Some(Timestamp(0)), ..Load::default() }, 29));
        assert_eq!(Load { since: None, ..load }.progress(Timestamp(0)), None);
    }
}

//! Whether a server that runs still works, whatever its `/health` says.

use std::time::Duration;

/// Time without a decode in which a busy server is not wedged, at least.
const LEAST: Duration = Duration::from_secs(30);
/// The same before the first decode was seen: a long prompt on a slow machine.
const FIRST: Duration = Duration::from_secs(120);
/// The number of its slowest batches so far that a batch may take.
const SLOWER: u32 = 10;
/// The number of probes in a row without an answer that show that a server is wedged.
const SILENT: u32 = 3;
/// The number of probes in a row that find the process stopped before it counts as stopped for good.
const STOPPED: u32 = 2;

/// What a probe of a server found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// `/metrics` answered: requests in progress, and the number of calls of llama_decode so far.
    Answered { processing: u64, decodes: u64 },
    /// `/metrics` did not answer within its time.
    Silent,
    /// The kernel shows the process as stopped (state `T` of proc(5)).
    Stopped,
}

/// What is known of one server since it was ready.
#[derive(Debug, Clone)]
pub struct Liveness {
    bytes: u64,
    /// How many times as long as usual a decode may take.
    slower: u32,
    decodes: Option<u64>,
    /// Since when the number of decodes has not changed although the server was busy.
    still: Option<Duration>,
    /// The longest time that one decode took, as far as probes show.
    slowest: Option<Duration>,
    last: Duration,
    silent: u32,
    stopped: u32,
}

impl Liveness {
    /// Begins with a server of a model with these bytes of weights.
    pub fn new(bytes: u64, now: Duration) -> Liveness {
        Liveness { bytes, slower: 1, decodes: None, still: None, slowest: None, last: now, silent: 0, stopped: 0 }
    }

    /// Lets a decode take so many times as long: a long text that is decoded in one piece.
    pub fn slower(self, times: u32) -> Liveness {
        Liveness { slower: times.max(1), ..self }
    }

    /// Takes a probe into account. Returns why the server is wedged, if it is.
    pub fn observe(&mut self, now: Duration, probe: Probe) -> Option<String> {
        let before = std::mem::replace(&mut self.last, now);
        match probe {
            Probe::Stopped => {
                self.stopped = self.stopped.saturating_add(1);
                (self.stopped >= STOPPED).then(|| "its process is stopped".to_owned())
            }
            Probe::Silent => {
                self.stopped = 0;
                self.silent = self.silent.saturating_add(1);
                let message = || format!("it has not answered {SILENT} times in a row");
                (self.silent >= SILENT).then(message)
            }
            Probe::Answered { processing, decodes } => {
                (self.stopped, self.silent) = (0, 0);
                self.decoded((before, now), processing, decodes)
            }
        }
    }

    fn decoded(&mut self, (last, now): (Duration, Duration), processing: u64, decodes: u64) -> Option<String> {
        let before = self.decodes.replace(decodes);
        let new = decodes.saturating_sub(before.unwrap_or(decodes));
        if new > 0 {
            let each = now.saturating_sub(last) / u32::try_from(new).unwrap_or(u32::MAX);
            // One that took longer than from probe to probe was seen without progress meanwhile.
            let seen = self.still.take().map_or(Duration::ZERO, |since| last.saturating_sub(since));
            self.slowest = Some(self.slowest.unwrap_or_default().max(seen.saturating_add(each)));
            return None;
        }
        if processing == 0 {
            self.still = None;
            return None;
        }
        let since = *self.still.get_or_insert(now);
        let still = now.saturating_sub(since);
        let limit = self.limit();
        let told = Duration::from_secs(still.as_secs());
        (still >= limit)
            .then(|| format!("it has not decoded anything for {} s with requests to answer", told.as_secs()))
    }

    fn limit(&self) -> Duration {
        let usual = match self.slowest {
            Some(slowest) => slowest.saturating_mul(SLOWER).max(LEAST),
            None => FIRST.saturating_add(Duration::from_secs(self.bytes >> 30)),
        };
        usual.saturating_mul(self.slower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probes every five seconds; returns the time of the verdict.
    fn wedged_after(live: &mut Liveness, from: u64, probes: impl Iterator<Item = Probe>) -> Option<u64> {
        probes.enumerate().find_map(|(n, probe)| {
            let now = from + 5 * (n as u64 + 1);
            live.observe(Duration::from_secs(now), probe).map(|_| now)
        })
    }

    const BUSY: fn(u64) -> Probe = |decodes| Probe::Answered { processing: 1, decodes };

    #[test]
    fn a_server_that_decodes_or_has_nothing_to_do_lives() {
        let mut live = Liveness::new(0, Duration::ZERO);
        assert_eq!(wedged_after(&mut live, 0, (0..200).map(BUSY)), None);
        let idle = std::iter::repeat_n(Probe::Answered { processing: 0, decodes: 200 }, 500);
        assert_eq!(wedged_after(&mut live, 1_000, idle), None);
    }

    #[test]
    fn one_that_stands_still_is_wedged_after_thirty_seconds_and_a_slow_one_after_ten_of_its_batches() {
        let mut quick = Liveness::new(0, Duration::ZERO);
        wedged_after(&mut quick, 0, (0..4).map(|n| BUSY(100 * n)));
        assert_eq!(wedged_after(&mut quick, 20, std::iter::repeat_n(BUSY(300), 20)), Some(55));
        // One batch takes 20 seconds.
        let mut slow = Liveness::new(0, Duration::ZERO);
        let steps = (0..40).map(|n| BUSY(n / 4));
        assert_eq!(wedged_after(&mut slow, 0, steps), None);
        let stuck = wedged_after(&mut slow, 200, std::iter::repeat_n(BUSY(9), 100)).unwrap();
        assert!((350..=410).contains(&stuck), "{stuck}");
    }

    #[test]
    fn a_first_prompt_has_two_minutes_and_more_for_a_large_model() {
        let first =
            |bytes| wedged_after(&mut Liveness::new(bytes, Duration::ZERO), 0, std::iter::repeat_n(BUSY(0), 100));
        assert_eq!(first(0), Some(125));
        assert_eq!(first(40 << 30), Some(165));
    }

    /// A long text for a vector, which is decoded in one piece, would be taken for a server that hangs.
    #[test]
    fn one_that_decodes_longer_texts_has_as_many_times_longer() {
        let wedged = |times| {
            let mut live = Liveness::new(0, Duration::ZERO).slower(times);
            wedged_after(&mut live, 0, (0..4).map(|n| BUSY(100 * n)));
            wedged_after(&mut live, 20, std::iter::repeat_n(BUSY(300), 100))
        };
        assert_eq!((wedged(0), wedged(1)), (Some(55), Some(55)));
        assert_eq!(wedged(4), Some(145));
    }

    #[test]
    fn silence_and_a_stopped_process_are_not_waited_for_long() {
        let mut live = Liveness::new(0, Duration::ZERO);
        assert_eq!(
            wedged_after(&mut live, 0, [Probe::Silent, Probe::Silent, BUSY(1), Probe::Silent].into_iter()),
            None
        );
        assert_eq!(wedged_after(&mut live, 20, [Probe::Silent, Probe::Silent].into_iter()), Some(30));
        let mut live = Liveness::new(0, Duration::ZERO);
        assert_eq!(wedged_after(&mut live, 0, [Probe::Stopped, BUSY(1), Probe::Stopped].into_iter()), None);
        assert_eq!(wedged_after(&mut live, 20, [Probe::Stopped].into_iter()), Some(25));
    }
}

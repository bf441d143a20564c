use std::sync::atomic::{AtomicU64, Ordering};

/// The largest numbers of threads for an engine that runs; its thread takes changes over between two decodes.
#[derive(Debug)]
pub struct ThreadCounts(AtomicU64);

/// For one token at a time, and for prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub threads: u32,
    pub threads_batch: u32,
}

impl Counts {
    fn packed(self) -> u64 {
        (u64::from(self.threads) << 32) | u64::from(self.threads_batch)
    }

    fn unpacked(both: u64) -> Counts {
        // Each half fits.
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(1);
        Counts { threads: half(both >> 32), threads_batch: half(both) }
    }
}

impl ThreadCounts {
    pub fn new(counts: Counts) -> ThreadCounts {
        ThreadCounts(AtomicU64::new(counts.packed()))
    }

    /// Sets both numbers, of which none is 0.
    pub fn set(&self, counts: Counts) {
        let Counts { threads, threads_batch } = counts;
        let counts = Counts { threads: threads.max(1), threads_batch: threads_batch.max(1) };
        self.0.store(counts.packed(), Ordering::Relaxed);
    }

    /// Returns the numbers if they are others than those that were `seen`.
    pub fn changed(&self, seen: &mut Counts) -> Option<Counts> {
        let now = Counts::unpacked(self.0.load(Ordering::Relaxed));
        let is_new = now != *seen;
        *seen = now;
        is_new.then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two models that generate at once would go on using all cores each.
    #[test]
    fn a_change_is_seen_once_and_none_is_zero() {
        let counts = |threads, threads_batch| Counts { threads, threads_batch };
        let mut seen = counts(4, 8);
        let all = ThreadCounts::new(seen);
        assert_eq!(all.changed(&mut seen), None);
        all.set(counts(2, u32::MAX));
        assert_eq!((all.changed(&mut seen), all.changed(&mut seen)), (Some(counts(2, u32::MAX)), None));
        all.set(counts(0, 0));
        assert_eq!(all.changed(&mut seen), Some(counts(1, 1)));
    }
}

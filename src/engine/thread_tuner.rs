//! Finds the number of threads to decode with, while decoding.
//!
//! ggml's threads wait for each other some hundred times per token, spinning. On a quiet machine all cores are fastest.
//! With another busy process on one core, a thread that waits for a core delays all others at each barrier: measured on
//! two cores, 125 tokens/s fall to 2, where one thread alone still makes 80. No fixed number is right, so this tries
//! more threads from time to time, reduces their number when they are not faster, and tries ever more rarely where they
//! never are.
//!
//! Pure: durations in, a number out.

use std::time::{Duration, Instant};

/// The first pause after more threads were not faster; doubled with each failure, up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(400);
const MAX_PAUSE: Duration = Duration::from_secs(64);
/// The number of steps of a try. The first one wakes threads and counts only when it is far too slow.
const TRY_STEPS: u8 = 4;
/// The number of steps at one level before the next try, so that there is a time to compare with.
const STEPS_BEFORE_TRY: u8 = 3;
/// The number of classes of step widths whose times are kept apart: 1, 2, up to 4, up to 8, … sequences.
const WIDTHS: usize = 8;
/// The number of slow steps in a row that reduce the threads; a very slow one counts for most of them.
const SLOW_STEPS: u8 = 4;

#[derive(Debug)]
pub struct ThreadTuner {
    /// Thread counts, ascending.
    ladder: Vec<u32>,
    at: usize,
    /// The smoothed time of a step at each level and of each width, seconds.
    usual: Vec<[Option<f64>; WIDTHS]>,
    /// The number of steps at this level since the last change.
    steps: u8,
    /// Whether this level is only being tried; the try began one level below.
    trying: bool,
    /// The number of slow steps in a row.
    slow: u8,
    next_try: Instant,
    pause: Duration,
    /// Whether more threads were not faster when they were last tried.
    crowded: bool,
}

impl ThreadTuner {
    /// Creates a tuner for at most `threads`. It starts with half of them, which leaves room for other processes.
    pub fn new(threads: u32, now: Instant) -> ThreadTuner {
        let threads = threads.max(1);
        let quarters = [1, 2, 3, 4].map(|quarter| threads.saturating_mul(quarter) / 4);
        let mut ladder: Vec<u32> = std::iter::once(1).chain(quarters).filter(|&count| count > 0).collect();
        ladder.dedup();
        let at = ladder.iter().rposition(|&count| count <= threads.div_ceil(2)).unwrap_or(0);
        let usual = vec![[None; WIDTHS]; ladder.len()];
        ThreadTuner {
            ladder,
            at,
            usual,
            steps: 0,
            trying: false,
            slow: 0,
            next_try: now,
            pause: MIN_PAUSE,
            crowded: false,
        }
    }

    /// Returns a tuner for another number of threads, which begins where this one is, as far as it can.
    pub fn with_most(&self, threads: u32, now: Instant) -> ThreadTuner {
        let new = ThreadTuner::new(threads, now);
        let at = new.ladder.iter().rposition(|&count| count <= self.threads()).unwrap_or(0);
        ThreadTuner { at, crowded: self.crowded, ..new }
    }

    /// Returns the number of threads for the next step of single tokens.
    pub fn threads(&self) -> u32 {
        self.ladder.get(self.at).copied().unwrap_or(1)
    }

    /// Returns the number of threads for a prompt: all, unless the machine is known to be crowded.
    pub fn prompt_threads(&self, most: u32) -> u32 {
        if self.crowded { most.min(self.threads()) } else { most }
    }

    /// Learns from one step of single tokens, one for each of `width` sequences.
    pub fn observe(&mut self, took: Duration, width: usize, now: Instant) {
        let took = took.as_secs_f64();
        self.steps = self.steps.saturating_add(1);
        if self.trying {
            self.observe_try(took, width, now);
            return;
        }
        if self.is_slow(took, width) {
            // A few slow steps may be another program that starts; two that are far too slow are not.
            self.slow = self.slow.saturating_add(if self.is_slow(took / 4.0, width) { SLOW_STEPS - 1 } else { 1 });
        } else {
            self.slow = 0;
            self.smooth(took, width);
        }
        if self.slow >= SLOW_STEPS {
            self.go_down(now);
        } else if self.steps >= STEPS_BEFORE_TRY
            && self.at.saturating_add(1) < self.ladder.len()
            && now >= self.next_try
        {
            self.trying = true;
            self.go_to(self.at.saturating_add(1));
        }
    }

    fn observe_try(&mut self, took: f64, width: usize, now: Instant) {
        let below = self.expected(self.at.checked_sub(1), width).unwrap_or(f64::INFINITY);
        let allowed = if self.steps == 1 { below * 1.5 } else { below };
        if took > allowed {
            self.go_down(now);
            return;
        }
        if self.steps == 1 {
            return;
        }
        self.smooth(took, width);
        if self.steps >= TRY_STEPS {
            self.trying = false;
            self.crowded = false;
            self.pause = MIN_PAUSE;
            self.next_try = now;
        }
    }

    /// Returns whether a step is slower than fewer threads are known to be, or than this level used to be.
    fn is_slow(&self, took: f64, width: usize) -> bool {
        let below = self.expected(self.at.checked_sub(1), width).map(|usual| usual * 1.1);
        let here = self.expected(Some(self.at), width).map(|usual| usual * 2.0);
        self.at > 0 && [below, here].into_iter().flatten().any(|limit| took > limit)
    }

    fn go_down(&mut self, now: Instant) {
        self.trying = false;
        self.crowded = true;
        self.next_try = now.checked_add(self.pause).unwrap_or(now);
        self.pause = self.pause.saturating_mul(2).min(MAX_PAUSE);
        self.go_to(self.at.saturating_sub(1));
    }

    fn go_to(&mut self, level: usize) {
        self.at = level;
        self.steps = 0;
        self.slow = 0;
        // The times of this level are outdated; those of the level below are the measure of a try.
        if let Some(usual) = self.usual.get_mut(level) {
            *usual = [None; WIDTHS];
        }
    }

    fn smooth(&mut self, took: f64, width: usize) {
        if let Some(usual) = self.usual.get_mut(self.at).and_then(|all| all.get_mut(class(width))) {
            *usual = Some(usual.map_or(took, |usual| usual * 0.8 + took * 0.2));
        }
    }

    /// Returns the longest time that a step of this width should take by the known times. The time of another width
    /// gives a bound: a wider step takes longer at most in proportion to its width, and a narrower one takes no longer.
    fn expected(&self, level: Option<usize>, width: usize) -> Option<f64> {
        let all = self.usual.get(level?)?;
        let class = class(width);
        let bound = |(known, usual): (usize, &Option<f64>)| {
            let wider = 2f64.powi(i32::try_from(class.saturating_sub(known)).unwrap_or(0));
            usual.map(|usual| usual * wider)
        };
        let own = all.get(class).copied().flatten();
        own.or_else(|| all.iter().enumerate().filter_map(bound).min_by(f64::total_cmp))
    }
}

/// Returns the class of a width: all widths up to the next power of two count as one.
fn class(width: usize) -> usize {
    let power = width.max(1).checked_next_power_of_two().map_or(0, usize::trailing_zeros);
    usize::try_from(power).unwrap_or(0).min(WIDTHS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    /// Runs steps whose time `cost` tells from the threads and the number of the step; the seconds they took.
    fn run(pace: &mut ThreadTuner, start: Instant, steps: u32, cost: impl Fn(u32, u32) -> f64) -> (f64, Instant) {
        let mut now = start;
        let mut total = 0.0;
        for step in 0..steps {
            let took = cost(pace.threads(), step);
            now += Duration::from_secs_f64(took);
            total += took;
            pace.observe(Duration::from_secs_f64(took), 1, now);
        }
        (total, now)
    }

    fn quiet(threads: u32, _: u32) -> f64 {
        0.001 + 0.1 / f64::from(threads)
    }

    /// One core of `cores` is taken: all of them together are a hundred times slower.
    fn crowded(cores: u32) -> impl Fn(u32, u32) -> f64 {
        move |threads, step| if threads == cores { 0.5 } else { quiet(threads, step) }
    }

    #[test]
    fn a_quiet_machine_is_used_whole_after_a_few_tokens() {
        for cores in [1, 2, 3, 4, 16, 64] {
            let start = clock::instant();
            let mut pace = ThreadTuner::new(cores, start);
            run(&mut pace, start, 20, quiet);
            assert_eq!((pace.threads(), pace.prompt_threads(cores)), (cores, cores));
        }
    }

    /// A model that shares the cores for a moment would answer slowly for long after it has them alone again.
    #[test]
    fn fewer_threads_count_at_once_and_more_are_found_again() {
        let start = clock::instant();
        let mut pace = ThreadTuner::new(16, start);
        let (_, now) = run(&mut pace, start, 20, quiet);
        let mut pace = pace.with_most(4, now);
        assert_eq!((pace.threads(), pace.prompt_threads(4)), (4, 4));
        let (_, now) = run(&mut pace, now, 20, quiet);
        let mut pace = pace.with_most(16, now);
        assert_eq!(pace.threads(), 4);
        run(&mut pace, now, 20, quiet);
        assert_eq!(pace.threads(), 16);
    }

    #[test]
    fn a_busy_neighbour_costs_one_core_not_a_hundred_times() {
        for cores in [2, 4, 16] {
            let start = clock::instant();
            let mut pace = ThreadTuner::new(cores, start);
            let (total, _) = run(&mut pace, start, 1_000, crowded(cores));
            assert!(pace.threads() < cores && pace.prompt_threads(cores) < cores);
            let ideal = 1_000.0 * quiet((cores * 3 / 4).max(1), 0);
            assert!(total < ideal * 1.35, "{cores} cores: {total} s instead of {ideal} s");
        }
    }

    #[test]
    fn a_neighbour_that_comes_and_goes_is_noticed_both_times() {
        let start = clock::instant();
        let mut pace = ThreadTuner::new(2, start);
        let (_, now) = run(&mut pace, start, 50, quiet);
        let (_, now) = run(&mut pace, now, 3, crowded(2));
        assert_eq!(pace.threads(), 1);
        run(&mut pace, now, 200, quiet);
        assert_eq!(pace.threads(), 2);
    }

    #[test]
    fn a_context_that_grows_is_not_a_neighbour() {
        let start = clock::instant();
        let mut pace = ThreadTuner::new(4, start);
        let (_, now) =
            run(&mut pace, start, 4_000, |threads, step| quiet(threads, 0) * (1.0 + f64::from(step) / 400.0));
        run(&mut pace, now, 200, |threads, _| quiet(threads, 0) * 11.0);
        assert_eq!(pace.threads(), 4);
    }

    #[test]
    fn more_sequences_at_once_are_not_a_neighbour() {
        // Memory bound: a wide step takes little more. Compute bound: it takes as much more as it is wider.
        for share in [0.05, 1.0] {
            let start = clock::instant();
            let (mut pace, mut now) = (ThreadTuner::new(2, start), start);
            let widths = [1, 16, 2, 16, 8, 1, 4, 16, 3, 12];
            for step in 0..400 {
                let width = widths[step / 7 % widths.len()];
                let took = quiet(pace.threads(), 0) * (1.0 - share + share * width as f64);
                now += Duration::from_secs_f64(took);
                pace.observe(Duration::from_secs_f64(took), width, now);
                assert!(step < 20 || pace.threads() == 2, "step {step} with {width} sequences, share {share}");
            }
        }
    }
}

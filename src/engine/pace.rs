//! How many threads to decode with, found out while decoding.
//!
//! ggml's threads wait for each other some hundred times per token, spinning. On a quiet machine all cores are fastest.
//! With a busy neighbour on one core, a thread that waits for a core holds up all others at each barrier: measured on
//! two cores, 125 tokens/s fall to 2, where one thread alone still makes 80. No fixed number is right, so this tries
//! more threads from time to time, goes down when they do not pay, and tries ever more rarely where they never do.
//!
//! Pure: durations in, a number out.

use std::time::{Duration, Instant};

/// First pause after more threads did not pay; doubled with each failure, up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(400);
const MAX_PAUSE: Duration = Duration::from_secs(64);
/// Steps of a try. The first one wakes threads and counts only when it is far off.
const TRY_STEPS: u8 = 4;
/// Steps at one level before the next try, so that there is something to compare with.
const STEPS_BEFORE_TRY: u8 = 3;
/// Widths of a step whose times are kept apart: 1, 2, up to 4, up to 8, … sequences.
const WIDTHS: usize = 8;
/// Slow steps in a row that send us down; a very slow one counts for most of them.
const SLOW_STEPS: u8 = 4;

#[derive(Debug)]
pub struct Pace {
    /// Thread counts, ascending.
    ladder: Vec<u32>,
    at: usize,
    /// The smoothed time of a step at each level and of each width, seconds.
    usual: Vec<[Option<f64>; WIDTHS]>,
    /// Steps at this level since the last change.
    steps: u8,
    /// A try of this level, which began one below.
    trying: bool,
    /// Slow steps in a row.
    slow: u8,
    next_try: Instant,
    pause: Duration,
    /// More threads did not pay when they were last tried.
    crowded: bool,
}

impl Pace {
    /// For at most `threads`. Begins with half of them, which leaves a neighbour its room.
    pub fn new(threads: u32, now: Instant) -> Pace {
        let threads = threads.max(1);
        let quarters = [1, 2, 3, 4].map(|quarter| threads.saturating_mul(quarter) / 4);
        let mut ladder: Vec<u32> = std::iter::once(1).chain(quarters).filter(|&count| count > 0).collect();
        ladder.dedup();
        let at = ladder.iter().rposition(|&count| count <= threads.div_ceil(2)).unwrap_or(0);
        let usual = vec![[None; WIDTHS]; ladder.len()];
        Pace { ladder, at, usual, steps: 0, trying: false, slow: 0, next_try: now, pause: MIN_PAUSE, crowded: false }
    }

    /// Threads for the next step of single tokens.
    pub fn threads(&self) -> u32 {
        self.ladder.get(self.at).copied().unwrap_or(1)
    }

    /// Threads for a prompt: all, unless the machine is known to be crowded.
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
            // A few may be a program that starts beside us; two that are far off are not.
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

    /// Slower than fewer threads are known to be, or than this level used to be.
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
        // What was usual here is from another time; what is usual below is what a try is measured by.
        if let Some(usual) = self.usual.get_mut(level) {
            *usual = [None; WIDTHS];
        }
    }

    fn smooth(&mut self, took: f64, width: usize) {
        if let Some(usual) = self.usual.get_mut(self.at).and_then(|all| all.get_mut(class(width))) {
            *usual = Some(usual.map_or(took, |usual| usual * 0.8 + took * 0.2));
        }
    }

    /// The most that a step of this width should take by what is known: another width says that a wider step takes at
    /// most as much more as it is wider, and a narrower one no more.
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

/// The widths that are taken for one: up to the next power of two.
fn class(width: usize) -> usize {
    let power = width.max(1).checked_next_power_of_two().map_or(0, usize::trailing_zeros);
    usize::try_from(power).unwrap_or(0).min(WIDTHS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    /// Runs steps whose time `cost` tells from the threads and the number of the step; the seconds they took.
    fn run(pace: &mut Pace, start: Instant, steps: u32, cost: impl Fn(u32, u32) -> f64) -> (f64, Instant) {
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
            let mut pace = Pace::new(cores, start);
            run(&mut pace, start, 20, quiet);
            assert_eq!((pace.threads(), pace.prompt_threads(cores)), (cores, cores));
        }
    }

    #[test]
    fn a_busy_neighbour_costs_one_core_not_a_hundred_times() {
        for cores in [2, 4, 16] {
            let start = clock::instant();
            let mut pace = Pace::new(cores, start);
            let (total, _) = run(&mut pace, start, 1_000, crowded(cores));
            assert!(pace.threads() < cores && pace.prompt_threads(cores) < cores);
            let ideal = 1_000.0 * quiet((cores * 3 / 4).max(1), 0);
            assert!(total < ideal * 1.35, "{cores} cores: {total} s instead of {ideal} s");
        }
    }

    #[test]
    fn a_neighbour_that_comes_and_goes_is_noticed_both_times() {
        let start = clock::instant();
        let mut pace = Pace::new(2, start);
        let (_, now) = run(&mut pace, start, 50, quiet);
        let (_, now) = run(&mut pace, now, 3, crowded(2));
        assert_eq!(pace.threads(), 1);
        run(&mut pace, now, 200, quiet);
        assert_eq!(pace.threads(), 2);
    }

    #[test]
    fn a_context_that_grows_is_not_a_neighbour() {
        let start = clock::instant();
        let mut pace = Pace::new(4, start);
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
            let (mut pace, mut now) = (Pace::new(2, start), start);
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

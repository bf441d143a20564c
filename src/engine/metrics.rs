use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters over the life of one engine, with llama-server's meanings except for the speeds, which are averages over
/// the whole life. llama-server averages between two scrapes, so that two scrapers disturb each other.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Prompt tokens that were computed.
    pub prompt_tokens: AtomicU64,
    /// Prompt tokens that were already in the cache.
    pub cached_tokens: AtomicU64,
    pub predicted_tokens: AtomicU64,
    pub prompt_us: AtomicU64,
    pub predicted_us: AtomicU64,
    /// The number of calls of llama_decode.
    pub decodes: AtomicU64,
    /// The number of signs of life of the thread that decodes, and of no other: one for every operation of a graph on
    /// the CPU, every decode, and every chosen token.
    pub beats: AtomicU64,
    /// The number of sequences that had tokens in those calls, counted once per call.
    pub busy_slots: AtomicU64,
    pub processing: AtomicU64,
    pub deferred: AtomicU64,
}

/// A flag that is set while the thread that decodes works for one request alone: it chooses the next token of its
/// answer, or compiles the grammar that the answer has to fit. When that thread makes no progress, this identifies the
/// request.
#[derive(Debug, Clone, Default)]
pub struct AtWork(Arc<AtomicBool>);

impl AtWork {
    /// Sets the flag until the returned value is dropped.
    pub fn begin(&self) -> Working {
        self.0.store(true, Ordering::Relaxed);
        Working(Arc::clone(&self.0))
    }

    pub fn now(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A guard: while it exists, the engine works for one request alone.
#[derive(Debug)]
pub struct Working(Arc<AtomicBool>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// One metric: llama-server's name without its `llamacpp:`, its description, its Prometheus type, its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    pub name: &'static str,
    pub help: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    pub value: f64,
}

impl Metrics {
    /// Counts one decode with tokens of `sequences` sequences.
    pub fn count_decode(&self, sequences: usize) {
        self.beat();
        self.decodes.fetch_add(1, Ordering::Relaxed);
        self.busy_slots.fetch_add(u64::try_from(sequences).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts a sign of life of the thread that decodes.
    pub fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    pub fn read(&self) -> [Figure; 11] {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let seconds = |counter: &AtomicU64| count(counter) / 1e6;
        let ratio = |n: f64, by: f64| if by > 0.0 { n / by } else { 0.0 };
        let counter = |name, help, value| Figure { name, help, kind: "counter", value };
        let gauge = |name, help, value| Figure { name, help, kind: "gauge", value };
        let (prompt, predicted) = (count(&self.prompt_tokens), count(&self.predicted_tokens));
        let (prompt_s, predicted_s) = (seconds(&self.prompt_us), seconds(&self.predicted_us));
        let decodes = count(&self.decodes);
        [
            counter("prompt_tokens_total", "Prompt tokens computed.", prompt),
            counter("prompt_tokens_cached_total", "Prompt tokens that were there already.", count(&self.cached_tokens)),
            counter("prompt_seconds_total", "Time spent on prompts, seconds.", prompt_s),
            counter("tokens_predicted_total", "Tokens generated.", predicted),
            counter("tokens_predicted_seconds_total", "Time spent generating, seconds.", predicted_s),
            counter("n_decode_total", "Calls of llama_decode.", decodes),
            gauge(
                "n_busy_slots_per_decode",
                "Sequences in a decode, average.",
                ratio(count(&self.busy_slots), decodes),
            ),
            gauge("prompt_tokens_seconds", "Prompt tokens per second of a request, average.", ratio(prompt, prompt_s)),
            gauge(
                "predicted_tokens_seconds",
                "Generated tokens per second of a request, average.",
                ratio(predicted, predicted_s),
            ),
            gauge("requests_processing", "Requests being processed.", count(&self.processing)),
            gauge("requests_deferred", "Requests waiting.", count(&self.deferred)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_engine_has_figures_and_no_nan() {
        assert!(Metrics::default().read().iter().all(|figure| figure.value == 0.0));
    }

    #[test]
    fn averages_are_over_what_was_counted() {
        let metrics = Metrics::default();
        metrics.count_decode(3);
        metrics.count_decode(1);
        metrics.predicted_tokens.store(10, Ordering::Relaxed);
        metrics.predicted_us.store(2_500_000, Ordering::Relaxed);
        let value = |name| metrics.read().iter().find(|figure| figure.name == name).map(|figure| figure.value);
        assert_eq!((value("n_busy_slots_per_decode"), value("predicted_tokens_seconds")), (Some(2.0), Some(4.0)));
    }
}

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one engine's life. llama-server's meanings, but that the speeds are those of the whole life: averaged
/// between two scrapes, as there, two scrapers spoil each other's.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Prompt tokens that were computed.
    pub prompt_tokens: AtomicU64,
    /// Prompt tokens that were there already.
    pub cached_tokens: AtomicU64,
    pub predicted_tokens: AtomicU64,
    pub prompt_us: AtomicU64,
    pub predicted_us: AtomicU64,
    /// Rises with every call of llama_decode: the sign of life during a long prompt.
    pub decodes: AtomicU64,
    /// Sequences that had tokens in those calls, one count each.
    pub busy_slots: AtomicU64,
    pub processing: AtomicU64,
    pub deferred: AtomicU64,
}

/// One figure: llama-server's name without its `llamacpp:`, what it is, its Prometheus type, its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    pub name: &'static str,
    pub help: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    pub value: f64,
}

impl Metrics {
    /// One decode with tokens of so many sequences.
    pub fn count_decode(&self, sequences: usize) {
        self.decodes.fetch_add(1, Ordering::Relaxed);
        self.busy_slots.fetch_add(u64::try_from(sequences).unwrap_or(u64::MAX), Ordering::Relaxed);
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

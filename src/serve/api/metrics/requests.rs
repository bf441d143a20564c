//! Figures of requests, counted as each ends.

use super::labels::{OfClass, OfKind};
use crate::serve::gateway::Record;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Bounds of times of requests, in seconds.
const SECONDS: [f64; 12] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
/// Bounds of speeds, in tokens a second.
const SPEEDS: [f64; 9] = [1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0];

type Times = Family<OfClass, Histogram, fn() -> Histogram>;

/// Figures of requests by class.
#[derive(Debug, Clone)]
pub struct Requests {
    waiting: Times,
    first_token: Times,
    total: Times,
    tokens: Family<OfKind, Counter>,
    speed: Histogram,
}

pub fn times() -> Histogram {
    Histogram::new(SECONDS)
}

impl Requests {
    pub fn register(registry: &mut Registry) -> Requests {
        let new = || Times::new_with_constructor(times);
        let requests = Requests {
            waiting: new(),
            first_token: new(),
            total: new(),
            tokens: Family::default(),
            speed: Histogram::new(SPEEDS),
        };
        let mut time = |name: &str, help: &str, family: &Times| {
            registry.register_with_unit(name, help, Unit::Seconds, family.clone());
        };
        time("request_waiting", "Time until a server took a request", &requests.waiting);
        time("request_first_token", "Time from then until the first token", &requests.first_token);
        time("request_duration", "Time of a request in all", &requests.total);
        registry.register("tokens", "Tokens of requests that were answered", requests.tokens.clone());
        registry.register("tokens_per_second", "Speed of generation of requests", requests.speed.clone());
        for kind in ["prompt", "completion"] {
            drop(requests.tokens.get_or_create(&OfKind { kind }));
        }
        requests
    }

    /// Counts a request that has ended. One that no server took has only waited.
    pub fn observe(&self, record: &Record) {
        let class = OfClass { class: record.class.name() };
        let seconds = |millis: u64| millis as f64 / 1_000.0;
        self.waiting.get_or_create(&class).observe(seconds(record.waited_ms));
        if !record.is_granted {
            return;
        }
        if let Some(first) = record.first_token_ms {
            self.first_token.get_or_create(&class).observe(seconds(first));
        }
        self.total.get_or_create(&class).observe(seconds(record.took_ms));
        for (kind, tokens) in [("prompt", record.prompt_tokens), ("completion", record.completion_tokens)] {
            self.tokens.get_or_create(&OfKind { kind }).inc_by(tokens.unwrap_or(0));
        }
        if let Some(speed) = record.tokens_per_second {
            self.speed.observe(speed);
        }
    }
}

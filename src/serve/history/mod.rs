//! What was in the last hour: the machine and its servers, looked at every five seconds, so that a page that is opened now
//! shows what was.

mod ring;

pub use ring::Hour;

use super::control::Control;
use super::gateway::{Records, Sums};
use crate::clock;
use crate::model::ModelId;
use crate::model::lifecycle::{ModelStatus, Status};
use ring::{LaneStep, Ring, STEP_SECONDS, Step};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

/// The time that the deciding task has for its status.
const STATUS: Duration = Duration::from_secs(2);
/// The steps for which the time until a first token stays what it was.
const STAYS: u64 = 12;

/// The last hour.
#[derive(Debug, Clone)]
pub struct History(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    run: String,
    began: Instant,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    ring: Ring,
    rates: BTreeMap<ModelId, (u64, Rate)>,
    /// How often each server had been asked.
    asked: HashMap<String, u64>,
}

/// How fast a model has answered of late.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    pub tokens_per_s: f32,
    /// `None`: there was no first token in the last minute.
    pub first_p50_ms: Option<f32>,
}

impl Default for History {
    fn default() -> Self {
        let run = format!("{:x}", clock::now().millis());
        History(Arc::new(Inner { run, began: clock::instant(), kept: Mutex::default() }))
    }
}

impl History {
    /// Looks at the deciding task and the requests every five seconds, until the daemon ends.
    pub async fn follow(self, control: Control, records: Records) {
        let mut ticks = tokio::time::interval(Duration::from_secs(STEP_SECONDS));
        // A machine that slept has steps without values.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let status = match tokio::time::timeout(STATUS, control.status()).await {
                Ok(Ok(status)) => status,
                // The deciding task has ended, and so has the daemon.
                Ok(Err(_)) => return,
                Err(_) => continue,
            };
            self.take(self.number(), &status, records.recent().take_sums());
        }
    }

    /// Returns the number of the step of now.
    fn number(&self) -> u64 {
        self.0.began.elapsed().as_secs().checked_div(STEP_SECONDS).unwrap_or(0)
    }

    fn take(&self, number: u64, status: &Status, sums: BTreeMap<ModelId, Sums>) {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let lanes = status.models.iter().filter_map(|model| kept.lane(model)).collect();
        kept.asked = status.models.iter().map(|model| (key(model), model.access_count)).collect();
        let step = step(status, lanes, &sums);
        kept.rate(number, sums);
        kept.ring.add(number, step);
    }

    /// Returns the steps from a number on.
    pub fn after(&self, since: Option<u64>) -> Hour {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = kept.ring.after(since, &self.0.run, 0);
        // The end of the last step, on the wall clock of now.
        let ended = Duration::from_secs(hour.next.saturating_mul(STEP_SECONDS));
        let ago = self.0.began.elapsed().saturating_sub(ended).as_secs();
        let ahead = ended.saturating_sub(self.0.began.elapsed()).as_secs();
        let now = clock::now().millis().checked_div(1_000).unwrap_or(0);
        let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        Hour { end: now.saturating_sub(whole(ago)).saturating_add(whole(ahead)), ..hour }
    }

    /// Returns how fast models answer.
    pub fn rates(&self) -> BTreeMap<ModelId, Rate> {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.rates.iter().map(|(model, (_, rate))| (model.clone(), *rate)).collect()
    }
}

impl Kept {
    /// Returns what a server did; `None` for one that does not run.
    fn lane(&self, model: &ModelStatus) -> Option<LaneStep> {
        let asked = self.asked.get(&key(model)).copied().unwrap_or(0);
        let state = match model.state.as_str() {
            "ready" if model.active_inference_count > 0 || model.access_count > asked => "busy",
            "ready" => "ready",
            "queued" => "queued",
            "starting" => "starting",
            "stopping" => "stopping",
            "backoff" => "backoff",
            "failed" => "failed",
            _ => return None,
        };
        let kind = match model.kind.as_str() {
            "model" if model.purpose == "main" => "model",
            "service" => "service",
            // Vectors have the lane of their model, and a reservation does nothing.
            _ => return None,
        };
        Some(LaneStep { id: ModelId(model.id.clone()), name: model.name.clone(), kind, state })
    }

    fn rate(&mut self, number: u64, sums: BTreeMap<ModelId, Sums>) {
        self.rates.retain(|_, (at, rate)| {
            rate.tokens_per_s = 0.0;
            number.saturating_sub(*at) <= STAYS
        });
        for (model, sums) in sums {
            let old = self.rates.get(&model).and_then(|(_, rate)| rate.first_p50_ms);
            let first_p50_ms = quantile(sums.first_token_ms, 0.5).or(old);
            self.rates.insert(model, (number, Rate { tokens_per_s: per_second(sums.tokens), first_p50_ms }));
        }
    }
}

fn key(model: &ModelStatus) -> String {
    format!("{}/{}", model.id, model.purpose)
}

fn step(status: &Status, lanes: Vec<LaneStep>, sums: &BTreeMap<ModelId, Sums>) -> Step {
    let devices = status.devices.iter().map(|device| {
        let used = device.total.zip(device.free).map(|(total, free)| total.saturating_sub(free));
        (device.device.clone(), used, device.total)
    });
    let times: Vec<u64> = sums.values().flat_map(|sums| sums.first_token_ms.iter().copied()).collect();
    let tokens = sums.values().fold(0u64, |sum, of| sum.saturating_add(of.tokens));
    Step {
        devices: devices.collect(),
        lanes,
        tokens_per_second: per_second(tokens),
        first_token_p50: quantile(times.clone(), 0.5),
        first_token_p95: quantile(times, 0.95),
        queued: status.models.iter().fold(0, |sum, model| sum.saturating_add(model.queued)),
    }
}

fn per_second(count: u64) -> f32 {
    count as f32 / STEP_SECONDS as f32
}

/// Returns the value below which a share of the values is.
fn quantile(mut values: Vec<u64>, share: f64) -> Option<f32> {
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    // A place within the list, which is short.
    let at = (last as f64 * share).ceil() as usize;
    values.get(at).map(|value| *value as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_values_are_at_or_below_the_median() {
        assert_eq!(quantile(Vec::new(), 0.5), None);
        assert_eq!(quantile(vec![7], 0.95), Some(7.0));
        assert_eq!((quantile(vec![3, 1, 2], 0.5), quantile((1..=100).collect(), 0.95)), (Some(2.0), Some(96.0)));
    }

    #[test]
    fn how_fast_a_model_was_is_known_for_a_minute() {
        let (mut kept, model) = (Kept::default(), ModelId("a".into()));
        let sums = |tokens, first_token_ms| BTreeMap::from([(model.clone(), Sums { tokens, first_token_ms })]);
        let rate = |kept: &Kept| kept.rates.get(&model).map(|(_, rate)| *rate);
        kept.rate(1, sums(50, vec![200]));
        assert_eq!(rate(&kept), Some(Rate { tokens_per_s: 10.0, first_p50_ms: Some(200.0) }));
        kept.rate(2, sums(5, vec![]));
        assert_eq!(rate(&kept), Some(Rate { tokens_per_s: 1.0, first_p50_ms: Some(200.0) }));
        kept.rate(3, BTreeMap::new());
        assert_eq!(rate(&kept), Some(Rate { tokens_per_s: 0.0, first_p50_ms: Some(200.0) }));
        kept.rate(15, BTreeMap::new());
        assert_eq!(rate(&kept), None);
    }
}

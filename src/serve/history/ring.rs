//! The last hour in steps: series with a value for each step, and lanes with the states of servers one after the other.

use crate::model::ModelId;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// Seconds of a step, and the steps of an hour.
pub const STEP_SECONDS: u64 = 5;
pub const STEPS: usize = 720;

/// The servers and devices that have a lane or a series. With them the hour takes less than 8 MB.
const LANES: usize = 160;
const DEVICES: usize = 64;

/// What was seen at one step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// Bytes that are used, and all, by device.
    pub devices: Vec<(String, Option<u64>, Option<u64>)>,
    pub lanes: Vec<LaneStep>,
    pub tokens_per_second: f32,
    /// Milliseconds.
    pub first_token_p50: Option<f32>,
    pub first_token_p95: Option<f32>,
    pub queued: u32,
}

/// What one server did at one step.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneStep {
    pub id: ModelId,
    pub name: String,
    pub kind: &'static str,
    pub state: &'static str,
}

/// The steps that are kept, the newest last.
#[derive(Debug, Default)]
pub struct Ring {
    /// The number of the step after the last one.
    next: u64,
    devices: BTreeMap<String, Device>,
    lanes: BTreeMap<ModelId, Lane>,
    tokens_per_second: Series<f32>,
    first_token_p50: Series<f32>,
    first_token_p95: Series<f32>,
    queued: Series<u32>,
}

/// A value for each step, at the end of those that are kept. A step without one has none.
type Series<T> = VecDeque<Option<T>>;

#[derive(Debug, Default)]
struct Device {
    total: Option<u64>,
    used: Series<u64>,
}

#[derive(Debug)]
struct Lane {
    name: String,
    kind: &'static str,
    runs: VecDeque<Run>,
}

/// A state that lasted from one step to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Run(pub u64, pub u64, pub &'static str);

/// The document of the steps from a number on.
#[derive(Debug, PartialEq, Serialize)]
pub struct Hour {
    pub schema: &'static str,
    /// Tells the numbers of this run of the daemon from those of another.
    pub run: String,
    pub step_seconds: u64,
    /// The numbers of the first step and of the one after the last.
    pub first: u64,
    pub next: u64,
    /// When the last step ended, in seconds since 1970.
    pub end: i64,
    pub devices: Vec<DeviceHour>,
    pub tokens_per_second: Vec<Option<f32>>,
    pub first_token_p50_ms: Vec<Option<f32>>,
    pub first_token_p95_ms: Vec<Option<f32>>,
    pub queued: Vec<Option<u32>>,
    pub lanes: Vec<LaneHour>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct DeviceHour {
    pub device: String,
    pub total: Option<u64>,
    pub used: Vec<Option<u64>>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LaneHour {
    pub id: ModelId,
    pub name: String,
    pub kind: &'static str,
    pub runs: Vec<Run>,
}

impl Ring {
    /// Adds what was seen at a step. Steps before it that nobody has seen have no values.
    pub fn add(&mut self, number: u64, step: Step) {
        // A second look at one step says nothing new.
        if number < self.next {
            return;
        }
        let missed = usize::try_from(number.saturating_sub(self.next)).unwrap_or(usize::MAX).min(STEPS);
        // Before the first step there is nothing to be missed.
        let missed = if self.next == 0 { 0 } else { missed };
        let rounded = |value: f32| (value * 10.0).round() / 10.0;
        push(&mut self.tokens_per_second, missed, Some(rounded(step.tokens_per_second)));
        push(&mut self.first_token_p50, missed, step.first_token_p50);
        push(&mut self.first_token_p95, missed, step.first_token_p95);
        push(&mut self.queued, missed, Some(step.queued));
        let mut seen: BTreeMap<String, (Option<u64>, Option<u64>)> =
            step.devices.into_iter().map(|(device, used, total)| (device, (used, total))).collect();
        for (name, device) in &mut self.devices {
            let (used, total) = seen.remove(name).unwrap_or_default();
            push(&mut device.used, missed, used);
            device.total = total.or(device.total);
        }
        for (name, (used, total)) in seen {
            if self.devices.len() < DEVICES {
                self.devices.insert(name, Device { total, used: VecDeque::from([used]) });
            }
        }
        self.devices.retain(|_, device| device.used.iter().any(Option::is_some));
        self.next = number.saturating_add(1);
        let first = self.first();
        for lane in self.lanes.values_mut() {
            while lane.runs.front().is_some_and(|run| run.1 <= first) {
                lane.runs.pop_front();
            }
        }
        for lane in step.lanes {
            self.extend(number, lane);
        }
        self.lanes.retain(|_, lane| !lane.runs.is_empty());
    }

    fn extend(&mut self, number: u64, step: LaneStep) {
        if self.lanes.len() >= LANES && !self.lanes.contains_key(&step.id) {
            return;
        }
        let LaneStep { id, name, kind, state } = step;
        let lane = self.lanes.entry(id).or_insert_with(|| Lane { name: String::new(), kind, runs: VecDeque::new() });
        lane.name = name;
        let next = number.saturating_add(1);
        match lane.runs.back_mut() {
            Some(run) if run.1 == number && run.2 == state => run.1 = next,
            _ => lane.runs.push_back(Run(number, next, state)),
        }
    }

    fn first(&self) -> u64 {
        self.next.saturating_sub(u64::try_from(self.queued.len()).unwrap_or(0))
    }

    /// Returns the steps from `since` on, as far as they are kept. `end` is when the last one ended.
    pub fn after(&self, since: Option<u64>, run: &str, end: i64) -> Hour {
        let first = since.unwrap_or(0).clamp(self.first(), self.next);
        let wanted = usize::try_from(self.next.saturating_sub(first)).unwrap_or(STEPS);
        let lane = |(id, lane): (&ModelId, &Lane)| {
            let runs = lane.runs.iter().filter(|run| run.1 > first).map(|run| Run(run.0.max(first), run.1, run.2));
            let runs: Vec<Run> = runs.collect();
            (!runs.is_empty()).then(|| LaneHour { id: id.clone(), name: lane.name.clone(), kind: lane.kind, runs })
        };
        Hour {
            schema: "modelctl.history/1",
            run: run.to_owned(),
            step_seconds: STEP_SECONDS,
            first,
            next: self.next,
            end,
            devices: self
                .devices
                .iter()
                .map(|(name, device)| DeviceHour {
                    device: name.clone(),
                    total: device.total,
                    used: last(&device.used, wanted),
                })
                .collect(),
            tokens_per_second: last(&self.tokens_per_second, wanted),
            first_token_p50_ms: last(&self.first_token_p50, wanted),
            first_token_p95_ms: last(&self.first_token_p95, wanted),
            queued: last(&self.queued, wanted),
            lanes: self.lanes.iter().filter_map(lane).collect(),
        }
    }
}

fn push<T>(series: &mut Series<T>, missed: usize, value: Option<T>) {
    series.extend(std::iter::repeat_with(|| None).take(missed));
    series.push_back(value);
    let more = series.len().saturating_sub(STEPS);
    series.drain(..more);
}

/// Returns the last values; steps before the first one have none.
fn last<T: Copy>(series: &Series<T>, wanted: usize) -> Vec<Option<T>> {
    let missing = wanted.saturating_sub(series.len());
    let skip = series.len().saturating_sub(wanted);
    std::iter::repeat_n(None, missing).chain(series.iter().skip(skip).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(id: &str, state: &'static str) -> LaneStep {
        LaneStep { id: ModelId(id.into()), name: id.to_uppercase(), kind: "model", state }
    }

    fn step(lanes: Vec<LaneStep>, queued: u32) -> Step {
        Step { devices: vec![("CPU".into(), Some(u64::from(queued)), Some(9))], lanes, queued, ..Step::default() }
    }

    /// Whoever opens the page now sees what was: when a model was loaded, busy, and gone.
    #[test]
    fn states_become_runs_and_what_is_new_can_be_asked_for_alone() {
        let mut ring = Ring::default();
        assert_eq!((ring.after(None, "r", 0).next, ring.after(None, "r", 0).lanes.len()), (0, 0));
        ring.add(10, step(vec![lane("a", "starting")], 1));
        ring.add(11, step(vec![lane("a", "ready")], 2));
        ring.add(12, step(vec![lane("a", "ready"), lane("b", "failed")], 3));
        // Two steps were missed: the machine slept.
        ring.add(15, step(vec![lane("a", "ready")], 4));
        ring.add(15, step(vec![lane("a", "failed")], 9));
        let hour = ring.after(None, "r", 80);
        assert_eq!((hour.first, hour.next, hour.end, hour.run.as_str()), (10, 16, 80, "r"));
        assert_eq!(hour.queued, [Some(1), Some(2), Some(3), None, None, Some(4)]);
        assert_eq!(hour.devices[0].used.len(), 6);
        assert_eq!(hour.lanes[0].runs, [Run(10, 11, "starting"), Run(11, 13, "ready"), Run(15, 16, "ready")]);
        assert_eq!((hour.lanes[1].name.as_str(), &hour.lanes[1].runs[..]), ("B", &[Run(12, 13, "failed")][..]));
        let rest = ring.after(Some(12), "r", 80);
        assert_eq!((rest.first, rest.queued.len(), rest.devices[0].used.len()), (12, 4, 4));
        assert_eq!(rest.lanes[0].runs, [Run(12, 13, "ready"), Run(15, 16, "ready")]);
        let none = ring.after(Some(99), "r", 80);
        assert_eq!((none.first, none.next, none.queued.len(), none.lanes.len()), (16, 16, 0, 0));
    }

    #[test]
    fn an_hour_is_kept_and_nothing_of_what_is_over() {
        let mut ring = Ring::default();
        for number in 0..2_000 {
            let id = if number < 1_000 { "old" } else { "new" };
            let mut seen = step(vec![lane(id, "ready")], 1);
            if number == 3 {
                seen.devices.push(("CUDA0".into(), Some(1), None));
            }
            ring.add(number, seen);
        }
        let hour = ring.after(None, "r", 0);
        assert_eq!((hour.first, hour.next, hour.queued.len()), (1_280, 2_000, STEPS));
        assert_eq!((hour.lanes.len(), &hour.lanes[0].runs[..]), (1, &[Run(1_280, 2_000, "ready")][..]));
        assert_eq!(hour.devices.len(), 1, "a device that is not there any more leaves no series");
        ring.add(9_000, step(Vec::new(), 1));
        assert_eq!((ring.queued.len(), ring.lanes.len()), (STEPS, 0));
    }

    /// A daemon that runs for months would otherwise need more memory for its page than for its work.
    #[test]
    fn the_worst_hour_takes_less_than_8_mb() {
        let mut ring = Ring::default();
        for number in 0..1_000_u64 {
            let states = ["ready", "busy"];
            let lanes = (0..400).map(|n| lane(&format!("{n:012}"), states[usize::try_from(number % 2).unwrap()]));
            let devices = (0..100).map(|n| (format!("CUDA{n}"), Some(n), Some(n))).collect();
            ring.add(number, Step { devices, lanes: lanes.collect(), ..Step::default() });
        }
        let runs: usize = ring.lanes.values().map(|lane| lane.runs.capacity() * size_of::<Run>()).sum();
        let devices: usize =
            ring.devices.values().map(|device| device.used.capacity() * size_of::<Option<u64>>()).sum();
        assert_eq!((ring.lanes.len(), ring.devices.len()), (LANES, DEVICES));
        assert!(runs + devices < 8 << 20, "{} bytes", runs + devices);
    }
}

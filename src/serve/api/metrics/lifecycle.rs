//! Figures of the lifecycle, taken from its status whenever they are asked for.

use super::labels::{Decision, InState, OfKind, OfModelOn, OnDevice};
use crate::model::lifecycle::{ModelStatus, Status};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

type Number = Gauge<f64, AtomicU64>;

/// The most models that have figures of their own; the largest come first.
pub const MODELS: usize = 200;

const STATES: [&str; 7] = ["stopped", "queued", "starting", "ready", "stopping", "backoff", "failed"];

/// Figures of the lifecycle.
#[derive(Debug)]
pub struct Lifecycle {
    servers: Family<InState, Gauge>,
    model_bytes: Family<OfModelOn, Gauge>,
    device_bytes: Family<OnDevice, Gauge>,
    pressure: Family<OfKind, Gauge>,
    pressure_value: Family<OfKind, Number>,
    throttle: Number,
    paused: Gauge,
    swap_queue: Gauge,
    restarts_pending: Gauge,
    longest_step: Number,
    decisions: Family<Decision, Counter>,
}

impl Lifecycle {
    pub fn register(registry: &mut Registry) -> Lifecycle {
        let figures = Lifecycle {
            servers: Family::default(),
            model_bytes: Family::default(),
            device_bytes: Family::default(),
            pressure: Family::default(),
            pressure_value: Family::default(),
            throttle: Number::default(),
            paused: Gauge::default(),
            swap_queue: Gauge::default(),
            restarts_pending: Gauge::default(),
            longest_step: Number::default(),
            decisions: Family::default(),
        };
        registry.register("servers", "Servers by state and device", figures.servers.clone());
        registry.register_with_unit("model", "Memory of a model", Unit::Bytes, figures.model_bytes.clone());
        registry.register_with_unit(
            "device",
            "Memory of a device: total, free, held by our servers, by others, and reserved for programs",
            Unit::Bytes,
            figures.device_bytes.clone(),
        );
        registry.register("pressure", "Whether there is too little of it", figures.pressure.clone());
        registry.register(
            "pressure_value",
            "Percent used; bytes that are free for a disk",
            figures.pressure_value.clone(),
        );
        registry.register("throttle_factor", "Share of the slots that queued tasks use", figures.throttle.clone());
        registry.register("lifecycle_paused", "Whether the lifecycle is paused", figures.paused.clone());
        registry.register("swap_queue", "Servers that come back after a swap", figures.swap_queue.clone());
        registry.register("restarts_pending", "Servers that restart after a pause", figures.restarts_pending.clone());
        registry.register_with_unit(
            "lifecycle_longest_step",
            "The longest step of the deciding loop",
            Unit::Seconds,
            figures.longest_step.clone(),
        );
        registry.register("decisions", "Decisions of the lifecycle", figures.decisions.clone());
        figures
    }

    /// Takes the figures of a status.
    pub fn take(&self, status: &Status) {
        self.servers.clear();
        for state in STATES {
            let of = |model: &&ModelStatus| model.state == state;
            // Every state has a row, so that its absence is no gap.
            self.servers.get_or_create(&InState { state, device: "none".to_owned() }).set(0);
            for model in status.models.iter().filter(of) {
                let device = model.device.clone().unwrap_or_else(|| "none".to_owned());
                self.servers.get_or_create(&InState { state, device }).inc();
            }
        }
        self.model_bytes.clear();
        let mut held: Vec<_> = status.models.iter().flat_map(|m| m.bytes.iter().map(move |b| (m, b))).collect();
        held.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.bytes));
        for (model, bytes) in held.into_iter().take(MODELS) {
            let of = OfModelOn { model: model.name.clone(), device: bytes.device.clone() };
            self.model_bytes.get_or_create(&of).inc_by(number(bytes.bytes));
        }
        self.device_bytes.clear();
        for device in &status.devices {
            let sums = [
                ("total", device.total),
                ("free", device.free),
                ("ours", Some(device.ours)),
                ("external", Some(device.external)),
                ("reserved", Some(device.reserved)),
            ];
            // What is not known has no row.
            for (what, bytes) in sums {
                let Some(bytes) = bytes else { continue };
                let of = OnDevice { device: device.device.clone(), what };
                self.device_bytes.get_or_create(&of).set(number(bytes));
            }
        }
        self.pressure_value.clear();
        for pressure in &status.pressures {
            let of = OfKind { kind: pressure.kind.name() };
            self.pressure.get_or_create(&of).set(i64::from(pressure.is_high));
            if let Some(value) = pressure.value {
                self.pressure_value.get_or_create(&of).set(value);
            }
        }
        self.throttle.set(status.throttle_factor);
        self.paused.set(i64::from(status.paused));
        self.swap_queue.set(count(status.swap_queue.len()));
        self.restarts_pending.set(count(status.restart_pending.len()));
        self.longest_step.set(status.longest_step_ms / 1_000.0);
        self.decisions.clear();
        for (what, count) in &status.decision_counts {
            self.decisions.get_or_create(&Decision { what: what.clone() }).inc_by(*count);
        }
    }
}

fn number(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

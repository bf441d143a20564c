//! Figures for Prometheus. Their names are stable, and listed in docs/serve.md and in the manual page of `serve`.

mod labels;
mod lifecycle;
mod names;
mod requests;

pub use names::METRICS;

use super::Api;
use crate::lifecycle::{Class, KeyKind};
use crate::ops::OpEvent;
use crate::queue::executor::ExecutorEvent;
use crate::serve::control::{Control, EventReader, Numbered, Server};
use crate::serve::gateway::Records;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use labels::{Asked, CrashClass, Outcome, Reason, Waiting};
use lifecycle::{Lifecycle, MODELS};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use requests::{Requests, times};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most rows of requests; the rest is summed up under [`OTHER`].
const ASKED: usize = 500;
/// The name of all models that have no figures of their own.
const OTHER: &str = "other";
/// The time that the deciding task has for its status.
const STATUS: Duration = Duration::from_secs(2);
/// The most tasks whose time is measured at once.
const TASKS: usize = 10_000;

/// The figures that `/metrics` reports.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// The requests that the gateway has counted.
    records: Records,
    requests: Family<Asked, Counter>,
    loads: Family<Outcome, Counter>,
    load_time: Histogram,
    evictions: Family<Reason, Counter>,
    restarts: Family<CrashClass, Counter>,
    swaps: Counter,
    queue_depth: Family<Waiting, Gauge>,
    running: Gauge,
    task_time: Histogram,
    started: Mutex<HashMap<u64, Instant>>,
    lifecycle: Lifecycle,
}

/// A server, as its events name it: the id of its model and its purpose.
type Of = (Option<Value>, Option<Value>);

/// What earlier events have said of servers.
#[derive(Debug, Default)]
struct Servers {
    in_memory: HashSet<Of>,
    /// The classes of the last crashes.
    crashes: HashMap<Of, String>,
}

impl Metrics {
    pub fn new(records: Records) -> Metrics {
        let mut registry = Registry::with_prefix("modelctl");
        let of_requests = Requests::register(&mut registry);
        records.observe(move |record| of_requests.observe(record));
        let metrics = Metrics {
            lifecycle: Lifecycle::register(&mut registry),
            records,
            requests: Family::default(),
            loads: Family::default(),
            load_time: times(),
            evictions: Family::default(),
            restarts: Family::default(),
            swaps: Counter::default(),
            queue_depth: Family::default(),
            running: Gauge::default(),
            task_time: times(),
            started: Mutex::default(),
            registry: Registry::default(),
        };
        // The encoder adds `_total` to the names of counters.
        registry.register("requests", "Answered requests", metrics.requests.clone());
        registry.register("model_loads", "Loads of models", metrics.loads.clone());
        registry.register_with_unit("model_load", "Time of loads", Unit::Seconds, metrics.load_time.clone());
        registry.register("evictions", "Servers that were stopped without a person", metrics.evictions.clone());
        registry.register("restarts", "Restarts after a crash, by its class", metrics.restarts.clone());
        registry.register("swaps", "Swaps of one server for others", metrics.swaps.clone());
        registry.register("queue_depth", "Requests that wait for a server, by class", metrics.queue_depth.clone());
        registry.register("requests_running", "Requests that servers are answering", metrics.running.clone());
        registry.register_with_unit("task", "Time of queued tasks", Unit::Seconds, metrics.task_time.clone());
        for outcome in ["loaded", "failed"] {
            drop(metrics.loads.get_or_create(&Outcome { outcome }));
        }
        for reason in ["evicted", "idle", "pressure"] {
            drop(metrics.evictions.get_or_create(&Reason { reason: reason.to_owned() }));
        }
        Metrics { registry, ..metrics }
    }

    pub(super) fn records(&self) -> &Records {
        &self.records
    }

    /// Counts loads, evictions and restarts by the events of the servers, until the daemon ends.
    pub async fn follow(self: Arc<Self>, mut events: EventReader) {
        let mut servers = Servers::default();
        loop {
            let event = events.next().await;
            self.count(&event, &mut servers);
        }
    }

    fn count(&self, event: &Numbered, servers: &mut Servers) {
        let Servers { in_memory, crashes } = servers;
        let fields = &event.happening.fields;
        let of = (fields.get("model_id").cloned(), fields.get("purpose").cloned());
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match event.happening.event {
            "model.loaded" | "service.loaded" => {
                in_memory.insert(of);
                self.loaded("loaded");
                if let Some(time) = fields.get("load_time_seconds").and_then(Value::as_f64) {
                    self.load_time.observe(time);
                }
            }
            "model.crash" | "service.crash" => {
                // A server that ended before it was ready.
                if !in_memory.remove(&of) {
                    self.loaded("failed");
                }
                crashes.insert(of, text("crash_type"));
            }
            "model.restarted" | "service.restarted" => {
                let class = crashes.remove(&of).unwrap_or_default();
                self.restarts.get_or_create(&CrashClass { class }).inc();
            }
            "model.unloaded" | "service.unloaded" => {
                in_memory.remove(&of);
                let reason = text("reason");
                if matches!(reason.as_str(), "evicted" | "idle" | "pressure") {
                    self.evictions.get_or_create(&Reason { reason }).inc();
                }
            }
            "model.swapped" | "service.swapped" => {
                self.swaps.inc();
            }
            _ => {}
        }
    }

    fn loaded(&self, outcome: &'static str) {
        self.loads.get_or_create(&Outcome { outcome }).inc();
    }

    /// Measures queued tasks by the events of the executor.
    pub fn task(&self, event: &OpEvent) {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            OpEvent::Task(ExecutorEvent::Started { id }) if started.len() < TASKS => {
                started.insert(id.0, crate::clock::instant());
            }
            OpEvent::Task(ExecutorEvent::Ended { id, .. }) => {
                if let Some(at) = started.remove(&id.0) {
                    self.task_time.observe(at.elapsed().as_secs_f64());
                }
            }
            // What was given back or lost has no end of its own.
            OpEvent::RunEnded(_) => started.clear(),
            _ => {}
        }
    }

    /// Returns the figures as text, with the states of the servers as they are now.
    pub(super) async fn text(&self, control: &Control) -> String {
        if let Ok(Ok(status)) = tokio::time::timeout(STATUS, control.status()).await {
            self.lifecycle.take(&status);
        }
        let mut waiting: BTreeMap<String, [u32; 3]> = BTreeMap::new();
        let servers = control.servers();
        // Memory that is reserved for another program answers no requests.
        let is_server = |server: &&Server| !matches!(server.view.key.kind(), KeyKind::Headroom(_));
        for server in servers.iter().filter(is_server) {
            let depths = waiting.entry(server.view.name.clone()).or_default();
            for (depth, more) in depths.iter_mut().zip(server.view.waiting) {
                *depth = depth.saturating_add(more);
            }
        }
        let mut waiting: Vec<_> = waiting.into_iter().collect();
        waiting.sort_by_key(|(_, depths)| std::cmp::Reverse(depths.iter().copied().fold(0, u32::saturating_add)));
        let running = servers.iter().map(|server| i64::from(server.view.in_flight)).fold(0, i64::saturating_add);
        self.running.set(running);
        // Models that are gone leave no row.
        self.queue_depth.clear();
        for (at, (model, depths)) in waiting.into_iter().enumerate() {
            for (class, depth) in Class::ALL.into_iter().zip(depths) {
                let model = if at < MODELS { model.clone() } else { OTHER.to_owned() };
                self.queue_depth.get_or_create(&Waiting { model, class: class.name() }).inc_by(i64::from(depth));
            }
        }
        self.requests.clear();
        let mut counts = self.records.counts();
        counts.sort_by_key(|count| std::cmp::Reverse(count.count));
        for (at, count) in counts.into_iter().enumerate() {
            let model = if at < ASKED { count.model } else { OTHER.to_owned() };
            let asked = Asked { model, endpoint: count.endpoint.name(), status: count.status };
            self.requests.get_or_create(&asked).inc_by(count.count);
        }
        let mut out = String::new();
        // Writing to a String cannot fail.
        text::encode(&mut out, &self.registry).unwrap_or(());
        out
    }
}

/// `GET /metrics`
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let mut response = api.metrics.text(&api.control).await.into_response();
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

//! Figures for Prometheus.

use super::Api;
use crate::serve::control::{Control, EventReader};
use crate::serve::gateway::Records;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The figures that `/metrics` reports.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// The requests that the gateway has counted.
    records: Records,
    requests: Family<Asked, Counter>,
    loads: Family<Outcome, Counter>,
    evictions: Counter,
    servers: Family<InState, Gauge>,
    queue_depth: Family<OfModel, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    model: String,
    endpoint: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfModel {
    model: String,
}

const STATES: [&str; 6] = ["queued", "starting", "ready", "stopping", "backoff", "failed"];

impl Metrics {
    pub fn new(records: Records) -> Metrics {
        let mut registry = Registry::with_prefix("modelctl");
        let metrics = (
            Family::<Asked, Counter>::default(),
            Family::<Outcome, Counter>::default(),
            Counter::default(),
            Family::<InState, Gauge>::default(),
            Family::<OfModel, Gauge>::default(),
        );
        let (requests, loads, evictions, servers, queue_depth) = metrics;
        // The encoder adds `_total` to the names of counters.
        registry.register("requests", "Answered requests", requests.clone());
        registry.register("model_loads", "Loads of models", loads.clone());
        registry.register("evictions", "Servers stopped because another model needed their memory", evictions.clone());
        registry.register("servers", "Servers by state", servers.clone());
        registry.register("queue_depth", "Requests that wait for a server", queue_depth.clone());
        for outcome in ["loaded", "failed"] {
            drop(loads.get_or_create(&Outcome { outcome }));
        }
        Metrics { registry, records, requests, loads, evictions, servers, queue_depth }
    }

    /// Counts loads and evictions by the events of the servers, until the daemon ends.
    pub async fn follow(self: Arc<Self>, mut events: EventReader) {
        let mut in_memory = HashSet::new();
        loop {
            let event = events.next().await;
            let fields = &event.happening.fields;
            let of = (fields.get("model_id").cloned(), fields.get("purpose").cloned());
            match event.happening.event {
                "model.loaded" => {
                    in_memory.insert(of);
                    self.loaded("loaded");
                }
                // A server that ended before it was ready.
                "model.crash" if !in_memory.remove(&of) => self.loaded("failed"),
                "model.unloaded" => {
                    in_memory.remove(&of);
                    if fields.get("reason").is_some_and(|reason| reason == "evicted") {
                        self.evictions.inc();
                    }
                }
                _ => {}
            }
        }
    }

    fn loaded(&self, outcome: &'static str) {
        self.loads.get_or_create(&Outcome { outcome }).inc();
    }

    /// Returns the figures as text, with the states of the servers as they are now.
    pub(super) fn text(&self, control: &Control) -> String {
        let servers = control.servers();
        let mut waiting: BTreeMap<String, i64> = BTreeMap::new();
        for state in STATES {
            let count = servers.iter().filter(|server| server.view.phase.name() == state).count();
            self.servers.get_or_create(&InState { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        for server in servers.iter() {
            let depth = waiting.entry(server.view.name.clone()).or_default();
            *depth = depth.saturating_add(i64::from(server.view.queued));
        }
        // Models that are gone leave no row.
        self.queue_depth.clear();
        for (model, depth) in waiting {
            self.queue_depth.get_or_create(&OfModel { model }).set(depth);
        }
        self.requests.clear();
        for count in self.records.counts() {
            let asked = Asked { model: count.model, endpoint: count.endpoint.name(), status: count.status };
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
    let mut response = api.metrics.text(&api.control).into_response();
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

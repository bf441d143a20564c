//! What the live stream of the daemon says: all rows at first, then those that change.

use super::EventRow;
use crate::model::DeviceBytes;
use crate::model::lifecycle::{
    Decision, DeviceStatus, External, Mode, NodeTier, Pressure, Priority, Readings, RestartPending, SwapEntry,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Events, decisions and requests that are kept: the oldest leave without being told of.
const EVENTS: usize = 300;
const DECISIONS: usize = 200;
const REQUESTS: usize = 200;

/// One message of the stream.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct LiveNews {
    /// Whether it holds all rows, so that others are gone.
    #[serde(skip)]
    pub is_snapshot: bool,
    /// The time of the daemon, RFC 3339.
    pub now: String,
    /// Rows by their name: `group`, or `group/key`.
    pub set: Map<String, Value>,
    pub gone: Vec<String>,
}

/// The daemon itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LiveDaemon {
    pub host: String,
    pub version: String,
    pub pid: u32,
    pub started_at: String,
    pub node_tier: Option<NodeTier>,
}

/// What is known of the machine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LiveMachine {
    pub devices: Vec<DeviceStatus>,
    pub pressures: Vec<Pressure>,
    pub throttle_factor: f64,
    pub readings: Option<Readings>,
    pub swap_queue: Vec<SwapEntry>,
    pub restart_pending: Vec<RestartPending>,
    pub paused: bool,
}

/// A model of the database.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LiveModel {
    pub id: String,
    pub name: String,
    pub alias: Option<String>,
    pub store: String,
    pub family: Option<String>,
    pub quant: Option<String>,
    pub tier: Option<String>,
    pub size_bytes: u64,
    /// As in `list`.
    pub state: String,
    pub reason: Option<String>,
    pub enabled: bool,
    pub pinned: bool,
    /// Whether requests are answered with it.
    pub served: bool,
    pub last_used: Option<String>,
}

/// A server, service or reservation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LiveServer {
    /// The id of the model, followed by `/vectors` for a second server.
    pub key: String,
    pub model_id: String,
    pub purpose: String,
    /// `model`, `service`, `headroom`.
    pub kind: String,
    pub name: String,
    pub state: String,
    /// 0 to 1, while it starts.
    pub progress: Option<f64>,
    pub ready_at: Option<String>,
    pub retry_at: Option<String>,
    pub expires_at: Option<String>,
    pub pid: Option<u32>,
    pub port: Option<u16>,
    pub engine: Option<String>,
    pub device: Option<String>,
    pub mode: Option<Mode>,
    pub gpu_layers: Option<u32>,
    pub mode_reason: Option<String>,
    pub context: Option<u32>,
    pub slots: Option<u32>,
    pub in_flight: u32,
    pub queued: u32,
    /// What it may take, by device.
    pub bytes: Vec<DeviceBytes>,
    /// What its process holds, as measured.
    pub memory_used_bytes: Option<u64>,
    pub priority: Option<Priority>,
    pub pinned: bool,
    pub last_access: Option<String>,
    pub crash_count: u32,
    pub last_error: Option<String>,
    pub last_log: Option<String>,
}

/// How fast a model has answered of late.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct LiveRate {
    pub tokens_per_s: f32,
    pub first_p50_ms: Option<f32>,
}

/// A request, without texts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LiveRequest {
    pub number: u64,
    pub began: String,
    /// `waiting`, `answering`, `ended`.
    pub state: String,
    pub endpoint: String,
    pub model: String,
    pub class: String,
    pub client: String,
    pub status: u16,
    pub waited_ms: u64,
    pub first_token_ms: Option<u64>,
    pub took_ms: u64,
    pub completion_tokens: Option<u64>,
    pub tokens_per_second: Option<f64>,
    pub finish: String,
}

/// All rows as the stream has said them last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LiveRows {
    /// The time of the daemon at the last message, RFC 3339.
    pub now: String,
    pub daemon: Option<LiveDaemon>,
    pub machine: Option<LiveMachine>,
    pub models: BTreeMap<String, LiveModel>,
    pub servers: BTreeMap<String, LiveServer>,
    pub rates: BTreeMap<String, LiveRate>,
    pub externals: BTreeMap<String, External>,
    pub requests: BTreeMap<String, LiveRequest>,
    pub decisions: BTreeMap<String, Decision>,
    pub events: BTreeMap<String, EventRow>,
    /// A row that could not be read, and why: the daemon is of another version.
    pub unread: Option<String>,
}

impl LiveRows {
    /// Takes a message.
    pub fn take(&mut self, news: LiveNews) {
        if news.is_snapshot {
            *self = LiveRows::default();
        }
        self.now = news.now;
        for (name, row) in news.set {
            if let Err(error) = self.set(&name, row) {
                self.unread = Some(format!("{name}: {error}"));
            }
        }
        for name in &news.gone {
            self.remove(name);
        }
        keep(&mut self.events, EVENTS);
        keep(&mut self.decisions, DECISIONS);
        keep(&mut self.requests, REQUESTS);
    }

    fn set(&mut self, name: &str, row: Value) -> serde_json::Result<()> {
        let (group, key) = name.split_once('/').unwrap_or((name, ""));
        match group {
            "daemon" => self.daemon = Some(serde_json::from_value(row)?),
            "machine" => self.machine = Some(serde_json::from_value(row)?),
            "model" => put(&mut self.models, key, row)?,
            "server" => put(&mut self.servers, key, row)?,
            "rate" => put(&mut self.rates, key, row)?,
            "external" => put(&mut self.externals, key, row)?,
            "request" => put(&mut self.requests, key, row)?,
            "decision" => put(&mut self.decisions, key, row)?,
            "event" => put(&mut self.events, key, row)?,
            // A group of a newer daemon.
            _ => {}
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) {
        let (group, key) = name.split_once('/').unwrap_or((name, ""));
        match group {
            "daemon" => self.daemon = None,
            "machine" => self.machine = None,
            "model" => drop(self.models.remove(key)),
            "server" => drop(self.servers.remove(key)),
            "rate" => drop(self.rates.remove(key)),
            "external" => drop(self.externals.remove(key)),
            "request" => drop(self.requests.remove(key)),
            "decision" => drop(self.decisions.remove(key)),
            "event" => drop(self.events.remove(key)),
            _ => {}
        }
    }
}

fn put<T: DeserializeOwned>(rows: &mut BTreeMap<String, T>, key: &str, row: Value) -> serde_json::Result<()> {
    rows.insert(key.to_owned(), serde_json::from_value(row)?);
    Ok(())
}

fn keep<T>(rows: &mut BTreeMap<String, T>, most: usize) {
    while rows.len() > most && rows.pop_first().is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn news(is_snapshot: bool, set: Value, gone: &[&str]) -> LiveNews {
        let Value::Object(set) = set else { panic!("an object") };
        let gone = gone.iter().map(|name| (*name).to_owned()).collect();
        LiveNews { is_snapshot, now: "2026-11-29T14:00:00Z".into(), set, gone }
    }

    fn event(id: u64) -> Value {
        json!({"id": id, "at": "2026-11-29T14:00:00.000Z", "event": "model.loaded", "model": "a"})
    }

    /// A view that missed a row that is gone would offer to stop a server that is not there.
    #[test]
    fn rows_come_change_and_go_and_a_snapshot_replaces_all() {
        let mut rows = LiveRows::default();
        let rate = |tokens: f32| json!({"tokens_per_s": tokens, "first_p50_ms": null});
        rows.take(news(
            true,
            json!({"rate/a": rate(1.0), "rate/b": rate(2.0), "other/x": 1, "event/1": event(1)}),
            &[],
        ));
        assert_eq!((rows.rates.len(), rows.events["1"].fields["model"].as_str()), (2, Some("a")));
        rows.take(news(false, json!({"rate/a": rate(3.0)}), &["rate/b", "event/9"]));
        assert_eq!((rows.rates["a"].tokens_per_s, rows.rates.len(), rows.events.len()), (3.0, 1, 1));
        rows.take(news(true, json!({}), &[]));
        assert_eq!((rows.rates.len(), rows.events.len(), &rows.unread), (0, 0, &None));
    }

    #[test]
    fn a_row_of_another_version_is_told_of_and_the_others_are_taken() {
        let mut rows = LiveRows::default();
        let all = json!({"rate/a": {"speed": 1}, "rate/b": {"tokens_per_s": 1.0, "first_p50_ms": null}});
        rows.take(news(true, all, &[]));
        assert!(rows.unread.as_ref().is_some_and(|why| why.starts_with("rate/a: missing field")), "{:?}", rows.unread);
        assert_eq!(rows.rates.len(), 1);
    }

    #[test]
    fn the_oldest_events_leave() {
        let mut rows = LiveRows::default();
        for id in 0..400 {
            rows.take(news(false, json!({format!("event/{id:012}"): event(id)}), &[]));
        }
        assert_eq!((rows.events.len(), rows.events.first_key_value().unwrap().1.id), (EVENTS, 100));
    }
}

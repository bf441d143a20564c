//! What happened to servers, as events for people and programs.

use super::Happening;
use crate::lifecycle::{KeyKind, Report, ServerKey, Unload};
use serde_json::json;
use std::time::Duration;

/// Returns the event of a report. `name` gives the names of models.
pub fn happening(report: &Report, name: &dyn Fn(&ServerKey) -> String) -> Happening {
    let happening = of_model(report, name);
    let (at, what) = match key(report).kind() {
        KeyKind::Model => return happening,
        KeyKind::Service(_) => (1, "service"),
        KeyKind::Headroom(_) => (2, "headroom"),
    };
    let names = NAMES.iter().find(|names| names.first() == Some(&happening.event));
    let event = names.and_then(|names| names.get(at)).copied().unwrap_or(happening.event);
    let fields = happening.fields.into_iter();
    // What is no model is not called one.
    let fields = fields.map(|(field, value)| (if field == "model" { what.to_owned() } else { field }, value));
    Happening { event, fields: fields.collect() }
}

/// The names of an event for a model, a service, and memory that is reserved.
const NAMES: [[&str; 3]; 6] = [
    ["model.loaded", "service.loaded", "headroom.reserved"],
    ["model.unloaded", "service.unloaded", "headroom.released"],
    ["model.crash", "service.crash", "headroom.failed"],
    ["model.restarted", "service.restarted", "headroom.reserved"],
    ["model.restart_exhausted", "service.restart_exhausted", "headroom.failed"],
    ["model.swapped", "service.swapped", "headroom.swapped"],
];

fn key(report: &Report) -> &ServerKey {
    match report {
        Report::Loaded { key, .. }
        | Report::Unloaded { key, .. }
        | Report::Crash { key, .. }
        | Report::Restarted { key, .. }
        | Report::RestartExhausted { key, .. }
        | Report::Swapped { to: key, .. } => key,
    }
}

fn of_model(report: &Report, name: &dyn Fn(&ServerKey) -> String) -> Happening {
    let of = |key: &ServerKey| json!({"model": name(key), "model_id": key.model, "purpose": key.purpose});
    let with = |key: &ServerKey, more: serde_json::Value| {
        let mut fields = of(key);
        if let (Some(fields), serde_json::Value::Object(more)) = (fields.as_object_mut(), more) {
            fields.extend(more);
        }
        fields
    };
    let seconds = |time: Duration| time.as_secs_f64();
    match report {
        Report::Loaded { key, took } => {
            Happening::new("model.loaded", with(key, json!({"load_time_seconds": seconds(*took)})))
        }
        Report::Unloaded { key, why } => {
            let (reason, by) = match why {
                Unload::Requested => ("requested", None),
                Unload::Idle => ("idle", None),
                Unload::Evicted { by } => ("evicted", Some(name(by))),
                Unload::Unwanted => ("unwanted", None),
                Unload::Reload => ("reload", None),
                Unload::Shutdown => ("shutdown", None),
            };
            Happening::new("model.unloaded", with(key, json!({"reason": reason, "evicted_by": by})))
        }
        Report::Crash { key, end, count, will_restart, retry_in } => Happening::new(
            "model.crash",
            with(
                key,
                json!({
                    "crash_type": end.class.name(),
                    "exit_code": end.exit_code,
                    "crash_count": count,
                    "will_restart": will_restart,
                    "retry_in_seconds": retry_in.map(seconds),
                    "reason": end.reason,
                }),
            ),
        ),
        Report::Restarted { key, count } => Happening::new("model.restarted", with(key, json!({"crash_count": count}))),
        Report::RestartExhausted { key, count } => {
            Happening::new("model.restart_exhausted", with(key, json!({"crash_count": count})))
        }
        Report::Swapped { to, evicted } => {
            let evicted: Vec<_> =
                evicted.iter().map(|key| json!({"model": name(key), "model_id": key.model})).collect();
            Happening::new("model.swapped", with(to, json!({"evicted": evicted})))
        }
    }
}

//! What happened to servers, as events for people and programs.

use super::Happening;
use crate::lifecycle::{KeyKind, Report, Seen, ServerKey, Unload};
use serde_json::json;
use std::time::Duration;

/// Returns the event of a report. `name` gives the names of models.
pub fn happening(report: &Report, name: &dyn Fn(&ServerKey) -> String) -> Happening {
    let happening = of_model(report, name);
    let (at, what) = match key(report).map(ServerKey::kind) {
        None | Some(KeyKind::Model) => return happening,
        Some(KeyKind::Service(_)) => (1, "service"),
        Some(KeyKind::Headroom(_)) => (2, "headroom"),
    };
    let names = NAMES.iter().find(|names| names.first() == Some(&happening.event));
    let event = names.and_then(|names| names.get(at)).copied().unwrap_or(happening.event);
    let fields = happening.fields.into_iter();
    // What is no model is not called one.
    let fields = fields.map(|(field, value)| (if field == "model" { what.to_owned() } else { field }, value));
    Happening { event, fields: fields.collect() }
}

/// The names of an event for a model, a service, and memory that is reserved.
const NAMES: [[&str; 3]; 13] = [
    ["model.loaded", "service.loaded", "headroom.reserved"],
    ["model.unloaded", "service.unloaded", "headroom.released"],
    ["model.crash", "service.crash", "headroom.failed"],
    ["model.restarted", "service.restarted", "headroom.reserved"],
    ["model.restart_exhausted", "service.restart_exhausted", "headroom.failed"],
    ["model.swapped", "service.swapped", "headroom.swapped"],
    ["model.failed", "service.failed", "headroom.failed"],
    ["model.downgraded", "service.downgraded", "headroom.downgraded"],
    ["model.upgraded", "service.upgraded", "headroom.upgraded"],
    ["model.health_unknown", "service.health_unknown", "headroom.health_unknown"],
    ["model.swap_dropped", "service.swap_dropped", "headroom.swap_dropped"],
    ["model.swap_held", "service.swap_held", "headroom.swap_held"],
    ["model.below_tier", "service.below_tier", "headroom.below_tier"],
];

/// Returns the server that a report is about; `None`: the machine, or a server of others.
fn key(report: &Report) -> Option<&ServerKey> {
    match report {
        Report::Loaded { key, .. }
        | Report::Unloaded { key, .. }
        | Report::Crash { key, .. }
        | Report::Restarted { key, .. }
        | Report::RestartExhausted { key, .. }
        | Report::EssentialDown { key, .. }
        | Report::Rung { key, .. }
        | Report::HealthUnknown { key, .. }
        | Report::SwapDropped { key }
        | Report::SwapHeld { waits: key, .. }
        | Report::BelowTier { key, .. }
        | Report::Swapped { to: key, .. } => Some(key),
        Report::Pressure { .. } | Report::External { .. } => None,
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
                Unload::Rung => ("mode", None),
                Unload::Pressure { .. } => ("pressure", None),
                Unload::Expired => ("expired", None),
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
        Report::Restarted { key, count, mode, downgraded } => Happening::new(
            "model.restarted",
            with(key, json!({"crash_count": count, "mode": mode, "downgraded": downgraded})),
        ),
        Report::RestartExhausted { key, count } => {
            Happening::new("model.restart_exhausted", with(key, json!({"crash_count": count})))
        }
        Report::Swapped { to, evicted, queue } => {
            let evicted: Vec<_> =
                evicted.iter().map(|key| json!({"model": name(key), "model_id": key.model})).collect();
            Happening::new("model.swapped", with(to, json!({"evicted": evicted, "swap_queue_depth": queue})))
        }
        Report::EssentialDown { key, count } => {
            Happening::new("model.failed", with(key, json!({"crash_count": count, "will_restart": true})))
        }
        Report::Rung { key, from, to, context, is_lower, reason } => Happening::new(
            if *is_lower { "model.downgraded" } else { "model.upgraded" },
            with(key, json!({"from": from, "mode": to, "context": context, "reason": reason})),
        ),
        Report::Pressure { kind, message, throttle_factor } => Happening::new(
            "system.pressure",
            json!({"type": kind, "message": message, "throttle_factor": throttle_factor}),
        ),
        Report::HealthUnknown { key, reason } => {
            Happening::new("model.health_unknown", with(key, json!({"reason": reason})))
        }
        Report::External { external, what } => {
            let event = match what {
                Seen::New => "external.seen",
                Seen::Attached => "external.attached",
                Seen::Detached => "external.detached",
                Seen::Gone => "external.lost",
            };
            let mut fields = json!(external);
            // An event has a number of its own by that name.
            if let Some(fields) = fields.as_object_mut()
                && let Some(id) = fields.remove("id")
            {
                fields.insert("external".to_owned(), id);
            }
            Happening::new(event, fields)
        }
        Report::SwapDropped { key } => Happening::new("model.swap_dropped", of(key)),
        Report::SwapHeld { waits, stays } => {
            Happening::new("model.swap_held", with(waits, json!({"stays": name(stays)})))
        }
        Report::BelowTier { key, tier, needed } => {
            Happening::new("model.below_tier", with(key, json!({"tier": tier, "needed": needed})))
        }
    }
}

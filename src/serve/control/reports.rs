//! What happened to servers, as events for people and programs.

use super::Happening;
use crate::lifecycle::{Report, ServerKey, Unload};
use serde_json::json;
use std::time::Duration;

/// Returns the event of a report. `name` gives the names of models.
pub fn happening(report: &Report, name: &dyn Fn(&ServerKey) -> String) -> Happening {
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

//! `application/health+json`, as draft-inadarei-api-health-check-06 describes it.

use super::super::{Check, CheckName, Report, Status};
use serde_json::{Map, Value, json};

/// Returns the document of a report. The draft has no word for unknown: what cannot be said to pass fails.
pub fn health_json(report: &Report) -> Value {
    let mut checks: Map<String, Value> = Map::new();
    for check in &report.checks {
        // The colon separates component and measurement.
        let key = format!("{}:{}", check.target.replace(':', "_"), check.metric.unwrap_or(check.name.name()));
        if let Value::Array(all) = checks.entry(key).or_insert_with(|| json!([])) {
            all.push(one(check, report));
        }
    }
    let mut document = json!({
        "status": word(report.status),
        "version": env!("CARGO_PKG_VERSION"),
        "description": format!("health of this node, level {}", report.level.name()),
    });
    if let Value::Object(fields) = &mut document {
        if report.status != Status::Ok {
            fields.insert("output".to_owned(), report.summary().into());
        }
        if report.left_out > 0 {
            fields.insert("notes".to_owned(), json!([format!("{} checks left out", report.left_out)]));
        }
        fields.insert("checks".to_owned(), checks.into());
    }
    document
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "pass",
        Status::Warning => "warn",
        Status::Critical | Status::Unknown => "fail",
    }
}

fn one(check: &Check, report: &Report) -> Value {
    let kind = match check.name {
        CheckName::Services | CheckName::Endpoints | CheckName::Models | CheckName::Queue => "component",
        CheckName::Database => "datastore",
        CheckName::Disk | CheckName::Memory | CheckName::Gpu | CheckName::Clock => "system",
    };
    let mut object = json!({
        "componentId": check.target,
        "componentType": kind,
        "status": word(check.status),
        "time": report.time.rfc3339(),
    });
    if let Value::Object(fields) = &mut object {
        if let Some(value) = check.value {
            fields.insert("observedValue".to_owned(), value.into());
            let unit = match check.unit.unwrap_or_default() {
                "" => "count",
                "%" => "percent",
                unit => unit,
            };
            fields.insert("observedUnit".to_owned(), unit.into());
        }
        // Omitted where the check passes.
        if check.status != Status::Ok {
            let unknown = if check.status == Status::Unknown { "unknown: " } else { "" };
            let reason = check.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
            let right = check.right.as_deref().map_or_else(String::new, |right| format!(" (needs {right})"));
            fields.insert("output".to_owned(), format!("{unknown}{}{reason}{right}", check.what).into());
        }
    }
    object
}

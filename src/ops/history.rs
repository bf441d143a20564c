//! The history: who did what, when, why and how much.

use super::{Session, resolve_model};
use crate::clock::Timestamp;
use crate::db::{Access, Db, HistoryFilter};
use crate::display::Document;
use crate::model::{Action, Event, ModelId, Pattern, Recorded, Selector, path_bytes_hex};
use serde::Serialize;
use serde_json::Value;

/// Number of events in one read.
const PAGE: u32 = 1_000;

/// A selection of events.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Events that contain one of these patterns; all when empty.
    pub patterns: Vec<Pattern>,
    pub model: Option<Selector>,
    /// Kinds of events; all when empty.
    pub actions: Vec<Action>,
    pub since: Option<Timestamp>,
    /// Events before this time.
    pub until: Option<Timestamp>,
    /// Largest number of events; the newest are kept.
    pub limit: usize,
}

impl Request {
    /// Returns whether every event is selected.
    pub fn is_unfiltered(&self) -> bool {
        let Request { patterns, model, actions, since, until, limit: _ } = self;
        patterns.is_empty() && model.is_none() && actions.is_empty() && since.is_none() && until.is_none()
    }
}

/// Reads events, the newest last.
///
/// # Errors
/// Cannot be met (3) for a model that is not known.
pub fn history(session: &mut Session, request: &Request) -> anyhow::Result<Vec<Recorded>> {
    let filter = HistoryFilter {
        model: request.model.as_ref().map(|model| id_of(session, model)).transpose()?,
        actions: request.actions.clone(),
        since: request.since,
        until: request.until,
    };
    newest(session.db(Access::ReadOnly)?, &filter, &request.patterns, request.limit)
}

/// Returns the id of a model. A model that the inventory no longer knows can be named by its id.
fn id_of(session: &mut Session, selector: &Selector) -> anyhow::Result<ModelId> {
    match resolve_model::resolve(session, selector) {
        Ok(row) => Ok(row.id),
        Err(_) if selector.0.len() == 12 && selector.0.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok(ModelId(selector.0.to_lowercase()))
        }
        Err(error) => Err(error),
    }
}

/// Reads the newest events, the newest last. Reads page by page, so that no read of the database is long.
fn newest(db: &Db, filter: &HistoryFilter, patterns: &[Pattern], limit: usize) -> anyhow::Result<Vec<Recorded>> {
    let mut found = Vec::new();
    let mut before = None;
    while found.len() < limit {
        // Without a pattern every event of a page is shown.
        let left = u32::try_from(limit.saturating_sub(found.len())).unwrap_or(u32::MAX);
        let page = db.history(filter, before, if patterns.is_empty() { left.min(PAGE) } else { PAGE })?;
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        let fits = |r: &Recorded| patterns.is_empty() || patterns.iter().any(|p| occurs(p, &r.event));
        found.extend(page.into_iter().filter(fits).take(limit.saturating_sub(found.len())));
    }
    found.reverse();
    Ok(found)
}

fn occurs(pattern: &Pattern, event: &Event) -> bool {
    let Event { actor, subject, .. } = event;
    let texts = [&actor.user, &actor.login, &actor.unit, &actor.parent, &actor.command, &event.reason];
    texts.into_iter().flatten().any(|text| pattern.finds(text))
        || subject.as_ref().is_some_and(|s| {
            pattern.finds(&s.name)
                || s.id.as_ref().is_some_and(|id| pattern.finds(id.as_str()))
                || s.path.as_ref().is_some_and(|path| pattern.is_path(path) || pattern.finds(&path.to_string_lossy()))
        })
        || occurs_in(pattern, &event.detail)
}

/// Returns whether the pattern is found in a value of the detail; keys are our own words and do not count.
fn occurs_in(pattern: &Pattern, value: &Value) -> bool {
    match value {
        Value::String(text) => pattern.finds(text),
        Value::Array(values) => values.iter().any(|value| occurs_in(pattern, value)),
        Value::Object(values) => values.values().any(|value| occurs_in(pattern, value)),
        _ => false,
    }
}

/// An element of `history --json`. Part of the public interface: keys are added, never renamed or dropped. Null means
/// not readable or not applicable.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct EventReport<'a> {
    /// Increases with each event.
    number: i64,
    /// RFC 3339 in UTC.
    at: String,
    action: Action,
    model: Option<&'a ModelId>,
    name: Option<&'a str>,
    /// Lossily decoded.
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    reason: Option<&'a str>,
    apparent_bytes: Option<u64>,
    allocated_bytes: Option<u64>,
    freed_bytes: Option<u64>,
    uid: u32,
    user: Option<&'a str>,
    /// The user who logged in, when that is not `user`.
    login: Option<&'a str>,
    pid: u32,
    process: Option<&'a str>,
    parent: Option<&'a str>,
    unit: Option<&'a str>,
    command: Option<&'a str>,
    detail: &'a Value,
}

/// The document of `history --json`. Its name is another one than that of the API's record of the node.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct HistoryReport<'a> {
    /// The newest last.
    events: Vec<EventReport<'a>>,
}

impl Document for HistoryReport<'_> {
    const SCHEMA: &'static str = "modelctl.audit-log/1";
}

/// Returns events for a client.
pub fn report(found: &[Recorded]) -> HistoryReport<'_> {
    HistoryReport { events: found.iter().map(event_report).collect() }
}

fn event_report(recorded: &Recorded) -> EventReport<'_> {
    let Event { actor, subject, .. } = &recorded.event;
    let subject = subject.as_ref();
    let path = subject.and_then(|s| s.path.as_ref());
    EventReport {
        number: recorded.number,
        at: recorded.event.at.rfc3339(),
        action: recorded.event.action,
        model: subject.and_then(|s| s.id.as_ref()),
        name: subject.map(|s| s.name.as_str()),
        path: path.map(|path| path.to_string_lossy().into_owned()),
        path_bytes_hex: path.and_then(|path| path_bytes_hex(path)),
        reason: recorded.event.reason.as_deref(),
        apparent_bytes: recorded.event.apparent,
        allocated_bytes: recorded.event.allocated,
        freed_bytes: recorded.event.freed,
        uid: actor.uid,
        user: actor.user.as_deref(),
        login: actor.login.as_deref(),
        pid: actor.pid,
        process: actor.process.as_deref(),
        parent: actor.parent.as_deref(),
        unit: actor.unit.as_deref(),
        command: actor.command.as_deref(),
        detail: &recorded.event.detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::patterns::patterns;

    #[test]
    fn a_pattern_finds_what_stands_in_the_detail() {
        let detail = serde_json::json!({"changes": [{"name": "Qwen3-8B"}], "counts": {"qwen": 1}});
        let is_found = |word: &str| occurs_in(&patterns(&[word.to_owned()]).unwrap()[0], &detail);
        assert!(is_found("qwen3") && is_found("qwen*b") && !is_found("counts"));
    }
}

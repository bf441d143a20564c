use super::{Api, stream};
use crate::ops::daemon::{EventRow, Events};
use crate::serve::control::{EventReader, Numbered};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;

/// The number of past events that are returned when the request names none.
const LIMIT: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    limit: Option<usize>,
    follow: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { limit: None, follow: true }
    }
}

/// `GET /api/events`: a stream, from the event after `Last-Event-ID` on, or from the last `limit` events on; with
/// `follow=false` a document of the last events.
pub(super) async fn events(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Query(options): Query<Options>,
) -> Response {
    let log = api.control.events();
    if !options.follow {
        let events = log.last(options.limit.unwrap_or(LIMIT)).iter().map(|event| row(event)).collect();
        return Json(Events { schema: "modelctl.events/1".to_owned(), events }).into_response();
    }
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.trim().parse().ok()); // another id is none of ours
    let past = options.limit.map(|limit| log.last(limit));
    let before_past = past.and_then(|past| past.first().map(|event| event.id.saturating_sub(1)));
    let reader = log.follow(seen.or(before_past));
    let next = |mut reader: EventReader| async move {
        let event = reader.next().await;
        let data = stream::data(&*event);
        Some((format!("id: {}\nevent: {}\n{data}", event.id, event.happening.event), reader))
    };
    stream::response(&api, futures_util::stream::unfold(reader, next))
}

fn row(event: &Numbered) -> EventRow {
    EventRow {
        id: event.id,
        at: event.at.rfc3339(),
        event: event.happening.event.to_owned(),
        fields: event.happening.fields.clone(),
    }
}

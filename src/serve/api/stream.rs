//! Streams of server-sent events.

use super::Api;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;

/// The time after which a silent stream gets a comment, so that both ends notice when the other has gone.
const SILENCE: Duration = Duration::from_secs(15);

/// Returns an event without a number.
pub(super) fn data(value: &impl Serialize) -> String {
    // Plain data with text keys always serializes.
    format!("data: {}\n\n", serde_json::to_string(value).unwrap_or_default())
}

/// Streams events, each of which is complete with its empty line, until the daemon has stopped everything else.
pub(super) fn response(api: &Api, events: impl Stream<Item = String> + Send + 'static) -> Response {
    let mut is_over = api.is_over.subscribe();
    // An error means that the API itself has ended.
    let events = Box::pin(events).take_until(async move { is_over.wait_for(|is_over| *is_over).await.is_ok() });
    let ticks = tokio::time::interval(SILENCE);
    let events = tokio_stream::StreamExt::timeout_repeating(events, ticks);
    let bytes = events.map(|event| Ok::<_, Infallible>(Bytes::from(event.unwrap_or_else(|_| ":\n\n".to_owned()))));
    let mut response = Body::from_stream(bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

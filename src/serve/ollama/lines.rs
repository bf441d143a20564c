//! The answer of a server, translated on its way to the client.

use super::error::OllamaError;
use crate::clock;
use crate::http::{SseEvent, SseReader};
use crate::ollama::{self, Answer, Part, Times};
use crate::openai::ApiError;
use crate::serve::gateway::{Problem, Relay};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

const CUT_OFF: &str = "the server of the model ended its answer too early";

/// Reads the events of an answer.
struct Reading {
    events: SseReader,
    answer: Answer,
    began: Instant,
    load: Duration,
}

impl Reading {
    fn new(relay: &Relay, answer: Answer, began: Instant) -> Reading {
        Reading { events: SseReader::default(), answer, began, load: relay.waited() }
    }

    /// Returns the parts of the answer that bytes complete.
    fn parts(&mut self, bytes: &[u8]) -> Vec<Part> {
        let events = match self.events.push(bytes) {
            Ok(events) => events,
            Err(error) => return vec![Part::Failed(ApiError::broken(error.to_string()))],
        };
        let data = events.into_iter().filter_map(|event| match event {
            SseEvent::Data(data) => Some(data),
            SseEvent::Comment(_) => None,
        });
        data.map(|data| self.answer.add(&data)).collect()
    }

    fn times(&self) -> Times {
        let total = clock::instant().saturating_duration_since(self.began);
        Times { total, load: self.load.min(total) }
    }
}

/// Answers with a line for every part of the answer.
pub(super) fn stream(relay: Relay, answer: Answer, began: Instant) -> Response {
    let reading = Reading::new(&relay, answer, began);
    let mut response = Response::new(Body::new(Lines { relay, reading, is_over: false }));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

/// Answers with one document.
pub(super) async fn whole(mut relay: Relay, answer: Answer, began: Instant) -> Result<Response, OllamaError> {
    let mut reading = Reading::new(&relay, answer, began);
    let (mut text, mut thoughts) = (String::new(), String::new());
    let mut outcome = None;
    // Read to its end, so that it is recorded as one that was answered.
    while let Some(frame) = relay.frame().await {
        let Ok(bytes) = frame.map_err(|error| OllamaError::broken(error.to_string()))?.into_data() else { continue };
        if outcome.is_some() {
            continue;
        }
        for part in reading.parts(&bytes) {
            match part {
                Part::Text { content, thinking } => {
                    text.push_str(&content);
                    thoughts.push_str(&thinking);
                }
                Part::Nothing => {}
                // What follows is of no use: a server that went on, or hung, would hold the slot and the client.
                Part::Failed(error) => {
                    let problem = problem(&error);
                    relay.fail_with(&problem);
                    return Err(OllamaError::from(problem));
                }
                Part::Done => {
                    let last = reading.answer.last(&text, &thoughts, reading.times(), clock::now());
                    outcome = Some(Json(last).into_response());
                    break;
                }
            }
        }
    }
    outcome.ok_or_else(|| OllamaError::broken(CUT_OFF))
}

fn problem(error: &ApiError) -> Problem {
    let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Problem::new(status, &error.kind, error.message.clone())
}

/// The body of a stream.
struct Lines {
    relay: Relay,
    reading: Reading,
    /// Whether the last line was written. What the server still sends is read, so that the request is recorded as one
    /// that was answered.
    is_over: bool,
}

impl Lines {
    /// Returns the lines for parts of the answer, up to the last one.
    fn lines(&mut self, parts: Vec<Part>) -> String {
        let (mut lines, now) = (String::new(), clock::now());
        for part in parts {
            if self.is_over {
                break;
            }
            let line = match part {
                Part::Nothing => continue,
                Part::Text { content, thinking } => self.reading.answer.piece(&content, &thinking, now),
                Part::Done => {
                    self.is_over = true;
                    self.reading.answer.last("", "", self.reading.times(), now)
                }
                Part::Failed(error) => {
                    self.is_over = true;
                    // As in `whole`.
                    self.relay.fail_with(&problem(&error));
                    ollama::error(&error.message)
                }
            };
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
        lines
    }
}

impl HttpBody for Lines {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        loop {
            let parts = match (ready!(Pin::new(&mut this.relay).poll_frame(context)), this.is_over) {
                (Some(Ok(_)), true) => continue,
                (_, true) => return Poll::Ready(None),
                (Some(Ok(frame)), false) => match frame.into_data() {
                    Ok(bytes) => this.reading.parts(&bytes),
                    Err(_) => continue, // trailers
                },
                (Some(Err(error)), false) => vec![Part::Failed(ApiError::broken(error.to_string()))],
                (None, false) => vec![Part::Failed(ApiError::broken(CUT_OFF))],
            };
            let lines = this.lines(parts);
            if !lines.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from(lines)))));
            }
        }
    }
}

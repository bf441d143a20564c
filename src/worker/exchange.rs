//! One request over the worker's socket, and its streamed answer.

use super::client::Completion;
use super::dialect::{ChatRequest, StreamOptions, Usage};
use super::error::WorkerError;
use super::reply::{ApiError, Extension};
use super::sse::SseReader;
use crate::engine::{Finish, TemplateUse, Timings};
use crate::supervise::Interrupt;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::ops::ControlFlow;
use std::path::Path;
use tokio::net::UnixStream;

/// Why an exchange did not come to its end.
#[derive(Debug)]
pub enum Broken {
    /// The connection: the caller finds out whether the worker died.
    Connection(String),
    Known(WorkerError),
}

/// One chunk of the stream, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    timings: Option<Timings>,
    modelctl: Option<Extension>,
    error: Option<ApiError>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    /// Of `/v1/completions`.
    text: Option<String>,
    finish_reason: Option<Finish>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

/// What comes of a stream while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'t> {
    /// A piece of the answer, in whole characters.
    Piece(&'t str),
    /// The worker is at it: the request waits for room, or its prompt is being read.
    Life,
}

/// Streams a chat. Leaving in the middle (an interrupt, a `Break`) closes the connection, which cancels the generation.
pub async fn chat(
    socket: &Path,
    request: &ChatRequest,
    interrupt: &Interrupt,
    on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<Completion, Broken> {
    let mut request = request.clone();
    request.options.stream = Some(true);
    request.options.stream_options = Some(StreamOptions { include_usage: true });
    let body = serde_json::to_vec(&request).map_err(protocol)?;
    let mut on_heard = |heard: Heard<'_>| match heard {
        Heard::Piece(piece) => on_piece(piece),
        Heard::Life => ControlFlow::Continue(()),
    };
    let outcome = tokio::select! {
        biased;
        why = interrupt.wait() => Err(Broken::Known(WorkerError::Interrupted(why))),
        outcome = stream(socket, "/v1/chat/completions", body, &mut on_heard) => outcome,
    };
    // The runtime stands still after this: let the connection that was dropped be closed first.
    tokio::task::yield_now().await;
    outcome
}

/// Posts a body that asks for a stream. Dropping the future closes the connection.
pub async fn stream(
    socket: &Path,
    path: &str,
    body: Vec<u8>,
    on_heard: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>,
) -> Result<Completion, Broken> {
    let stream = UnixStream::connect(socket).await.map_err(connection)?;
    let (mut sender, connection_task) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(connection)?;
    // Its end, dropped or not, ends the task that drives the connection: only then the socket is closed.
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(connection_task);
    let request = Request::post(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(protocol)?;
    let response = sender.send_request(request).await.map_err(connection)?;
    let outcome = read_answer(response, on_heard).await;
    driver.shutdown().await;
    outcome
}

fn connection(error: impl std::fmt::Display) -> Broken {
    Broken::Connection(error.to_string())
}

fn protocol(error: impl std::fmt::Display) -> Broken {
    Broken::Known(WorkerError::Protocol(error.to_string()))
}

async fn read_answer(
    mut response: Response<Incoming>,
    on_heard: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>,
) -> Result<Completion, Broken> {
    let status = response.status().as_u16();
    if status != 200 {
        let body = response.into_body().collect().await.map_err(connection)?.to_bytes();
        let message = match serde_json::from_slice::<Chunk>(&body).ok().and_then(|chunk| chunk.error) {
            Some(error) => error.message,
            None => String::from_utf8_lossy(&body).into_owned(),
        };
        return Err(Broken::Known(WorkerError::Server { status, message }));
    }
    let mut reader = SseReader::default();
    let mut answer = Completion {
        text: String::new(),
        finish: Finish::Cancelled,
        usage: Usage::default(),
        timings: Timings::default(),
        template: TemplateUse::Model,
    };
    while let Some(frame) = response.body_mut().frame().await {
        let Ok(bytes) = frame.map_err(connection)?.into_data() else { continue };
        // Whatever it is, a comment that only says so among them.
        if on_heard(Heard::Life).is_break() {
            return Ok(answer);
        }
        for event in reader.push(&bytes).map_err(protocol)? {
            if event == "[DONE]" {
                return Ok(answer);
            }
            if take(&mut answer, &event, on_heard)?.is_break() {
                return Ok(answer);
            }
        }
    }
    Err(Broken::Connection("the answer ended in the middle".into()))
}

/// Adds one event to the answer.
fn take(
    answer: &mut Completion,
    event: &str,
    on_heard: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Broken> {
    let chunk: Chunk = serde_json::from_str(event).map_err(protocol)?;
    if let Some(error) = chunk.error {
        return Err(Broken::Known(WorkerError::Server { status: error.code, message: error.message }));
    }
    answer.usage = chunk.usage.unwrap_or(answer.usage);
    answer.timings = chunk.timings.unwrap_or(answer.timings);
    answer.template = chunk.modelctl.map_or(answer.template, |extension| extension.template);
    for choice in chunk.choices {
        answer.finish = choice.finish_reason.unwrap_or(answer.finish);
        if let Some(text) = choice.delta.content.or(choice.text).filter(|text| !text.is_empty()) {
            answer.text.push_str(&text);
            if on_heard(Heard::Piece(&text)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

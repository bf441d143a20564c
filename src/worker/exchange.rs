//! One request to a worker, and its streamed answer.

use super::error::WorkerError;
use crate::clock;
use crate::http::{self, Endpoint, HttpError, Limits, Request, Response, SseEvent};
use crate::openai::{ApiError, ChatRequest, Completion, Finish, Progress, StreamOptions};
use crate::supervise::StopSignal;
use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// The reason why an exchange was not completed.
#[derive(Debug)]
pub enum Broken {
    /// The connection broke: the caller finds out whether the worker ended.
    Connection(String),
    Known(WorkerError),
    /// The worker exceeded the time limit of the request.
    Late,
}

/// A comment of a stream: the thread that decodes makes progress, and has no output for this request yet.
pub(super) const COMPUTING: &str = "computing";
/// A comment of a stream: the thread that decodes makes no progress, and is busy with something for this request alone.
pub(super) const STANDING: &str = "standing";
/// Time that the worker may be silent before it counts as hung: no piece of an answer, no sign of the thread that
/// decodes. That thread gives a sign with every operation of its graph, so a slow machine is not silent.
pub const SILENCE: Duration = Duration::from_secs(60);
/// Time that reading a request and making its prompt may take before the worker reports that it was accepted.
pub const ACCEPT: Duration = Duration::from_secs(120);
/// Time that the end of an answer may come after its time limit, in addition to the longest step that was seen.
pub const LATE: Duration = Duration::from_secs(5);
/// Interval of the checks of the limits.
const LOOK: Duration = Duration::from_millis(500);

/// An event of a stream while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'t> {
    /// A piece of the answer, in whole characters.
    Piece(&'t str),
    /// The thread that decodes makes progress: the request waits for room, or its prompt is being read.
    Life,
    /// The request was read, and waits for that thread. No sign that the thread makes progress.
    Accepted,
    /// That thread makes no progress, and is busy with something for this request alone.
    Standing,
}

/// Streams a chat. Leaving early (a stop, a `Break`) closes the connection, which cancels the generation. The time
/// limit that the request sets is enforced here as well: a worker that hangs does not enforce it.
pub async fn chat(
    endpoint: &Endpoint,
    request: &ChatRequest,
    stop: &StopSignal,
    on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<Completion, Broken> {
    let mut request = request.clone();
    request.options.stream = Some(true);
    request.options.stream_options = Some(StreamOptions { include_usage: Some(true) });
    let body = serde_json::to_vec(&request).map_err(protocol)?;
    let limit = request.options.timeout_ms.map(Duration::from_millis);
    let signs = Signs::new();
    let mut text = String::new();
    let mut on_heard = |heard: Heard<'_>| {
        signs.heard(heard);
        match heard {
            Heard::Piece(piece) => {
                text.push_str(piece);
                on_piece(piece)
            }
            Heard::Life | Heard::Accepted | Heard::Standing => ControlFlow::Continue(()),
        }
    };
    let outcome = tokio::select! {
        biased;
        why = stop.wait() => Err(Broken::Known(WorkerError::Interrupted(why))),
        outcome = stream(endpoint, "/v1/chat/completions", body, &mut on_heard) => outcome,
        hung = signs.hang(limit) => Err(hung),
    };
    // The runtime does not run after this, so the dropped connection is closed first.
    tokio::task::yield_now().await;
    match outcome {
        Err(Broken::Late) => Ok(Completion { text, ..Completion::without(Finish::TimedOut) }),
        outcome => outcome,
    }
}

/// Time of the last sign of the worker, and its longest silence.
pub(super) struct Signs {
    began: Instant,
    heard: Cell<Instant>,
    longest: Cell<Duration>,
    is_accepted: Cell<bool>,
}

impl Signs {
    pub fn new() -> Signs {
        let now = clock::instant();
        let (heard, longest) = (Cell::new(now), Cell::new(Duration::ZERO));
        Signs { began: now, heard, longest, is_accepted: Cell::new(false) }
    }

    pub fn heard(&self, heard: Heard<'_>) {
        match heard {
            Heard::Piece(_) | Heard::Life => {
                let before = self.heard.replace(clock::instant());
                self.longest.set(self.longest.get().max(before.elapsed()));
            }
            Heard::Accepted => {
                self.is_accepted.set(true);
                // From here on the thread that decodes has work to do.
                self.heard.set(clock::instant());
            }
            Heard::Standing => {}
        }
    }

    /// Ends when the worker exceeds the limit of the request by more than its longest step, or hangs.
    pub async fn hang(&self, limit: Option<Duration>) -> Broken {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut looked = clock::instant();
        loop {
            ticks.tick().await;
            // While this process was stopped, it heard nothing either.
            if std::mem::replace(&mut looked, clock::instant()).elapsed() > LATE {
                self.heard.set(clock::instant());
            }
            let longest = self.longest.get();
            if limit.is_some_and(|limit| self.began.elapsed() > limit.saturating_add(LATE).saturating_add(longest)) {
                return Broken::Late;
            }
            let silent = self.heard.get().elapsed();
            let patience = if self.is_accepted.get() { SILENCE } else { ACCEPT };
            if silent > patience.saturating_add(longest.saturating_mul(2)) {
                let told = humantime::format_duration(Duration::from_secs(silent.as_secs()));
                return Broken::Known(WorkerError::Hung(format!("the worker did not respond for {told}")));
            }
        }
    }
}

/// Posts a body that asks for a stream. Dropping the future closes the connection.
pub async fn stream(
    endpoint: &Endpoint,
    path: &str,
    body: Vec<u8>,
    on_heard: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>,
) -> Result<Completion, Broken> {
    // The caller that reads the events limits the time.
    let request = Request::post(endpoint.clone(), path, body);
    let mut response = http::open(request, Limits::UNTIMED).await?;
    let outcome = read_answer(&mut response, on_heard).await;
    drop(response);
    outcome
}

impl From<HttpError> for Broken {
    fn from(error: HttpError) -> Broken {
        match error {
            HttpError::TooLarge(_) => protocol(error),
            other => connection(other),
        }
    }
}

fn connection(error: impl std::fmt::Display) -> Broken {
    Broken::Connection(error.to_string())
}

fn protocol(error: impl std::fmt::Display) -> Broken {
    Broken::Known(WorkerError::Protocol(error.to_string()))
}

/// Reads a streamed answer.
pub(super) async fn read_answer(
    response: &mut Response,
    on_heard: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>,
) -> Result<Completion, Broken> {
    let status = response.status.as_u16();
    if status != 200 {
        let body = response.whole().await?;
        let message = match ApiError::read(&body) {
            Some(error) => error.message,
            None => String::from_utf8_lossy(&body).into_owned(),
        };
        return Err(Broken::Known(WorkerError::Server { status, message }));
    }
    if on_heard(Heard::Accepted).is_break() {
        return Ok(Completion::without(Finish::Cancelled));
    }
    let mut answer = Completion::without(Finish::Cancelled);
    while let Some(event) = response.event().await? {
        let heard = match &event {
            SseEvent::Comment(comment) if comment == STANDING => Heard::Standing,
            _ => Heard::Life,
        };
        if on_heard(heard).is_break() {
            return Ok(answer);
        }
        let SseEvent::Data(data) = event else { continue };
        match answer.add(&data).map_err(protocol)? {
            Progress::Done => return Ok(answer),
            Progress::Failed(ApiError { code: status, message, .. }) => {
                return Err(Broken::Known(WorkerError::Server { status, message }));
            }
            Progress::Text(text) if !text.is_empty() && on_heard(Heard::Piece(&text)).is_break() => return Ok(answer),
            Progress::Text(_) => {}
        }
    }
    Err(Broken::Connection("the answer ended in the middle".into()))
}

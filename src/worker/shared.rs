//! A chat through the gateway of a daemon, for code that is not asynchronous.

use super::error::WorkerError;
use super::exchange::{Broken, Heard, Signs, read_answer};
use crate::clock;
use crate::failure::Failure;
use crate::http::{self, Endpoint, HttpError, Limits, Request};
use crate::openai::{ApiError, ChatRequest, Completion, Finish, StreamOptions};
use crate::supervise::StopSignal;
use serde_json::Value;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// The query of a request whose use of the model is recorded by whoever asks.
pub const RECORDED: &str = "recorded";

/// Time in which a daemon says that it serves.
const READY: Duration = Duration::from_millis(500);

/// Time in which the body ends after the last event.
const END: Duration = Duration::from_secs(1);

/// An answer, and the time until the model began with it.
#[derive(Debug)]
pub struct SharedAnswer {
    pub completion: Completion,
    pub waited: Duration,
}

/// Returns whether a daemon serves requests on `socket`.
pub fn is_serving(socket: &Path) -> bool {
    let request = Request::get(Endpoint::Unix(socket.to_owned()), "/health");
    matches!(http::fetch_all(vec![request], READY).pop(), Some(Ok(whole)) if whole.status == 200)
}

/// Has a chat answered by the server of `model` (an id), which the daemon on `socket` starts if it has to. `on_piece` gets
/// the answer as it comes. At `limit` the answer ends with what there is of it. Returns `None` where the daemon has
/// ended, is about to, or does not know the model.
///
/// # Errors
/// As those of an answer by a worker of our own.
pub fn chat_through(
    (socket, model): (&Path, &str),
    request: &ChatRequest,
    (stop, limit): (&StopSignal, Option<Duration>),
    on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<Option<SharedAnswer>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| WorkerError::Spawn(error.to_string()))?;
    let mut request = request.clone();
    request.options.stream = Some(true);
    request.options.stream_options = Some(StreamOptions { include_usage: Some(true) });
    let body = serde_json::to_value(&request).and_then(|mut body| {
        if let Value::Object(members) = &mut body {
            members.insert("model".to_owned(), model.into());
        }
        serde_json::to_vec(&body)
    });
    let body = body.map_err(|error| WorkerError::Protocol(error.to_string()))?;
    let path = format!("/v1/chat/completions?{RECORDED}");
    let request = Request::post(Endpoint::Unix(socket.to_owned()), path, body);
    runtime.block_on(chat(request, (stop, limit), on_piece))
}

async fn chat(
    request: Request,
    (stop, limit): (&StopSignal, Option<Duration>),
    on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<Option<SharedAnswer>, Failure> {
    let began = clock::instant();
    let signs = Signs::new();
    let heard = RefCell::new((None, String::new()));
    let mut on_heard = |sign: Heard<'_>| {
        signs.heard(sign);
        match sign {
            Heard::Piece(piece) => {
                heard.borrow_mut().1.push_str(piece);
                on_piece(piece)
            }
            Heard::Accepted => {
                heard.borrow_mut().0 = Some(began.elapsed());
                ControlFlow::Continue(())
            }
            Heard::Life | Heard::Standing => ControlFlow::Continue(()),
        }
    };
    let outcome = tokio::select! {
        biased;
        why = stop.wait() => Err(Broken::Known(WorkerError::Interrupted(why))),
        outcome = exchange(request, &mut on_heard) => match outcome {
            Ok(outcome) => outcome,
            Err(failure) => return failure.map_or(Ok(None), Err),
        },
        hung = signs.hang(None) => Err(hung),
        () = late(limit) => Err(Broken::Late),
    };
    // The runtime does not run after this, so the dropped connection is closed first.
    tokio::task::yield_now().await;
    let (accepted, text) = heard.into_inner();
    let completion = match outcome {
        Ok(completion) => completion,
        Err(Broken::Late) => Completion { text, ..Completion::without(Finish::TimedOut) },
        Err(Broken::Connection(_)) if text.is_empty() => return Ok(None),
        Err(Broken::Connection(why)) => {
            let message = format!("the daemon stopped in the middle of the answer: {why}");
            return Err(Failure::engine(message));
        }
        Err(Broken::Known(error)) => return Err(error.into()),
    };
    Ok(Some(SharedAnswer { completion, waited: accepted.unwrap_or_else(|| began.elapsed()) }))
}

async fn late(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Sends the request and reads the answer. The outer error: it was refused; `None` where the daemon is not the one to ask.
async fn exchange(
    request: Request,
    on_heard: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>,
) -> Result<Result<Completion, Broken>, Option<Failure>> {
    let mut response = match http::open(request, Limits::UNTIMED).await {
        Ok(response) => response,
        Err(error) => return Ok(Err(error.into())),
    };
    if response.status.is_success() {
        let outcome = read_answer(&mut response, on_heard).await;
        if outcome.is_ok() {
            // To leave before the end of the body would count as a client that gave up.
            while let Ok(Ok(Some(_))) = tokio::time::timeout(END, response.chunk()).await {}
        }
        drop(response);
        return Ok(outcome);
    }
    let status = response.status.as_u16();
    let may_retry = response.headers.get("x-should-retry").map(|value| value == "true");
    match response.whole().await {
        Ok(body) => Err(refusal(status, may_retry, &body)),
        Err(HttpError::TooLarge(_)) => Err(refusal(status, may_retry, b"")),
        Err(error) => Ok(Err(error.into())),
    }
}

/// Returns the failure for a refusal by the gateway; `None` where it does not know the model, or is about to end.
fn refusal(status: u16, may_retry: Option<bool>, body: &[u8]) -> Option<Failure> {
    let error = ApiError::read(body).unwrap_or_else(|| ApiError::new(status, "", format!("it answered {status}")));
    let message = format!("the daemon refused: {}", error.message);
    match (status, may_retry) {
        (404, _) => None,
        // A daemon that is starting or stopping says nothing about another try.
        (503, None) => None,
        (400, _) => Some(Failure::cannot_meet(error.message)),
        (503, Some(false)) if error.word.as_deref() == Some("insufficient_memory") => {
            Some(Failure::cannot_meet(message).hint("choose a smaller model, or free memory"))
        }
        (503, Some(true)) | (429, _) => Some(Failure::busy(message).hint("try again when it has less to do")),
        _ => Some(Failure::engine(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn a_refusal_of_the_gateway_has_the_exit_code_of_a_worker_of_our_own() {
        let kind = |status, retry, word: &str| {
            let body = format!(r#"{{"error":{{"message":"no","type":"server_error","param":null,"code":"{word}"}}}}"#);
            refusal(status, retry, body.as_bytes()).map(|failure| failure.kind)
        };
        assert_eq!(kind(404, None, "model_not_found"), None, "a model that was found a moment ago");
        assert_eq!(kind(503, None, "starting"), None);
        assert_eq!(kind(400, None, "context_length_exceeded"), Some(Kind::CannotMeet));
        assert_eq!(kind(503, Some(false), "insufficient_memory"), Some(Kind::CannotMeet));
        assert_eq!(kind(503, Some(true), "insufficient_memory"), Some(Kind::Busy));
        assert_eq!(kind(503, Some(false), "model_unavailable"), Some(Kind::Engine));
        assert_eq!(kind(502, Some(false), "model_died"), Some(Kind::Engine));
        assert_eq!(kind(429, Some(true), "rate_limit_exceeded"), Some(Kind::Busy));
    }
}

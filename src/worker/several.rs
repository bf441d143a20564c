//! One request with several texts to continue: each gets a choice of the answer. They are answered one after the other,
//! since a request has one slot.

use super::generate::generate;
use crate::engine::{Engine, EngineError, Event, Generate, Prompt};
use crate::openai::{ApiError, DONE, Dialect, Finish, Options, Reply, Timings, Usage, event as sse};
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// Pieces of a stream that wait for their client.
const PIECES: usize = 16;

/// Answers a request with several texts.
pub(super) async fn answer(
    engine: &Arc<Engine>,
    reply: Reply,
    prompts: Vec<Prompt>,
    options: &Options,
) -> Result<Response, ApiError> {
    let mut requests = prompts.into_iter().map(|prompt| generate(options, prompt));
    if options.streams() {
        let first = requests.next().ok_or_else(|| ApiError::bad_request("`prompt` is empty"))?;
        // What cannot be answered is refused before the stream begins.
        let first = begin(engine, first).await?;
        return Ok(stream(Arc::clone(engine), reply, first, requests.collect()));
    }
    let (mut choices, mut usage, mut timings) = (Vec::new(), Usage::default(), Timings::default());
    for request in requests {
        let events = begin(engine, request).await?;
        let (text, finish, its_usage, its_timings) = collect(&reply, events).await?;
        choices.push((text, finish));
        (usage, timings) = (usage.plus(its_usage), timings.plus(its_timings));
    }
    Ok(axum::Json(reply.whole_of(&choices, usage, timings)).into_response())
}

async fn begin(engine: &Arc<Engine>, request: Generate) -> Result<Receiver<Event>, ApiError> {
    let engine = Arc::clone(engine);
    // Reading schemas and grammars takes time.
    let asked = tokio::task::spawn_blocking(move || engine.generate(request)).await;
    Ok(asked.map_err(|error| ApiError::broken(error.to_string()))??)
}

/// Waits for a whole choice. When the client disconnects, this future is dropped, and with it the generation.
async fn collect(reply: &Reply, mut events: Receiver<Event>) -> Result<(String, Finish, Usage, Timings), EngineError> {
    let (mut text, mut prompt_tokens) = (String::new(), 0);
    while let Some(event) = events.recv().await {
        match event {
            Event::Started { prompt_tokens: count } => prompt_tokens = count,
            Event::Piece(piece) => text.push_str(&piece),
            Event::Done { finish: Finish::Cancelled, .. } if reply.dialect == Dialect::OpenAi => break,
            Event::Done { finish, timings } => return Ok((text, finish, Usage::of(prompt_tokens, timings), timings)),
            Event::Failed(error) => return Err(error),
        }
    }
    Err(EngineError::Stopped)
}

fn stream(engine: Arc<Engine>, reply: Reply, first: Receiver<Event>, rest: Vec<Generate>) -> Response {
    let (pieces, receiver) = mpsc::channel(PIECES);
    tokio::spawn(async move {
        let outcome = tokio::select! {
            biased;
            // When the client disconnects, the rest is dropped, and with it the generation.
            () = pieces.closed() => return,
            outcome = write(&engine, &reply, (first, rest), &pieces) => outcome,
        };
        let last = match outcome {
            Ok(last) => last,
            Err(error) => sse(&if reply.dialect == Dialect::OpenAi { error.openai_body() } else { error.body() }),
        };
        // As above.
        let _ = pieces.send(last).await;
    });
    let parts = ReceiverStream::new(receiver).map(Ok::<_, std::convert::Infallible>);
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(parts)).into_response()
}

/// Sends the choices as they come. Returns what ends the stream.
async fn write(
    engine: &Arc<Engine>,
    reply: &Reply,
    (first, rest): (Receiver<Event>, Vec<Generate>),
    pieces: &Sender<String>,
) -> Result<String, ApiError> {
    let (mut usage, mut timings) = (Usage::default(), Timings::default());
    let (mut first, mut rest) = (Some(first), rest.into_iter());
    for index in 0.. {
        let mut events = match first.take() {
            Some(events) => events,
            None => match rest.next() {
                Some(request) => begin(engine, request).await?,
                None => break,
            },
        };
        let mut prompt_tokens = 0;
        let (finish, its_timings) = loop {
            match events.recv().await {
                Some(Event::Started { prompt_tokens: count }) => prompt_tokens = count,
                // A client that has left ends this future.
                Some(Event::Piece(piece)) => drop(pieces.send(sse(&reply.piece_of(index, &piece))).await),
                Some(Event::Done { finish: Finish::Cancelled, .. }) if reply.dialect == Dialect::OpenAi => {
                    return Err(EngineError::Stopped.into());
                }
                Some(Event::Done { finish, timings }) => break (finish, timings),
                Some(Event::Failed(error)) => return Err(error.into()),
                None => return Err(EngineError::Stopped.into()),
            }
        };
        drop(pieces.send(sse(&reply.end_of(index, finish))).await); // as above
        (usage, timings) = (usage.plus(Usage::of(prompt_tokens, its_timings)), timings.plus(its_timings));
    }
    let mut last: String = reply.usage(usage, timings).as_ref().map(sse).unwrap_or_default();
    last.push_str(&format!("data: {DONE}\n\n"));
    Ok(last)
}

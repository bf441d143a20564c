//! One question to a server that may be foreign, broken or hostile: bounded in time and size, with the reasons for no
//! answer kept apart.

use super::endpoint::{Endpoint, Stream};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Frame;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HOST, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

/// Bytes of the head of an answer.
const HEAD_BYTES: usize = 32 << 10;
/// Bytes of the body of an answer.
const BODY_BYTES: usize = 1 << 20;

/// A request whose answer is not trusted.
#[derive(Debug, Clone)]
pub struct Question {
    pub endpoint: Endpoint,
    /// The path from the slash on, with the query.
    pub path: String,
    /// The value of the `Authorization` header: marked as sensitive, so that it is never printed.
    pub authorization: Option<HeaderValue>,
    /// JSON to post; None: a GET.
    pub json: Option<Bytes>,
}

/// An answer of any status. Redirects are answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    /// The `Date` header.
    pub date: Option<String>,
    /// At most 1 MiB.
    pub body: Bytes,
}

/// The reason why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// Nothing listens.
    Refused,
    /// There was no connection: no route, no such name, or none before the deadline.
    Unreachable(String),
    /// The connection was made, and not one byte came before the deadline.
    Silent,
    /// What came is no HTTP, is larger than 32 KiB of head or 1 MiB of body, or did not end before the deadline.
    Garbage(String),
}

/// Creates the value of an `Authorization` header with a key. None for a key that no header can hold.
pub fn bearer(key: &str) -> Option<HeaderValue> {
    // A key with a line end or another control character is not a key.
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Asks, and returns by `deadline` at the latest.
///
/// # Errors
/// See [`Unanswered`]. A status that reports an error is an answer.
pub async fn ask(question: &Question, deadline: Instant) -> Result<Answered, Unanswered> {
    let at = tokio::time::Instant::from_std(deadline);
    let connected = timeout_at(at, question.endpoint.connect()).await;
    let stream = match connected {
        Err(_) => return Err(Unanswered::Unreachable("no connection within the limit".to_owned())),
        Ok(Err(super::HttpError::Refused)) => return Err(Unanswered::Refused),
        Ok(Err(error)) => return Err(Unanswered::Unreachable(error.to_string())),
        Ok(Ok(stream)) => stream,
    };
    let received = Arc::new(AtomicUsize::new(0));
    let stream = Counted { stream, received: Arc::clone(&received) };
    match timeout_at(at, exchange(question, stream)).await {
        Ok(answered) => answered,
        Err(_) if received.load(Ordering::Relaxed) == 0 => Err(Unanswered::Silent),
        Err(_) => Err(Unanswered::Garbage("its answer did not end within the limit".to_owned())),
    }
}

async fn exchange(question: &Question, stream: Counted) -> Result<Answered, Unanswered> {
    let garbage = |error: hyper::Error| Unanswered::Garbage(reason(&error));
    let handshake = hyper::client::conn::http1::Builder::new().max_buf_size(HEAD_BYTES).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(garbage)?;
    // Dropping it closes the connection, and that cancels a generation.
    let mut driver = JoinSet::new();
    // An error of the connection is reported by the request or the body as well.
    driver.spawn(async move { drop(connection.await) });
    let mut request = Request::builder()
        .method(if question.json.is_some() { Method::POST } else { Method::GET })
        .uri(&question.path)
        .header(HOST, question.endpoint.authority())
        .header(ACCEPT, "*/*");
    if let Some(authorization) = &question.authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    if question.json.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request = request.body(Full::new(question.json.clone().unwrap_or_default()));
    let request = request.map_err(|error| Unanswered::Unreachable(error.to_string()))?;
    let (head, mut incoming) = sender.send_request(request).await.map_err(garbage)?.into_parts();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        // Trailers are left out.
        let bytes = frame.map(Frame::into_data).map_err(garbage)?.unwrap_or_default();
        if body.len().saturating_add(bytes.len()) > BODY_BYTES {
            return Err(Unanswered::Garbage(format!("its answer is larger than {BODY_BYTES} bytes")));
        }
        body.extend_from_slice(&bytes);
    }
    let date = head.headers.get(DATE).and_then(|date| Some(date.to_str().ok()?.to_owned())); // another date is none
    Ok(Answered { status: head.status.as_u16(), date, body: body.into() })
}

fn reason(error: &hyper::Error) -> String {
    match () {
        () if error.is_parse_too_large() => format!("the head of its answer is larger than {HEAD_BYTES} bytes"),
        () if error.is_parse() => format!("its answer is not HTTP ({error})"),
        () if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
            "it closed the connection before its answer ended".to_owned()
        }
        () => format!("its answer broke off: {error}"),
    }
}

/// A connection that counts what it receives.
struct Counted {
    stream: Box<dyn Stream>,
    received: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.received.fetch_add(buffer.filled().len().saturating_sub(before), Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

//! Bodies of requests, with limits on their size, their time, and on what all of them hold together; and the end of
//! answers.

use super::connections::Connection;
use axum::BoxError;
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, SizeHint};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep, timeout};

/// Bytes of bodies that all running requests hold together. A request that would exceed it fails.
const ALL_BODIES: u64 = 512 << 20;
/// The rest of a request that is refused is read up to so many bytes, for so long, and while bytes come so often.
const REST_BYTES: usize = 64 << 20;
const REST: Duration = Duration::from_secs(10);
const REST_PAUSE: Duration = Duration::from_secs(1);

/// What bodies of running requests hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Arc<AtomicU64>);

/// The bytes of the body of one request that count as held; an extension of the request.
#[derive(Debug, Clone)]
pub struct Counted {
    held: Held,
    bytes: Arc<AtomicU64>,
}

impl Counted {
    /// Takes back bytes that were passed on.
    pub fn give_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.held.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A request from its head to the end of its answer. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Running {
    connection: Arc<Connection>,
    running: Arc<watch::Sender<usize>>,
    held: Held,
    /// The bytes of its body that have arrived.
    bytes: Arc<AtomicU64>,
}

impl Running {
    pub fn begin(connection: Arc<Connection>, running: Arc<watch::Sender<usize>>, held: Held) -> Running {
        running.send_modify(|running| *running = running.saturating_add(1));
        Running { connection, running, held, bytes: Arc::default() }
    }

    pub fn counted(&self) -> Counted {
        Counted { held: self.held.clone(), bytes: Arc::clone(&self.bytes) }
    }

    /// Returns the body with the limits of the daemon.
    pub fn limit<B>(&self, body: B, most: u64, time: Duration) -> axum::body::Body
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return axum::body::Body::empty();
        }
        let timed = Timed { body, time, left: None, held: self.held.clone(), bytes: Arc::clone(&self.bytes) };
        axum::body::Body::new(Limited::new(timed, usize::try_from(most).unwrap_or(usize::MAX)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        self.connection.end();
        self.running.send_modify(|running| *running = running.saturating_sub(1));
    }
}

/// Reads the rest of a request that is refused, as far as the limits of that go: a client that still writes when the
/// connection is closed sees a reset and not the answer. One that waits for `100 Continue` writes nothing before.
pub async fn discard<B>(headers: &HeaderMap, mut body: B)
where
    B: Body<Data = Bytes> + Unpin,
{
    if headers.contains_key(EXPECT) || body.is_end_stream() {
        return;
    }
    let rest = async {
        let mut left = REST_BYTES;
        while let Ok(Some(Ok(frame))) = timeout(REST_PAUSE, body.frame()).await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    // What is late stays unread.
    let _ = timeout(REST, rest).await;
}

/// A body that must arrive within a time.
struct Timed<B> {
    body: B,
    time: Duration,
    /// Begins with the first look for bytes: until then the client is not asked for them.
    left: Option<Pin<Box<Sleep>>>,
    held: Held,
    bytes: Arc<AtomicU64>,
}

impl<B> Body for Timed<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        // A client that sends without a pause must not get around the limit.
        let time = this.time;
        if this.left.get_or_insert_with(|| Box::pin(sleep(time))).as_mut().poll(cx).is_ready() {
            let why = io::Error::new(io::ErrorKind::TimedOut, "the body of the request took too long");
            return Poll::Ready(Some(Err(why.into())));
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let bytes = frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
            this.bytes.fetch_add(bytes, Ordering::Relaxed);
            let before = this.held.0.fetch_add(bytes, Ordering::Relaxed);
            if before.saturating_add(bytes) > ALL_BODIES {
                return Poll::Ready(Some(Err(io::Error::new(
                    io::ErrorKind::QuotaExceeded,
                    "too many large requests at once",
                )
                .into())));
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer, which ends its request.
pub(super) struct Answer {
    pub body: axum::body::Body,
    pub running: Option<Running>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if frame.is_none() {
            this.running = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

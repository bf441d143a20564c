//! One connection to a server, and those that are used for more than one request.

use super::endpoint::Endpoint;
use super::error::HttpError;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A body that keeps its connection open. Dropping it before its end closes the connection.
pub struct Body {
    incoming: Incoming,
    connection: Connection,
    /// Where the connection goes after a whole answer, with what sends on it.
    back: Option<(SendRequest<Full<Bytes>>, Kept)>,
}

/// Reads and writes as long as it is polled, by whoever waits for an answer: a task of its own would cost two more
/// switches between threads for each request and each chunk. `None`: the connection has ended.
pub(super) struct Connection(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Connection {
    fn has_ended(&self) -> bool {
        self.0.is_none()
    }

    /// Goes on as far as it can now. An error of the connection is reported by the request or the body as well.
    fn drive(&mut self, context: &mut Context<'_>) {
        if self.0.as_mut().is_some_and(|connection| connection.as_mut().poll(context).is_ready()) {
            self.0 = None;
        }
    }

    /// Polls what waits for the connection: once more where the connection had to go on first.
    fn poll_with<T>(
        &mut self,
        context: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let done = poll(context);
        if done.is_ready() {
            return done;
        }
        self.drive(context);
        poll(context)
    }

    /// Drives the connection until `step` is done, which waits for it.
    pub(super) async fn driven<T>(&mut self, step: impl Future<Output = T>) -> T {
        let mut step = std::pin::pin!(step);
        std::future::poll_fn(|context| self.poll_with(context, |context| step.as_mut().poll(context))).await
    }
}

/// Makes a connection.
pub(super) async fn connect<B>(
    endpoint: &Endpoint,
    limit: Option<Duration>,
) -> Result<(SendRequest<B>, Connection), HttpError>
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let stream = within(limit, endpoint.connect()).await?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (sender, connection) = handshake.await.map_err(HttpError::broken)?;
    Ok((sender, Connection(Some(Box::pin(async move { drop(connection.await) })))))
}

/// Limits the time of a step.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    step: impl Future<Output = Result<T, HttpError>>,
) -> Result<T, HttpError> {
    match limit {
        None => step.await,
        Some(limit) => tokio::time::timeout(limit, step).await.unwrap_or(Err(HttpError::TimedOut(limit))),
    }
}

impl Body {
    pub(super) fn new(incoming: Incoming, connection: Connection) -> Body {
        Body { incoming, connection, back: None }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("incoming", &self.incoming).finish_non_exhaustive()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let incoming = &mut this.incoming;
        let frame = this.connection.poll_with(context, |context| Pin::new(&mut *incoming).poll_frame(context));
        let is_end = match &frame {
            Poll::Ready(None) => true,
            Poll::Ready(Some(Ok(_))) => this.incoming.is_end_stream(),
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        if is_end && let Some((sender, kept)) = this.back.take() {
            kept.put((sender, std::mem::replace(&mut this.connection, Connection(None))));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The connections that are kept: as many as a busy server answers on at once.
const MOST: usize = 16;

/// Connections to one server that wait for its next requests: those of whole answers. One that was left before its end
/// is closed, which cancels a generation.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<Idle>>>);

pub(super) type Idle = (SendRequest<Full<Bytes>>, Connection);

impl Kept {
    /// Takes a connection that is still open.
    pub(super) fn take(&self) -> Option<Idle> {
        loop {
            let (sender, mut connection) = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            // What has happened to it meanwhile; nobody waits for more.
            connection.drive(&mut Context::from_waker(Waker::noop()));
            if sender.is_ready() && !connection.has_ended() {
                return Some((sender, connection));
            }
        }
    }

    /// Returns the body of an answer, after whose end its connection is kept.
    pub(super) fn body(&self, incoming: Incoming, (sender, connection): Idle) -> Body {
        Body { incoming, connection, back: Some((sender, self.clone())) }
    }

    fn put(&self, idle: Idle) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.push(idle);
        }
    }
}

/// All are alike: which connections there are is no property of a server.
impl PartialEq for Kept {
    fn eq(&self, _: &Kept) -> bool {
        true
    }
}

impl Eq for Kept {}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

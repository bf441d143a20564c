//! The bytes of a connection, with limits on the time that a client takes.

use super::connections::{Connection, Stage};
use crate::clock;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long a connection may wait for its client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the first byte of a request.
    pub idle: Duration,
    /// For the rest of its head.
    pub head: Duration,
    /// For the client to take bytes of the answer.
    pub write: Duration,
}

/// A stream that fails with `TimedOut` when its client takes too long.
pub(super) struct Wire<S> {
    stream: S,
    connection: Arc<Connection>,
    patience: Patience,
    reading: Pin<Box<Sleep>>,
    /// The turn of the connection that `reading` is set for.
    armed: Option<u64>,
    writing: Option<Pin<Box<Sleep>>>,
}

impl<S> Wire<S> {
    pub fn new(stream: S, connection: Arc<Connection>, patience: Patience) -> Wire<S> {
        let reading = Box::pin(sleep(patience.idle));
        Wire { stream, connection, patience, reading, armed: None, writing: None }
    }

    /// Handles the outcome of a write: a client that takes nothing for too long has left.
    fn written<T>(&mut self, outcome: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.writing = None;
            return outcome;
        }
        let patience = self.patience.write;
        ready!(self.writing.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        if let Poll::Ready(outcome) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            let new = buffer.filled().get(before..).unwrap_or_default();
            if !new.is_empty() {
                this.connection.received(new);
            }
            return Poll::Ready(outcome);
        }
        let (stage, turn) = this.connection.stage();
        let patience = match stage {
            // Bodies have a limit of their own.
            Stage::Busy => return Poll::Pending,
            Stage::Idle => this.patience.idle,
            Stage::Head => this.patience.head,
        };
        if this.armed != Some(turn) {
            let now = clock::instant();
            this.reading.as_mut().reset(Instant::from_std(now.checked_add(patience).unwrap_or(now)));
            this.armed = Some(turn);
        }
        ready!(this.reading.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.written(outcome, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(cx, bytes);
        this.written(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::super::connections::Connections;
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    fn wire(idle: u64, head: u64, write: u64) -> (tokio::io::DuplexStream, Wire<tokio::io::DuplexStream>) {
        let (client, ours) = duplex(64);
        let [idle, head, write] = [idle, head, write].map(Duration::from_millis);
        let connection = Arc::new(Connections::default().admit(1, 100).unwrap());
        (client, Wire::new(ours, connection, Patience { idle, head, write }))
    }

    const FOREVER: u64 = 600_000;

    #[tokio::test]
    async fn a_client_that_sends_a_byte_and_no_more_is_left_and_one_that_sends_none_is_idle() {
        let (mut client, mut wire) = wire(FOREVER, 20, FOREVER);
        client.write_all(b"G").await.unwrap();
        assert_eq!(wire.read_u8().await.unwrap(), b'G');
        assert_eq!(wire.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let (_client, mut wire) = self::wire(20, FOREVER, FOREVER);
        assert_eq!(wire.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_request_that_is_answered_may_take_its_time() {
        let (mut client, mut wire) = wire(20, 20, FOREVER);
        client.write_all(b"G").await.unwrap();
        wire.read_u8().await.unwrap();
        assert_eq!(wire.connection.begin(), b"G");
        let more = tokio::time::timeout(Duration::from_millis(100), wire.read_u8()).await;
        assert!(more.is_err(), "the wire waits as long as the answer takes");
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_ends_and_one_that_is_read_slowly_does_not() {
        let (mut client, mut wire) = wire(FOREVER, FOREVER, 200);
        assert_eq!(wire.write_all(&[0; 65]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let mut read = [0; 64];
        client.read_exact(&mut read).await.unwrap();
        let reader = async {
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                client.read_exact(&mut read).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(wire.write_all(&[0; 512]), reader);
        written.unwrap();
    }
}

//! The bytes of a connection, with limits on the time that a client takes.

use super::connections::{Connection, Stage};
use super::unparsed;
use crate::clock;
use bytes::{Buf, Bytes};
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
    /// What is left of an answer of ours that is written in place of hyper's.
    own: Option<Bytes>,
    next_id: NextId,
}

/// Returns a new number for a request.
pub(super) type NextId = Box<dyn Fn() -> String + Send>;

impl<S> Wire<S> {
    pub fn new(stream: S, connection: Arc<Connection>, patience: Patience, next_id: NextId) -> Wire<S> {
        let reading = Box::pin(sleep(patience.idle));
        Wire { stream, connection, patience, reading, armed: None, writing: None, own: None, next_id }
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

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Writes our answer where `bytes` are hyper's to what is no request; `None` for all others.
    fn write_own(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> Option<Poll<io::Result<usize>>> {
        if self.own.is_none() && unparsed::is_error(bytes) && self.connection.stage().0 != Stage::Busy {
            self.own = unparsed::answer(bytes, &self.connection.head(), &self.next_id).map(Bytes::from);
        }
        let own = self.own.as_mut()?;
        while !own.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, own) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Ok(0))),
                Poll::Ready(Ok(written)) => own.advance(written.min(own.len())),
                failed_or_full => return Some(failed_or_full),
            }
        }
        self.own = None;
        Some(Poll::Ready(Ok(bytes.len())))
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
        let own = this.write_own(bytes, cx);
        let outcome = own.unwrap_or_else(|| Pin::new(&mut this.stream).poll_write(cx, bytes));
        this.written(outcome, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let first = bytes.iter().find(|slice| !slice.is_empty());
        let own = first.and_then(|first| this.write_own(first, cx));
        let outcome = own.unwrap_or_else(|| Pin::new(&mut this.stream).poll_write_vectored(cx, bytes));
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
        (client, Wire::new(ours, connection, Patience { idle, head, write }, Box::new(|| "id-1".into())))
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

    /// A client would show its user an empty message.
    #[tokio::test]
    async fn what_hyper_answers_by_itself_gets_a_body_however_slowly_it_is_read() {
        let hypers = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let (mut client, mut wire) = wire(FOREVER, FOREVER, FOREVER);
        client.write_all(b"GET /v1/models HTTP/9\r\n\r\n").await.unwrap();
        let mut read = [0; 25];
        wire.read_exact(&mut read).await.unwrap();
        // The pipe has room for 64 bytes.
        let answer = async {
            let mut text = String::new();
            client.read_to_string(&mut text).await.unwrap();
            text
        };
        let write = async {
            wire.write_all(hypers).await.unwrap();
            drop(wire);
        };
        let (text, ()) = tokio::join!(answer, write);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("x-request-id: id-1\r\n"), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["code"], "invalid_request");
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

//! The body of an answer on its way from a server to a client.

use super::meter::Meter;
use super::problem::Problem;
use super::rewrite::Rewriter;
use crate::http;
use crate::lifecycle::Denial;
use crate::openai;
use crate::serve::control::Grant;
use axum::body::Bytes;
use axum::http::StatusCode;
use hyper::body::{Body as HttpBody, Frame};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// Time that passes between the break of a connection and the reason for it, and that the last bytes of a server that
/// has ended may take.
const REASON: Duration = Duration::from_secs(2);

/// Bytes of a server, as they come. Dropping it ends the generation and frees the slot.
pub struct Relay {
    /// What was read to see that the server answers at all, the last part first.
    read: Vec<Bytes>,
    /// Whether that is all of the answer.
    is_all: bool,
    /// `None` when the answer is complete, or was broken off.
    flow: Option<Flow>,
    rewriter: Option<Rewriter>,
    is_stream: bool,
    /// Whether the bytes so far end with an event, so that another one may follow.
    at_boundary: bool,
    meter: Meter,
    /// Ends when a person cancels the request.
    cancelled: Pin<Box<dyn Future<Output = ()> + Send>>,
}

struct Flow {
    body: http::Body,
    /// Holds the slot, and ends with the server.
    ended: Pin<Box<dyn Future<Output = Denial> + Send>>,
    broken: Option<Broken>,
}

/// The server or the connection to it has ended.
struct Broken {
    /// `None`: not known yet.
    why: Option<Denial>,
    is_cut: bool,
    deadline: Pin<Box<Sleep>>,
}

impl Relay {
    /// Returns how long the request waited for a server.
    pub fn waited(&self) -> Duration {
        self.meter.waited()
    }

    pub(super) fn new(
        ((mut read, is_all), body): ((Vec<Bytes>, bool), http::Body),
        mut grant: Grant,
        (is_stream, rewriter): (bool, Option<Rewriter>),
        meter: Meter,
    ) -> Relay {
        let ended = Box::pin(async move { grant.server_ended().await });
        let flow = Some(Flow { body, ended, broken: None });
        let cancelled = Box::pin(meter.cancelled());
        read.reverse();
        Relay { read, is_all, flow, rewriter, is_stream, at_boundary: true, meter, cancelled }
    }

    fn pass(&mut self, bytes: Bytes) -> Frame<Bytes> {
        let bytes = match &mut self.rewriter {
            Some(rewriter) => rewriter.push(&bytes),
            None => bytes,
        };
        if !bytes.is_empty() {
            self.at_boundary = bytes.ends_with(b"\n\n");
            self.meter.bytes(&bytes);
        }
        if let Some(problem) = self.problem() {
            // A server that went on, or hung, would hold the slot and the client.
            self.fail_with(&problem);
        }
        Frame::data(bytes)
    }

    /// Returns the error that has ended the stream.
    fn problem(&self) -> Option<Problem> {
        let error = self.rewriter.as_ref()?.error()?;
        let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Some(Problem::new(status, &error.kind, error.message.clone()))
    }

    /// Breaks off an answer that cannot be used, unless it has ended already.
    pub fn fail_with(&mut self, problem: &Problem) {
        if self.flow.take().is_some() {
            self.meter.fail(problem);
        }
    }

    /// Ends a broken answer: with an event where one can follow, otherwise by breaking off.
    fn fail(&mut self, why: Option<Denial>) -> Option<Result<Frame<Bytes>, io::Error>> {
        self.end_with(Problem::died(why.as_ref()))
    }

    fn end_with(&mut self, problem: Problem) -> Option<Result<Frame<Bytes>, io::Error>> {
        self.flow = None;
        self.meter.fail(&problem);
        if self.is_stream && self.at_boundary {
            Some(Ok(Frame::data(Bytes::from(openai::event(&problem.body())))))
        } else {
            Some(Err(io::Error::other(problem.message)))
        }
    }
}

impl HttpBody for Relay {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if this.flow.is_some() && this.cancelled.as_mut().poll(context).is_ready() {
            return Poll::Ready(this.end_with(Problem::cancelled()));
        }
        if let Some(part) = this.read.pop() {
            let frame = this.pass(part);
            if this.is_all && this.read.is_empty() && this.flow.take().is_some() {
                this.meter.end();
            }
            return Poll::Ready(Some(Ok(frame)));
        }
        loop {
            let Some(flow) = &mut this.flow else { return Poll::Ready(None) };
            let is_cut = flow.broken.as_ref().is_some_and(|broken| broken.is_cut);
            if !is_cut {
                match Pin::new(&mut flow.body).poll_frame(context) {
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(bytes) => {
                            // By its length the answer may be whole: then nobody asks for more.
                            let is_whole = this.rewriter.is_none() && flow.body.is_end_stream();
                            let frame = this.pass(bytes);
                            if is_whole && this.flow.take().is_some() {
                                this.meter.end();
                            }
                            return Poll::Ready(Some(Ok(frame)));
                        }
                        Err(_) => continue, // trailers
                    },
                    Poll::Ready(None) => {
                        // The slot is free from here on, however slowly the client reads.
                        this.flow = None;
                        let rest = this.rewriter.as_mut().map(Rewriter::finish).filter(|rest| !rest.is_empty());
                        rest.iter().for_each(|rest| this.meter.bytes(rest));
                        match this.problem() {
                            Some(problem) => this.meter.fail(&problem),
                            None => this.meter.end(),
                        }
                        return Poll::Ready(rest.map(|rest| Ok(Frame::data(rest))));
                    }
                    Poll::Ready(Some(Err(_))) => {
                        let why = flow.broken.take().and_then(|broken| broken.why);
                        if why.is_some() {
                            return Poll::Ready(this.fail(why));
                        }
                        flow.broken =
                            Some(Broken { why, is_cut: true, deadline: Box::pin(tokio::time::sleep(REASON)) });
                    }
                    Poll::Pending => {}
                }
            }
            let Some(Broken { why, is_cut, deadline }) = &mut flow.broken else {
                // Whatever of the answer is still in the socket comes before the end is reported.
                let why = Some(ready!(flow.ended.as_mut().poll(context)));
                flow.broken = Some(Broken { why, is_cut: false, deadline: Box::pin(tokio::time::sleep(REASON)) });
                continue;
            };
            if why.is_none()
                && *is_cut
                && let Poll::Ready(denial) = flow.ended.as_mut().poll(context)
            {
                return Poll::Ready(this.fail(Some(denial)));
            }
            ready!(deadline.as_mut().poll(context));
            let why = why.take();
            return Poll::Ready(this.fail(why));
        }
    }
}

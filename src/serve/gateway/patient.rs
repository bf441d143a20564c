//! Streams that begin before their answer does: a client that waits for long hears that something is being done.

use super::Gateway;
use super::exchange::{self, Job};
use super::meter::Meter;
use super::problem::Problem;
use super::relay::Relay;
use crate::lifecycle::{Phase, ServerKey};
use crate::openai;
use crate::serve::control::Server;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

/// Time after which a stream gets its headers, whether or not there is an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Interval of the comments from then on.
const COMMENTS: Duration = Duration::from_secs(10);

type Work = Pin<Box<dyn Future<Output = Result<hyper::Response<Relay>, Problem>> + Send>>;

/// Answers a request that was read.
pub(super) async fn run(gateway: &Gateway, job: Job, meter: Meter) -> Response {
    let (key, is_stream) = (job.key.clone(), job.asked.stream);
    let mut work: Work = Box::pin(exchange::answer(gateway.control.clone(), job, meter));
    let outcome = if is_stream {
        match tokio::time::timeout(PATIENCE, &mut work).await {
            Ok(outcome) => outcome,
            Err(_) => return begin(Patient::new(work, (key, gateway.control.watch()))),
        }
    } else {
        work.await
    };
    match outcome {
        Ok(response) => response.map(Body::new),
        Err(problem) => problem.into_response(),
    }
}

fn begin(body: Patient) -> Response {
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The body of a stream that has begun without an answer.
struct Patient {
    stage: Stage,
    servers: watch::Receiver<Arc<Vec<Server>>>,
    key: ServerKey,
    ticks: Interval,
}

enum Stage {
    Waiting(Work),
    Answering(Box<Relay>),
    Ended,
}

impl Patient {
    fn new(work: Work, (key, servers): (ServerKey, watch::Receiver<Arc<Vec<Server>>>)) -> Patient {
        let mut ticks = tokio::time::interval(COMMENTS);
        // A client that reads slowly gets no comments in a row.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Patient { stage: Stage::Waiting(work), servers, key, ticks }
    }

    /// Returns what is being done for the request.
    fn news(&self) -> String {
        let servers = self.servers.borrow();
        let server = servers.iter().find(|server| server.view.key == self.key);
        match server.map(|server| &server.view.phase) {
            Some(Phase::Starting { progress }) => format!("loading {:.0} %", progress.clamp(0.0, 1.0) * 100.0),
            Some(Phase::Ready) => "waiting for an answer".to_owned(),
            _ => "waiting for the model".to_owned(),
        }
    }
}

impl HttpBody for Patient {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        loop {
            match &mut this.stage {
                Stage::Ended => return Poll::Ready(None),
                Stage::Answering(relay) => return Pin::new(relay.as_mut()).poll_frame(context),
                Stage::Waiting(work) => match work.as_mut().poll(context) {
                    Poll::Ready(Ok(response)) => this.stage = Stage::Answering(Box::new(response.into_body())),
                    Poll::Ready(Err(problem)) => {
                        this.stage = Stage::Ended;
                        let event = openai::event(&problem.body());
                        return Poll::Ready(Some(Ok(Frame::data(Bytes::from(event)))));
                    }
                    Poll::Pending => {
                        if this.ticks.poll_tick(context).is_pending() {
                            return Poll::Pending;
                        }
                        let comment = openai::comment(&this.news());
                        return Poll::Ready(Some(Ok(Frame::data(Bytes::from(comment)))));
                    }
                },
            }
        }
    }
}

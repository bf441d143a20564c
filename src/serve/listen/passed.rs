//! Bodies of requests that are passed on as they arrive, whatever they hold.

use super::Refusal;
use super::body::Counted;
use super::read::unread;
use crate::config::ServeLimits;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

/// A body on its way: nothing of it is kept, so that only its limits of size and time hold.
#[derive(Debug)]
pub struct Passed {
    body: axum::body::Body,
    limits: ServeLimits,
    /// Bytes that were given away and still count as held.
    counted: u64,
    held: Option<Counted>,
    refusal: Arc<OnceLock<Refusal>>,
}

/// Why a body could not be read to its end, once that is known.
#[derive(Debug, Clone)]
pub struct Unread(Arc<OnceLock<Refusal>>);

impl Unread {
    pub fn refusal(&self) -> Option<Refusal> {
        self.0.get().cloned()
    }
}

/// Prepares a body to be passed on. `held` is an extension of its request.
pub fn pass_body(body: axum::body::Body, limits: &ServeLimits, held: Option<Counted>) -> (Passed, Unread) {
    let refusal = Arc::default();
    let unread = Unread(Arc::clone(&refusal));
    (Passed { body, limits: limits.clone(), counted: 0, held, refusal }, unread)
}

impl Body for Passed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        // Whoever asks for more has passed on what came before.
        let given = std::mem::take(&mut this.counted);
        this.held.iter().for_each(|held| held.give_back(given));
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                this.counted = frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
            }
            Some(Err(error)) => {
                // The first reason counts.
                let _ = this.refusal.set(unread(error, &this.limits));
            }
            None => {}
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

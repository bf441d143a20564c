//! The one HTTP client: HTTP/1.1 over Unix sockets and TCP. Whole answers, streams of server-sent events, and bytes
//! that are passed through.
//!
//! Each request has a connection of its own, except those of [`forward_kept`]: servers are local, and closing the
//! connection cancels a generation, so that dropping an answer closes it. Redirects are not followed, and there is no TLS.
//!
//! Absent on purpose: the contents of requests, and the meaning of answers.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod ask;
mod client;
mod connection;
mod endpoint;
mod error;
mod fetch;
mod forward;
mod sse;
#[cfg(test)]
mod tests;
mod url;

pub use ask::{Answered, Question, Unanswered, ask, bearer};
pub use client::{Authorization, Limits, Request, Response, open};
pub use connection::{Body, Kept};
pub use endpoint::Endpoint;
pub use error::HttpError;
pub use fetch::{Whole, fetch, fetch_all};
pub use forward::{forward, forward_kept};
pub use sse::{NamedEvent, SseEvent, SseReader, TooLong};
pub use url::{UrlError, parse_url, port_of};

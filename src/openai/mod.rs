//! OpenAI's dialect with llama-server's additions: requests, answers, streams, embeddings, errors. Server and clients
//! share these types: the worker, its client, batch files.
//!
//! Reading is as lenient as clients are: `null` is absent, a number may be written `5.0`, one limit may have two names.
//! It is as strict as answers need: a key that would change the answer is supported or refused by name (see [`keys`]);
//! only keys that change nothing are ignored.
//!
//! Absent on purpose: what answers a request, and how its bytes are sent and received.
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

mod completion;
mod constraint;
mod embeddings;
mod error;
pub mod json;
mod keys;
mod member;
mod message;
mod options;
mod reply;
mod request;
#[cfg(test)]
mod tests;
mod usage;

pub use completion::{Completion, Progress};
pub use constraint::Constraint;
pub use embeddings::{EmbeddingReply, EmbeddingRequest, Encoding, Input};
pub use error::ApiError;
pub use message::Message;
pub use options::{Options, Stops, StreamOptions};
pub use reply::{DONE, Dialect, Kind, Reply, TemplateUse, comment, event, is_opening};
pub use request::{ChatRequest, CompletionRequest};
pub use usage::{Finish, PromptDetails, Timings, Usage};

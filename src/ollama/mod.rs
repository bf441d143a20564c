//! Ollama's dialect: requests, answers, streams as lines of JSON, lists of models; and the way from its requests to
//! those of [`crate::openai`] and back.
//!
//! Reading is as lenient as clients are: `null` is absent, a number of seconds may be a text, unknown keys are passed
//! over. What would change the answer and cannot be done is refused by name.
//!
//! Absent on purpose: what answers a request, which models there are, and how bytes are sent and received.
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

mod answer;
mod embed;
mod keep_alive;
mod models;
mod request;
#[cfg(test)]
mod tests;
mod time;
mod translate;

pub use answer::{Answer, Kind, Part, Times};
pub use embed::{EmbedReply, EmbedRequest};
pub use keep_alive::KeepAlive;
pub use models::{ModelCard, Running, capabilities, listed, shown, tagged};
pub use request::{ChatRequest, Errand, GenerateRequest, PullRequest, ShowRequest};
pub use translate::{TextBody, chat_body, generate_body, ignored, wished_context};

use serde_json::{Value, json};

/// Returns the body of an answer that reports an error.
pub fn error(message: &str) -> Value {
    json!({"error": message})
}

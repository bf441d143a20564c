//! The process that hosts the engine and serves it by HTTP, in llama-server's dialect, and the handle that all callers
//! use.
//!
//! Parent and worker communicate over three channels. The worker's **stdin** is its lifeline: it closes when the parent
//! ends, and the worker ends with it. Its **stdout** has one JSON line per `Status`, so that readiness needs no
//! polling. Its **socket** or port serves HTTP. Its stderr is its log.
//!
//! Chat templates are rendered by a child of the worker, since they are foreign code (`renderer`).
//!
//! Absent on purpose: llama.cpp's types, and when to start or stop which model.
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

mod api;
mod args;
mod client;
mod error;
mod exchange;
mod generate;
mod handle;
mod limits;
mod prompt;
mod readiness;
mod renderer;
mod runtime_dir;
mod serve;
mod several;
mod shared;
mod start_spec;
mod status;

pub use api::MODEL_HEADER;
pub use args::{Listen, WorkerSpec};
// Requests to a worker, and its answers.
pub use crate::openai::{ChatRequest, Completion, CompletionRequest, Options, Usage};
pub use client::Worker;
pub use error::WorkerError;
pub use exchange::{ACCEPT, Broken, Heard, LATE, SILENCE, stream};
pub use handle::{At, Ended, Handle};
pub use renderer::{Renderer, Source, serve_renders};
pub use runtime_dir::{Socket, new_socket};
pub use serve::serve;
pub use shared::{RECORDED, SharedAnswer, chat_through, is_serving};
pub use start_spec::{Held, StartSpec};
pub use status::FailedKind;

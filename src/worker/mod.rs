//! The process that hosts the engine, its HTTP dialect (llama-server's), and the client that everyone uses.
//!
//! Parent and worker speak over three channels. The worker's **stdin** is its lifeline: when it ends, the parent has
//! gone, and the worker with it. Its **stdout** carries one JSON line per `Status`, so that nobody polls for
//! readiness. Its **socket** speaks HTTP. Its stderr is its log.
//!
//! Absent on purpose: llama.cpp's types, and when to start or stop which model.

mod api;
mod args;
mod ask;
mod client;
mod dialect;
mod embeddings;
mod error;
mod exchange;
mod reply;
mod runtime_dir;
mod serve;
mod sse;
mod status;

pub use args::{Listen, WorkerSpec};
pub use ask::{Answer, Question, Verb, ask_all};
pub use client::{Completion, StartSpec, Worker};
pub use dialect::{ChatRequest, CompletionRequest, Options, Usage};
pub use error::WorkerError;
pub use exchange::{Broken, Heard, stream};
pub use serve::serve;

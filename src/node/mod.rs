//! What an LLM node runs, read without changing it: services and who manages them, processes, logs, model files,
//! endpoints, GPUs, memory, disks. Every read is a [`Fact`] with its source, its time and what came of it.
//!
//! Absent on purpose: judgement. What the facts mean is for `health` and `triage`.

pub mod discover;
pub mod endpoint;
mod fact;
pub mod gpu;
pub mod kernel;
pub mod log;
pub mod machine;
pub mod model_file;
pub mod model_server;
mod place;
mod proc_file;
pub mod process;
pub mod program;
pub mod queue_check;
pub mod reach;
pub mod supervisord;
pub mod systemd;
mod zone;

pub use fact::{Fact, Outcome, late};
pub use place::Place;
pub use proc_file::bytes as read_start;
pub use zone::local_zone;

//! The recipes: the work of the command line and the daemon, over a [`Session`] that cannot print.
//!
//! A recipe takes the session, a request in plain data, a stop signal where it can take long, and a [`Sink`] for events
//! for a person or a client while it works; it returns a report. Reports and events serialize, so that `list --json`
//! and an HTTP route print one struct.
//!
//! Absent on purpose: printing, command lines, terminals.

pub mod batch;
pub mod check_grammars;
pub mod clock_check;
pub mod daemon;
pub mod dedupe;
pub mod doctor;
pub mod duplicates;
mod event;
pub mod file_problem;
pub mod forget;
pub mod health;
pub mod history;
pub mod history_events;
pub mod inference;
pub mod keep_hints;
pub mod known_roots;
pub mod list;
pub mod measured_memory;
pub mod memory_fit;
pub mod model_header;
pub mod needs;
pub mod node;
pub mod open_models;
pub mod overview;
pub mod patterns;
pub mod prompt;
mod prompt_device;
mod prompt_shared;
pub mod prune;
pub mod resolve_model;
pub mod run_tasks;
pub mod runnable;
pub mod scan;
pub mod scan_report;
mod session;
pub mod settings;
pub mod show;
pub mod stored_files;
pub mod stores;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod trash;
pub mod triage;
pub mod tune;
pub mod unscanned;
pub mod verify;
mod wide_roots;
pub mod wish;

pub use event::{OpEvent, Progress, Sink, Step, Unit};
pub use session::Session;

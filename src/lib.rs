//! modelctl: find, inspect, run and look after the GGUF models on a machine.
//!
//! The code map. Dependencies point down only:
//!
//! ```text
//! main → cli → inventory prune queue health triage serve → lifecycle worker engine → openai db host → supervise → http display gguf model clock
//! ```
//!
//! | room | owns | must not be found in it |
//! |---|---|---|
//! | [`cli`] | one file per subcommand: arguments, recipe, view | SQL, byte reading |
//! | [`ui`] | streams, tables, progress, JSON | decisions |
//! | [`display`] | sizes, ages and foreign names in a sentence | printing |
//! | [`config`] | defaults < file < environment < flags; the only reader of the environment | printing |
//! | [`failure`] | kinds of failure, hints, exit codes | |
//! | [`inventory`] | stores, walking, grouping, the diff of a scan | SQL, printing, model loading |
//! | [`prune`] | what may go and why (pure), the trash, who has a file open | SQL, printing |
//! | [`queue`] | which model answers a task; the durable queue | SQL, llama.cpp |
//! | [`serve`] | the daemon: when the queue is looked at, and one of it at a time | SQL, printing |
//! | [`engine`] | llama.cpp, in the worker process alone; a stub without the `llama` feature | HTTP, SQL |
//! | [`worker`] | the process that hosts the engine, its HTTP dialect, and the client everyone uses | llama.cpp types |
//! | [`openai`] | the dialect: requests, answers, streams, embeddings, errors | who answers, sockets |
//! | [`supervise`] | child processes: spawn, readiness, stop, how they ended | what the children do |
//! | [`http`] | one client for Unix sockets and TCP: whole answers, streams, bytes passed through | what is asked |
//! | [`host`] | what the machine has: memory, GPUs; bounded reads in a child | models |
//! | [`db`] | all SQL, the schema and its migrations | decisions about models |
//! | [`gguf`] | bounded, panic-free header reading, tensor types, names, memory estimate | llama.cpp, SQL |
//! | [`model`] | plain data with the words of the house | I/O |
//! | [`clock`] | the only caller of the clocks | |
//!
//! `supervise` stands under `host`: a read that can hang is a child process of its own.
//! `tests/it/house.rs` holds the arrows and the absences to account.

pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod display;
pub mod engine;
pub mod failure;
pub mod gguf;
pub mod host;
pub mod http;
pub mod inventory;
pub mod model;
pub mod openai;
pub mod prune;
pub mod queue;
pub mod serve;
pub mod supervise;
pub mod ui;
pub mod worker;

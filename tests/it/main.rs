//! One binary for all integration tests: several would each link the whole program again.
#![allow(
    clippy::disallowed_methods,
    reason = "tests stand outside the house: they spawn, look at the clock, set the environment"
)]

mod command_line;
mod daemon;
mod database;
mod dedupe;
mod doctor;
mod documents;
mod externals;
#[cfg(feature = "llama")]
mod fit_families;
mod fixtures;
mod foreign_paths;
mod full_disk;
#[cfg(feature = "llama")]
mod gateway;
mod generated;
mod gguf;
mod gguf_real;
mod health;
mod history;
mod house;
mod hub;
mod inventory;
mod keep;
#[cfg(feature = "llama")]
mod kills;
mod launch;
#[cfg(feature = "llama")]
mod ledger;
mod lifecycle;
mod node_children;
#[cfg(feature = "llama")]
mod offload;
#[cfg(feature = "llama")]
mod ollama;
mod packaging;
mod page;
#[cfg(feature = "llama")]
mod ports;
#[cfg(feature = "llama")]
mod processes;
mod prune;
mod prune_acting;
mod prune_targets;
mod queue;
mod reading;
mod readme;
mod render;
mod roots;
#[cfg(feature = "llama")]
mod run_once;
mod sandbox;
#[cfg(feature = "llama")]
mod serve;
mod serve_http;
mod servers;
mod services;
mod serving;
mod show_fit;
mod stores;
mod supervised;
#[cfg(feature = "llama")]
mod swaps;
mod task;
mod top;
mod torch;
mod triage;
mod triage_node;
mod undo;
mod verify;
#[cfg(feature = "llama")]
mod worker;
#[cfg(feature = "llama")]
mod worker_embeddings;
#[cfg(feature = "llama")]
mod worker_figures;
#[cfg(feature = "llama")]
mod worker_forms;
#[cfg(feature = "llama")]
mod worker_handle;
#[cfg(feature = "llama")]
mod worker_http;

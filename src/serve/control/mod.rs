//! The way to the one task that decides which servers run. Handlers ask for a slot of a model and wait for the grant;
//! no state that they can read decides anything.

mod actor;
mod acts;
mod ask;
mod events;
mod fitting;
mod grow;
mod headroom;
mod ledger;
mod llama_log;
mod llama_server;
mod parking;
mod prepare;
mod prepared;
mod probe;
mod reports;
mod reserving;
mod running;
mod server_task;
mod service;
mod sessions;
mod start_plan;
mod task;
mod threads;

pub use crate::model::server::Engine;
pub use actor::{Beat, Loop, start};
pub use ask::{Ask, Command, Control, Grant, Grow, Server, ServerInfo, Started, Stopped};
pub use events::{EventLog, EventReader, Happening, Numbered};
pub use ledger::reconcile;
pub use sessions::Sessions;

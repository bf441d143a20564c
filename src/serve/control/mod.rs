//! The way to the one task that decides which servers run. Handlers ask for a slot of a model and wait for the grant;
//! no state that they can read decides anything.

mod actor;
mod acts;
mod ask;
mod events;
mod fitting;
mod grow;
mod ledger;
mod llama_log;
mod llama_server;
mod manage;
mod prepare;
mod probe;
mod reports;
mod reserving;
mod running;
mod server_task;
mod sessions;
mod start_plan;
mod status;
mod telling;
mod uses;
mod watched;

pub use crate::model::server::Engine;
pub use actor::{Beat, Loop, start};
pub use ask::{Ask, Command, Control, Grant, Grow, Server, ServerInfo, Started, Stopped};
pub use events::{EventLog, EventReader, Happening, Numbered};
pub use ledger::reconcile;
pub use manage::{HeadroomAsk, Known, Manage, SwapAsk};
pub use sessions::Sessions;

//! The way to the one task that decides which servers run. Handlers ask for a slot of a model and wait for the grant;
//! no state that they can read decides anything.

mod actor;
mod acts;
mod ask;
mod attached;
mod attaching;
mod elsewhere;
mod events;
mod fitting;
mod grow;
mod ledger;
mod llama_log;
mod llama_server;
mod prepare;
mod probe;
mod reports;
mod reserving;
mod rungs;
mod running;
mod server_task;
mod sessions;
mod start_plan;

pub use crate::model::server::Engine;
pub use actor::{Beat, Loop, start};
pub use ask::{Ask, Command, Control, Grant, Grow, Seen, Server, ServerInfo, Started, Stopped};
pub use attached::Attach;
pub use elsewhere::info as info_of_other;
pub use events::{EventLog, EventReader, Happening, Numbered};
pub use ledger::reconcile;
pub use rungs::settings_of;
pub use sessions::Sessions;

//! The daemon that serves the models, asked over its Unix socket.

mod client;
mod error;
mod reply;

pub use client::{Daemon, Follow, OnServers};
pub use error::refused;
pub use reply::{
    DaemonInfo, ErrorReply, EventRow, Events, FailedModel, LogRow, Logs, ServerRow, Servers, StartAllReply, StartReply,
    StartedModel, StopAllReply, StopReply, seconds,
};

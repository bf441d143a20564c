//! The daemon that serves the models, asked over its Unix socket.

mod client;
mod error;
mod event_line;
mod lifecycle;
mod reply;
mod why;

pub use client::{Daemon, Follow, OnServers, settings_changed};
pub use error::refused;
pub use event_line::event_line;
pub use lifecycle::{HeadroomReply, OffloadReply, PauseReply, PressureReply, PriorityReply, ReleaseReply, SwapReply};
pub use reply::{
    DaemonInfo, ErrorReply, EventRow, Events, FailedModel, LogRow, Logs, ServerRow, Servers, StartAllReply, StartReply,
    StartedModel, StopAllReply, StopReply, seconds,
};
pub use why::{About, LocalClock, sentences};

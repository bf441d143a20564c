//! The daemon that serves the models, asked over its Unix socket.

mod client;
mod error;
mod event_line;
mod hour;
mod lifecycle;
mod live;
mod reply;
mod server;
mod why;

pub use client::{Daemon, Follow, OnServers, elsewhere, settings_changed};
pub use error::refused;
pub use event_line::event_line;
pub use hour::{Hour, Lane, Queue, QueueTask, Run, Switch};
pub use lifecycle::{HeadroomReply, OffloadReply, PauseReply, PressureReply, PriorityReply, ReleaseReply, SwapReply};
pub use live::{LiveDaemon, LiveMachine, LiveModel, LiveNews, LiveRate, LiveRequest, LiveRows, LiveServer};
pub use reply::{
    DaemonInfo, ErrorReply, EventRow, Events, FailedModel, LogRow, Logs, ServerRow, Servers, StartAllReply, StartReply,
    StartedModel, StopAllReply, StopReply, seconds,
};
pub use why::{About, LocalClock, about, sentences, service_of, told};

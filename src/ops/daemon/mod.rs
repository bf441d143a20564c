//! What the daemon answers.

mod reply;

pub use reply::{
    DaemonInfo, ErrorReply, EventRow, Events, FailedModel, LogRow, Logs, ServerRow, Servers, StartAllReply, StartReply,
    StartedModel, StopAllReply, StopReply, seconds,
};

//! Processes of services, by `/proc` (proc(5)), and the sockets that listen.

mod types;

pub use types::*;

//! Child processes: how they are started, when they are ready, what they log, how they are stopped, and why they ended.
//! The only module that spawns processes.
//!
//! Every child gets its own process group and ends with us. Its stdin is a lifeline whose write end only we hold; the
//! kernel closes it however we end. It also gets a parent-death signal: our own programs set it themselves, and for
//! foreign programs a short start of modelctl sets it first ([`launch`]). That signal is safe because all children are
//! made by one thread that lives as long as the program (see [`spawn`]).
//!
//! A long-lived child is awaited ([`Child::ended`]), shows by a [`Readiness`] that it can be used, and has a log to
//! follow ([`LogRing`]); its end has a class ([`CrashClass`]). A child that answers one question runs by
//! [`run_bounded`].
//!
//! Absent on purpose: what the children do, whether one that is ready still answers, and when to start it again.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod bounded;
mod child;
mod crash;
mod dialogue;
mod ending;
mod hangup;
mod http_health;
pub mod launch;
mod live;
mod log_ring;
mod oom;
mod pager;
mod readiness;
mod spawn;
mod stop_signal;
mod time_sync;

/// The path of this very program, valid even when its file has been replaced since the start.
///
/// In unit tests there is no such program: the test binary would take the subcommand for the names of tests, and run
/// itself again and again.
pub const OURSELVES: &str = if cfg!(test) { "/nonexistent/modelctl" } else { "/proc/self/exe" };

pub use bounded::{Bounded, Exchange, run_bounded, run_bounded_with};
pub use child::Child;
pub use crash::{CrashClass, Evidence};
pub use dialogue::{Dialogue, NoAnswer};
pub use ending::Ending;
pub use hangup::on_hangup;
pub use http_health::HttpHealth;
pub use launch::RunAs;
pub use live::end_bounded;
pub use log_ring::{LogEvent, LogFollower, LogLine, LogRing};
pub use oom::OomKills;
pub use pager::page;
pub use readiness::{NotReady, Readiness, Sign, StartLimits, until_ready};
pub use spawn::{KeepOpen, Output, SpawnSpec, spawn, spawn_async};
pub use stop_signal::{Stop, StopSignal};
pub use time_sync::{clock_sync, is_clock_synchronized};

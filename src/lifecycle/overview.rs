//! All that is known and decided, as plain data. Times are on the clock of the state; whoever shows them translates them.

use super::decisions::Decided;
use super::{ChosenRung, ServerKey, ServerView};
use crate::model::lifecycle::{DeviceStatus, External, Mode, NodeTier, Pressure, Priority, Readings};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    pub now: Duration,
    pub ticks: u64,
    pub is_paused: bool,
    pub tier: Option<NodeTier>,
    pub servers: Vec<ServerOverview>,
    /// One of each kind, as far as it was ever read.
    pub pressures: Vec<Pressure>,
    pub throttle_factor: f64,
    /// As in [`super::Effect::Admit`].
    pub margin_factor: u32,
    /// Every device that was read, or on which anything is held.
    pub devices: Vec<DeviceStatus>,
    /// The last ones, with their time.
    pub readings: Option<(Duration, Readings)>,
    pub swaps: Vec<SwapWait>,
    pub externals: Vec<External>,
    /// The newest last; 200 at most.
    pub decisions: Vec<Decided>,
}

/// One server with all that its priority follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerOverview {
    pub view: ServerView,
    /// The way in which it is loaded, or was the last time.
    pub rung: ChosenRung,
    /// Of the next start, where that is another one.
    pub next_mode: Option<Mode>,
    pub downgraded: bool,
    /// Why it is not loaded in full.
    pub mode_reason: Option<String>,
    /// `None`: it is not loaded.
    pub priority: Option<Priority>,
    /// What a person has set, and until when.
    pub by_person: Option<(Priority, Option<Duration>)>,
    /// How long ago it was given a request, in this run of the daemon or before.
    pub last_access: Option<Duration>,
    pub access_count: u64,
    pub load_time: Option<Duration>,
    /// `None`: it is not loaded, or answers.
    pub idle: Option<Duration>,
    /// `None`: it is not stopped for having nothing to do.
    pub idle_timeout: Option<Duration>,
    pub popularity: f64,
    pub boosted: bool,
    pub crashes: u32,
    pub last_exit_code: Option<i32>,
    /// `None`: it is not known.
    pub healthy: Option<bool>,
    pub pressure_evict_only: bool,
    pub essential: bool,
    pub threads: Option<u32>,
}

/// A server that was stopped for another one and comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapWait {
    pub key: ServerKey,
    pub name: String,
    pub by: ServerKey,
    pub by_name: String,
    /// How long ago it was stopped.
    pub ago: Duration,
    pub waits_for: String,
}

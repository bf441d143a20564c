//! What people and other programs ask of the lifecycle besides starts and stops: a pause, priorities, modes, memory for a
//! program of their own, a swap, and what is known.

mod act;
mod handle;
mod loading;

pub(super) use loading::Prepared;

use crate::lifecycle::{Denial, DeviceBytes, Event, Offloaded, ServerKey};
use crate::model::lifecycle::{Mode, Priority, Status};
use std::time::Duration;
use tokio::sync::oneshot;

/// Memory that another program asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadroomAsk {
    /// An id that is held already is renewed.
    pub id: String,
    /// The program, for people.
    pub requester: String,
    pub needs: Vec<DeviceBytes>,
    pub ttl: Duration,
}

/// A server that others are to give way to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapAsk {
    pub needed: ServerKey,
    /// Those that are to give way; empty: whichever the state chooses.
    pub evict: Vec<ServerKey>,
    /// A sentence of whoever asks.
    pub reason: String,
}

/// The names of the servers that gave way, or why nothing was done.
pub type GaveWay = Result<Vec<String>, Denial>;

/// A command to the deciding task.
#[derive(Debug)]
pub enum Manage {
    /// Answered by whether it was paused before.
    Pause {
        paused: bool,
        was: oneshot::Sender<bool>,
    },
    /// `None` ends an override; `lasts`: how long it holds.
    Priority {
        key: ServerKey,
        priority: Option<Priority>,
        lasts: Option<Duration>,
        done: oneshot::Sender<()>,
    },
    Offload {
        key: ServerKey,
        to: Option<Mode>,
        answer: oneshot::Sender<Offloaded>,
    },
    Headroom {
        ask: HeadroomAsk,
        answer: oneshot::Sender<GaveWay>,
    },
    /// Answered by whether the id was held.
    Release {
        id: String,
        answer: oneshot::Sender<bool>,
    },
    Swap {
        ask: SwapAsk,
        answer: oneshot::Sender<GaveWay>,
    },
    /// Servers to be loaded at the start, those that need the least memory first; answered by why some are not.
    Preload {
        keys: Vec<ServerKey>,
        refused: oneshot::Sender<Vec<Denial>>,
    },
    Status {
        answer: oneshot::Sender<Status>,
    },
    /// What is known of the uses of all servers, if that has changed since the last time.
    Uses {
        answer: oneshot::Sender<Option<Vec<Known>>>,
    },
    /// What was answered to [`Manage::Uses`] was not saved.
    NotSaved,
    /// News of what watches the machine and the database.
    News(Box<Event>),
}

/// What is known of the uses of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub key: ServerKey,
    /// How long ago it was used.
    pub idle: Option<Duration>,
    pub access_count: u64,
    pub load_time: Option<Duration>,
    /// Whether it is loaded, or was when the daemon began to stop.
    pub is_loaded: bool,
}

/// Who waits for the answer of the state.
#[derive(Debug)]
pub(super) enum Waiting {
    Offload(oneshot::Sender<Offloaded>),
    /// `is_new`: the id is not held already.
    Headroom {
        id: String,
        is_new: bool,
        answer: oneshot::Sender<GaveWay>,
    },
    Release(oneshot::Sender<bool>),
    Swap(oneshot::Sender<GaveWay>),
}

use super::event::{Generation, Unload, WaiterId};
use super::{DeviceBytes, Profile, ServerKey, Why};
use std::collections::BTreeSet;
use std::time::Duration;

/// One server, and all that decides about it.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub key: ServerKey,
    pub profile: Profile,
    pub state: ServerState,
    pub generation: Generation,
    /// Requests that it answers at once; 0 until it was ready once.
    pub slots: u32,
    pub in_flight: BTreeSet<WaiterId>,
    /// When it had one request less the last time.
    pub last_left: Option<Duration>,
    /// Those who waited for this load. Until they are served it is not evicted.
    pub promised: BTreeSet<WaiterId>,
    pub last_used: Duration,
    /// For how long a request wished that it is kept while it has nothing to do.
    pub keep: Option<Duration>,
    /// Unexpected ends in a row.
    pub crashes: u32,
    /// Whether this start was ready.
    pub was_loaded: bool,
    /// The load that follows a crash is reported as a restart.
    pub is_restart: bool,
    /// Persons who wait for its end.
    pub stop_waiters: Vec<(WaiterId, bool)>,
    pub last_error: Option<String>,
    /// The last line that it logged before that.
    pub last_log: Option<String>,
    /// The files of its last start.
    pub started_with: u64,
    /// The reason of the kill that is under way.
    pub wedged: Option<String>,
}

/// A state with what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ServerState {
    Stopped,
    /// It is to be loaded and has no memory yet.
    Queued(Queued),
    /// It has memory and loads.
    Starting {
        since: Duration,
        progress: f32,
    },
    Ready {
        since: Duration,
    },
    /// Its process runs and gets no new requests; it is stopped when it is idle, at the latest at `until`.
    Draining {
        until: Duration,
        why: Unload,
    },
    /// Its process was asked to end, or its reservation is being given back.
    Stopping {
        why: Unload,
    },
    Backoff {
        until: Duration,
    },
    Failed(Failed),
}

/// What keeps a wanted server from being loaded.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Queued {
    /// It is not its turn yet.
    Waiting,
    /// Its reservation is being made.
    Admitting,
    /// The reservation was refused at this time, for lack of these bytes.
    Short { since: Duration, short: Vec<DeviceBytes>, others_end_soon: bool },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failed {
    pub why: Why,
    pub reason: String,
    pub last_log: Option<String>,
    /// The files that were refused: others are tried.
    pub files: Option<u64>,
}

impl Server {
    pub fn new(key: ServerKey, profile: Profile) -> Server {
        Server {
            key,
            profile,
            state: ServerState::Stopped,
            generation: 0,
            slots: 0,
            in_flight: BTreeSet::new(),
            last_left: None,
            promised: BTreeSet::new(),
            last_used: Duration::ZERO,
            keep: None,
            crashes: 0,
            was_loaded: false,
            is_restart: false,
            stop_waiters: Vec::new(),
            last_error: None,
            last_log: None,
            started_with: 0,
            wedged: None,
        }
    }

    /// Returns whether it has memory reserved, or may have.
    pub fn has_memory(&self) -> bool {
        matches!(
            self.state,
            ServerState::Starting { .. }
                | ServerState::Ready { .. }
                | ServerState::Draining { .. }
                | ServerState::Stopping { .. }
        )
    }

    /// Returns whether it could be stopped for another one right now. `has_waiters` counts those who wait for it.
    pub fn is_evictable(&self, has_waiters: bool) -> bool {
        if self.profile.pinned || self.wedged.is_some() {
            return false;
        }
        match self.state {
            ServerState::Ready { .. } => self.in_flight.is_empty() && self.promised.is_empty(),
            // A load that nobody waits for gives way.
            ServerState::Starting { .. } => !has_waiters && self.promised.is_empty(),
            _ => false,
        }
    }

    /// Returns whether it gives way at some time, when its answers have ended.
    pub fn may_give_way(&self) -> bool {
        !self.profile.pinned && matches!(self.state, ServerState::Ready { .. } | ServerState::Starting { .. })
    }

    /// Returns when it is stopped unless it is used again; `None` for one that stays until its memory is needed. A pin is
    /// a person's, and comes before what requests wish.
    pub fn expires(&self) -> Option<Duration> {
        match self.state {
            ServerState::Ready { .. } if !self.profile.pinned && self.wedged.is_none() => {
                let idle = self.keep.or(self.profile.idle_timeout)?;
                Some(self.last_used.saturating_add(idle))
            }
            _ => None,
        }
    }

    pub fn free_slots(&self) -> usize {
        match self.state {
            ServerState::Ready { .. } if self.wedged.is_none() => {
                usize::try_from(self.slots).unwrap_or(usize::MAX).saturating_sub(self.in_flight.len())
            }
            _ => 0,
        }
    }
}

use super::event::{Generation, Unload, WaiterId};
use super::{ChosenRung, Class, DeviceBytes, KeyKind, Profile, ServerKey, Why};
use crate::model::Reading;
use std::collections::{BTreeMap, BTreeSet};
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
    /// The requests that it was given since its load.
    pub granted: u32,
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
    pub ladder: Ladder,
    /// What is reserved for its current start.
    pub held: Vec<DeviceBytes>,
    /// What earlier starts hold whose processes could not be ended.
    pub stuck: BTreeMap<Generation, Vec<DeviceBytes>>,
    /// The way of its current start, or of the last one.
    pub chosen: Option<ChosenRung>,
    /// Why it is loaded again although nobody waits for it.
    pub comeback: Option<Comeback>,
    /// Whether it has answered a request since it was ready.
    pub answered: bool,
    pub access_count: u64,
    pub last_access: Option<Duration>,
    pub load_time: Option<Duration>,
    pub last_exit_code: Option<i32>,
    pub health: Option<Reading<bool>>,
    /// Checks of its health in a row that could not be made.
    pub unknown_health: u32,
    /// The class of the last request that it was given.
    pub class: Class,
    /// `None`: as many as it was launched with.
    pub threads: Option<u32>,
    /// When a reservation for another program ends, and who asked for it.
    pub lease: Option<Duration>,
    /// The names of those that gave way to it.
    pub gave_way: Vec<String>,
    /// The bytes that it lacked at its last try to be admitted, while it tries again.
    pub lacked: Vec<DeviceBytes>,
    /// When it was last told that it waits because of too many swaps.
    pub held_back: Option<Duration>,
}

/// Where a server stands on the ladder of its ways to be loaded.
#[derive(Debug, Clone, Default)]
pub(super) struct Ladder {
    /// Of the next start.
    pub next: usize,
    /// Of the current start.
    pub current: usize,
    /// What has moved it.
    pub by: By,
    pub lowered: Option<Duration>,
    /// When a better one was tried the last time.
    pub raised: Option<Duration>,
    /// It has worked long enough for the next start to be a full one.
    pub is_reset: bool,
    /// Why it is not loaded in full.
    pub reason: Option<String>,
    /// The most tokens of context that a request has used, as far as it was more than any way to load has at least.
    pub used: u32,
}

/// Where a change of the way to load comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum By {
    /// Memory ran out.
    Oom,
    /// There was no room for more: the next start looks again.
    #[default]
    Room,
    /// A person chose it: nothing but memory moves it.
    Person,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comeback {
    /// It was stopped to be loaded in another way.
    Rung,
    /// It had been stopped for another one.
    Restore,
    /// At the start of the daemon, with its place in the order.
    Preload(usize),
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
            granted: 0,
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
            ladder: Ladder::default(),
            held: Vec::new(),
            stuck: BTreeMap::new(),
            chosen: None,
            comeback: None,
            answered: false,
            access_count: 0,
            last_access: None,
            load_time: None,
            last_exit_code: None,
            health: None,
            unknown_health: 0,
            class: Class::Batch,
            threads: None,
            lease: None,
            gave_way: Vec::new(),
            lacked: Vec::new(),
            held_back: None,
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

    /// Returns whether it has nothing to do and is promised to nobody. `has_waiters` counts those who wait for it.
    pub fn is_idle(&self, has_waiters: bool) -> bool {
        match self.state {
            _ if self.wedged.is_some() => false,
            ServerState::Ready { .. } => self.in_flight.is_empty() && self.promised.is_empty(),
            // A load that nobody waits for gives way.
            ServerState::Starting { .. } => !has_waiters && self.promised.is_empty(),
            _ => false,
        }
    }

    /// Has a refused reservation tried again; what it lacked is known until there is an answer.
    pub fn try_again(&mut self) {
        if let ServerState::Queued(Queued::Short { short, .. }) = &mut self.state {
            self.lacked = std::mem::take(short);
            self.state = ServerState::Queued(Queued::Waiting);
        }
    }

    pub fn is_ready(&self) -> bool {
        matches!(self.state, ServerState::Ready { .. }) && self.wedged.is_none()
    }

    /// Returns the further ways to load it: none with a context that is smaller than what requests have used, and none
    /// that needs more.
    pub fn lesser_rungs(&self) -> impl Iterator<Item = usize> {
        let sum = |needs: &[DeviceBytes]| needs.iter().fold(0u64, |sum, need| sum.saturating_add(need.bytes));
        // Shares of layers are rounded up.
        let most = sum(&self.profile.rung(self.ladder.current).rung.needs).saturating_add(1);
        let is_less = move |index: &usize| sum(&self.profile.rung(*index).rung.needs) <= most;
        (self.ladder.current.saturating_add(1)..self.profile.rung_count())
            .filter(|index| self.has_context(*index))
            .filter(is_less)
    }

    /// Returns whether a way to load it has the context that requests have used, or that of now.
    pub fn has_context(&self, index: usize) -> bool {
        let context = self.profile.rung(index).rung.context;
        context >= self.ladder.used || context == self.profile.rung(self.ladder.current).rung.context
    }

    /// Returns what its processes hold that could not be ended.
    pub fn stuck(&self) -> impl Iterator<Item = &DeviceBytes> {
        self.stuck.values().flatten()
    }

    /// Returns what it holds of a device.
    pub fn holds(&self, device: &str) -> u64 {
        amount(&self.held, device)
    }

    /// Returns the way in which it is loaded, whatever its settings have become since.
    pub fn rung(&self) -> ChosenRung {
        self.chosen.clone().unwrap_or_else(|| self.profile.rung(self.ladder.current))
    }

    pub fn is_headroom(&self) -> bool {
        matches!(self.key.kind(), KeyKind::Headroom(_))
    }

    /// Returns whether it is started again without a request when it has crashed.
    pub fn is_restarted(&self) -> bool {
        (self.profile.pinned || self.profile.essential) && self.is_restart
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

pub(super) fn amount(of: &[DeviceBytes], device: &str) -> u64 {
    of.iter().filter(|bytes| bytes.device == device).fold(0, |sum, bytes| sum.saturating_add(bytes.bytes))
}

use crate::model::backoff::Jitter;

use super::{ChosenRung, Class, Denial, DeviceBytes, Holder, Profile, ServerKey};
use crate::model::lifecycle::{External, Mode, NodeTier, PressureKind, Priority, Readings, Thresholds};
use crate::model::{ModelId, Reading};
use std::time::Duration;

/// The number of a request that waits or is answered, given by whoever asks. Each is used once.
pub type WaiterId = u64;

/// The number of one start of a server. Late news of an earlier start are recognized by it.
pub type Generation = u64;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A request wants a slot.
    Acquire { waiter: WaiterId, key: ServerKey, class: Class, is_retry: bool, profile: Profile },
    /// A person wants the server to run.
    Start { waiter: WaiterId, key: ServerKey, may_evict: bool, profile: Profile },
    /// A person wants the server to end; `now` cuts off running answers.
    Stop { waiter: WaiterId, key: ServerKey, now: bool },
    /// A request wishes that the server is stopped once it has had nothing to do for this long. The last wish counts,
    /// until the server has stopped.
    Keep { key: ServerKey, idle: Duration },
    /// The model is to be loaded with other settings. A server that is ready gets no new requests and is stopped when it
    /// is idle; those who wait for it then load it.
    Reload { key: ServerKey },
    /// A waiter has gone, or its answer has ended.
    Leave { waiter: WaiterId },
    /// An answer had this many tokens together with its prompt.
    Used { key: ServerKey, tokens: u32 },
    /// The memory of a load is reserved.
    Admitted { key: ServerKey, generation: Generation },
    /// The memory of a load could not be reserved now.
    Refused { key: ServerKey, generation: Generation, refusal: Refusal },
    /// The server is loading: 0.0 to 1.0.
    Progress { key: ServerKey, generation: Generation, fraction: f32 },
    /// The server answers.
    Ready { key: ServerKey, generation: Generation, slots: u32 },
    /// The server has ended, or could not be started, and nobody asked for that. Its memory is released.
    Ended { key: ServerKey, generation: Generation, end: End },
    /// A server that was asked to stop has ended, and its memory is available again; or a reservation was withdrawn.
    Stopped { key: ServerKey, generation: Generation },
    /// A server that was asked to stop cannot be ended; its memory stays reserved.
    Stuck { key: ServerKey, generation: Generation, reason: String },
    /// The server runs and does not answer.
    Wedged { key: ServerKey, generation: Generation, reason: String },
    /// Settings of a model have changed.
    Changed { key: ServerKey, profile: Profile },
    /// From now on there is pressure from here on.
    Thresholds(Thresholds),
    /// What the machine has now.
    Readings(Readings),
    /// All servers of others that are seen now.
    Externals(Vec<External>),
    /// Nothing is started or stopped without a request until it is resumed.
    Pause { paused: bool },
    /// A person sets the priority of a server, until a time; `None` ends that.
    Override { key: ServerKey, priority: Option<Priority>, until: Option<Duration> },
    /// A person wants the server to be loaded with another mode, or one step lower; answered by [`Answer::Offload`].
    Offload { waiter: WaiterId, key: ServerKey, to: Option<Mode> },
    /// Another program wants these bytes to be free for it; answered by [`Answer::Headroom`]. An id that is held already
    /// is renewed.
    Headroom { waiter: WaiterId, id: String, requester: String, needs: Vec<DeviceBytes>, ttl: Duration },
    /// Another program needs its bytes no longer; answered by [`Answer::Released`].
    ReleaseHeadroom { waiter: WaiterId, id: String },
    /// A program asks that servers give way to one; answered by [`Answer::Swap`].
    Swap { waiter: WaiterId, needed: ServerKey, profile: Profile, evict: Vec<ServerKey>, reason: String },
    /// Whether the server answers its health check; unavailable where the check itself failed.
    Health { key: ServerKey, generation: Generation, health: Reading<bool> },
    /// What is known of servers from before the daemon began.
    Hints(Vec<(ServerKey, Hint)>),
    /// How much models were used of late, 0 to 1, against the most used one.
    Popularity(Vec<(ModelId, f64)>),
    /// Servers to be loaded at the start of the daemon, in this order, without evicting anything.
    Preload(Vec<(ServerKey, Profile)>),
    /// Time has passed.
    Tick,
    /// The daemon is to end: running answers have this long.
    Shutdown { grace: Duration },
}

/// What an earlier daemon knew of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hint {
    /// How long ago it answered a request the last time.
    pub last_access: Option<Duration>,
    pub access_count: u64,
    /// How long loading took the last time.
    pub load_time: Option<Duration>,
}

/// The answer to a request for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Offload(Offloaded),
    /// The bytes are reserved, or why not; with the names of those that gave way.
    Headroom(Result<Vec<String>, Denial>),
    /// Whether the id was held.
    Released(bool),
    /// The names of those that were stopped.
    Swap(Result<Vec<String>, Denial>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offloaded {
    Done,
    AlreadyThere,
    NotLoaded,
    /// It has no such mode.
    Unknown,
}

/// Why memory could not be reserved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// What is missing, beside everything that is reserved now.
    pub short: Vec<DeviceBytes>,
    /// What this daemon's servers could have at most: the budget less what others hold.
    pub capacity: Vec<DeviceBytes>,
    /// Others that hold memory.
    pub others: Vec<Holder>,
    /// Whether some of the others are loads of modelctl processes, which end soon.
    pub others_end_soon: bool,
}

/// How a server ended that nobody had asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub class: EndClass,
    /// The predicate or the whole of a sentence for a person.
    pub reason: String,
    pub last_log: Option<String>,
    pub exit_code: Option<i32>,
    /// Moves the time of the next start a little.
    pub jitter: Jitter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndClass {
    /// The kernel killed it because memory ran out.
    Oom,
    Crash,
    /// Another process ended it.
    Disappeared,
    /// Its file cannot be loaded: another try without a change gives the same result.
    Refused,
    /// It was not ready within its time.
    Unready,
    /// It could not be started at all, for a reason that is not the model's.
    Spawn,
    /// It ran and did not answer.
    Wedged,
}

impl EndClass {
    pub fn name(self) -> &'static str {
        match self {
            EndClass::Oom => "oom",
            EndClass::Crash => "crash",
            EndClass::Disappeared => "disappeared",
            EndClass::Refused => "refused",
            EndClass::Unready => "unready",
            EndClass::Spawn => "spawn",
            EndClass::Wedged => "wedged",
        }
    }
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Reserve the memory of a load; answered by [`Event::Admitted`] or [`Event::Refused`].
    /// `margin_factor` multiplies what is kept free: 1, or 2 while a device cannot be read.
    Admit { key: ServerKey, generation: Generation, chosen: ChosenRung, margin_factor: u32 },
    /// Give a reservation back that is not needed; answered by [`Event::Stopped`].
    Withdraw { key: ServerKey, generation: Generation },
    /// Start the server; answered by [`Event::Ready`] or [`Event::Ended`].
    Launch { key: ServerKey, generation: Generation, chosen: ChosenRung },
    /// End the server; answered by [`Event::Stopped`] or [`Event::Stuck`]. `now` kills it at once.
    Stop { key: ServerKey, generation: Generation, now: bool },
    /// Kill a wedged server; answered by [`Event::Ended`].
    Kill { key: ServerKey, generation: Generation },
    /// Let a waiter have its request answered.
    Grant { waiter: WaiterId, key: ServerKey, generation: Generation },
    /// Answer a start.
    Started { waiter: WaiterId, key: ServerKey, was_running: bool },
    /// Answer a stop.
    StopDone { waiter: WaiterId, was_running: bool },
    /// Refuse a waiter.
    Deny { waiter: WaiterId, denial: Denial },
    /// Tell the requests that a server was answering that it has ended.
    Lost { key: ServerKey, generation: Generation, denial: Denial },
    /// Record what happened.
    Report(Report),
    /// Have the server use this many threads.
    Threads { key: ServerKey, generation: Generation, threads: u32 },
    /// Answer a request for a change.
    Answer { waiter: WaiterId, answer: Answer },
    /// Every server has ended after a shutdown.
    AllStopped,
}

/// What happened, for people and programs that follow.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    Loaded {
        key: ServerKey,
        took: Duration,
    },
    Unloaded {
        key: ServerKey,
        why: Unload,
    },
    Crash {
        key: ServerKey,
        end: End,
        count: u32,
        will_restart: bool,
        retry_in: Option<Duration>,
    },
    /// It answers again after a crash.
    Restarted {
        key: ServerKey,
        count: u32,
        mode: Mode,
        downgraded: bool,
    },
    RestartExhausted {
        key: ServerKey,
        count: u32,
    },
    /// Servers gave way to another one.
    Swapped {
        to: ServerKey,
        evicted: Vec<ServerKey>,
        /// The number of servers that wait to come back.
        queue: usize,
    },
    /// A server that is restarted for ever has ended once more.
    EssentialDown {
        key: ServerKey,
        count: u32,
    },
    /// It is loaded in another way from now on.
    Rung {
        key: ServerKey,
        from: Mode,
        to: Mode,
        context: u32,
        is_lower: bool,
        reason: String,
    },
    /// There is too little of something; at most once a minute for each kind.
    Pressure {
        kind: PressureKind,
        message: String,
        throttle_factor: f64,
    },
    /// The check of its health could not be made twice in a row.
    HealthUnknown {
        key: ServerKey,
        reason: String,
    },
    External {
        external: External,
        what: Seen,
    },
    /// A server that was stopped for another one is not remembered any more: too many are.
    SwapDropped {
        key: ServerKey,
    },
    /// Two servers have changed places too often: one stays, and the other one waits.
    SwapHeld {
        waits: ServerKey,
        stays: ServerKey,
    },
    /// A person starts a model that needs a larger machine.
    BelowTier {
        key: ServerKey,
        tier: NodeTier,
        needed: NodeTier,
    },
}

/// What happened to a server of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    New,
    /// Requests for its model are sent to it from now on.
    Attached,
    /// No requests are sent to it any more.
    Detached,
    Gone,
}

/// Why a server was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unload {
    Requested,
    /// It had nothing to do for as long as it was to be kept.
    Idle,
    Evicted {
        by: ServerKey,
    },
    /// There was too little of something.
    Pressure {
        kind: PressureKind,
    },
    /// It is loaded again in another way.
    Rung,
    /// The time of a reservation for another program is over.
    Expired,
    Unwanted,
    /// It is loaded again with other settings.
    Reload,
    Shutdown,
}

impl Unload {
    /// Returns whether its memory on a GPU is wanted, and not its end.
    pub fn is_for_memory(&self) -> bool {
        matches!(self, Unload::Evicted { .. } | Unload::Pressure { kind: PressureKind::Vram })
    }
}

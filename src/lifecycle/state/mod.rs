//! The state of all servers, and the step that changes it.

mod commands;
mod cooling;
mod deadline;
mod endings;
mod externals;
mod headroom;
mod ladder;
mod loads;
mod overview;
mod persons;
mod plan;
mod readings;
mod relieve;
mod share;
mod swap_back;
mod views;

pub use commands::Standing;
#[cfg(test)]
pub use cooling::Could;

use super::decisions::Decisions;
use super::event::{Answer, Effect, Event, Generation, Hint, WaiterId};
use super::pressure::Gauges;
use super::server::{Server, ServerState};
use super::swaps::Swaps;
use super::waiting::{Waiter, Waiting, Want};
use super::{Class, Denial, Policy, Profile, ServerKey, Why};
use crate::model::ModelId;
use crate::model::lifecycle::{External, NodeTier, PressureKind, Priority, Readings};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A request that ended this long before its server may have left because of the same fault, whose end is seen later.
const JUST: Duration = Duration::from_secs(3);

/// All servers and all who wait for them. `now` is the time since any fixed moment.
#[derive(Debug, Clone)]
pub struct State {
    policy: Policy,
    now: Duration,
    servers: BTreeMap<ServerKey, Server>,
    waiting: Waiting,
    granted: BTreeMap<WaiterId, ServerKey>,
    /// When running answers are cut off, after a shutdown was requested.
    shutdown: Option<Duration>,
    is_over: bool,
    generation: Generation,
    ticks: u64,
    /// Nothing is started or stopped without a request.
    is_paused: bool,
    /// A person's priorities, until a time.
    overrides: BTreeMap<ServerKey, (Priority, Option<Duration>)>,
    /// What was known when the daemon began, with the time at which it was told.
    hints: BTreeMap<ServerKey, (Duration, Hint)>,
    popularity: BTreeMap<ModelId, f64>,
    readings: Option<(Duration, Readings)>,
    /// Readings have come with this event.
    has_read: bool,
    gauges: Gauges,
    /// When each kind of pressure was told the last time, and whether the present one was.
    alerts: BTreeMap<PressureKind, (Duration, bool)>,
    /// When a server was stopped because the cores were busy.
    relieved_cores: Option<Duration>,
    tier: Option<NodeTier>,
    externals: Vec<External>,
    swaps: Swaps,
    /// Servers that wait because two have changed places too often.
    held_back: BTreeSet<ServerKey>,
    decisions: Decisions,
}

/// The order in which those who wait are served: class, then arrival.
type Rank = (Class, Duration, WaiterId);

impl State {
    pub fn new(policy: Policy) -> State {
        State {
            policy,
            now: Duration::ZERO,
            servers: BTreeMap::new(),
            waiting: Waiting::default(),
            granted: BTreeMap::new(),
            shutdown: None,
            is_over: false,
            generation: 0,
            ticks: 0,
            is_paused: false,
            overrides: BTreeMap::new(),
            hints: BTreeMap::new(),
            popularity: BTreeMap::new(),
            readings: None,
            has_read: false,
            gauges: Gauges::default(),
            alerts: BTreeMap::new(),
            relieved_cores: None,
            tier: policy.tier,
            externals: Vec::new(),
            swaps: Swaps::default(),
            held_back: BTreeSet::new(),
            decisions: Decisions::default(),
        }
    }

    /// Takes what happened at `now` into account and returns what has to be done, in order.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Effect> {
        self.now = self.now.max(now);
        let mut effects = Vec::new();
        self.apply(event, &mut effects);
        self.plan(&mut effects);
        effects
    }

    fn apply(&mut self, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Acquire { waiter, key, class, is_retry, profile } => {
                self.acquire((waiter, key), (class, is_retry), profile, effects);
            }
            Event::Start { waiter, key, may_evict, profile } => {
                self.start((waiter, key), may_evict, profile, effects);
            }
            Event::Stop { waiter, key, now } => self.stop((waiter, key), now, effects),
            Event::Keep { key, idle } => {
                // A wish to unload what is not loaded is fulfilled: it is none for the next load.
                let is_fulfilled = |server: &Server| {
                    idle.is_zero() && matches!(server.state, ServerState::Stopped | ServerState::Failed(_))
                };
                if let Some(server) = self.servers.get_mut(&key).filter(|server| !is_fulfilled(server)) {
                    server.keep = Some(idle);
                }
            }
            Event::Reload { key } => self.reload(&key),
            Event::Leave { waiter } => self.leave(waiter),
            Event::Used { key, tokens } => {
                if let Some(server) = self.servers.get_mut(&key) {
                    server.ladder.used = server.ladder.used.max(tokens);
                }
            }
            Event::Admitted { key, generation } => self.admitted(&key, generation, effects),
            Event::Refused { key, generation, refusal } => self.refused(&key, generation, &refusal, effects),
            Event::Progress { key, generation, fraction } => {
                if let Some(server) = self.current(&key, generation)
                    && let ServerState::Starting { progress, .. } = &mut server.state
                {
                    *progress = fraction.clamp(*progress, 1.0);
                }
            }
            Event::Ready { key, generation, slots } => self.ready(&key, generation, slots, effects),
            Event::Ended { key, generation, end } => self.ended(&key, generation, end, effects),
            Event::Stopped { key, generation } => self.stopped(&key, generation, effects),
            Event::Stuck { key, generation, reason } => self.stuck(&key, generation, reason, effects),
            Event::Wedged { key, generation, reason } => self.wedged(&key, generation, &reason, effects),
            Event::Changed { key, profile } => {
                if let Some(server) = self.servers.get_mut(&key) {
                    server.profile = profile;
                }
            }
            Event::Thresholds(thresholds) => self.set_thresholds(thresholds, effects),
            Event::Readings(readings) => self.read(readings, effects),
            Event::Externals(externals) => self.see(externals, effects),
            Event::Pause { paused } => self.pause(paused),
            Event::Override { key, priority, until } => self.set_priority(key, priority, until),
            Event::Offload { waiter, key, to } => self.offload((waiter, key), to, effects),
            Event::Headroom { waiter, id, requester, needs, ttl } => {
                self.headroom((waiter, id), requester, needs, ttl, effects);
            }
            Event::ReleaseHeadroom { waiter, id } => self.release_headroom(waiter, &id, effects),
            Event::Swap { waiter, needed, profile, evict, reason } => {
                self.swap((waiter, needed), profile, evict, &reason, effects);
            }
            Event::Health { key, generation, health } => self.health(&key, generation, health, effects),
            Event::Hints(hints) => self.take_hints(hints),
            Event::Popularity(popularity) => self.popularity = popularity.into_iter().collect(),
            Event::Preload(servers) => self.preload(servers),
            Event::Tick => {}
            Event::Shutdown { grace } => self.begin_shutdown(grace, effects),
        }
    }

    /// Returns a server, if this start is its current one.
    fn current(&mut self, key: &ServerKey, generation: Generation) -> Option<&mut Server> {
        self.servers.get_mut(key).filter(|server| server.generation == generation)
    }

    /// Returns a server, which is added when it is new.
    fn server(&mut self, key: &ServerKey, profile: Profile) -> &mut Server {
        let server = self.servers.entry(key.clone()).or_insert_with(|| Server::new(key.clone(), profile.clone()));
        server.profile = profile;
        server
    }

    fn waiters_of(&self, key: &ServerKey) -> impl Iterator<Item = (WaiterId, &Waiter)> {
        self.waiting.of(key)
    }

    pub(super) fn has_waiters(&self, key: &ServerKey) -> bool {
        self.waiting.has(key)
    }

    /// Records a decision about a server, or about the machine.
    fn decide(&mut self, key: Option<&ServerKey>, what: &'static str, reason: impl Into<String>) {
        let of = key.map(|key| (key.clone(), self.name(key)));
        self.decisions.add(self.now, of, what, reason.into());
    }

    /// Returns the name of a server for people: its key, as long as nothing is known of it.
    pub fn name(&self, key: &ServerKey) -> String {
        self.servers.get(key).map_or_else(|| key.to_string(), |server| server.profile.name.clone())
    }

    fn rank(&self, id: WaiterId, waiter: &Waiter) -> Rank {
        (waiter.class.after(self.now.saturating_sub(waiter.since)), waiter.since, id)
    }

    /// Returns the rank of the first of those who wait for a server.
    fn best(&self, key: &ServerKey) -> Option<Rank> {
        self.waiters_of(key).map(|(id, waiter)| self.rank(id, waiter)).min()
    }

    /// Refuses all who wait for a server and fit `which`.
    fn deny(&mut self, key: &ServerKey, which: impl Fn(&Waiter) -> bool, denial: &Denial, effects: &mut Vec<Effect>) {
        let ids: Vec<WaiterId> = self.waiters_of(key).filter(|(_, waiter)| which(waiter)).map(|(id, _)| id).collect();
        for waiter in ids {
            let want = self.waiting.remove(waiter).map(|gone| gone.want);
            if let Some(server) = self.servers.get_mut(key) {
                server.promised.remove(&waiter);
            }
            let denial = denial.clone();
            effects.push(match want {
                Some(Want::Headroom) => Effect::Answer { waiter, answer: Answer::Headroom(Err(denial)) },
                Some(Want::Swap { .. }) => Effect::Answer { waiter, answer: Answer::Swap(Err(denial)) },
                _ => Effect::Deny { waiter, denial },
            });
        }
    }

    /// Ends the right of all whom a server was answering, and tells them why.
    fn lose(&mut self, key: &ServerKey, denial: Denial, effects: &mut Vec<Effect>) {
        let Some(server) = self.servers.get_mut(key) else { return };
        let (generation, now) = (server.generation, self.now);
        let lost = std::mem::take(&mut server.in_flight);
        let has_just_left = server.last_left.is_some_and(|left| now.saturating_sub(left) < JUST);
        server.promised.clear();
        for waiter in &lost {
            self.granted.remove(waiter);
        }
        if !lost.is_empty() {
            let denial = Denial { was_alone: lost.len() == 1 && !has_just_left, ..denial };
            effects.push(Effect::Lost { key: key.clone(), generation, denial });
        }
    }

    /// Lets refused reservations be tried again: memory has become free.
    fn retry_short(&mut self) {
        self.servers.values_mut().for_each(Server::try_again);
    }
}

fn denial(why: Why, message: impl Into<String>) -> Denial {
    Denial::new(why, message)
}

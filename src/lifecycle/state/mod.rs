//! The state of all servers, and the step that changes it.

mod commands;
mod endings;
mod loads;
mod plan;
mod views;

pub use commands::Standing;

use super::event::{Effect, Event, Generation, WaiterId};
use super::server::{Queued, Server, ServerState};
use super::{Class, Denial, Policy, Profile, ServerKey, Why};
use std::collections::BTreeMap;
use std::time::Duration;

/// A request that ended this long before its server may have left because of the same fault, whose end is seen later.
const JUST: Duration = Duration::from_secs(3);

/// All servers and all who wait for them. `now` is the time since any fixed moment.
#[derive(Debug, Clone)]
pub struct State {
    policy: Policy,
    now: Duration,
    servers: BTreeMap<ServerKey, Server>,
    waiting: BTreeMap<WaiterId, Waiter>,
    granted: BTreeMap<WaiterId, ServerKey>,
    /// When running answers are cut off, after a shutdown was requested.
    shutdown: Option<Duration>,
    is_over: bool,
    generation: Generation,
}

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Waiter {
    key: ServerKey,
    want: Want,
    since: Duration,
    class: Class,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Slot,
    Start { may_evict: bool },
}

/// The order in which those who wait are served: class, then arrival.
type Rank = (Class, Duration, WaiterId);

impl State {
    pub fn new(policy: Policy) -> State {
        State {
            policy,
            now: Duration::ZERO,
            servers: BTreeMap::new(),
            waiting: BTreeMap::new(),
            granted: BTreeMap::new(),
            shutdown: None,
            is_over: false,
            generation: 0,
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
                if let Some(server) = self.servers.get_mut(&key) {
                    server.keep = Some(idle);
                }
            }
            Event::Reload { key } => self.reload(&key),
            Event::Leave { waiter } => self.leave(waiter),
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
            Event::Readings(_)
            | Event::Externals(_)
            | Event::Pause { .. }
            | Event::Override { .. }
            | Event::Offload { .. }
            | Event::Headroom { .. }
            | Event::ReleaseHeadroom { .. }
            | Event::Swap { .. }
            | Event::Health { .. }
            | Event::Hints(_)
            | Event::Popularity(_)
            | Event::Preload(_)
            | Event::Tick => {}
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

    fn waiters_of<'a>(&'a self, key: &'a ServerKey) -> impl Iterator<Item = (WaiterId, &'a Waiter)> {
        self.waiting.iter().filter(move |(_, waiter)| waiter.key == *key).map(|(id, waiter)| (*id, waiter))
    }

    fn has_waiters(&self, key: &ServerKey) -> bool {
        self.waiters_of(key).next().is_some()
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
            self.waiting.remove(&waiter);
            if let Some(server) = self.servers.get_mut(key) {
                server.promised.remove(&waiter);
            }
            effects.push(Effect::Deny { waiter, denial: denial.clone() });
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
        for server in self.servers.values_mut() {
            if matches!(server.state, ServerState::Queued(Queued::Short { .. })) {
                server.state = ServerState::Queued(Queued::Waiting);
            }
        }
    }

    /// Returns the time of the next step that time alone makes necessary.
    pub fn deadline(&self) -> Option<Duration> {
        let mut times: Vec<Duration> = Vec::new();
        let mut is_any_short = false;
        for server in self.servers.values() {
            times.extend(server.expires().filter(|_| server.is_evictable(self.has_waiters(&server.key))));
            match &server.state {
                // A wedged one is being killed already.
                ServerState::Draining { until, .. } if server.wedged.is_none() => times.push(*until),
                ServerState::Backoff { until } => times.push(*until),
                ServerState::Queued(Queued::Short { since, .. }) => {
                    is_any_short = true;
                    times.push(since.saturating_add(self.policy.readmit));
                }
                _ => {}
            }
        }
        if is_any_short {
            let next = |waiter: &Waiter| {
                let step = Class::PROMOTION.min(self.policy.gather).as_millis().max(1);
                let passed = self.now.saturating_sub(waiter.since).as_millis() / step;
                let next = u64::try_from(passed.saturating_add(1).saturating_mul(step)).unwrap_or(u64::MAX);
                waiter.since.saturating_add(Duration::from_millis(next))
            };
            times.extend(self.waiting.values().map(next));
        }
        times.into_iter().min()
    }
}

fn denial(why: Why, message: impl Into<String>) -> Denial {
    Denial::new(why, message)
}

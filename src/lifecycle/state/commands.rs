//! What people and requests ask for.

use super::super::event::{Effect, Report, Unload, WaiterId};
use super::super::server::{Failed, Queued, Server, ServerState};
use super::super::waiting::{Waiter, Want};
use super::super::{Class, Denial, Profile, ServerKey, Why};
use super::{State, denial};
use std::time::Duration;

/// The time after which a client should try again when the queue is full.
const FULL: Duration = Duration::from_secs(5);

/// A refusal that stands until something changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub denial: Denial,
    /// It stands only as long as the model has these files.
    pub files: Option<u64>,
}

fn standing(server: &Server, now: Duration) -> Option<Standing> {
    match &server.state {
        ServerState::Backoff { until } if *until > now => {
            let cause = server.last_error.as_deref().unwrap_or("it crashed");
            let message = format!("{} is not available: {cause}", server.profile.name);
            let (retry_after, last_log) = (Some(until.saturating_sub(now)), server.last_log.clone());
            let denial = Denial { retry_after, last_log, ..denial(Why::Backoff, message) };
            Some(Standing { denial, files: None })
        }
        ServerState::Failed(Failed { why, reason, last_log, files }) => {
            let message = format!("{} cannot be started: {reason}", server.profile.name);
            let denial = Denial { last_log: last_log.clone(), ..denial(*why, message) };
            Some(Standing { denial, files: *files })
        }
        _ => None,
    }
}

impl State {
    pub(super) fn acquire(
        &mut self,
        (waiter, key): (WaiterId, ServerKey),
        (class, is_retry): (Class, bool),
        profile: Profile,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(denial) = self.denied_at_once(&key, is_retry, profile) {
            return effects.push(Effect::Deny { waiter, denial });
        }
        if let Some(denial) = self.needs_a_person(&key) {
            self.decide(Some(&key), "refuse", denial.message.clone());
            return effects.push(Effect::Deny { waiter, denial });
        }
        self.waiting.insert(waiter, Waiter { key, want: Want::Slot, since: self.now, class });
    }

    /// Returns why a server is not started for a request, if this machine is too small for its model and no person has
    /// started it.
    fn needs_a_person(&self, key: &ServerKey) -> Option<Denial> {
        let server = self.servers.get(key)?;
        let (tier, needed) = self.below_tier(&server.profile)?;
        let name = &server.profile.name;
        let (tier, needed) = (super::readings::tier_name(tier), super::readings::tier_name(needed));
        let message =
            format!("{name} needs a node of the tier {needed} and this one is {tier}: only a person starts it here");
        let is_stopped = matches!(server.state, ServerState::Stopped | ServerState::Stopping { .. });
        (is_stopped && !self.has_waiters(key)).then(|| denial(Why::BelowTier, message))
    }

    /// Returns why a request is refused without waiting. A retry of a request whose server died is let through the
    /// first backoff.
    pub(super) fn denied_at_once(&mut self, key: &ServerKey, is_retry: bool, profile: Profile) -> Option<Denial> {
        if self.shutdown.is_some() {
            return Some(denial(Why::Stopping, "the daemon is stopping"));
        }
        let (now, most) = (self.now, self.policy.queue);
        let has_waiters = self.has_waiters(key);
        let server = self.server(key, profile);
        match &server.state {
            ServerState::Backoff { .. } if is_retry && server.crashes <= 1 => {
                server.is_restart = true;
                server.state = ServerState::Queued(Queued::Waiting);
            }
            ServerState::Failed(Failed { files: Some(files), .. }) if *files != server.profile.files => {
                server.state = ServerState::Stopped;
                server.crashes = 0;
            }
            _ => {}
        }
        if let Some(Standing { denial, .. }) = self.servers.get(key).and_then(|server| standing(server, now)) {
            return Some(denial);
        }
        let is_free = !has_waiters && self.servers.get(key).is_some_and(|server| server.free_slots() > 0);
        let waiting = self.waiting.slots();
        if !is_free && waiting >= most {
            let message = format!("{waiting} requests wait already");
            return Some(Denial { retry_after: Some(FULL), ..denial(Why::QueueFull, message) });
        }
        None
    }

    /// Returns why a request of now would be refused, whatever its model needs: nothing has to be found out for it. A
    /// client that asks again and again is so refused without work.
    pub fn standing_refusal(&self, now: Duration, key: &ServerKey, is_retry: bool) -> Option<Standing> {
        let server = self.servers.get(key)?;
        let is_let_through = is_retry && server.crashes <= 1 && matches!(server.state, ServerState::Backoff { .. });
        standing(server, now).filter(|_| !is_let_through)
    }

    /// Returns whether a server is about to be loaded, loads or is ready: what was found out for it still holds.
    pub fn is_under_way(&self, key: &ServerKey) -> bool {
        let is = |server: &Server| {
            matches!(server.state, ServerState::Queued(_) | ServerState::Starting { .. } | ServerState::Ready { .. })
        };
        self.servers.get(key).is_some_and(is)
    }

    pub(super) fn start(
        &mut self,
        (waiter, key): (WaiterId, ServerKey),
        may_evict: bool,
        profile: Profile,
        effects: &mut Vec<Effect>,
    ) {
        if self.shutdown.is_some() {
            let denial = denial(Why::Stopping, "the daemon is stopping");
            return effects.push(Effect::Deny { waiter, denial });
        }
        let now = self.now;
        let server = self.server(&key, profile);
        match server.state {
            ServerState::Ready { .. } if server.wedged.is_none() => {
                server.last_used = now;
                return effects.push(Effect::Started { waiter, key, was_running: true });
            }
            ServerState::Backoff { .. } | ServerState::Failed(_) => {
                server.state = ServerState::Stopped;
                server.crashes = 0;
            }
            _ => {}
        }
        if let Some((tier, needed)) = self.servers.get(&key).and_then(|server| self.below_tier(&server.profile)) {
            let (tier_name, needed_name) = (super::readings::tier_name(tier), super::readings::tier_name(needed));
            let text =
                format!("it needs a node of the tier {needed_name} and this one is {tier_name}; a person starts it");
            self.decide(Some(&key), "warning", text);
            effects.push(Effect::Report(Report::BelowTier { key: key.clone(), tier, needed }));
        }
        let want = Want::Start { may_evict };
        self.waiting.insert(waiter, Waiter { key, want, since: now, class: Class::Interactive });
    }

    pub(super) fn stop(&mut self, (waiter, key): (WaiterId, ServerKey), now: bool, effects: &mut Vec<Effect>) {
        let stopped = denial(Why::Stopped, "the server was stopped by a person");
        let stopped = Denial { retry_after: Some(Duration::from_secs(1)), ..stopped };
        self.deny(&key, |_| true, &stopped, effects);
        let until = self.now.saturating_add(if now { Duration::ZERO } else { self.policy.drain });
        // What a person stops does not come back by itself.
        self.swaps.forget(&key);
        if self.servers.get(&key).is_some_and(|server| server.state != ServerState::Stopped) {
            self.decide(Some(&key), "unload", "a person stopped it");
        }
        let Some(server) = self.servers.get_mut(&key) else {
            return effects.push(Effect::StopDone { waiter, was_running: false });
        };
        let generation = server.generation;
        server.comeback = None;
        match &server.state {
            ServerState::Stopped
            | ServerState::Backoff { .. }
            | ServerState::Failed(_)
            | ServerState::Queued(Queued::Waiting | Queued::Short { .. }) => {
                server.state = ServerState::Stopped;
                (server.crashes, server.is_restart) = (0, false);
                return effects.push(Effect::StopDone { waiter, was_running: false });
            }
            ServerState::Queued(Queued::Admitting) => {
                server.state = ServerState::Stopping { why: Unload::Requested };
                effects.push(Effect::Withdraw { key, generation });
                return effects.push(Effect::StopDone { waiter, was_running: false });
            }
            ServerState::Starting { .. } => {
                server.state = ServerState::Stopping { why: Unload::Requested };
                effects.push(Effect::Stop { key: key.clone(), generation, now });
            }
            ServerState::Ready { .. } => {
                server.state = ServerState::Draining { until, why: Unload::Requested };
            }
            ServerState::Draining { until: before, why } => {
                server.state = ServerState::Draining { until: until.min(*before), why: why.clone() };
            }
            ServerState::Stopping { .. } => {}
        }
        server.stop_waiters.push((waiter, true));
    }

    /// No running answer is cut, however long it takes, and nobody who waits is refused.
    pub(super) fn reload(&mut self, key: &ServerKey) {
        if let Some(server) = self.servers.get_mut(key)
            && matches!(server.state, ServerState::Ready { .. })
        {
            server.state = ServerState::Draining { until: Duration::MAX, why: Unload::Reload };
            self.decide(Some(key), "unload", "it is loaded again with other settings");
        }
    }

    pub(super) fn leave(&mut self, waiter: WaiterId) {
        let now = self.now;
        if let Some(gone) = self.waiting.remove(waiter) {
            if let Some(server) = self.servers.get_mut(&gone.key) {
                server.promised.remove(&waiter);
            }
            return;
        }
        let Some(key) = self.granted.remove(&waiter) else { return };
        if let Some(server) = self.servers.get_mut(&key)
            && server.in_flight.remove(&waiter)
        {
            server.last_used = now;
            server.last_left = Some(now);
            server.answered = true;
        }
    }

    pub(super) fn begin_shutdown(&mut self, grace: Duration, effects: &mut Vec<Effect>) {
        let until = self.now.saturating_add(grace);
        // A second request may shorten the time, never lengthen it.
        self.shutdown = Some(self.shutdown.map_or(until, |before| before.min(until)));
        let until = self.shutdown.unwrap_or(until);
        let stopping = denial(Why::Stopping, "the daemon is stopping");
        let keys: Vec<ServerKey> = self.servers.keys().cloned().collect();
        for key in keys {
            self.deny(&key, |_| true, &stopping, effects);
            let Some(server) = self.servers.get_mut(&key) else { continue };
            let generation = server.generation;
            match &server.state {
                ServerState::Queued(Queued::Admitting) => {
                    server.state = ServerState::Stopping { why: Unload::Shutdown };
                    effects.push(Effect::Withdraw { key, generation });
                }
                ServerState::Queued(_) | ServerState::Backoff { .. } => server.state = ServerState::Stopped,
                ServerState::Starting { .. } => {
                    server.state = ServerState::Stopping { why: Unload::Shutdown };
                    effects.push(Effect::Stop { key, generation, now: false });
                }
                ServerState::Ready { .. } => server.state = ServerState::Draining { until, why: Unload::Shutdown },
                ServerState::Draining { until: before, why } => {
                    server.state = ServerState::Draining { until: until.min(*before), why: why.clone() };
                }
                ServerState::Stopped | ServerState::Stopping { .. } | ServerState::Failed(_) => {}
            }
        }
    }
}

//! What follows from the state at a moment: who is granted a slot, what is loaded, and who gives way.

use super::super::event::{Effect, Report, Unload};
use super::super::server::{Queued, Server, ServerState};
use super::super::{DeviceBytes, ServerKey, Why, victims};
use super::{Rank, State, Want, denial};
use std::collections::BTreeMap;
use std::time::Duration;

/// The load that others have to make room for, and who.
struct Claim {
    to: ServerKey,
    rank: Option<Rank>,
    /// Since when the first of its waiters waits.
    since: Duration,
    from: Vec<ServerKey>,
}

impl State {
    pub(super) fn plan(&mut self, effects: &mut Vec<Effect>) {
        self.end_drained(effects);
        self.end_backoffs();
        self.queue_wanted();
        self.retry_late();
        let claim = self.claim();
        self.grant(claim.as_ref(), effects);
        self.end_idle(effects);
        self.evict(claim, effects);
        self.admit(effects);
        self.end_shutdown(effects);
    }

    /// Stops servers whose last answer has ended, or whose time for that is over.
    fn end_drained(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        let mut cut = Vec::new();
        for server in self.servers.values_mut() {
            let ServerState::Draining { until, why } = &server.state else { continue };
            // A wedged one is being killed already.
            if server.wedged.is_some() || !(server.in_flight.is_empty() || now >= *until) {
                continue;
            }
            let is_cut = !server.in_flight.is_empty();
            server.state = ServerState::Stopping { why: why.clone() };
            effects.push(Effect::Stop { key: server.key.clone(), generation: server.generation, now: is_cut });
            if is_cut {
                cut.push(server.key.clone());
            }
        }
        for key in cut {
            self.lose(&key, denial(Why::Stopped, "the server was stopped"), effects);
        }
    }

    /// Stops servers that had nothing to do for as long as they were to be kept.
    fn end_idle(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        let is_over = |server: &Server| {
            server.expires().is_some_and(|at| at <= now) && server.is_evictable(self.has_waiters(&server.key))
        };
        let over: Vec<ServerKey> = self.servers.values().filter(|s| is_over(s)).map(|s| s.key.clone()).collect();
        for key in over {
            let Some(server) = self.servers.get_mut(&key) else { continue };
            server.state = ServerState::Stopping { why: Unload::Idle };
            effects.push(Effect::Stop { key, generation: server.generation, now: false });
        }
    }

    fn end_backoffs(&mut self) {
        let now = self.now;
        for server in self.servers.values_mut() {
            if matches!(server.state, ServerState::Backoff { until } if until <= now) {
                server.state = ServerState::Stopped;
                server.is_restart = true;
            }
        }
    }

    /// Queues stopped servers that somebody waits for, and forgets queued ones that nobody waits for any more.
    fn queue_wanted(&mut self) {
        let keys: Vec<ServerKey> = self.servers.keys().cloned().collect();
        for key in keys {
            let is_wanted = self.is_wanted(&key);
            let Some(server) = self.servers.get_mut(&key) else { continue };
            match server.state {
                ServerState::Stopped if is_wanted => server.state = ServerState::Queued(Queued::Waiting),
                ServerState::Queued(Queued::Waiting | Queued::Short { .. }) if !is_wanted => {
                    server.state = ServerState::Stopped;
                }
                _ => {}
            }
        }
    }

    /// Tries refused reservations again after some time.
    fn retry_late(&mut self) {
        let (now, readmit) = (self.now, self.policy.readmit);
        for server in self.servers.values_mut() {
            if let ServerState::Queued(Queued::Short { since, .. }) = server.state
                && now.saturating_sub(since) >= readmit
            {
                server.state = ServerState::Queued(Queued::Waiting);
            }
        }
    }

    /// Returns the first load that lacks memory, with the servers that give way to it: those that are idle first, the
    /// least recently used first.
    fn claim(&self) -> Option<Claim> {
        if self.is_evicting() {
            return None;
        }
        let (key, short) = self.in_order().into_iter().find_map(|key| match &self.servers.get(&key)?.state {
            ServerState::Queued(Queued::Short { short, .. }) => Some((key, short.clone())),
            _ => None,
        })?;
        let mut order: Vec<(bool, Duration, &ServerKey, &[DeviceBytes])> = self
            .servers
            .values()
            .filter(|server| server.may_give_way() && server.wedged.is_none())
            .map(|s| (!s.is_evictable(self.has_waiters(&s.key)), s.last_used, &s.key, &*s.profile.needs))
            .collect();
        order.sort();
        let held: Vec<&[DeviceBytes]> = order.iter().map(|(.., needs)| *needs).collect();
        let chosen = victims::choose(&short, &held)?;
        let from = chosen.iter().filter_map(|at| order.get(*at)).map(|(_, _, key, _)| (*key).clone()).collect();
        let rank = self.best(&key);
        let since = self.waiters_of(&key).map(|(_, waiter)| waiter.since).min().unwrap_or(self.now);
        Some(Claim { to: key, rank, since, from })
    }

    fn is_evicting(&self) -> bool {
        self.servers
            .values()
            .any(|server| matches!(server.state, ServerState::Stopping { why: Unload::Evicted { .. } }))
    }

    /// Grants free slots, in order. A server that has to give way gets no further requests when the one that waits for
    /// its memory is of a higher class or has waited long enough.
    fn grant(&mut self, claim: Option<&Claim>, effects: &mut Vec<Effect>) {
        let mut ranked: Vec<(Rank, ServerKey)> = self
            .waiting
            .iter()
            .filter(|(_, waiter)| waiter.want == Want::Slot)
            .filter(|(_, w)| self.servers.get(&w.key).is_some_and(|server| server.free_slots() > 0))
            .map(|(id, waiter)| (self.rank(*id, waiter), waiter.key.clone()))
            .collect();
        ranked.sort();
        for (rank, key) in ranked {
            let id = rank.2;
            let gives_way = claim.filter(|claim| claim.from.contains(&key)).is_some_and(|claim| {
                let is_outranked = claim.rank.is_some_and(|first| first.0 < rank.0);
                is_outranked || self.now.saturating_sub(claim.since) >= self.policy.gather
            });
            let now = self.now;
            let Some(server) = self.servers.get_mut(&key) else { continue };
            if server.free_slots() == 0 || server.wedged.is_some() || (gives_way && !server.promised.contains(&id)) {
                continue;
            }
            server.in_flight.insert(id);
            server.promised.remove(&id);
            server.last_used = now;
            let generation = server.generation;
            self.waiting.remove(&id);
            self.granted.insert(id, key.clone());
            effects.push(Effect::Grant { waiter: id, key, generation });
        }
    }

    /// Stops the servers that give way, once all of them are idle.
    fn evict(&mut self, claim: Option<Claim>, effects: &mut Vec<Effect>) {
        let Some(claim) = claim.filter(|claim| !claim.from.is_empty()) else { return };
        let is_idle = |key: &ServerKey| {
            // A request that waits is only left waiting if it has to give way, which `grant` has decided.
            let has_starters = self.has_waiters(key);
            self.servers.get(key).is_some_and(|server| server.is_evictable(has_starters))
        };
        if !claim.from.iter().all(is_idle) {
            return;
        }
        for key in &claim.from {
            let Some(server) = self.servers.get_mut(key) else { continue };
            let now = matches!(server.state, ServerState::Starting { .. });
            server.state = ServerState::Stopping { why: Unload::Evicted { by: claim.to.clone() } };
            effects.push(Effect::Stop { key: key.clone(), generation: server.generation, now });
        }
        effects.push(Effect::Report(Report::Swapped { to: claim.to, evicted: claim.from }));
    }

    /// Reserves memory for queued loads, in order. After a load that has lacked memory for long nothing else is let in.
    fn admit(&mut self, effects: &mut Vec<Effect>) {
        let mut per_disk: BTreeMap<u64, usize> = BTreeMap::new();
        for server in self.servers.values() {
            if matches!(server.state, ServerState::Starting { .. } | ServerState::Queued(Queued::Admitting)) {
                let loads = per_disk.entry(server.profile.disk).or_default();
                *loads = loads.saturating_add(1);
            }
        }
        let is_evicting = self.is_evicting();
        for key in self.in_order() {
            let waited = self.waiters_of(&key).map(|(_, waiter)| waiter.since).min();
            let Some(server) = self.servers.get_mut(&key) else { continue };
            match server.state {
                ServerState::Queued(Queued::Short { .. }) => {
                    let is_late = waited.is_some_and(|at| self.now.saturating_sub(at) >= self.policy.gather);
                    if is_late || is_evicting {
                        return;
                    }
                }
                ServerState::Queued(Queued::Waiting) => {
                    let loads = per_disk.entry(server.profile.disk).or_default();
                    if *loads >= self.policy.loads_per_disk {
                        continue;
                    }
                    *loads = loads.saturating_add(1);
                    self.generation = self.generation.saturating_add(1);
                    server.generation = self.generation;
                    server.state = ServerState::Queued(Queued::Admitting);
                    let needs = server.profile.needs.clone();
                    effects.push(Effect::Admit { key, generation: self.generation, needs });
                }
                _ => {}
            }
        }
    }

    /// Returns the queued servers in the order in which they are loaded. Those that only their pin wants come last.
    fn in_order(&self) -> Vec<ServerKey> {
        let queued = self.servers.values().filter(|server| matches!(server.state, ServerState::Queued(_)));
        let mut ranked: Vec<(bool, Option<Rank>, ServerKey)> = queued
            .map(|server| (self.best(&server.key), server.key.clone()))
            .map(|(rank, key)| (rank.is_none(), rank, key))
            .collect();
        ranked.sort();
        ranked.into_iter().map(|(_, _, key)| key).collect()
    }

    fn end_shutdown(&mut self, effects: &mut Vec<Effect>) {
        let is_over = |state: &ServerState| matches!(state, ServerState::Stopped | ServerState::Failed(_));
        if self.shutdown.is_some() && !self.is_over && self.servers.values().all(|server| is_over(&server.state)) {
            self.is_over = true;
            effects.push(Effect::AllStopped);
        }
    }
}

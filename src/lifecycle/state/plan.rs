//! What follows from the state at a moment: who is granted a slot, what is loaded, and who gives way.

use super::super::event::{Effect, Report, Unload};
use super::super::server::{Comeback, Queued, Server, ServerState};
use super::super::swaps::WINDOW;
use super::super::victims::{self, Candidate};
use super::super::waiting::Want;
use super::super::{Class, DeviceBytes, ServerKey, Why};
use super::{Rank, State, denial};
use std::collections::BTreeMap;
use std::time::Duration;

/// The load that others have to make room for, and who.
struct Claim {
    to: ServerKey,
    rank: Option<Rank>,
    /// The highest class of its waiters, however long they have waited.
    class: Option<Class>,
    /// Since when the first of its waiters waits.
    since: Duration,
    from: Vec<ServerKey>,
    /// It only comes back.
    is_back: bool,
}

impl State {
    pub(super) fn plan(&mut self, effects: &mut Vec<Effect>) {
        self.end_drained(effects);
        self.end_backoffs();
        self.end_overrides();
        self.recover();
        self.restore();
        self.queue_wanted();
        self.retry_late();
        let claim = self.claim(effects);
        self.grant(claim.as_ref(), effects);
        self.end_idle(effects);
        self.evict(claim, effects);
        self.put_off_restores();
        self.relieve(effects);
        self.raise(effects);
        self.has_read = false;
        self.admit(effects);
        self.share_cores(effects);
        self.forget_headroom();
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
                ServerState::Stopped if is_wanted => {
                    server.state = ServerState::Queued(Queued::Waiting);
                    server.lacked.clear();
                }
                ServerState::Queued(Queued::Waiting | Queued::Short { .. }) if !is_wanted => {
                    server.state = ServerState::Stopped;
                    server.gave_way.clear();
                    server.comeback = server.comeback.filter(|comeback| *comeback != Comeback::Restore);
                }
                _ => {}
            }
        }
    }

    /// Tries refused reservations again after some time.
    fn retry_late(&mut self) {
        let is_late = |server: &&Server| match &server.state {
            ServerState::Queued(Queued::Short { since, .. }) => self.now.saturating_sub(*since) >= self.readmit(server),
            _ => false,
        };
        let late: Vec<ServerKey> = self.servers.values().filter(is_late).map(|server| server.key.clone()).collect();
        for key in late {
            if let Some(server) = self.servers.get_mut(&key) {
                server.try_again();
            }
        }
    }

    /// Returns the first load that lacks memory, with the servers that give way to it: the cheapest that are enough, and
    /// of equal ones the least recently used. One that has changed places with it too often does not while it has
    /// something to do, and the load waits; a request never waits for the memory of a server that nobody uses.
    fn claim(&mut self, effects: &mut Vec<Effect>) -> Option<Claim> {
        self.held_back.clear();
        if self.is_evicting() {
            return None;
        }
        for key in self.in_order() {
            let Some(server) = self.servers.get(&key) else { continue };
            // Between two tries it still lacks what it lacked at the last one: nobody else is let in meanwhile.
            let short = match &server.state {
                ServerState::Queued(Queued::Short { short, .. }) => short.clone(),
                ServerState::Queued(_) if !server.lacked.is_empty() => server.lacked.clone(),
                _ => continue,
            };
            let is_asked = self.has_waiters(&key) || server.is_restarted();
            if !is_asked {
                // What nobody waits for takes the place of the one alone for which it was stopped.
                let by = self.swaps.of(&key).filter(|_| server.comeback == Some(Comeback::Restore));
                let by = by.map(|one| one.by.clone()).filter(|by| self.may_return(&key, by));
                if let Some(from) = by.and_then(|by| self.choose(&short, std::slice::from_ref(&by))) {
                    return Some(Claim { to: key, rank: None, class: None, since: self.now, from, is_back: true });
                }
                continue;
            }
            let may: Vec<ServerKey> = self
                .servers
                .values()
                .filter(|other| {
                    let is_up = matches!(other.state, ServerState::Ready { .. } | ServerState::Starting { .. });
                    is_up && other.wedged.is_none() && !self.is_fixed(other)
                })
                .map(|other| other.key.clone())
                .collect();
            let is_free = |other: &ServerKey| {
                let is_unused = !self.has_waiters(other) && self.servers.get(other).is_some_and(|one| self.can_go(one));
                is_unused && self.has_waiters(&key)
            };
            let (free, tired): (Vec<ServerKey>, Vec<ServerKey>) =
                may.iter().cloned().partition(|other| self.may_take(&key, other) || is_free(other));
            if let Some(from) = self.choose(&short, &free) {
                let rank = self.best(&key);
                let since = self.waiters_of(&key).map(|(_, waiter)| waiter.since).min().unwrap_or(self.now);
                let class = self.waiters_of(&key).map(|(_, waiter)| waiter.class).min();
                return Some(Claim { to: key, rank, class, since, from, is_back: false });
            }
            match tired.first().filter(|_| self.choose(&short, &may).is_some()) {
                Some(stays) => self.hold_back(&key, stays, effects),
                None => return None,
            }
        }
        None
    }

    /// Returns the cheapest of these servers that together give the missing bytes.
    fn choose(&self, short: &[DeviceBytes], of: &[ServerKey]) -> Option<Vec<ServerKey>> {
        let mut order: Vec<_> = of
            .iter()
            .filter_map(|key| self.servers.get(key))
            .map(|s| (!self.is_unused(s), s.last_used, &s.key, &*s.held, self.cost(s)))
            .collect();
        order.sort();
        let candidates: Vec<Candidate<'_>> =
            order.iter().map(|(.., held, cost)| Candidate { held, cost: *cost }).collect();
        let chosen = victims::choose(short, &candidates)?;
        Some(chosen.iter().filter_map(|at| order.get(*at)).map(|(_, _, key, ..)| (*key).clone()).collect())
    }

    /// Lets a server wait because it has changed places with another one too often, and tells that once.
    fn hold_back(&mut self, key: &ServerKey, stays: &ServerKey, effects: &mut Vec<Effect>) {
        self.held_back.insert(key.clone());
        let now = self.now;
        let Some(server) = self.servers.get_mut(key) else { return };
        if server.held_back.is_some_and(|at| now.saturating_sub(at) < WINDOW) {
            return;
        }
        server.held_back = Some(now);
        let count = self.swaps.count(key, stays, now);
        let reason =
            format!("it waits: it was swapped with {} {count} times in 10 min, and that one is kept", self.name(stays));
        self.decide(Some(key), "hold", reason);
        effects.push(Effect::Report(Report::SwapHeld { waits: key.clone(), stays: stays.clone() }));
    }

    /// Returns whether a server is being stopped for another one, or for lack of something: the next one is chosen when
    /// its memory is free.
    pub(super) fn is_evicting(&self) -> bool {
        let is = |why: &Unload| matches!(why, Unload::Evicted { .. } | Unload::Pressure { .. } | Unload::Rung);
        self.servers.values().any(|server| matches!(&server.state, ServerState::Stopping { why } if is(why)))
    }

    /// Grants free slots, in order. A server that has to give way gets no further requests when the one that waits for
    /// its memory is of a higher class or has waited long enough.
    fn grant(&mut self, claim: Option<&Claim>, effects: &mut Vec<Effect>) {
        let mut ranked: Vec<(Rank, ServerKey)> = self
            .waiting
            .iter()
            .filter(|(_, waiter)| waiter.want == Want::Slot)
            .filter(|(_, w)| self.servers.get(&w.key).is_some_and(|server| server.free_slots() > 0))
            .map(|(id, waiter)| (self.rank(id, waiter), waiter.key.clone()))
            .collect();
        ranked.sort();
        for (rank, key) in ranked {
            let id = rank.2;
            let gives_way = claim.filter(|claim| claim.from.contains(&key)).is_some_and(|claim| {
                let is_outranked = claim.rank.is_some_and(|first| first.0 < rank.0);
                is_outranked || self.now.saturating_sub(claim.since) >= self.policy.gather
            });
            let now = self.now;
            // A person does not wait for all of a batch that was waiting when its model was loaded, only for its first part.
            let class = self.waiting.get(id).map(|waiter| waiter.class);
            let is_outclassed = gives_way && claim.and_then(|claim| claim.class).zip(class).is_some_and(|(a, b)| a < b);
            let Some(server) = self.servers.get_mut(&key) else { continue };
            if is_outclassed && server.granted >= server.slots {
                server.promised.remove(&id);
            }
            if server.free_slots() == 0 || server.wedged.is_some() || (gives_way && !server.promised.contains(&id)) {
                continue;
            }
            server.granted = server.granted.saturating_add(1);
            server.in_flight.insert(id);
            server.promised.remove(&id);
            server.last_used = now;
            server.last_access = Some(now);
            server.access_count = server.access_count.saturating_add(1);
            let generation = server.generation;
            if let Some(waiter) = self.waiting.remove(id)
                && let Some(server) = self.servers.get_mut(&key)
            {
                // Of requests that run side by side the highest class counts.
                let is_first = server.in_flight.len() <= 1;
                server.class = if is_first { waiter.class } else { server.class.min(waiter.class) };
            }
            self.granted.insert(id, key.clone());
            effects.push(Effect::Grant { waiter: id, key, generation });
        }
    }

    /// Stops the servers that give way, once all of them are idle and the memory is still missing.
    fn evict(&mut self, claim: Option<Claim>, effects: &mut Vec<Effect>) {
        let is_short = |key: &ServerKey| {
            let state = self.servers.get(key).map(|server| &server.state);
            matches!(state, Some(ServerState::Queued(Queued::Short { .. })))
        };
        let Some(claim) = claim.filter(|claim| !claim.from.is_empty() && is_short(&claim.to)) else { return };
        // A request that waits is only left waiting if it has to give way, which `grant` has decided.
        let can_go = |key: &ServerKey| self.servers.get(key).is_some_and(|server| self.can_go(server));
        if claim.from.iter().all(can_go) {
            self.swap_out(&claim.from, &claim.to, claim.is_back, effects);
        }
    }

    /// Returns whether others were stopped for a server that somebody waits for.
    fn is_owed(&self, key: &ServerKey) -> bool {
        self.has_waiters(key) && self.servers.get(key).is_some_and(|server| !server.gave_way.is_empty())
    }

    /// Reserves memory for queued loads, in order. After a load that has lacked memory for long nothing else is let in, nor
    /// after one for which others were stopped: their memory is its.
    fn admit(&mut self, effects: &mut Vec<Effect>) {
        let mut per_disk: BTreeMap<u64, usize> = BTreeMap::new();
        for server in self.servers.values() {
            if matches!(server.state, ServerState::Starting { .. } | ServerState::Queued(Queued::Admitting)) {
                let loads = per_disk.entry(server.profile.disk).or_default();
                *loads = loads.saturating_add(1);
            }
        }
        let is_evicting = self.is_evicting();
        let margin_factor = self.margin_factor();
        let makes_room = |all: &State, key: &ServerKey| {
            let is = |state: &ServerState| matches!(state, ServerState::Stopping { why: Unload::Evicted { by } } if by == key);
            all.servers.values().any(|server| is(&server.state))
        };
        for key in self.in_order() {
            // It is tried when the others have ended.
            if is_evicting && makes_room(self, &key) {
                continue;
            }
            let is_held_back = self.held_back.contains(&key);
            let is_preload = |server: &Server| matches!(server.comeback, Some(Comeback::Preload(_)));
            let is_asking = |server: &Server| server.state == ServerState::Queued(Queued::Admitting);
            // They ask for memory one after the other, in their order.
            let waits_its_turn = !self.has_waiters(&key)
                && self.servers.get(&key).is_some_and(is_preload)
                && self.servers.values().any(|server| is_preload(server) && is_asking(server));
            if waits_its_turn {
                continue;
            }
            let waited = self.waiters_of(&key).map(|(_, waiter)| waiter.since).min();
            let is_owed = self.is_owed(&key);
            let Some(server) = self.servers.get_mut(&key) else { continue };
            match server.state {
                ServerState::Queued(Queued::Short { .. }) => {
                    let is_late = waited.is_some_and(|at| self.now.saturating_sub(at) >= self.policy.gather);
                    if (is_late || is_evicting || is_owed) && !is_held_back {
                        return;
                    }
                }
                ServerState::Queued(Queued::Admitting) if is_owed => return,
                ServerState::Queued(Queued::Waiting) => {
                    let loads = per_disk.entry(server.profile.disk).or_default();
                    if *loads >= self.policy.loads_per_disk {
                        continue;
                    }
                    *loads = loads.saturating_add(1);
                    self.generation = self.generation.saturating_add(1);
                    server.generation = self.generation;
                    server.state = ServerState::Queued(Queued::Admitting);
                    let generation = self.generation;
                    let Some(chosen) = self.choose_rung(&key) else { continue };
                    effects.push(Effect::Admit { key, generation, chosen, margin_factor });
                    if is_owed {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    /// Returns the queued servers in the order in which they are loaded: first the one for which others were stopped, whose
    /// memory somebody of a higher class would take otherwise. Those that only their pin wants come last.
    fn in_order(&self) -> Vec<ServerKey> {
        let queued = self.servers.values().filter(|server| matches!(server.state, ServerState::Queued(_)));
        let place = |comeback: Option<Comeback>| match comeback {
            None => 0,
            Some(Comeback::Rung) => 1,
            Some(Comeback::Restore) => 2,
            Some(Comeback::Preload(place)) => place.saturating_add(3),
        };
        let mut ranked: Vec<(bool, bool, Option<Rank>, usize, ServerKey)> = queued
            .map(|server| {
                let rank = self.best(&server.key);
                (!self.is_owed(&server.key), rank.is_none(), rank, place(server.comeback), server.key.clone())
            })
            .collect();
        ranked.sort();
        ranked.into_iter().map(|(.., key)| key).collect()
    }

    fn end_shutdown(&mut self, effects: &mut Vec<Effect>) {
        let is_over = |state: &ServerState| matches!(state, ServerState::Stopped | ServerState::Failed(_));
        if self.shutdown.is_some() && !self.is_over && self.servers.values().all(|server| is_over(&server.state)) {
            self.is_over = true;
            effects.push(Effect::AllStopped);
        }
    }
}

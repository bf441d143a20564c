//! The way of a load: reserved, started, ready.

use super::super::decisions::bytes;
use super::super::event::{Effect, Generation, Refusal, Report, Unload};
use super::super::server::{By, Comeback, Queued, Server, ServerState, amount};
use super::super::waiting::Want;
use super::super::{Answer, Denial, DeviceBytes, Holder, Instead, ServerKey, Why};
use super::{State, denial};
use std::time::Duration;

/// The time after which a client should try again when memory is lacking.
const MEMORY: Duration = Duration::from_secs(30);

impl State {
    pub(super) fn admitted(&mut self, key: &ServerKey, generation: Generation, effects: &mut Vec<Effect>) {
        let now = self.now;
        let is_wanted = self.is_wanted(key);
        let Some(server) = self.current(key, generation) else { return };
        if server.state != ServerState::Queued(Queued::Admitting) {
            return;
        }
        server.lacked.clear();
        if is_wanted {
            server.started_with = server.profile.files;
            server.state = ServerState::Starting { since: now, progress: 0.0 };
            let chosen = server.rung();
            let reason = self.reason_to_load(key);
            self.decide(Some(key), "load", reason);
            effects.push(Effect::Launch { key: key.clone(), generation, chosen });
        } else {
            server.state = ServerState::Stopping { why: Unload::Unwanted };
            effects.push(Effect::Withdraw { key: key.clone(), generation });
        }
    }

    fn reason_to_load(&self, key: &ServerKey) -> String {
        let waiting = self.waiters_of(key).filter(|(_, waiter)| waiter.want == Want::Slot).count();
        let is_start = waiting == 0 && self.has_waiters(key);
        let Some(server) = self.servers.get(key) else { return String::new() };
        match server.comeback {
            _ if server.is_headroom() => "memory is reserved for another program".to_owned(),
            _ if is_start => "a start was requested".to_owned(),
            _ if waiting == 1 => "one request waits for it".to_owned(),
            _ if waiting > 1 => format!("{waiting} requests wait for it"),
            Some(Comeback::Rung) => "it is loaded again in another way".to_owned(),
            Some(Comeback::Restore) => "it comes back after it was stopped for another one".to_owned(),
            Some(Comeback::Preload(_)) => "it is loaded at the start of the daemon".to_owned(),
            None => format!("restarting after crash {} in a row", server.crashes),
        }
    }

    /// Returns whether anything needs this server to be loaded.
    pub(super) fn is_wanted(&self, key: &ServerKey) -> bool {
        let wants_itself = |server: &Server| match server.comeback {
            // What was stopped only for that has to be loaded again.
            Some(Comeback::Rung) => true,
            comeback => {
                let wants = comeback.is_some() || server.is_restarted();
                wants && !self.is_paused && self.below_tier(&server.profile).is_none()
            }
        };
        (self.has_waiters(key) || self.servers.get(key).is_some_and(wants_itself)) && self.shutdown.is_none()
    }

    /// Decides about a load that nobody waits for and for which there is no memory. Returns whether it was given up.
    fn gives_up(&mut self, key: &ServerKey, refusal: &Refusal, effects: &mut Vec<Effect>) -> bool {
        let has_waiters = self.has_waiters(key);
        let Some(server) = self.servers.get_mut(key) else { return true };
        let Some(comeback) = server.comeback.filter(|_| !has_waiters) else { return false };
        let short: Vec<String> = refusal
            .short
            .iter()
            .map(|short| format!("{} more on {}", super::super::decisions::bytes(short.bytes), short.device))
            .collect();
        let short = format!("it needs {}", short.join(", "));
        match comeback {
            // Whether another one may give way is decided with those that wait.
            Comeback::Restore => return false,
            Comeback::Rung if self.lower(key, (By::Room, short.clone()), effects).is_some() => {
                if let Some(server) = self.servers.get_mut(key) {
                    server.state = ServerState::Queued(Queued::Waiting);
                }
                return true;
            }
            Comeback::Rung if self.servers.get(key).is_some_and(Server::is_restarted) => return false,
            Comeback::Preload(_) if refusal.others_end_soon => return false,
            Comeback::Rung | Comeback::Preload(_) => {}
        }
        if let Some(server) = self.servers.get_mut(key) {
            server.comeback = None;
            server.state = ServerState::Stopped;
        }
        self.decide(Some(key), "refuse", format!("{short}, and no request is waiting for it"));
        true
    }

    pub(super) fn refused(
        &mut self,
        key: &ServerKey,
        generation: Generation,
        refusal: &Refusal,
        effects: &mut Vec<Effect>,
    ) {
        let now = self.now;
        let Some(server) = self.current(key, generation) else { return };
        if server.state != ServerState::Queued(Queued::Admitting) {
            return;
        }
        let (name, needs) = (server.profile.name.clone(), server.held.clone());
        server.lacked.clear();
        server.state = ServerState::Queued(Queued::Short {
            since: now,
            short: refusal.short.clone(),
            others_end_soon: refusal.others_end_soon,
        });
        if self.gives_up(key, refusal, effects) {
            return;
        }
        let pinned = self.held_by_pinned(key);
        let exceeds_with = |needs: &[DeviceBytes], less: &[DeviceBytes]| {
            needs.iter().any(|need| {
                let capacity = amount(&refusal.capacity, &need.device);
                need.bytes > capacity.saturating_sub(amount(less, &need.device))
            })
        };
        let exceeds = |less: &[DeviceBytes]| exceeds_with(&needs, less);
        if exceeds(&pinned) && !refusal.others_end_soon {
            let fits = |needs: &[DeviceBytes]| !exceeds_with(needs, &pinned);
            let reason =
                if exceeds(&[]) { "it does not fit into memory" } else { "it fits only without models that are kept" };
            if self.lower_until(key, fits, reason.to_owned(), effects) {
                if let Some(server) = self.servers.get_mut(key) {
                    server.state = ServerState::Queued(Queued::Waiting);
                }
                return;
            }
        }
        let left: Vec<DeviceBytes> = refusal
            .capacity
            .iter()
            .map(|all| DeviceBytes {
                device: all.device.clone(),
                bytes: all.bytes.saturating_sub(amount(&pinned, &all.device)),
            })
            .collect();
        let refuse = |why, message: String, holders: Vec<Holder>, retry_after| Denial {
            holders,
            retry_after,
            ..denial(why, message)
        };
        let short: Vec<&str> = refusal.short.iter().map(|short| short.device.as_str()).collect();
        let others = [refusal.others.clone(), self.external_holders(&short)].concat();
        let verdict = if exceeds(&[]) && !refusal.others_end_soon {
            let over: Vec<String> = needs
                .iter()
                .filter(|need| need.bytes > amount(&refusal.capacity, &need.device))
                .map(|need| {
                    let all = bytes(amount(&refusal.capacity, &need.device));
                    format!("it needs {} on {}, and {all} may be used there", bytes(need.bytes), need.device)
                })
                .collect();
            let message = format!("{name} does not fit into memory: {}", over.join("; "));
            Some(refuse(Why::NoMemory, message, others.clone(), None))
        } else if exceeds(&pinned) && !refusal.others_end_soon {
            let message = format!("{name} fits only without a pinned model");
            Some(refuse(Why::PinnedMemory, message, [self.pinned_holders(key), others.clone()].concat(), None))
        } else {
            None
        };
        if let Some(denial) = verdict {
            let instead = Some(Box::new(Instead { of: key.model.clone(), capacity: left }));
            let denial = Denial { instead, ..denial };
            self.decide(Some(key), "refuse", denial.message.clone());
            self.deny(key, |_| true, &denial, effects);
            return;
        }
        let beside = format!("{name} does not fit together with the loaded models");
        let holders = [self.holders(key), others].concat();
        let denial = refuse(Why::NoMemory, beside, holders, Some(MEMORY));
        self.deny(key, |waiter| !waiter.want.may_evict(), &denial, effects);
    }

    fn held_by_pinned(&self, but: &ServerKey) -> Vec<DeviceBytes> {
        let fixed = self.servers.values().filter(|s| s.key != *but && self.is_fixed(s) && s.has_memory());
        // What cannot be ended gives nothing back either.
        let stuck = self.servers.values().flat_map(Server::stuck);
        let mut sums: Vec<DeviceBytes> = Vec::new();
        for need in fixed.flat_map(|server| &server.held).chain(stuck) {
            match sums.iter_mut().find(|sum| sum.device == need.device) {
                Some(sum) => sum.bytes = sum.bytes.saturating_add(need.bytes),
                None => sums.push(need.clone()),
            }
        }
        sums
    }

    fn pinned_holders(&self, but: &ServerKey) -> Vec<Holder> {
        self.holders(but).into_iter().filter(|holder| matches!(holder.why, "pinned" | "reserved" | "stuck")).collect()
    }

    fn holders(&self, but: &ServerKey) -> Vec<Holder> {
        let holder = |server: &Server| {
            let why = match (&server.state, self.is_fixed(server)) {
                (_, true) if server.is_headroom() => "reserved",
                (_, true) => "pinned",
                (ServerState::Starting { .. }, _) => "loading",
                (ServerState::Ready { .. }, _) if server.in_flight.is_empty() => "idle",
                _ => "busy",
            };
            Holder { name: server.profile.name.clone(), why, held: server.held.clone() }
        };
        let with_memory = self.servers.values().filter(|s| s.key != *but && s.has_memory()).map(holder);
        let stuck = self.servers.values().filter(|server| !server.stuck.is_empty()).map(|server| Holder {
            name: server.profile.name.clone(),
            why: "stuck",
            held: server.stuck().cloned().collect(),
        });
        with_memory.chain(stuck).collect()
    }

    pub(super) fn ready(&mut self, key: &ServerKey, generation: Generation, slots: u32, effects: &mut Vec<Effect>) {
        let now = self.now;
        let (mut slot_waiters, mut starters) = (Vec::new(), Vec::new());
        for (id, waiter) in self.waiters_of(key) {
            match waiter.want {
                Want::Slot => slot_waiters.push(id),
                want => starters.push((id, want)),
            }
        }
        let Some(server) = self.current(key, generation) else { return };
        let ServerState::Starting { since, .. } = server.state else { return };
        let took = now.saturating_sub(since);
        server.state = ServerState::Ready { since: now };
        server.slots = slots.max(1);
        server.last_used = now;
        server.was_loaded = true;
        server.comeback = None;
        server.load_time = Some(took);
        (server.answered, server.health, server.unknown_health, server.threads) = (false, None, 0, None);
        server.promised = slot_waiters.into_iter().collect();
        server.granted = 0;
        let gave_way = std::mem::take(&mut server.gave_way);
        effects.push(Effect::Report(Report::Loaded { key: key.clone(), took }));
        if std::mem::take(&mut server.is_restart) && server.crashes > 0 {
            let (count, downgraded) = (server.crashes, server.ladder.current > 0);
            let mode = server.rung().rung.mode;
            effects.push(Effect::Report(Report::Restarted { key: key.clone(), count, mode, downgraded }));
        }
        self.swaps.forget(key);
        for (waiter, want) in starters {
            self.waiting.remove(waiter);
            effects.push(match want {
                Want::Headroom => Effect::Answer { waiter, answer: Answer::Headroom(Ok(gave_way.clone())) },
                Want::Swap { .. } => Effect::Answer { waiter, answer: Answer::Swap(Ok(gave_way.clone())) },
                Want::Slot | Want::Start { .. } => Effect::Started { waiter, key: key.clone(), was_running: false },
            });
        }
    }
}

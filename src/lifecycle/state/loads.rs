//! The way of a load: reserved, started, ready.

use super::super::event::{Effect, Generation, Refusal, Report, Unload};
use super::super::server::{Queued, ServerState};
use super::super::{Denial, DeviceBytes, Holder, Instead, ServerKey, Why};
use super::{State, Want, denial};
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
        if is_wanted {
            server.started_with = server.profile.files;
            server.state = ServerState::Starting { since: now, progress: 0.0 };
            effects.push(Effect::Launch { key: key.clone(), generation });
        } else {
            server.state = ServerState::Stopping { why: Unload::Unwanted };
            effects.push(Effect::Withdraw { key: key.clone(), generation });
        }
    }

    /// Returns whether anything needs this server to be loaded.
    pub(super) fn is_wanted(&self, key: &ServerKey) -> bool {
        let is_pinned_restart = self.servers.get(key).is_some_and(|server| server.profile.pinned && server.is_restart);
        (self.has_waiters(key) || is_pinned_restart) && self.shutdown.is_none()
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
        let (name, needs) = (server.profile.name.clone(), server.profile.needs.clone());
        server.state = ServerState::Queued(Queued::Short {
            since: now,
            short: refusal.short.clone(),
            others_end_soon: refusal.others_end_soon,
        });
        let pinned = self.held_by_pinned(key);
        let exceeds = |less: &[DeviceBytes]| {
            needs.iter().any(|need| {
                let capacity = amount(&refusal.capacity, &need.device);
                need.bytes > capacity.saturating_sub(amount(less, &need.device))
            })
        };
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
        let verdict = if exceeds(&[]) && !refusal.others_end_soon {
            let message = format!("{name} does not fit into memory");
            Some(refuse(Why::NoMemory, message, refusal.others.clone(), None))
        } else if exceeds(&pinned) && !refusal.others_end_soon {
            let message = format!("{name} fits only without a pinned model");
            Some(refuse(Why::PinnedMemory, message, [self.pinned_holders(key), refusal.others.clone()].concat(), None))
        } else {
            None
        };
        if let Some(denial) = verdict {
            let instead = Some(Instead { of: key.model.clone(), capacity: left });
            let denial = Denial { instead, ..denial };
            self.deny(key, |_| true, &denial, effects);
            return;
        }
        let beside = format!("{name} does not fit beside what is loaded");
        let holders = [self.holders(key), refusal.others.clone()].concat();
        let denial = refuse(Why::NoMemory, beside, holders, Some(MEMORY));
        self.deny(key, |waiter| waiter.want == Want::Start { may_evict: false }, &denial, effects);
    }

    fn held_by_pinned(&self, but: &ServerKey) -> Vec<DeviceBytes> {
        let pinned = self.servers.values().filter(|s| s.key != *but && s.profile.pinned && s.has_memory());
        let mut sums: Vec<DeviceBytes> = Vec::new();
        for need in pinned.flat_map(|server| &server.profile.needs) {
            match sums.iter_mut().find(|sum| sum.device == need.device) {
                Some(sum) => sum.bytes = sum.bytes.saturating_add(need.bytes),
                None => sums.push(need.clone()),
            }
        }
        sums
    }

    fn pinned_holders(&self, but: &ServerKey) -> Vec<Holder> {
        self.holders(but).into_iter().filter(|holder| holder.why == "pinned").collect()
    }

    fn holders(&self, but: &ServerKey) -> Vec<Holder> {
        let with_memory = self.servers.values().filter(|server| server.key != *but && server.has_memory());
        with_memory
            .map(|server| {
                let why = match (&server.state, server.profile.pinned) {
                    (_, true) => "pinned",
                    (ServerState::Starting { .. }, _) => "loading",
                    (ServerState::Ready { .. }, _) if server.in_flight.is_empty() => "idle",
                    _ => "busy",
                };
                Holder { name: server.profile.name.clone(), why, held: server.profile.needs.clone() }
            })
            .collect()
    }

    pub(super) fn ready(&mut self, key: &ServerKey, generation: Generation, slots: u32, effects: &mut Vec<Effect>) {
        let now = self.now;
        let (mut slot_waiters, mut starters) = (Vec::new(), Vec::new());
        for (id, waiter) in self.waiters_of(key) {
            match waiter.want {
                Want::Slot => slot_waiters.push(id),
                Want::Start { .. } => starters.push(id),
            }
        }
        let Some(server) = self.current(key, generation) else { return };
        let ServerState::Starting { since, .. } = server.state else { return };
        server.state = ServerState::Ready { since: now };
        server.slots = slots.max(1);
        server.last_used = now;
        server.was_loaded = true;
        server.promised = slot_waiters.into_iter().collect();
        effects.push(Effect::Report(Report::Loaded { key: key.clone(), took: now.saturating_sub(since) }));
        if std::mem::take(&mut server.is_restart) && server.crashes > 0 {
            effects.push(Effect::Report(Report::Restarted { key: key.clone(), count: server.crashes }));
        }
        for waiter in starters {
            self.waiting.remove(&waiter);
            effects.push(Effect::Started { waiter, key: key.clone(), was_running: false });
        }
    }
}

fn amount(of: &[DeviceBytes], device: &str) -> u64 {
    of.iter().filter(|bytes| bytes.device == device).fold(0, |sum, bytes| sum.saturating_add(bytes.bytes))
}

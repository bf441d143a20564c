//! Who gives way when the machine has too little of something. One after the other: after each of them its memory has to
//! be free, and to be read again.

use super::super::decisions::{bytes, time};
use super::super::event::{Effect, Unload};
use super::super::pressure::MEMORY;
use super::super::server::{By, Server, ServerState};
use super::super::victims::{self, Candidate};
use super::super::{DeviceBytes, ServerKey};
use super::State;
use crate::model::lifecycle::{PressureKind, Priority};
use std::time::Duration;

/// The time that the mean of the CPU covers: another server is stopped when it shows what the last one has given.
const MEAN: Duration = Duration::from_secs(30);

/// A server that could give way, and how.
struct Giver {
    priority: Priority,
    last_used: Duration,
    key: ServerKey,
    cost: u64,
    /// What becomes free of the device.
    gain: Vec<DeviceBytes>,
    /// The way in which it is loaded again; `None`: it is stopped.
    lower: Option<usize>,
}

impl State {
    pub(super) fn relieve(&mut self, effects: &mut Vec<Effect>) {
        if !self.has_read || self.is_paused || self.shutdown.is_some() || self.is_evicting() {
            return;
        }
        let vram = self.gauges.high(PressureKind::Vram).map(|gauge| (gauge.what.clone(), gauge));
        let ram = self.gauges.high(PressureKind::Ram).map(|gauge| (MEMORY.to_owned(), gauge));
        let high: Vec<_> = vram.chain(ram).map(|(d, g)| (g.kind, d, g.excess.max(1), g.message.clone())).collect();
        for (kind, device, excess, message) in high {
            let short = DeviceBytes { device, bytes: excess };
            if let Some(giver) = self.giver(kind, &short) {
                return self.give(giver, kind, &message, effects);
            }
        }
        self.relieve_cores(effects);
    }

    /// Returns the first of the cheapest servers that together give the bytes: evictable ones before idle ones before
    /// warm ones. Where all of them would not be enough, others hold the memory, and only evictable ones go.
    fn giver(&self, kind: PressureKind, short: &DeviceBytes) -> Option<Giver> {
        let device = &*short.device;
        let ours = self.servers.values().filter(|server| server.has_memory() && server.holds(device) > 0).count();
        let mut givers: Vec<Giver> = self
            .servers
            .values()
            .filter(|server| server.has_memory() && server.holds(device) > 0 && self.can_go(server))
            .filter(|server| kind != PressureKind::Ram || is_in_memory(server))
            .map(|server| self.as_giver(server, device))
            // The last one stays, as long as it may be used again soon.
            .filter(|giver| giver.priority == Priority::Evictable || ours > 1)
            .collect();
        givers.sort_by(|a, b| (a.priority, a.last_used, &a.key).cmp(&(b.priority, b.last_used, &b.key)));
        for least in [Priority::Evictable, Priority::Idle, Priority::Warm] {
            let end = givers.iter().take_while(|giver| giver.priority <= least).count();
            let candidates: Vec<Candidate<'_>> =
                givers.iter().take(end).map(|giver| Candidate { held: &giver.gain, cost: giver.cost }).collect();
            if let Some(chosen) = victims::choose(std::slice::from_ref(short), &candidates) {
                return chosen.first().filter(|at| **at < givers.len()).map(|at| givers.swap_remove(*at));
            }
        }
        givers.into_iter().next().filter(|giver| giver.priority == Priority::Evictable)
    }

    /// Returns how a server would give way: by a step down where it is used now and then, or by ending.
    fn as_giver(&self, server: &Server, device: &str) -> Giver {
        let priority = self.priority(server);
        let next = server.ladder.current.saturating_add(1);
        let may_lower = priority > Priority::Evictable
            && server.is_ready()
            && !server.profile.no_degrade
            && server.ladder.by != By::Person
            && next < server.profile.rung_count();
        let lower = Some(next).filter(|_| may_lower).and_then(|next| {
            let rung = server.profile.rung(next).rung;
            let needs = super::super::server::amount(&rung.needs, device);
            let gain = server.holds(device).saturating_sub(needs);
            // What it gives here must not be missing there.
            let fits = |need: &DeviceBytes| need.device == device || need.bytes <= server.holds(&need.device);
            (gain > 0 && (rung.needs.iter().all(fits) || self.has_room(server, &rung))).then_some((next, gain))
        });
        let bytes = lower.map_or_else(|| server.holds(device), |(_, gain)| gain);
        Giver {
            priority,
            last_used: server.last_used,
            key: server.key.clone(),
            cost: self.cost(server),
            gain: vec![DeviceBytes { device: device.to_owned(), bytes }],
            lower: lower.map(|(next, _)| next),
        }
    }

    fn give(&mut self, giver: Giver, kind: PressureKind, message: &str, effects: &mut Vec<Effect>) {
        let Giver { key, lower, gain, .. } = giver;
        let frees: Vec<String> = gain.iter().map(|gain| format!("{} on {}", bytes(gain.bytes), gain.device)).collect();
        let frees = if frees.is_empty() { String::new() } else { format!(", and frees {}", frees.join(", ")) };
        let Some(server) = self.servers.get_mut(&key) else { return };
        let idle = time(self.now.saturating_sub(server.last_used));
        let reason = format!("too little {} ({message}); it was idle for {idle}{frees}", kind.name());
        if let Some(to) = lower {
            self.set_rung(&key, to, (By::Room, reason), effects);
            return self.load_again(&key, effects);
        }
        let now = matches!(server.state, ServerState::Starting { .. });
        server.comeback = None;
        server.state = ServerState::Stopping { why: Unload::Pressure { kind } };
        effects.push(Effect::Stop { key: key.clone(), generation: server.generation, now });
        self.decide(Some(&key), "evict", reason);
    }

    /// Stops a server that is not used for the sake of the cores. One that only gives way to bytes stays.
    fn relieve_cores(&mut self, effects: &mut Vec<Effect>) {
        let Some(message) = self.gauges.high(PressureKind::Cpu).next().map(|gauge| gauge.message.clone()) else {
            return;
        };
        if self.relieved_cores.is_some_and(|at| self.now.saturating_sub(at) < MEAN) {
            return;
        }
        let may = |server: &&Server| {
            !server.profile.pressure_evict_only
                && server.is_ready()
                && self.can_go(server)
                && self.priority(server) <= Priority::Idle
        };
        let order = |server: &&Server| (self.priority(server), server.last_used, server.key.clone());
        let Some(server) = self.servers.values().filter(may).min_by_key(order) else { return };
        let (priority, last_used, key) = order(&server);
        self.relieved_cores = Some(self.now);
        self.give(
            Giver { priority, last_used, key, cost: 0, gain: Vec::new(), lower: None },
            PressureKind::Cpu,
            &message,
            effects,
        );
    }
}

/// Returns whether a server is on the CPU: at least half of it is in main memory.
fn is_in_memory(server: &Server) -> bool {
    let all = server.held.iter().map(|held| held.bytes).fold(0, u64::saturating_add);
    server.holds(MEMORY) >= all / 2
}

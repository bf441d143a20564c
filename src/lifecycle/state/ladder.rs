//! The ways in which a server is loaded: one step down when memory runs out, and up again when there is some.

use super::super::decisions::{bytes, time};
use super::super::event::{Answer, Effect, Offloaded, Report, Unload, WaiterId};
use super::super::pressure::MEMORY;
use super::super::server::{By, Comeback, Server, ServerState};
use super::super::{ChosenRung, DeviceBytes, ServerKey};
use super::State;
use crate::model::lifecycle::{Mode, PressureKind, Rung};
use std::time::Duration;

/// The time without a lack of memory after which a better way is tried.
const QUIET: Duration = Duration::from_secs(600);
/// The time between two such tries.
const BETWEEN: Duration = Duration::from_secs(1_800);

impl State {
    /// Settles the way of the start that begins now. One that has worked for long enough is full again.
    pub(super) fn choose_rung(&mut self, key: &ServerKey) -> Option<ChosenRung> {
        let now = self.now;
        let server = self.servers.get(key)?;
        let ladder = &server.ladder;
        let is_full_again = ladder.next > 0
            && ladder.is_reset
            && ladder.by != By::Person
            && server.comeback != Some(Comeback::Rung)
            && self.may_raise(server);
        if is_full_again {
            let server = self.servers.get_mut(key)?;
            (server.ladder.next, server.ladder.raised, server.ladder.reason) = (0, Some(now), None);
            self.decide(Some(key), "upgrade", "it has worked for long enough to be loaded in full again");
        }
        let server = self.servers.get_mut(key)?;
        let chosen = server.profile.rung(server.ladder.next);
        server.ladder.current = chosen.index;
        server.held = chosen.rung.needs.clone();
        server.chosen = Some(chosen.clone());
        Some(chosen)
    }

    fn may_raise(&self, server: &Server) -> bool {
        let has_passed = |at: Option<Duration>, time| at.is_none_or(|at| self.now.saturating_sub(at) >= time);
        has_passed(server.ladder.lowered, QUIET) && has_passed(server.ladder.raised, BETWEEN)
    }

    /// Takes another way for the next start, and tells it.
    pub(super) fn set_rung(
        &mut self,
        key: &ServerKey,
        to: usize,
        (by, reason): (By, String),
        effects: &mut Vec<Effect>,
    ) -> Option<Mode> {
        let now = self.now;
        let server = self.servers.get_mut(key)?;
        let (before, after) = (server.rung(), server.profile.rung(to));
        let is_lower = after.index > before.index;
        server.ladder.next = after.index;
        server.ladder.by = if after.index > 0 { by } else { By::default() };
        if is_lower {
            server.ladder.lowered = Some(now);
            server.ladder.is_reset = false;
        } else {
            server.ladder.raised = Some(now);
        }
        server.ladder.reason = (after.index > 0).then(|| reason.clone());
        let (from, rung) = (before.rung.mode, after.rung);
        let needs: Vec<String> = rung.needs.iter().map(|n| format!("{} on {}", bytes(n.bytes), n.device)).collect();
        let context = if rung.context > 0 { format!(", context {}", rung.context) } else { String::new() };
        let text = format!("{reason}: {} → {}{context}, with {}", from.name(), rung.mode.name(), needs.join(", "));
        self.decide(Some(key), if is_lower { "downgrade" } else { "upgrade" }, text);
        effects.push(Effect::Report(Report::Rung {
            key: key.clone(),
            from,
            to: rung.mode,
            context: rung.context,
            is_lower,
            reason,
        }));
        Some(rung.mode)
    }

    /// Takes the next way, if there is one and it may be taken. Returns its mode.
    pub(super) fn lower(&mut self, key: &ServerKey, why: (By, String), effects: &mut Vec<Effect>) -> Option<Mode> {
        let server = self.servers.get(key).filter(|server| !server.profile.no_degrade)?;
        let next = server.lesser_rungs().next()?;
        self.set_rung(key, next, why, effects)
    }

    /// Takes the first further way whose needs fulfil `fits`. Returns whether there is one.
    pub(super) fn lower_until(
        &mut self,
        key: &ServerKey,
        fits: impl Fn(&[DeviceBytes]) -> bool,
        reason: String,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(server) = self.servers.get(key).filter(|server| !server.profile.no_degrade) else { return false };
        let found = server.lesser_rungs().find(|index| fits(&server.profile.rung(*index).rung.needs));
        found.is_some_and(|to| self.set_rung(key, to, (By::Room, reason), effects).is_some())
    }

    /// A person wants a server to be loaded in another way.
    pub(super) fn offload(
        &mut self,
        (waiter, key): (WaiterId, ServerKey),
        to: Option<Mode>,
        effects: &mut Vec<Effect>,
    ) {
        let answer = self.offloaded(&key, to, effects);
        effects.push(Effect::Answer { waiter, answer: Answer::Offload(answer) });
    }

    fn offloaded(&mut self, key: &ServerKey, to: Option<Mode>, effects: &mut Vec<Effect>) -> Offloaded {
        let Some(server) = self.servers.get(key) else { return Offloaded::NotLoaded };
        let (profile, current) = (&server.profile, server.ladder.current);
        let modes = || (0..profile.rung_count()).map(|index| profile.rung(index).rung.mode);
        if to.is_some_and(|to| modes().all(|mode| mode != to)) {
            return Offloaded::Unknown;
        }
        if !server.is_ready() {
            return Offloaded::NotLoaded;
        }
        let index = match to {
            Some(to) if server.rung().rung.mode == to => None,
            Some(to) => modes().position(|mode| mode == to),
            None => Some(current.saturating_add(1)).filter(|next| *next < profile.rung_count()),
        };
        let Some(index) = index else { return Offloaded::AlreadyThere };
        self.set_rung(key, index, (By::Person, "a person chose it".to_owned()), effects);
        if let Some(server) = self.servers.get_mut(key) {
            server.state = ServerState::Draining { until: Duration::MAX, why: Unload::Rung };
            server.comeback = Some(Comeback::Rung);
        }
        Offloaded::Done
    }

    /// Loads a server better again that had to be loaded in a lesser way, when there is memory and it has nothing to do.
    pub(super) fn raise(&mut self, effects: &mut Vec<Effect>) {
        let is_high = [PressureKind::Vram, PressureKind::Ram].into_iter().any(|kind| self.gauges.is_high(kind));
        if !self.has_read || self.is_paused || self.shutdown.is_some() || is_high || self.is_moving() {
            return;
        }
        let may = |server: &&Server| {
            let is_full = server.ladder.current == 0 || server.ladder.by == By::Person;
            server.is_ready() && !is_full && self.is_unused(server) && self.may_raise(server)
        };
        let better = |server: &Server| {
            let fits =
                |index: &usize| server.has_context(*index) && self.has_room(server, &server.profile.rung(*index).rung);
            Some((server.key.clone(), (0..server.ladder.current).find(fits)?))
        };
        let Some((key, to)) = self.servers.values().filter(may).find_map(better) else { return };
        let quiet = self.servers.get(&key).and_then(|server| server.ladder.lowered);
        let quiet = time(quiet.map_or(self.now, |at| self.now.saturating_sub(at)));
        self.set_rung(&key, to, (By::Room, format!("there was memory enough for {quiet}")), effects);
        self.load_again(&key, effects);
    }

    /// Stops a server that has nothing to do, to be loaded in another way.
    pub(super) fn load_again(&mut self, key: &ServerKey, effects: &mut Vec<Effect>) {
        let Some(server) = self.servers.get_mut(key) else { return };
        server.comeback = Some(Comeback::Rung);
        server.state = ServerState::Stopping { why: Unload::Rung };
        effects.push(Effect::Stop { key: key.clone(), generation: server.generation, now: false });
    }

    /// Returns whether the machine has room for a server that is loaded in another way, without a pressure that would
    /// undo it.
    pub(super) fn has_room(&self, server: &Server, rung: &Rung) -> bool {
        let Some((_, readings)) = &self.readings else { return false };
        let limits = self.policy.thresholds;
        rung.needs.iter().all(|need| {
            let more = need.bytes.saturating_sub(server.holds(&need.device));
            let of = |total: u64, free: u64, limit: u8| (total, free, limit);
            let found = if need.device == MEMORY {
                readings.memory.known().map(|memory| of(memory.total, memory.available, limits.ram))
            } else {
                let devices = readings.devices.known();
                let device = devices.and_then(|all| all.iter().find(|device| device.device == need.device));
                device.map(|device| of(device.total, device.free, limits.vram))
            };
            more == 0
                || found.is_some_and(|(total, free, limit)| {
                    let used = total.saturating_sub(free).saturating_add(self.promised(&need.device));
                    let most = u128::from(total).saturating_mul(u128::from(limit.saturating_sub(5))) / 100;
                    u128::from(used.saturating_add(more)) <= most
                })
        })
    }

    /// Returns what is reserved for other programs and perhaps not taken yet.
    fn promised(&self, device: &str) -> u64 {
        let held = self.servers.values().filter(|s| s.is_headroom() && s.has_memory()).map(|s| s.holds(device));
        held.fold(0, u64::saturating_add)
    }
}

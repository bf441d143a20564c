use super::super::overview::{Overview, ServerOverview, SwapWait};
use super::super::pressure::MEMORY;
use super::super::server::{Server, amount};
use super::super::{Decided, KeyKind, ServerView};
use super::State;
use crate::model::lifecycle::DeviceStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl State {
    /// Returns all that is known and decided, as it is at `now`. Nothing is decided by that.
    pub fn overview(&self, now: Duration) -> Overview {
        let mut at = self.clone();
        at.now = at.now.max(now);
        at.shown()
    }

    fn shown(&self) -> Overview {
        let servers = self.servers.values().zip(self.views());
        let swap = |one: &super::super::swaps::Remembered| SwapWait {
            key: one.key.clone(),
            name: self.name(&one.key),
            by: one.by.clone(),
            by_name: match one.by.kind() {
                KeyKind::Headroom(id) if !self.servers.contains_key(&one.by) => format!("the reservation {id}"),
                _ => self.name(&one.by),
            },
            ago: self.now.saturating_sub(one.at),
            waits_for: self.returns_after(one).unwrap_or_else(|| "its turn".to_owned()),
        };
        Overview {
            now: self.now,
            ticks: self.ticks,
            is_paused: self.is_paused,
            tier: self.tier,
            servers: servers.map(|(server, view)| self.of(server, view)).collect(),
            pressures: self.gauges.pressures(),
            throttle_factor: self.throttle_factor(),
            margin_factor: self.margin_factor(),
            devices: self.devices(),
            readings: self.readings.clone(),
            swaps: self.swaps.remembered().map(swap).collect(),
            externals: self.externals.clone(),
            decisions: self.decisions.all().cloned().collect(),
        }
    }

    fn devices(&self) -> Vec<DeviceStatus> {
        let mut read: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        if let Some((_, readings)) = &self.readings {
            let gpus = readings.devices.known().into_iter().flatten();
            read.extend(gpus.map(|gpu| (gpu.device.clone(), (gpu.total, gpu.free))));
            let memory = readings.memory.known().map(|memory| (memory.total, memory.available));
            read.extend(memory.map(|memory| (MEMORY.to_owned(), memory)));
        }
        let up = || self.servers.values().filter(|server| server.has_memory());
        let stuck = || self.servers.values().flat_map(Server::stuck);
        let held =
            up().flat_map(|server| &server.held).chain(stuck()).chain(self.externals.iter().flat_map(|one| &one.bytes));
        let names: BTreeSet<&str> = read.keys().map(String::as_str).chain(held.map(|held| &*held.device)).collect();
        let of = |device: &str| {
            let sum = |is_reserved: bool| {
                let held = up().filter(|s| s.is_headroom() == is_reserved).map(|server| server.holds(device));
                held.fold(0, u64::saturating_add)
            };
            let external = self.externals.iter().map(|one| amount(&one.bytes, device)).fold(0, u64::saturating_add);
            let stuck = stuck().filter(|held| held.device == device).map(|held| held.bytes);
            let ours = stuck.fold(sum(false), u64::saturating_add);
            let (total, free) = read.get(device).copied().unzip();
            DeviceStatus { device: device.to_owned(), total, free, ours, external, reserved: sum(true) }
        };
        names.into_iter().map(of).collect()
    }

    /// Returns the decisions with a higher number, as far as they are kept, the oldest first.
    pub fn decisions_after(&self, number: u64) -> impl Iterator<Item = &Decided> {
        self.decisions.after(number)
    }

    fn of(&self, server: &Server, view: ServerView) -> ServerOverview {
        let rung = server.rung();
        let next = server.profile.rung(server.ladder.next).rung.mode;
        let is_up = server.has_memory();
        let ends = !server.profile.pinned && !server.profile.pressure_evict_only && !server.is_headroom();
        ServerOverview {
            view,
            next_mode: (next != rung.rung.mode).then_some(next),
            downgraded: if is_up { rung.index > 0 } else { server.ladder.next > 0 },
            mode_reason: server.ladder.reason.clone(),
            rung,
            priority: is_up.then(|| self.priority(server)),
            by_person: self.set_by_person(&server.key),
            last_access: self.last_access(server),
            access_count: self.access_count(server),
            load_time: is_up.then_some(server.load_time).flatten(),
            idle: (server.is_ready() && server.in_flight.is_empty()).then(|| self.now.saturating_sub(server.last_used)),
            idle_timeout: ends.then(|| self.kept(server)).flatten(),
            popularity: self.popularity(server),
            boosted: self.is_boosted(server),
            crashes: server.crashes,
            last_exit_code: server.last_exit_code,
            healthy: server.health.as_ref().and_then(|health| health.known().copied()),
            pressure_evict_only: server.profile.pressure_evict_only,
            essential: server.profile.essential,
            threads: server.threads,
        }
    }
}

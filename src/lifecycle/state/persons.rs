//! What people set, and what is known from before.

use super::super::event::{Effect, Generation, Hint, Report};
use super::super::server::{Comeback, Server, ServerState};
use super::super::{Profile, ServerKey, decisions};
use super::State;
use crate::model::Reading;
use crate::model::lifecycle::Priority;
use std::time::Duration;

/// The number of checks in a row that could not be made before it is told.
const UNKNOWN: u32 = 2;

impl State {
    pub(super) fn pause(&mut self, paused: bool) {
        if self.is_paused != paused {
            self.is_paused = paused;
            let (what, reason) = if paused {
                ("pause", "an operator paused automatic starts and stops")
            } else {
                ("resume", "a person ended the pause")
            };
            self.decide(None, what, reason);
        }
    }

    pub(super) fn set_priority(&mut self, key: ServerKey, priority: Option<Priority>, until: Option<Duration>) {
        let reason = match (priority, until) {
            (None, _) => "a person ended the priority that was set".to_owned(),
            (Some(of), None) => format!("a person set it to {}", of.name()),
            (Some(of), Some(until)) => {
                // Some time has passed since it was said.
                let left = until.saturating_sub(self.now).saturating_add(Duration::from_millis(500));
                let time = decisions::time(left);
                format!("a person set it to {} for {time}", of.name())
            }
        };
        match priority {
            Some(priority) => drop(self.overrides.insert(key.clone(), (priority, until))),
            None => drop(self.overrides.remove(&key)),
        }
        self.decide(Some(&key), "priority", reason);
    }

    /// The last word on each server counts; what happened in this run of the daemon comes before it.
    pub(super) fn take_hints(&mut self, hints: Vec<(ServerKey, Hint)>) {
        let now = self.now;
        self.hints.extend(hints.into_iter().map(|(key, hint)| (key, (now, hint))));
    }

    /// Returns what is known of each server at `now`, for the next run of the daemon.
    pub fn hints(&self, now: Duration) -> Vec<(ServerKey, Hint)> {
        let since = now.saturating_sub(self.now);
        let unseen =
            self.hints.iter().filter(|(key, _)| !self.servers.contains_key(*key)).map(|(key, (told, hint))| {
                let last_access = hint.last_access.map(|ago| ago.saturating_add(now.saturating_sub(*told)));
                (key.clone(), Hint { last_access, ..*hint })
            });
        let seen = self.servers.values().filter(|server| !server.is_headroom()).map(|server| {
            let load_time = server.load_time.or_else(|| self.hints.get(&server.key).and_then(|(_, h)| h.load_time));
            let last_access = self.last_access(server).map(|ago| ago.saturating_add(since));
            (server.key.clone(), Hint { last_access, access_count: self.access_count(server), load_time })
        });
        unseen.chain(seen).collect()
    }

    /// Returns how often a server was given a request, in all runs of the daemon.
    pub(super) fn access_count(&self, server: &Server) -> u64 {
        let before = self.hints.get(&server.key).map_or(0, |(_, hint)| hint.access_count);
        before.saturating_add(server.access_count)
    }

    /// Loads servers in this order, as far as memory is free.
    pub(super) fn preload(&mut self, servers: Vec<(ServerKey, Profile)>) {
        if self.shutdown.is_some() {
            return;
        }
        for (place, (key, profile)) in servers.into_iter().enumerate() {
            let server = self.server(&key, profile);
            if server.state == ServerState::Stopped {
                server.comeback = Some(Comeback::Preload(place));
            }
            self.tell_tier(&key);
        }
    }

    /// Says that a server is not started by itself, where that is so.
    fn tell_tier(&mut self, key: &ServerKey) {
        let Some(server) = self.servers.get(key) else { return };
        if let Some((tier, needed)) = self.below_tier(&server.profile) {
            let (tier, needed) = (tier.name(), needed.name());
            self.decide(Some(key), "refuse", format!("it needs a node of the tier {needed}, and this one is {tier}"));
        }
    }

    /// A check that cannot be made says nothing about the server; it is told when it happens again.
    pub(super) fn health(
        &mut self,
        key: &ServerKey,
        generation: Generation,
        health: Reading<bool>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(server) = self.current(key, generation) else { return };
        let reason = match &health {
            Reading::Known(_) => {
                server.unknown_health = 0;
                None
            }
            Reading::Unavailable(why) => {
                server.unknown_health = server.unknown_health.saturating_add(1);
                (server.unknown_health == UNKNOWN).then(|| why.clone())
            }
        };
        server.health = Some(health);
        if let Some(reason) = reason {
            let text = format!("its health could not be checked {UNKNOWN} times in a row: {reason}");
            self.decide(Some(key), "health_unknown", text);
            effects.push(Effect::Report(Report::HealthUnknown { key: key.clone(), reason }));
        }
    }
}

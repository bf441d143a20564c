//! How much servers are needed, and how long they are kept.

use super::super::event::{Effect, Unload};
use super::super::idle::IdleKind;
use super::super::priority::{self, Use};
use super::super::server::{Server, ServerState};
use super::super::{ServerKey, decisions};
use super::State;
use crate::model::lifecycle::Priority;
use std::time::Duration;

/// What a server without waiters waits before it tries to get its memory again.
const PATIENT: Duration = Duration::from_secs(15);

impl State {
    /// Returns what a person has set.
    pub(super) fn set_by_person(&self, key: &ServerKey) -> Option<(Priority, Option<Duration>)> {
        self.overrides.get(key).copied().filter(|(_, until)| until.is_none_or(|until| until > self.now))
    }

    /// Returns whether nothing but a person makes a server give way: it is pinned, a person wants it active, or its
    /// memory is reserved for another program.
    pub(super) fn is_fixed(&self, server: &Server) -> bool {
        let is_set_active = || self.set_by_person(&server.key).is_some_and(|(of, _)| of == Priority::Active);
        server.profile.pinned || server.is_headroom() || is_set_active()
    }

    /// Returns whether a server has nothing to do and nobody waits for it.
    pub(super) fn is_unused(&self, server: &Server) -> bool {
        server.is_idle(self.has_waiters(&server.key))
    }

    /// Returns whether a server could be stopped for another one right now.
    pub(super) fn can_go(&self, server: &Server) -> bool {
        !self.is_fixed(server) && self.is_unused(server)
    }

    /// Returns how long a load of a server takes.
    pub(super) fn reload_time(&self, server: &Server) -> Duration {
        let hinted = || self.hints.get(&server.key).and_then(|(_, hint)| hint.load_time);
        let sum = || server.held.iter().map(|held| held.bytes).fold(0, u64::saturating_add);
        server.load_time.or_else(hinted).unwrap_or_else(|| priority::guessed_reload(sum()))
    }

    /// Returns for how long a server is kept that has nothing to do: a request's wish, or what is set for it, or what its
    /// kind has. `None`: until its memory is needed.
    pub(super) fn kept(&self, server: &Server) -> Option<Duration> {
        let by_kind = || server.profile.idle_kind.map(|kind| kind.timeout(Some(self.reload_time(server))));
        server.keep.or(server.profile.idle_timeout).or_else(by_kind)
    }

    /// Returns the timeout by which a server counts as warm, idle or evictable.
    pub(super) fn timeout(&self, server: &Server) -> Duration {
        self.kept(server).unwrap_or_else(|| IdleKind::Generating.timeout(Some(self.reload_time(server))))
    }

    /// Returns how long ago a server was given a request, in this run of the daemon or before.
    pub(super) fn last_access(&self, server: &Server) -> Option<Duration> {
        let hinted = || {
            let (told, hint) = self.hints.get(&server.key)?;
            Some(hint.last_access?.saturating_add(self.now.saturating_sub(*told)))
        };
        server.last_access.map(|at| self.now.saturating_sub(at)).or_else(hinted)
    }

    pub(super) fn popularity(&self, server: &Server) -> f64 {
        self.popularity.get(&server.key.model).copied().unwrap_or(0.0)
    }

    pub(super) fn is_boosted(&self, server: &Server) -> bool {
        priority::is_boosted(self.popularity(server), self.last_access(server))
    }

    /// Returns whether a server that has nothing to do stays warm until its timeout.
    fn stays_warm(&self, server: &Server) -> bool {
        // What was used within the last day, before the daemon began anew, is warm.
        let is_known =
            server.last_access.is_none() && self.last_access(server).is_some_and(|ago| ago < priority::RECENT);
        is_known || self.is_boosted(server)
    }

    /// Returns how much a server would be needed that has nothing to do, whatever is set for it.
    fn cooled(&self, server: &Server) -> Priority {
        priority::priority(Use {
            is_active: false,
            idle: self.now.saturating_sub(server.last_used),
            timeout: self.timeout(server),
            is_boosted: self.stays_warm(server),
        })
    }

    /// Returns how much a server that is loaded is needed.
    pub(super) fn priority(&self, server: &Server) -> Priority {
        if !server.in_flight.is_empty() {
            return Priority::Active;
        }
        match self.set_by_person(&server.key) {
            Some((priority, _)) => priority,
            None if self.is_fixed(server) => Priority::Active,
            None => self.cooled(server),
        }
    }

    /// Returns whether a server that is ready has had nothing to do for long enough to count as idle. A pin does not count.
    pub(super) fn is_cool(&self, server: &Server) -> bool {
        let by_person = self.set_by_person(&server.key).map(|(priority, _)| priority);
        self.is_unused(server) && by_person.unwrap_or_else(|| self.cooled(server)) <= Priority::Idle
    }

    /// Returns from when on a server counts as idle, if it is not used until then.
    pub(super) fn cool_from(&self, server: &Server) -> Duration {
        let timeout = self.timeout(server);
        server.last_used.saturating_add(if self.stays_warm(server) { timeout } else { timeout / 2 })
    }

    /// Returns what it costs to stop a server.
    pub(super) fn cost(&self, server: &Server) -> u64 {
        priority::cost(self.reload_time(server), self.priority(server), !self.is_unused(server))
    }

    /// Returns when a server is stopped unless it is used again; `None` for one that stays until its memory is needed. A
    /// pin is a person's, and comes before what requests wish.
    pub(super) fn expires(&self, server: &Server) -> Option<Duration> {
        if !server.is_ready() {
            return None;
        }
        if server.is_headroom() {
            return server.lease;
        }
        if server.profile.pinned || server.profile.pressure_evict_only {
            return None;
        }
        let at = server.last_used.saturating_add(self.kept(server)?);
        match self.set_by_person(&server.key) {
            Some((priority, until)) if priority > Priority::Evictable => Some(at.max(until?)),
            _ => Some(at),
        }
        .filter(|at| *at < Duration::MAX)
    }

    /// Returns how long a refused server waits before it is tried again.
    pub(super) fn readmit(&self, server: &Server) -> Duration {
        if self.has_waiters(&server.key) { self.policy.readmit } else { self.policy.readmit.max(PATIENT) }
    }

    /// Stops servers that had nothing to do for as long as they were to be kept, and reservations whose time is over.
    pub(super) fn end_idle(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        let is_over = |server: &Server| {
            let may_end = !self.is_paused || server.is_headroom();
            may_end && self.expires(server).is_some_and(|at| at <= now) && self.is_unused(server)
        };
        let over: Vec<ServerKey> = self.servers.values().filter(|s| is_over(s)).map(|s| s.key.clone()).collect();
        for key in over {
            let Some(server) = self.servers.get_mut(&key) else { continue };
            let (why, reason) = if server.is_headroom() {
                (Unload::Expired, "the time of the reservation is over".to_owned())
            } else {
                let idle = decisions::time(now.saturating_sub(server.last_used));
                (Unload::Idle, format!("it had nothing to do for {idle}"))
            };
            server.state = ServerState::Stopping { why };
            effects.push(Effect::Stop { key: key.clone(), generation: server.generation, now: false });
            self.decide(Some(&key), "unload", reason);
        }
    }

    /// Returns when the crashes of a server are forgotten, if it works until then.
    pub(super) fn recovers(&self, server: &Server) -> Option<Duration> {
        let needs = server.crashes > 0 || (server.ladder.next > 0 && !server.ladder.is_reset);
        match server.state {
            ServerState::Ready { since } if needs && server.answered => Some(since.saturating_add(self.policy.healthy)),
            _ => None,
        }
    }

    /// Forgets crashes of servers that have worked for long enough and have answered.
    pub(super) fn recover(&mut self) {
        let is_well = |server: &Server| self.recovers(server).is_some_and(|at| at <= self.now);
        let well: Vec<ServerKey> = self.servers.values().filter(|s| is_well(s)).map(|s| s.key.clone()).collect();
        for key in well {
            if let Some(server) = self.servers.get_mut(&key) {
                server.crashes = 0;
                server.ladder.is_reset = true;
            }
        }
    }

    /// Ends what a person had set for a time.
    pub(super) fn end_overrides(&mut self) {
        let now = self.now;
        let is_over = |until: &Option<Duration>| until.is_some_and(|until| until <= now);
        let over: Vec<ServerKey> =
            self.overrides.iter().filter(|(_, (_, until))| is_over(until)).map(|(key, _)| key.clone()).collect();
        for key in over {
            self.overrides.remove(&key);
            self.decide(Some(&key), "priority", "the time of the priority that a person had set is over");
        }
    }
}

#[cfg(test)]
pub use tests::Could;

#[cfg(test)]
mod tests {
    use super::super::super::{DeviceBytes, ServerKey};
    use super::{Priority, State};
    use std::time::Duration;

    /// A server that could give way.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Could {
        pub key: ServerKey,
        pub priority: Priority,
        pub cost: u64,
        pub held: Vec<DeviceBytes>,
        pub last_used: Duration,
        /// What else decides whether it is chosen: its flags, whether it is ready, and the step that it could go down.
        pub like: (bool, bool, Option<usize>),
    }

    impl State {
        /// Returns the servers that could be stopped at a time.
        pub fn could_go(&mut self, now: Duration) -> Vec<Could> {
            self.now = self.now.max(now);
            let could = self.servers.values().filter(|server| self.can_go(server));
            could
                .map(|server| Could {
                    key: server.key.clone(),
                    priority: self.priority(server),
                    cost: self.cost(server),
                    held: server.held.clone(),
                    last_used: server.last_used,
                    like: (
                        server.profile.pressure_evict_only,
                        server.is_ready(),
                        (server.is_ready() && server.profile.rung_count() > 1).then_some(server.ladder.current),
                    ),
                })
                .collect()
        }
    }
}

//! Servers that were stopped for others come back when those are done.

use super::super::decisions::time;
use super::super::event::{Effect, Report, Unload, WaiterId};
use super::super::server::{Comeback, Queued, Server, ServerState};
use super::super::swaps::{REST, Remembered};
use super::super::waiting::{Waiter, Want};
use super::super::{Class, Denial, Profile, ServerKey, Why};
use super::State;
use crate::model::lifecycle::PressureKind;
use std::time::Duration;

impl State {
    /// Stops servers for another one, which are remembered unless that one itself only comes back.
    pub(super) fn swap_out(&mut self, from: &[ServerKey], to: &ServerKey, is_back: bool, effects: &mut Vec<Effect>) {
        let mut names = Vec::new();
        for key in from {
            let was_ready = self.servers.get(key).is_some_and(Server::is_ready);
            let reason = self.reason_to_give_way(key, to);
            self.decide(Some(key), "evict", reason);
            self.swaps.swapped(to, key, self.now);
            if was_ready
                && !is_back
                && let Some(dropped) = self.swaps.remember(key.clone(), to.clone(), self.now)
            {
                let reason = "too many servers wait to come back, and it has waited the longest";
                self.decide(Some(&dropped.key), "forget", reason);
                effects.push(Effect::Report(Report::SwapDropped { key: dropped.key }));
            }
            let Some(server) = self.servers.get_mut(key) else { continue };
            names.push(server.profile.name.clone());
            server.comeback = None;
            server.state = ServerState::Stopping { why: Unload::Evicted { by: to.clone() } };
            effects.push(Effect::Stop { key: key.clone(), generation: server.generation, now: !was_ready });
        }
        if let Some(server) = self.servers.get_mut(to) {
            server.gave_way.extend(names);
        }
        let queue = self.swaps.len();
        effects.push(Effect::Report(Report::Swapped { to: to.clone(), evicted: from.to_vec(), queue }));
    }

    fn reason_to_give_way(&self, key: &ServerKey, to: &ServerKey) -> String {
        let Some(server) = self.servers.get(key) else { return String::new() };
        let wanted = match self.servers.get(to).map(|to| (&to.state, &to.profile)) {
            Some((ServerState::Queued(Queued::Short { short, .. }), profile)) => {
                let short: Vec<String> = short
                    .iter()
                    .map(|short| format!("{} more on {}", super::super::decisions::bytes(short.bytes), short.device))
                    .collect();
                format!("{} needed {}", profile.name, short.join(", "))
            }
            Some((_, profile)) => format!("{} needed its memory", profile.name),
            None => "its memory was needed".to_owned(),
        };
        let idle = time(self.now.saturating_sub(server.last_used));
        format!("{wanted}; it was {} and had nothing to do for {idle}", self.priority(server).name())
    }

    /// Returns whether the one for which a server was stopped is done: gone, or idle.
    fn is_done(&self, by: &ServerKey) -> bool {
        let Some(server) = self.servers.get(by) else { return true };
        match server.state {
            ServerState::Stopped | ServerState::Failed(_) => !self.has_waiters(by),
            ServerState::Ready { .. } => self.is_cool(server) && !server.is_headroom(),
            _ => false,
        }
    }

    /// Returns whether the server that has a place may be stopped for the one that comes back.
    pub(super) fn may_return(&self, key: &ServerKey, by: &ServerKey) -> bool {
        let can_go = self.servers.get(by).is_some_and(|server| server.is_ready() && self.can_go(server));
        can_go && self.is_done(by) && self.may_take(key, by)
    }

    /// Returns whether a server may take the place of another one, as often as they have swapped already.
    pub(super) fn may_take(&self, to: &ServerKey, from: &ServerKey) -> bool {
        let class = |key: &ServerKey| {
            let waiting = self.waiters_of(key).map(|(_, waiter)| waiter.class).min();
            waiting.or_else(|| self.servers.get(key).map(|server| server.class)).unwrap_or(Class::Batch)
        };
        self.swaps.may_swap((to, class(to)), (from, class(from)), (self.now, self.policy.swaps))
    }

    /// Says what a server waits for that comes back; `None`: nothing any more.
    pub(super) fn returns_after(&self, one: &Remembered) -> Option<String> {
        let is_stopped = self.servers.get(&one.key).is_some_and(|server| server.state == ServerState::Stopped);
        if !is_stopped {
            Some("it is being loaded or stopped".to_owned())
        } else if self.is_paused {
            Some("a person has paused it".to_owned())
        } else if let Some((tier, needed)) = self.servers.get(&one.key).and_then(|s| self.below_tier(&s.profile)) {
            Some(format!("it needs a node of the tier {}, and this one is {}", needed.name(), tier.name()))
        } else if self.now < one.next {
            let wait = one.next.saturating_sub(self.now);
            let rest = time(wait.max(Duration::from_secs(1)));
            Some(if one.tries > 0 {
                format!("it did not fit; tried again in {rest}")
            } else {
                format!("in {rest} at the earliest")
            })
        } else if !self.is_done(&one.by) {
            Some(format!("{} is in use", self.name(&one.by)))
        } else if [PressureKind::Vram, PressureKind::Ram].into_iter().any(|kind| self.gauges.is_high(kind)) {
            Some("there is too little memory".to_owned())
        } else if self.is_moving() {
            Some("another server is being loaded or stopped".to_owned())
        } else {
            None
        }
    }

    /// Returns whether any server is on its way into memory or out of it.
    pub(super) fn is_moving(&self) -> bool {
        self.servers.values().any(|server| {
            matches!(
                server.state,
                ServerState::Queued(_)
                    | ServerState::Starting { .. }
                    | ServerState::Stopping { .. }
                    | ServerState::Draining { .. }
            )
        })
    }

    /// Returns when the next server may come back by time alone.
    pub(super) fn next_restore(&self) -> Option<Duration> {
        if self.is_paused || self.shutdown.is_some() {
            return None;
        }
        let time = |one: &Remembered| {
            let by = self.servers.get(&one.by).filter(|by| by.is_ready() && self.is_unused(by) && !by.is_headroom());
            one.next.max(by.map_or(Duration::ZERO, |by| self.cool_from(by)))
        };
        self.swaps.remembered().map(time).filter(|at| *at > self.now).min()
    }

    /// Brings one server back: the pinned ones first, then the one that has waited the longest.
    pub(super) fn restore(&mut self) {
        if self.is_paused || self.shutdown.is_some() {
            return;
        }
        let is_pinned = |key: &ServerKey| self.servers.get(key).is_some_and(|server| server.profile.pinned);
        let may = |one: &&Remembered| self.returns_after(one).is_none();
        let found = self.swaps.remembered().filter(may).min_by_key(|one| (!is_pinned(&one.key), one.at)).cloned();
        let Some(Remembered { key, by, .. }) = found else { return };
        let reason = format!("{}, for which it was stopped, is idle or gone", self.name(&by));
        self.decide(Some(&key), "restore", reason);
        if let Some(server) = self.servers.get_mut(&key) {
            server.comeback = Some(Comeback::Restore);
            server.state = ServerState::Queued(Queued::Waiting);
        }
    }

    /// Puts those off that do not fit although nobody waits for them.
    pub(super) fn put_off_restores(&mut self) {
        let gives_way = |key: &ServerKey| {
            self.servers
                .values()
                .any(|other| matches!(&other.state, ServerState::Stopping { why: Unload::Evicted { by } } if by == key))
        };
        let is_short = |server: &&Server| {
            server.comeback == Some(Comeback::Restore)
                && matches!(server.state, ServerState::Queued(Queued::Short { .. }))
                && !self.has_waiters(&server.key)
                && !server.is_restarted()
        };
        let late: Vec<ServerKey> = self.servers.values().filter(is_short).map(|s| s.key.clone()).collect();
        for key in late.into_iter().filter(|key| !gives_way(key)).collect::<Vec<_>>() {
            if let Some(server) = self.servers.get_mut(&key) {
                server.comeback = None;
                server.state = ServerState::Stopped;
            }
            self.swaps.put_off(&key, self.now);
        }
    }

    /// A program asks for one swap.
    pub(super) fn swap(
        &mut self,
        (waiter, needed): (WaiterId, ServerKey),
        profile: Profile,
        evict: Vec<ServerKey>,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) {
        let answer = |answer| Effect::Answer { waiter, answer: super::super::Answer::Swap(answer) };
        if let Some(denial) = self.denied_at_once(&needed, false, profile) {
            return effects.push(answer(Err(denial)));
        }
        if self.servers.get(&needed).is_some_and(Server::is_ready) {
            return effects.push(answer(Ok(Vec::new())));
        }
        let is_under_way = self.servers.get(&needed).is_some_and(Server::has_memory);
        let from: Vec<ServerKey> = evict
            .into_iter()
            .filter(|key| *key != needed && !is_under_way && self.servers.get(key).is_some_and(holds_on))
            .collect();
        if let Some(denial) = from.iter().find_map(|key| self.stays(key, &needed)) {
            self.decide(Some(&needed), "refuse", format!("{} (asked for: {reason})", denial.message));
            return effects.push(answer(Err(denial)));
        }
        self.decide(Some(&needed), "swap", format!("a program asked for it: {reason}"));
        let may_evict = from.is_empty();
        if !may_evict {
            self.swap_out(&from, &needed, false, effects);
        }
        let want = Want::Swap { may_evict };
        self.waiting.insert(waiter, Waiter { key: needed, want, since: self.now, class: Class::Interactive });
    }

    /// Returns why a server does not give way to another one, if it does not.
    fn stays(&self, key: &ServerKey, to: &ServerKey) -> Option<Denial> {
        let server = self.servers.get(key)?;
        let name = &server.profile.name;
        if self.is_fixed(server) {
            return Some(Denial::new(Why::PinnedMemory, format!("{name} is pinned or reserved, and is kept")));
        }
        let later = |message| Denial { retry_after: Some(REST), ..Denial::new(Why::NoMemory, message) };
        if !self.is_unused(server) {
            return Some(later(format!("{name} is in use")));
        }
        let is_often =
            !self.swaps.may_swap((to, Class::Interactive), (key, server.class), (self.now, self.policy.swaps));
        is_often.then(|| later(format!("{name} has changed places with {} too often of late", self.name(to))))
    }
}

/// Returns whether a server has memory and is not about to give it back.
fn holds_on(server: &Server) -> bool {
    server.has_memory() && !matches!(server.state, ServerState::Stopping { .. })
}

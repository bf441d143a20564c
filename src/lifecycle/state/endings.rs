//! Servers that end: because we asked, and otherwise.

use super::super::event::{Effect, End, EndClass, Generation, Report, Unload};
use super::super::server::{By, Comeback, Failed, ServerState};
use super::super::{Denial, ServerKey, Why, decisions};
use super::{State, denial};

impl State {
    /// A server that was asked to stop has ended, and its memory is available.
    pub(super) fn stopped(&mut self, key: &ServerKey, generation: Generation, effects: &mut Vec<Effect>) {
        self.came_loose(key, generation);
        let Some(server) = self.current(key, generation) else { return };
        let ServerState::Stopping { why } = &server.state else { return };
        let why = why.clone();
        self.has_stopped(key, why, effects);
    }

    /// Records that a server has no process and no memory any more, and answers those who wait for that.
    pub(super) fn has_stopped(&mut self, key: &ServerKey, why: Unload, effects: &mut Vec<Effect>) {
        self.lose(key, denial(Why::Stopped, "the server was stopped"), effects);
        let Some(server) = self.servers.get_mut(key) else { return };
        server.state = ServerState::Stopped;
        server.wedged = None;
        server.keep = None;
        server.promised.clear();
        server.held.clear();
        (server.answered, server.health, server.unknown_health, server.threads) = (false, None, 0, None);
        for (waiter, was_running) in std::mem::take(&mut server.stop_waiters) {
            effects.push(Effect::StopDone { waiter, was_running });
        }
        if why != Unload::Rung && server.ladder.by == By::Room {
            // There may be more room when it is loaded the next time.
            (server.ladder.next, server.ladder.reason) = (0, None);
        }
        // A pinned server that is loaded in another way gets its memory back as it would after a crash.
        server.is_restart = why == Unload::Rung && server.comeback.is_some() && server.profile.pinned;
        if std::mem::take(&mut server.was_loaded) {
            effects.push(Effect::Report(Report::Unloaded { key: key.clone(), why }));
        }
        self.retry_short();
    }

    /// A server cannot be ended. Its memory stays reserved, and nothing is done with it any more.
    pub(super) fn stuck(&mut self, key: &ServerKey, generation: Generation, reason: String, effects: &mut Vec<Effect>) {
        let Some(server) = self.current(key, generation) else { return };
        if !matches!(server.state, ServerState::Stopping { .. }) {
            return;
        }
        for (waiter, was_running) in std::mem::take(&mut server.stop_waiters) {
            effects.push(Effect::StopDone { waiter, was_running });
        }
        server.last_error = Some(reason.clone());
        server.comeback = None;
        let held = std::mem::take(&mut server.held);
        server.stuck.insert(generation, held);
        server.state =
            ServerState::Failed(Failed { why: Why::Failed, reason: reason.clone(), last_log: None, files: None });
        self.lose(key, denial(Why::Died, reason.clone()), effects);
        self.deny(key, |_| true, &denial(Why::Failed, reason), effects);
        self.swaps.forget(key);
        self.decide(Some(key), "give_up", "it was asked to stop and cannot be stopped; its memory stays reserved");
        // Others may fit without this memory, or have to be refused.
        self.retry_short();
    }

    /// A process has ended after all that could not be ended.
    fn came_loose(&mut self, key: &ServerKey, generation: Generation) {
        let Some(server) = self.servers.get_mut(key) else { return };
        if server.stuck.remove(&generation).is_none() {
            return;
        }
        if server.generation == generation && matches!(server.state, ServerState::Failed(_)) {
            server.state = ServerState::Stopped;
        }
        self.decide(Some(key), "unload", "its process has ended after all, and its memory is free");
        self.retry_short();
    }

    pub(super) fn wedged(&mut self, key: &ServerKey, generation: Generation, reason: &str, effects: &mut Vec<Effect>) {
        let Some(server) = self.current(key, generation) else { return };
        if !matches!(server.state, ServerState::Ready { .. } | ServerState::Draining { .. }) || server.wedged.is_some()
        {
            return;
        }
        server.wedged = Some(reason.to_owned());
        self.decide(Some(key), "kill", reason);
        effects.push(Effect::Kill { key: key.clone(), generation });
        self.lose(key, denial(Why::Died, format!("the server was killed: {reason}")), effects);
    }

    /// A server has ended that nobody had asked to.
    pub(super) fn ended(&mut self, key: &ServerKey, generation: Generation, end: End, effects: &mut Vec<Effect>) {
        let (now, policy, is_shutdown) = (self.now, self.policy, self.shutdown.is_some());
        self.came_loose(key, generation);
        let Some(server) = self.current(key, generation) else { return };
        let mut was_ready = false;
        match &server.state {
            // It was to end anyway.
            ServerState::Stopping { why } | ServerState::Draining { why, .. } => {
                let why = why.clone();
                self.lose(key, denial(Why::Died, died(&end)), effects);
                return self.has_stopped(key, why, effects);
            }
            ServerState::Ready { since } => {
                was_ready = true;
                if server.answered && now.saturating_sub(*since) >= policy.healthy {
                    server.crashes = 0;
                }
            }
            ServerState::Starting { .. } => {}
            _ => return,
        }
        let end = match server.wedged.take() {
            Some(reason) => End { class: EndClass::Wedged, reason, ..end },
            None => end,
        };
        server.last_error = Some(end.reason.clone());
        server.last_log = end.last_log.clone();
        server.last_exit_code = end.exit_code;
        server.was_loaded = false;
        server.held.clear();
        let comeback = server.comeback.take();
        (server.answered, server.health, server.unknown_health, server.threads) = (false, None, 0, None);
        self.lose(key, denial(Why::Died, died(&end)), effects);
        let Some(server) = self.servers.get_mut(key) else { return };
        for (waiter, was_running) in std::mem::take(&mut server.stop_waiters) {
            effects.push(Effect::StopDone { waiter, was_running });
        }
        if is_shutdown {
            server.state = ServerState::Stopped;
            return;
        }
        let name = server.profile.name.clone();
        if end.class == EndClass::Refused {
            return self.refused_for_good(key, end, effects);
        }
        server.crashes = server.crashes.saturating_add(1);
        let (count, is_essential) = (server.crashes, server.profile.essential);
        let lowered = if end.class == EndClass::Oom {
            self.lower(key, (By::Oom, format!("memory ran out: {}", end.reason)), effects)
        } else {
            None
        };
        let is_exhausted = count > policy.restarts && lowered.is_none();
        let will_restart = !is_exhausted || is_essential;
        let wait = if is_exhausted { policy.backoff.cap } else { policy.backoff.after(count) };
        let wait = end.jitter.moves(wait);
        effects.push(Effect::Report(Report::Crash {
            key: key.clone(),
            end: end.clone(),
            count,
            will_restart,
            retry_in: will_restart.then_some(wait),
        }));
        let why = if end.class == EndClass::Unready { Why::Unready } else { Why::Backoff };
        let crashed = Denial { last_log: end.last_log.clone(), ..denial(why, format!("{name}: {}", end.reason)) };
        let of = format!("failed {count} times in a row ({}): {}", end.class.name(), end.reason);
        if will_restart {
            if is_exhausted {
                effects.push(Effect::Report(Report::EssentialDown { key: key.clone(), count }));
            }
            let again = format!("{of}; not restarted for another {}", decisions::time(wait));
            self.decide(Some(key), "restart", again);
            let Some(server) = self.servers.get_mut(key) else { return };
            server.state = ServerState::Backoff { until: now.saturating_add(wait) };
            server.comeback = comeback.filter(|comeback| lowered.is_some() && *comeback == Comeback::Rung);
            // Those who wait for a server that worked are not refused for one crash, nor those for whom it will need less.
            if !(lowered.is_some() || was_ready && count == 1) {
                self.deny(key, |_| true, &Denial { retry_after: Some(wait), ..crashed }, effects);
            }
        } else {
            self.decide(Some(key), "give_up", of);
            let reason = format!("it ended {count} times in a row, the last time: {}", end.reason);
            let failed =
                Failed { why: Why::Failed, reason: reason.clone(), last_log: end.last_log.clone(), files: None };
            if let Some(server) = self.servers.get_mut(key) {
                server.state = ServerState::Failed(failed);
            }
            self.swaps.forget(key);
            effects.push(Effect::Report(Report::RestartExhausted { key: key.clone(), count }));
            let failed = denial(Why::Failed, format!("{name} cannot be started: {reason}"));
            self.deny(key, |_| true, &Denial { last_log: end.last_log, ..failed }, effects);
        }
        self.retry_short();
    }

    /// A file was refused: another try without a change gives the same result.
    fn refused_for_good(&mut self, key: &ServerKey, end: End, effects: &mut Vec<Effect>) {
        let Some(server) = self.servers.get_mut(key) else { return };
        let name = server.profile.name.clone();
        server.state = ServerState::Failed(Failed {
            why: Why::BadFile,
            reason: end.reason.clone(),
            last_log: end.last_log.clone(),
            files: Some(server.started_with),
        });
        self.swaps.forget(key);
        self.decide(Some(key), "give_up", format!("its file cannot be loaded: {}", end.reason));
        let (of, count) = (key.clone(), 1);
        let report = Report::Crash { key: of, end: end.clone(), count, will_restart: false, retry_in: None };
        effects.push(Effect::Report(report));
        let refused = denial(Why::BadFile, format!("{name} cannot be loaded: {}", end.reason));
        self.deny(key, |_| true, &Denial { last_log: end.last_log, ..refused }, effects);
        self.retry_short();
    }
}

fn died(end: &End) -> String {
    format!("the server has ended: {}", end.reason)
}

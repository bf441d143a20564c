//! Memory that is kept free for other programs.

use super::super::event::{Answer, Effect, Unload, WaiterId};
use super::super::server::{Queued, Server, ServerState};
use super::super::waiting::{Waiter, Want};
use super::super::{Class, Denial, DeviceBytes, Profile, ServerKey, Why, decisions};
use super::{State, denial};
use std::time::Duration;

/// The longest time for which memory is reserved; it can be renewed.
const LONGEST: Duration = Duration::from_secs(3_600);

impl State {
    pub(super) fn headroom(
        &mut self,
        (waiter, id): (WaiterId, String),
        requester: String,
        needs: Vec<DeviceBytes>,
        ttl: Duration,
        effects: &mut Vec<Effect>,
    ) {
        let answer = |answer| Effect::Answer { waiter, answer: Answer::Headroom(answer) };
        if self.shutdown.is_some() {
            return effects.push(answer(Err(denial(Why::Stopping, "the daemon is stopping"))));
        }
        let key = ServerKey::headroom(&id);
        let until = self.now.saturating_add(ttl.min(LONGEST));
        if let Some(server) = self.servers.get_mut(&key).filter(|server| server.state != ServerState::Stopped) {
            if server.profile.needs != needs {
                let message = "it is reserved with other bytes: release it before you ask for others";
                return effects.push(answer(Err(denial(Why::NoMemory, message))));
            }
            server.lease = Some(until);
            if server.is_ready() {
                return effects.push(answer(Ok(Vec::new())));
            }
        }
        let profile = Profile { name: requester, needs, ..Profile::default() };
        let server = self.server(&key, profile);
        server.lease = Some(until);
        let sum = server.profile.needs.iter().map(|need| need.bytes).fold(0, u64::saturating_add);
        let text = format!("{} for {} were asked for", decisions::bytes(sum), decisions::time(ttl.min(LONGEST)));
        self.decide(Some(&key), "headroom", text);
        let waiter_of = Waiter { key, want: Want::Headroom, since: self.now, class: Class::Interactive };
        self.waiting.insert(waiter, waiter_of);
    }

    pub(super) fn release_headroom(&mut self, waiter: WaiterId, id: &str, effects: &mut Vec<Effect>) {
        let key = ServerKey::headroom(id);
        let gone = Denial::new(Why::Stopped, "it was released");
        let is_held = self.servers.contains_key(&key);
        self.deny(&key, |_| true, &gone, effects);
        if let Some(server) = self.servers.get_mut(&key) {
            let generation = server.generation;
            let (state, effect) = match server.state {
                ServerState::Queued(Queued::Admitting) => (
                    ServerState::Stopping { why: Unload::Unwanted },
                    Some(Effect::Withdraw { key: key.clone(), generation }),
                ),
                ServerState::Starting { .. } | ServerState::Ready { .. } | ServerState::Draining { .. } => (
                    ServerState::Stopping { why: Unload::Requested },
                    Some(Effect::Stop { key: key.clone(), generation, now: false }),
                ),
                ServerState::Stopping { .. } => (server.state.clone(), None),
                _ => (ServerState::Stopped, None),
            };
            server.state = state;
            effects.extend(effect);
            self.decide(Some(&key), "headroom", "the program has released it");
        }
        effects.push(Effect::Answer { waiter, answer: Answer::Released(is_held) });
    }

    /// Forgets reservations that are over: their ids are not used again.
    pub(super) fn forget_headroom(&mut self) {
        let is_over = |server: &Server| {
            server.is_headroom() && matches!(server.state, ServerState::Stopped | ServerState::Failed(_))
        };
        let over: Vec<ServerKey> =
            self.servers.values().filter(|s| is_over(s) && !self.has_waiters(&s.key)).map(|s| s.key.clone()).collect();
        for key in over {
            self.servers.remove(&key);
            self.swaps.forget(&key);
        }
    }
}

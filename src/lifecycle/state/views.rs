use super::super::server::{Queued, ServerState};
use super::super::{Phase, ServerKey, ServerView};
use super::{State, Want};

impl State {
    /// Returns whether a server that was asked to end gives way for its memory.
    pub fn gives_way(&self, key: &ServerKey) -> bool {
        match self.servers.get(key).map(|server| &server.state) {
            Some(ServerState::Stopping { why } | ServerState::Draining { why, .. }) => why.is_for_memory(),
            _ => false,
        }
    }

    /// Returns the share of the slots that tasks of the queue may use, 0 to 1.
    pub fn throttle_factor(&self) -> f64 {
        1.0
    }

    /// Returns every server that runs, or did since the beginning.
    pub fn views(&self) -> Vec<ServerView> {
        self.servers
            .values()
            .map(|server| {
                let phase = match &server.state {
                    ServerState::Stopped => Phase::Stopped,
                    ServerState::Queued(Queued::Waiting | Queued::Admitting | Queued::Short { .. }) => Phase::Queued,
                    ServerState::Starting { progress, .. } => Phase::Starting { progress: *progress },
                    ServerState::Ready { .. } => Phase::Ready,
                    ServerState::Draining { .. } | ServerState::Stopping { .. } => Phase::Stopping,
                    ServerState::Backoff { until } => Phase::Backoff { until: *until },
                    ServerState::Failed(failed) => Phase::Failed { reason: failed.reason.clone() },
                };
                let queued = self.waiters_of(&server.key).filter(|(_, waiter)| waiter.want == Want::Slot).count();
                ServerView {
                    key: server.key.clone(),
                    name: server.profile.name.clone(),
                    phase,
                    pinned: server.profile.pinned,
                    in_flight: u32::try_from(server.in_flight.len()).unwrap_or(u32::MAX),
                    queued: u32::try_from(queued).unwrap_or(u32::MAX),
                    slots: server.slots,
                    reserved: if server.has_memory() { server.profile.needs.clone() } else { Vec::new() },
                    expires: server.expires(),
                    last_error: server.last_error.clone(),
                }
            })
            .collect()
    }
}

use super::super::server::{Queued, Server, ServerState};
use super::super::waiting::Want;
use super::super::{Class, Phase, ServerKey, ServerView, Shape};
use super::State;

impl State {
    /// Returns whether a server that was asked to end gives way for its memory.
    pub fn gives_way(&self, key: &ServerKey) -> bool {
        match self.servers.get(key).map(|server| &server.state) {
            Some(ServerState::Stopping { why } | ServerState::Draining { why, .. }) => why.is_for_memory(),
            _ => false,
        }
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
                let slots = || self.waiters_of(&server.key).filter(|(_, waiter)| waiter.want == Want::Slot);
                let of_class = |class| slots().filter(|(_, waiter)| waiter.class == class).count();
                ServerView {
                    key: server.key.clone(),
                    name: server.profile.name.clone(),
                    phase,
                    pinned: server.profile.pinned,
                    in_flight: u32::try_from(server.in_flight.len()).unwrap_or(u32::MAX),
                    queued: u32::try_from(slots().count()).unwrap_or(u32::MAX),
                    waiting: Class::ALL.map(|class| u32::try_from(of_class(class)).unwrap_or(u32::MAX)),
                    slots: server.slots,
                    reserved: server
                        .stuck()
                        .chain(server.held.iter().filter(|_| server.has_memory()))
                        .cloned()
                        .collect(),
                    shape: shape(server),
                    expires: self.expires(server).filter(|_| !self.is_paused || server.is_headroom()),
                    last_error: server.last_error.clone(),
                }
            })
            .collect()
    }
}

fn shape(server: &Server) -> Shape {
    if !server.has_memory() || server.is_headroom() {
        return Shape::default();
    }
    let rung = server.rung().rung;
    Shape { mode: Some(rung.mode), gpu_layers: rung.gpu_layers, mode_reason: server.ladder.reason.clone() }
}

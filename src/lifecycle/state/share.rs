//! Servers that generate at the same time share the cores.

use super::super::KeyKind;
use super::super::cores;
use super::super::event::Effect;
use super::super::{Class, ServerKey};
use super::State;

impl State {
    pub(super) fn share_cores(&mut self, effects: &mut Vec<Effect>) {
        let all = self.policy.cores;
        if all == 0 {
            return;
        }
        let generating: Vec<(ServerKey, Class)> = self
            .servers
            .values()
            // One that is about to end answers what it has begun.
            .filter(|server| !server.in_flight.is_empty() && server.key.kind() == KeyKind::Model)
            .map(|server| (server.key.clone(), server.class))
            .collect();
        let classes: Vec<Class> = generating.iter().map(|(_, class)| *class).collect();
        let mut more = Vec::new();
        for ((key, _), threads) in generating.into_iter().zip(cores::shares(all, &classes)) {
            let Some(server) = self.servers.get_mut(&key) else { continue };
            let before = server.threads.replace(threads).unwrap_or(all);
            let effect = Effect::Threads { key, generation: server.generation, threads };
            // Nobody gets a core before another one has given it up.
            match threads.cmp(&before) {
                std::cmp::Ordering::Less => effects.push(effect),
                std::cmp::Ordering::Greater => more.push(effect),
                std::cmp::Ordering::Equal => {}
            }
        }
        effects.append(&mut more);
    }
}

//! When the state has to be looked at again although nothing happens.

use super::super::Class;
use super::super::server::{Queued, ServerState};
use super::super::waiting::Waiter;
use super::State;
use std::time::Duration;

impl State {
    /// Returns the time of the next step that time alone makes necessary. A time that has passed is none of them, unless
    /// the step at it changes something.
    pub fn deadline(&self) -> Option<Duration> {
        let mut times: Vec<Duration> = Vec::new();
        let mut is_any_short = false;
        for server in self.servers.values() {
            // A pause holds up no end of a reservation: its time was agreed upon.
            let may_end = !self.is_paused || server.is_headroom();
            times.extend(self.expires(server).filter(|_| may_end && self.is_unused(server)));
            times.extend(self.recovers(server).filter(|at| *at > self.now));
            match &server.state {
                // A wedged one is being killed already.
                ServerState::Draining { until, .. } if server.wedged.is_none() => times.push(*until),
                ServerState::Backoff { until } => times.push(*until),
                ServerState::Queued(Queued::Short { since, .. }) => {
                    is_any_short = true;
                    times.push(since.saturating_add(self.readmit(server)));
                }
                _ => {}
            }
        }
        times.extend(self.overrides.values().filter_map(|(_, until)| *until).filter(|at| *at > self.now));
        times.extend(self.next_restore());
        if is_any_short {
            let next = |waiter: &Waiter| {
                let step = Class::PROMOTION.min(self.policy.gather).as_millis().max(1);
                let passed = self.now.saturating_sub(waiter.since).as_millis() / step;
                let next = u64::try_from(passed.saturating_add(1).saturating_mul(step)).unwrap_or(u64::MAX);
                waiter.since.saturating_add(Duration::from_millis(next))
            };
            times.extend(self.waiting.iter().map(|(_, waiter)| next(waiter)));
        }
        times.into_iter().filter(|at| *at < Duration::MAX).min()
    }
}

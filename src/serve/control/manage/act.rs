//! The side of the deciding task.

use super::{GaveWay, HeadroomAsk, Known, Manage, Waiting};
use crate::clock;
use crate::lifecycle::{Answer, Denial, Event, Offloaded, ServerKey, WaiterId};
use crate::model::lifecycle::Status;
use crate::serve::control::actor::{Acting, Actor};
use crate::serve::control::prepared::What;
use crate::serve::control::status::{Beside, Started, status_of};
use crate::serve::control::uses::Use;
use tokio::sync::oneshot;

impl Actor {
    pub(in crate::serve::control) fn manage(&mut self, command: Manage) {
        match command {
            Manage::Pause { paused, was } => {
                let before = self.state.overview(self.began.elapsed()).is_paused;
                self.step(Event::Pause { paused });
                // A client that has gone needs no answer, here and below.
                let _ = was.send(before);
            }
            Manage::Priority { key, priority, lasts, done } => {
                let until = lasts.map(|lasts| self.began.elapsed().saturating_add(lasts));
                self.step(Event::Override { key, priority, until });
                let _ = done.send(()); // as above
            }
            Manage::Offload { key, to, answer } => {
                let waiter = self.new_waiter();
                self.answers.insert(waiter, Waiting::Offload(answer));
                self.step(Event::Offload { waiter, key, to });
            }
            Manage::Headroom { ask, answer } => self.headroom(ask, answer),
            Manage::Release { id, answer } => {
                let waiter = self.new_waiter();
                self.answers.insert(waiter, Waiting::Release(answer));
                self.step(Event::ReleaseHeadroom { waiter, id });
            }
            Manage::Swap { ask, answer } => self.prepare_swap(ask, answer),
            Manage::Preload { keys, refused } => self.prepare_all(keys, refused),
            Manage::Status { answer } => {
                let _ = answer.send(self.status()); // as above
            }
            Manage::Uses { answer } => {
                let now = self.began.elapsed();
                let known = |(key, of): (ServerKey, Use)| Known {
                    key,
                    idle: of.idle(now),
                    access_count: of.access_count,
                    load_time: of.load_time,
                    is_loaded: of.is_loaded,
                };
                let changed = self.uses.changed().map(|uses| uses.into_iter().map(known).collect());
                let _ = answer.send(changed); // as above
            }
            Manage::NotSaved => self.uses.not_saved(),
            Manage::News(event) => self.news(*event),
        }
    }

    /// Returns what is known and decided now.
    fn status(&self) -> Status {
        let started = |(key, acting): (&ServerKey, &Acting)| {
            let (.., info) = acting.ready.as_ref()?;
            let threads = match self.prepared.get(key).map(|prepared| &prepared.what) {
                Some(What::Model(parts)) => parts.settings.threads,
                _ => None,
            };
            let context = Some(info.context).filter(|tokens| *tokens > 0);
            Some((key.clone(), Started { context, threads }))
        };
        let config = self.sessions.config();
        let beside = Beside {
            services: &config.run_services,
            wall: clock::now(),
            running: !self.watched.is_ending,
            interval: self.watched.interval,
            longest_step: self.watched.longest,
            decision_counts: &self.watched.decisions,
            started: self.servers.iter().filter_map(started).collect(),
        };
        status_of(self.state.overview(self.began.elapsed()), &beside)
    }

    fn headroom(&mut self, ask: HeadroomAsk, answer: oneshot::Sender<GaveWay>) {
        let HeadroomAsk { id, requester, needs, ttl } = ask;
        let waiter = self.new_waiter();
        let is_new = !self.state.is_under_way(&ServerKey::headroom(&id));
        self.answers.insert(waiter, Waiting::Headroom { id: id.clone(), is_new, answer });
        self.step(Event::Headroom { waiter, id, requester, needs, ttl });
    }

    fn news(&mut self, event: Event) {
        if let Event::Hints(hints) = &event {
            self.uses.hinted(hints);
        }
        self.step(event);
    }

    /// Hands an answer of the state to whoever asked.
    pub(in crate::serve::control) fn answered(&mut self, waiter: WaiterId, answer: Answer) {
        // A client that has gone needs no answer.
        match (self.answers.remove(&waiter), answer) {
            (Some(Waiting::Offload(to)), Answer::Offload(outcome)) => drop(to.send(outcome)),
            (Some(Waiting::Release(to)), Answer::Released(was_held)) => drop(to.send(was_held)),
            (Some(Waiting::Swap(to)), Answer::Swap(outcome)) => drop(to.send(outcome)),
            (Some(Waiting::Headroom { id, is_new, answer: to }), Answer::Headroom(outcome)) => {
                let is_reserved = outcome.is_ok();
                if to.send(outcome).is_err() && is_reserved && is_new {
                    // Whoever asked has gone without its id: nobody would release it.
                    let waiter = self.new_waiter();
                    self.step(Event::ReleaseHeadroom { waiter, id });
                }
            }
            _ => {}
        }
    }

    /// Refuses whoever asked for a change.
    pub(in crate::serve::control) fn refuse_answer(&mut self, waiter: WaiterId, denial: Denial) {
        match self.answers.remove(&waiter) {
            Some(Waiting::Offload(to)) => drop(to.send(Offloaded::Unknown)),
            Some(Waiting::Release(to)) => drop(to.send(false)),
            Some(Waiting::Swap(to) | Waiting::Headroom { answer: to, .. }) => drop(to.send(Err(denial))),
            None => {}
        }
    }

    /// Counts one step of the deciding task, and what it decided.
    pub(in crate::serve::control) fn turned(&mut self, began: std::time::Instant) {
        for decided in self.state.decisions_after(self.watched.decided) {
            let count = self.watched.decisions.entry(decided.what).or_default();
            *count = count.saturating_add(1);
            self.watched.decided = decided.number;
        }
        self.watched.turned(clock::instant().saturating_duration_since(began));
    }
}

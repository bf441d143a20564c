//! What the deciding task does with servers of others and with what was read of the machine.

use super::actor::{Actor, Wanted};
use super::ask::{Ask, Grant, Seen, Started};
use super::info::Attach;
use crate::lifecycle::{Denial, Event, ServerKey, WaiterId};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Where a request for a slot gets its answer.
type Answer = oneshot::Sender<Result<Grant, Denial>>;

impl Actor {
    pub(super) fn seen(&mut self, seen: Seen) {
        match seen {
            Seen::Readings(readings) => self.step(Event::Readings(*readings)),
            Seen::Externals { all, attached } => {
                self.attached.set(attached);
                self.publish_attached();
                self.step(Event::Externals(all));
            }
        }
    }

    /// Sends requests for a model to a server of somebody else from now on.
    pub(super) fn attach(&mut self, attach: Attach) {
        self.attached.add(attach);
        self.publish_attached();
    }

    /// Attaches a server of a model whose own server was about to be started.
    pub(super) fn attach_instead(&mut self, attach: Attach) {
        let (waiter, key) = (self.new_waiter(), ServerKey::main(attach.model.clone()));
        self.attach(attach);
        self.step(Event::Stop { waiter, key, now: true });
    }

    /// Detaches a server to which no connection could be made.
    pub(super) fn lost(&mut self, id: &str) {
        if self.attached.lose(id) {
            self.publish_attached();
        }
    }

    fn publish_attached(&self) {
        self.attached_board.send_replace(Arc::new(self.attached.list()));
    }

    /// Gives a request to the server of somebody else that serves its model; returns it where there is none.
    pub(super) fn to_attached(&self, ask: Ask, answer: Answer) -> Result<(), (Ask, Answer)> {
        match self.attached.grant(&ask.key, &self.to_commands) {
            // A client that has gone needs no answer.
            Some(grant) => drop(answer.send(Ok(grant))),
            None => return Err((ask, answer)),
        }
        Ok(())
    }

    /// Has a request or a start answered by the server of somebody else.
    pub(super) fn attached_instead(&mut self, key: &ServerKey, wanted: Wanted, name: &str) {
        match wanted {
            Wanted::Slot { waiter, .. } => {
                let grant = self.attached.grant(key, &self.to_commands);
                if let Some((answer, grant)) = self.slots.remove(&waiter).zip(grant) {
                    // A client that has gone needs no answer, here and below.
                    drop(answer.send(Ok(grant)));
                }
            }
            Wanted::Start { waiter, .. } => self.attached_start(key, waiter, name),
            Wanted::Member { waiter, group } => {
                self.attached_start(key, waiter, name);
                self.member(group, None);
            }
        }
    }

    fn attached_start(&mut self, key: &ServerKey, waiter: WaiterId, name: &str) {
        let Some(attach) = self.attached.of(key) else { return };
        if let Some((began, answer)) = self.starts.remove(&waiter) {
            let (info, name, took) = (Arc::clone(&attach.info), name.to_owned(), began.elapsed());
            let _ = answer.send(Ok(Started { info, name, was_running: true, took })); // as above
        }
    }
}

//! The side of those who ask.

use super::{GaveWay, HeadroomAsk, Known, Manage, SwapAsk};
use crate::lifecycle::{Denial, Event, Offloaded, ServerKey, Why};
use crate::model::lifecycle::{Mode, Priority, Status};
use crate::serve::control::{Command, Control};
use std::time::Duration;
use tokio::sync::oneshot;

impl Control {
    /// Pauses or resumes: while it is paused, nothing is started or stopped without a request. Returns whether it was
    /// paused before.
    ///
    /// # Errors
    /// The daemon is stopping.
    pub async fn pause(&self, paused: bool) -> Result<bool, Denial> {
        self.ask(|was| Manage::Pause { paused, was }).await
    }

    /// Sets the priority of a server for a time, or until it is taken back with `None`.
    ///
    /// # Errors
    /// The daemon is stopping.
    pub async fn set_priority(
        &self,
        key: ServerKey,
        priority: Option<Priority>,
        lasts: Option<Duration>,
    ) -> Result<(), Denial> {
        self.ask(|done| Manage::Priority { key, priority, lasts, done }).await
    }

    /// Has a server loaded in another mode, or one step lower, and waits for the outcome.
    ///
    /// # Errors
    /// The daemon is stopping.
    pub async fn offload(&self, key: ServerKey, to: Option<Mode>) -> Result<Offloaded, Denial> {
        self.ask(|answer| Manage::Offload { key, to, answer }).await
    }

    /// Frees memory for another program and keeps it free until it is released or its time is over.
    ///
    /// # Errors
    /// Why the memory cannot be had.
    pub async fn headroom(&self, ask: HeadroomAsk) -> GaveWay {
        self.ask(|answer| Manage::Headroom { ask, answer }).await?
    }

    /// Gives memory back that was kept free for another program. Returns whether the id was held.
    ///
    /// # Errors
    /// The daemon is stopping.
    pub async fn release_headroom(&self, id: String) -> Result<bool, Denial> {
        self.ask(|answer| Manage::Release { id, answer }).await
    }

    /// Has servers give way to one, which is loaded.
    ///
    /// # Errors
    /// Why nothing was done.
    pub async fn swap(&self, ask: SwapAsk) -> GaveWay {
        self.ask(|answer| Manage::Swap { ask, answer }).await?
    }

    /// Returns all that is known and decided.
    ///
    /// # Errors
    /// The daemon is stopping.
    pub async fn status(&self) -> Result<Status, Denial> {
        self.ask(|answer| Manage::Status { answer }).await
    }

    /// Returns what is known of the uses of all servers, if that has changed since the last time.
    pub async fn changed_uses(&self) -> Option<Vec<Known>> {
        // Without the deciding task nothing is used.
        self.ask(|answer| Manage::Uses { answer }).await.ok().flatten()
    }

    /// Has the next [`Control::changed_uses`] return everything: what it returned was not saved.
    pub fn uses_not_saved(&self) {
        self.manage(Manage::NotSaved);
    }

    /// Has servers loaded at the start of the daemon, those that need the least memory first, as far as there is memory for
    /// them. Returns why some cannot be loaded at all.
    pub async fn preload(&self, keys: Vec<ServerKey>) -> Vec<Denial> {
        // Without the deciding task the daemon is ending.
        self.ask(|refused| Manage::Preload { keys, refused }).await.unwrap_or_default()
    }

    /// Reports what was read of the machine, or is known from before.
    pub fn news(&self, event: Event) {
        self.manage(Manage::News(Box::new(event)));
    }

    fn manage(&self, command: Manage) {
        // Without the deciding task the daemon is ending.
        let _ = self.commands.send(Command::Manage(command));
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Manage) -> Result<T, Denial> {
        let (answer, answered) = oneshot::channel();
        self.manage(command(answer));
        answered.await.map_err(|_| Denial::new(Why::Stopping, "the daemon is stopping"))
    }
}

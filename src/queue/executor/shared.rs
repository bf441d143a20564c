//! Servers that answer tasks beside the requests of others: those of the daemon that the executor runs in.

use crate::http::Endpoint;
use crate::model::ModelId;
use crate::queue::place::Refused;
use futures_util::future::BoxFuture;
use std::fmt;
use std::time::Duration;

/// Where tasks get slots of servers that they share.
pub trait SharedServers: fmt::Debug + Send + Sync {
    /// Waits for a slot of the server of a model, which is started if necessary. Dropping the future leaves the queue.
    fn slot(&self, model: &ModelId) -> BoxFuture<'static, Result<Box<dyn Slot>, NoSlot>>;

    /// Returns the share of the slots that tasks may use now, 0 to 1.
    fn throttle_factor(&self) -> f64 {
        1.0
    }
}

/// Returns how many of these slots tasks may use, at least one: tasks that wait for nothing would never end.
pub(super) fn throttled(slots: usize, factor: f64) -> usize {
    // A number of slots is exact as a float, and so is what it is cut to.
    let share = (slots as f64 * factor.clamp(0.0, 1.0)).ceil();
    (share as usize).clamp(1, slots.max(1))
}

/// The right to have one request answered by a server. Dropping it frees the slot.
pub trait Slot: Send {
    fn endpoint(&self) -> Endpoint;

    /// Returns the number of requests that the server answers at once.
    fn slots(&self) -> usize;

    /// Returns whether the server reports in its streams that it has accepted a request, and that it makes progress.
    fn gives_signs(&self) -> bool;

    /// Waits for the end of the server.
    fn ended(&mut self) -> BoxFuture<'_, ServerEnd>;
}

/// How a shared server ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEnd {
    pub why: String,
    pub suspicion: Suspicion,
}

/// What the end of a server says about one of the requests that it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Suspicion {
    /// Nothing: somebody stopped it.
    None,
    /// It may be the cause, and so may the requests of others.
    Shared,
    /// No request of others can be the cause.
    #[default]
    Alone,
}

/// Waits for a slot; `goes_on` is called in this interval, and ends the wait with `false`.
pub(super) async fn wait_for_slot(
    mut slot: BoxFuture<'static, Result<Box<dyn Slot>, NoSlot>>,
    every: Duration,
    mut goes_on: impl FnMut() -> bool,
) -> Result<Box<dyn Slot>, NoSlot> {
    loop {
        match tokio::time::timeout(every, &mut slot).await {
            Ok(outcome) => return outcome,
            Err(_) if goes_on() => {}
            Err(_) => return Err(NoSlot::GivenUp),
        }
    }
}

/// The reason why there is no slot.
#[derive(Debug)]
pub enum NoSlot {
    /// The model cannot be run at all, or not on this machine now.
    Refused(Refused),
    /// No server is started any more, or somebody stopped this one.
    GivenUp,
}

#[cfg(test)]
mod tests {
    use super::throttled;

    /// A machine under pressure would go on with all tasks at once, or with none for ever.
    #[test]
    fn the_share_of_slots_is_rounded_up_and_never_none() {
        let of = |factor| throttled(16, factor);
        assert_eq!([1.0, 0.7, 0.3, 0.1, 0.0, 7.0, -1.0].map(of), [16, 12, 5, 2, 1, 16, 1]);
        assert_eq!((throttled(1, 0.5), throttled(0, 1.0), of(f64::NAN)), (1, 1, 1));
    }
}

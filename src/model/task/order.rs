//! Which tasks a claim takes: pure, so that every store takes the same.

use super::{Moment, OwnerId, Task, Ticket, Wish};
use crate::clock::Timestamp;
use std::cmp::Reverse;

/// What a worker asks for. All tasks of one claim can be served by one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimAsk {
    pub owner: OwnerId,
    /// Tasks at most.
    pub limit: usize,
    /// The model that is in memory, if one is.
    pub loaded: Option<Loaded>,
    pub scope: Scope,
}

/// A model in memory, as far as a claim cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The wishes it may serve: its id and other names, its tier, and any.
    pub serves: Vec<Wish>,
    /// Since when it has been serving. Tasks for others that came before it wait from here on: a switch to them
    /// must not be followed by a switch back for tasks that are older still.
    pub since: Timestamp,
}

/// Whether tasks for another model will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Any task; those for the loaded model first.
    All,
    /// For the loaded model only: the worker is busy with it and fills up. Nothing when others have waited too long.
    LoadedOnly,
}

/// What a worker got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Best first. One model can serve them all.
    Tasks(Vec<Task>),
    /// Nothing suitable is due.
    Nothing,
    /// It is another model's turn: the loaded one has nothing to do, or others have waited long enough.
    Yield,
    /// Inference is switched off.
    Off,
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Tasks with any of these wishes, best first.
    Serve(Vec<Wish>),
    /// It is another model's turn: let the loaded one finish what it has.
    Yield,
}

/// Decides between the first task of all, `head`, and what the loaded model can serve, of which `best` is the first.
///
/// Priority is a person's word and comes first. Within one priority the loaded model goes on, until the head has
/// waited for longer than the policy's patience.
pub fn turn(head: &Ticket, best: Option<&Ticket>, ask: &ClaimAsk, at: Moment) -> Turn {
    let Some(loaded) = &ask.loaded else { return Turn::Serve(vec![head.wish.clone()]) };
    let goes_on = best.is_some_and(|best| best.priority == head.priority)
        && head.ready.max(loaded.since).age(at.now).as_millis() <= at.policy.patience_ms.max(0).unsigned_abs().into();
    if loaded.serves.contains(&head.wish) || goes_on {
        Turn::Serve(loaded.serves.clone())
    } else if ask.scope == Scope::LoadedOnly {
        Turn::Yield
    } else {
        Turn::Serve(vec![head.wish.clone()])
    }
}

/// The place of a ticket among those that are due: smallest first.
pub fn place(ticket: &Ticket) -> (Reverse<i32>, Timestamp, u64) {
    (Reverse(ticket.priority), ticket.ready, ticket.id.0)
}

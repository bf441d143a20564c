//! Selection of the tasks that a claim takes. Pure, so that every store selects the same.

use super::{Moment, OwnerId, Task, Ticket, Wish};
use crate::clock::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A worker's request for tasks. All tasks of one claim can be served by one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimAsk {
    pub owner: OwnerId,
    /// The maximum number of tasks.
    pub limit: usize,
    /// The model in memory, if there is one.
    pub loaded: Option<Loaded>,
    pub scope: Scope,
    /// The wishes that the claimer can serve at all.
    pub can_serve: CanServe,
    /// Wishes that the claimer cannot serve now: their tasks wait and do not block others.
    pub skip: Vec<Skip>,
}

/// The wishes that a claimer can serve: the models on its machine, by their names, and their tiers. A task with another
/// wish is left untouched for other claimers, which costs it no attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CanServe {
    #[default]
    Anything,
    /// Only these wishes. Shared, since every claim carries the set and it names every model of a machine.
    Only(Arc<BTreeSet<Wish>>),
}

/// The tasks of a wish that a claim takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    All,
    /// Only tasks that may be answered by another model than the one they name.
    FallbackOnly,
    None,
}

/// Tasks that a claim skips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    pub wish: Wish,
    /// Whether tasks that may fall back are taken nevertheless: another model is available for them.
    pub but_fallback: bool,
}

impl ClaimAsk {
    /// Creates a request for any task, with no model in memory.
    pub fn new(owner: OwnerId, limit: usize) -> ClaimAsk {
        let (can_serve, scope) = (CanServe::Anything, Scope::All);
        ClaimAsk { owner, limit, loaded: None, scope, can_serve, skip: Vec::new() }
    }

    /// Decides which tasks of `wish` this claim takes.
    pub fn admits(&self, wish: &Wish) -> Admission {
        if let CanServe::Only(wishes) = &self.can_serve
            && !wishes.contains(wish)
        {
            return Admission::None;
        }
        match self.skip.iter().find(|skip| skip.wish == *wish) {
            None => Admission::All,
            Some(skip) if skip.but_fallback => Admission::FallbackOnly,
            Some(_) => Admission::None,
        }
    }

    /// Returns whether the claim takes every task of every wish.
    pub fn admits_all(&self) -> bool {
        self.skip.is_empty() && self.can_serve == CanServe::Anything
    }
}

/// A model in memory, with the fields that a claim needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The wishes that it may serve: its id and other names, its tier, and any.
    pub serves: Vec<Wish>,
    /// The time since which the model has been serving. For tasks for other models that came earlier, the wait counts
    /// from here: a switch to them must not be followed by a switch back for tasks that are older still.
    pub since: Timestamp,
}

/// Whether a claim takes tasks for models that are not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Any task; those for the loaded model first.
    All,
    /// Only tasks for the loaded model, because the worker is busy with it and has free slots. None when others have
    /// waited too long.
    LoadedOnly,
}

/// The result of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The claimed tasks, best first. One model can serve them all.
    Tasks(Vec<Task>),
    /// Nothing suitable is due.
    Nothing,
    /// Another model must be loaded: the loaded one has nothing to do, or others have waited long enough.
    Yield,
    /// Inference is turned off.
    Off,
}

/// The wishes that a claim takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimChoice {
    /// Tasks with any of these wishes, best first.
    Serve(Vec<Wish>),
    /// Another model must be loaded: the loaded one only finishes its running tasks.
    Yield,
}

/// Decides between the first of all tasks, `head`, and the tasks that the loaded model can serve, of which `best` is
/// the first.
///
/// Priority comes first, since a person gave it. Within one priority the loaded model continues until `head` has waited
/// for longer than the policy's patience.
pub fn choose_wishes(head: &Ticket, best: Option<&Ticket>, ask: &ClaimAsk, at: Moment) -> ClaimChoice {
    let Some(loaded) = &ask.loaded else { return ClaimChoice::Serve(vec![head.wish.clone()]) };
    let goes_on = best.is_some_and(|best| best.priority == head.priority)
        && head.ready.max(loaded.since).age(at.now).as_millis() <= at.policy.patience_ms.max(0).unsigned_abs().into();
    if loaded.serves.contains(&head.wish) || goes_on {
        ClaimChoice::Serve(loaded.serves.clone())
    } else if ask.scope == Scope::LoadedOnly {
        ClaimChoice::Yield
    } else {
        ClaimChoice::Serve(vec![head.wish.clone()])
    }
}

/// Returns the place of a ticket among those that are due: smallest first.
pub fn place(ticket: &Ticket) -> (Reverse<i32>, Timestamp, u64) {
    (Reverse(ticket.priority), ticket.ready, ticket.id.0)
}

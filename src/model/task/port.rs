//! The port of the durable queue: everything that the executor, the daemon and the commands need from it, independent
//! of the store. SQLite implements it in `db/queue/`; both are tested against a reference in memory.
//!
//! A store decides nothing. It loads tickets inside its own transaction, passes them to [`machine`](super::machine) and
//! [`order`](super::order), and writes the result. To add a store, it is enough to implement this trait.
//!
//! Time is passed in as a [`Moment`], whose `now` must come from [`Queue::now`]: leases are granted and checked by the
//! clock of the store, since the clocks of several machines differ.

use super::figures::{Counts, Inference, Recovered, Removed, Standing, Stats, TaskFilter};
use super::machine::{End, Refusal};
use super::order::{ClaimAsk, Claimed};
use super::{
    Attempt, DeadOwners, Enqueued, Hold, Moment, NewTask, OnFinished, OwnerId, Retention, Task, TaskError, TaskId,
    TaskState, Ticket, Wish,
};
use crate::clock::Timestamp;
use crate::model::ModelId;
use std::fmt::Debug;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// A handle to a durable queue, for one thread. When a method returns, its changes are committed.
///
/// An outer error means that the store could not be used; an inner [`Refusal`] means that the transition is not
/// allowed.
pub trait Queue: Send {
    /// Returns the time by the store's clock.
    fn now(&self) -> anyhow::Result<Timestamp>;

    /// Hands in all tasks, or none: an error of the iterator rolls back the tasks before it. Returns the result for
    /// each, in order.
    fn enqueue(
        &mut self,
        tasks: &mut dyn Iterator<Item = anyhow::Result<NewTask>>,
        finished: OnFinished,
        at: Moment,
    ) -> anyhow::Result<Vec<Enqueued>>;

    /// Takes up to `ask.limit` due tasks that one model can serve.
    /// [`order::choose_wishes`](super::order::choose_wishes) decides which.
    fn claim(&mut self, ask: &ClaimAsk, at: Moment) -> anyhow::Result<Claimed>;

    /// Ends attempts and claims the next tasks in one commit. The ends are recorded whether or not anything is claimed.
    fn exchange(
        &mut self,
        ends: Vec<(Hold, End)>,
        ask: &ClaimAsk,
        at: Moment,
    ) -> anyhow::Result<(Vec<Result<TaskState, Refusal>>, Claimed)>;

    /// Records the model that is about to be loaded for the held tasks.
    fn assign(&mut self, holds: &[Hold], model: &ModelId, at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>>;

    /// Extends leases. A refusal means that the claim is over and the work is useless.
    fn renew(&mut self, holds: &[Hold], at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>>;

    /// Ends many attempts in one commit. Returns the new state of each task.
    fn finish(&mut self, ends: Vec<(Hold, End)>, at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>>;

    /// Moves a task to a second model, before that model is loaded. The returned hold replaces the old one.
    fn swap(&mut self, hold: Hold, to: &ModelId, why: &TaskError, at: Moment) -> anyhow::Result<Result<Hold, Refusal>>;

    /// Cancels tasks in one commit. Returns the previous state of each.
    fn cancel(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>>;

    /// Starts tasks over in one commit. Returns the previous state of each.
    fn retry(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>>;

    /// Returns the owners of all running tasks.
    fn owners(&self) -> anyhow::Result<Vec<OwnerId>>;

    /// Takes back the tasks of the owners in `gone` and tasks whose leases are over, and fails tasks whose deadline
    /// passed. One call takes a bounded step: call again while there is more.
    fn recover(&mut self, gone: &DeadOwners, at: Moment) -> anyhow::Result<Recovered>;

    /// Removes finished tasks that are too old, or the oldest when all together are too large. A bounded step.
    fn retain(&mut self, keep: &Retention, at: Moment) -> anyhow::Result<Removed>;

    /// Returns whether ages may be computed with `now`, by [`ClockMemory::judge`](super::ClockMemory::judge). Before
    /// the first call, the newest finished task gives the last known time.
    fn trust_clock(&mut self, now: Timestamp) -> anyhow::Result<bool>;

    /// Turns inference on or off. While it is off nothing is claimed; running tasks continue. Returns the switch before
    /// and after.
    fn set_inference(&mut self, on: bool, now: Timestamp) -> anyhow::Result<(Inference, Inference)>;

    /// Returns the state of the switch.
    fn inference(&self) -> anyhow::Result<Inference>;

    /// Returns whether a task with one of these wishes is due, or any task at all for `None`.
    fn any_due(&self, wishes: Option<&[Wish]>, now: Timestamp) -> anyhow::Result<bool>;

    /// Returns every wish of due tasks, with the number of those tasks.
    fn due_wishes(&self, now: Timestamp) -> anyhow::Result<Vec<(Wish, u64)>>;

    /// Returns whether a task with this wish is due that may be answered by another model.
    fn may_any_fall_back(&self, wish: &Wish) -> anyhow::Result<bool>;

    /// Returns the time when the next scheduled task is due.
    fn next_due(&self) -> anyhow::Result<Option<Timestamp>>;

    /// Returns the earliest deadline of a waiting task.
    fn next_deadline(&self) -> anyhow::Result<Option<Timestamp>>;

    /// Returns a task with its texts.
    fn task(&self, id: TaskId) -> anyhow::Result<Option<Task>>;

    /// Returns a task without its texts.
    fn ticket(&self, id: TaskId) -> anyhow::Result<Option<Ticket>>;

    /// Returns the task with this key; `batch` is empty for tasks without a batch.
    fn by_key(&self, batch: &str, key: &str) -> anyhow::Result<Option<TaskId>>;

    /// Returns the attempts of a task in order, those of earlier rounds included.
    fn attempts(&self, id: TaskId) -> anyhow::Result<Vec<Attempt>>;

    /// Returns the newest tickets, newest first: at most `limit`, and only those below `before` where that is given.
    fn newest(&self, filter: &TaskFilter, before: Option<TaskId>, limit: u32) -> anyhow::Result<Vec<Ticket>>;

    /// Returns the next page of tasks with their texts, by number: at most `limit`, above `after`.
    fn tasks_after(&self, filter: &TaskFilter, after: TaskId, limit: u32) -> anyhow::Result<Vec<Task>>;

    /// Returns the next page of tickets, as [`Queue::tasks_after`].
    fn tickets_after(&self, filter: &TaskFilter, after: TaskId, limit: u32) -> anyhow::Result<Vec<Ticket>>;

    /// Returns the tickets of all running tasks.
    fn running(&self) -> anyhow::Result<Vec<Ticket>>;

    /// Returns tickets that ended after the given one, in the order of their ends: at most `limit`.
    fn finished_after(&self, after: (Timestamp, TaskId), limit: u32) -> anyhow::Result<Vec<Ticket>>;

    /// Returns the place of a task among the due tasks, or its future place if it is not due yet.
    fn standing(&self, task: &Ticket) -> anyhow::Result<Standing>;

    /// Counts tasks by state; states without any are left out.
    fn counts(&self, batch: Option<&str>) -> anyhow::Result<Counts>;

    /// Returns the statistics of the queue.
    fn stats(&self) -> anyhow::Result<Stats>;

    /// Returns a mark of the commits of other handles so far. Take it before reading the state that is waited on: a
    /// change in between is then not missed.
    fn changes(&self) -> anyhow::Result<ChangeMark>;

    /// Waits until another handle has committed since `since`, for `limit` at most, or until `stop` is readable.
    /// Returns whether there was a commit, which may have nothing to do with tasks.
    fn wait_for_change(&self, since: ChangeMark, limit: Duration, stop: Option<BorrowedFd<'_>>)
    -> anyhow::Result<bool>;

    /// Returns whether this handle no longer reaches the queue that others use (its file was replaced) and must be
    /// opened again.
    fn is_replaced(&self) -> bool;
}

/// A mark of the commits of other handles, for comparison only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeMark(pub i64);

/// Opens handles to one queue: one for each thread that uses it.
pub trait OpenQueue: Debug + Send + Sync {
    /// Opens a handle for reading and writing.
    ///
    /// # Errors
    /// When the store cannot be used.
    fn open(&self) -> anyhow::Result<Box<dyn Queue>>;
}

//! What the executor and the commands need of a queue, whichever engine keeps it. PostgreSQL will be another
//! implementor; the tests have a third, in memory, against which all are measured.

use crate::clock::Timestamp;
use crate::db::{Db, Inference, Recovered, Removed};
use crate::model::ModelId;
use crate::model::task::machine::{End, Refusal};
use crate::model::task::order::{ClaimAsk, Claimed};
use crate::model::task::{
    Attempt, Enqueued, Gone, Hold, Moment, NewTask, OnFinished, OwnerId, Retention, Task, TaskError, TaskId, TaskState,
    Wish,
};

/// A durable queue. Every method is one transaction or a bounded number of them; what it returns has been committed.
/// An outer error means that the store could not be used, an inner [`Refusal`] that the machine said no.
pub trait Store {
    /// Hands in all tasks or none; in their order, what became of each.
    fn enqueue(
        &mut self,
        tasks: &mut dyn Iterator<Item = anyhow::Result<NewTask>>,
        finished: OnFinished,
        at: Moment,
    ) -> anyhow::Result<Vec<Enqueued>>;
    fn claim(&mut self, ask: &ClaimAsk, at: Moment) -> anyhow::Result<Claimed>;
    fn assign(&mut self, holds: &[Hold], model: &ModelId, at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>>;
    fn renew(&mut self, holds: &[Hold], at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>>;
    fn finish(&mut self, ends: Vec<(Hold, End)>, at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>>;
    /// Both in one transaction, the ends first.
    fn exchange(
        &mut self,
        ends: Vec<(Hold, End)>,
        ask: &ClaimAsk,
        at: Moment,
    ) -> anyhow::Result<(Vec<Result<TaskState, Refusal>>, Claimed)>;
    /// The hold that is returned replaces the old one.
    fn swap(&mut self, hold: Hold, to: &ModelId, why: &TaskError, at: Moment) -> anyhow::Result<Result<Hold, Refusal>>;
    /// The state each was in before.
    fn cancel(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>>;
    /// The state each was in before.
    fn retry(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>>;
    /// The owners of all that runs.
    fn owners(&self) -> anyhow::Result<Vec<OwnerId>>;
    /// A bounded step of recovery from the executors that are gone.
    fn recover(&mut self, gone: &Gone, at: Moment) -> anyhow::Result<Recovered>;
    /// A bounded step of retention.
    fn retain(&mut self, keep: &Retention, at: Moment) -> anyhow::Result<Removed>;
    fn set_inference(&mut self, on: bool, now: Timestamp) -> anyhow::Result<Inference>;
    fn inference(&self) -> anyhow::Result<Inference>;
    fn any_due(&self, wishes: Option<&[Wish]>, now: Timestamp) -> anyhow::Result<bool>;
    fn task(&self, id: TaskId) -> anyhow::Result<Option<Task>>;
    fn attempts(&self, id: TaskId) -> anyhow::Result<Vec<Attempt>>;
}

impl Store for Db {
    fn enqueue(
        &mut self,
        tasks: &mut dyn Iterator<Item = anyhow::Result<NewTask>>,
        finished: OnFinished,
        at: Moment,
    ) -> anyhow::Result<Vec<Enqueued>> {
        self.enqueue_tasks(tasks, finished, at)
    }

    fn claim(&mut self, ask: &ClaimAsk, at: Moment) -> anyhow::Result<Claimed> {
        self.claim_tasks(ask, at)
    }

    fn assign(&mut self, holds: &[Hold], model: &ModelId, at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>> {
        self.assign_model(holds, model, at)
    }

    fn renew(&mut self, holds: &[Hold], at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>> {
        self.renew_tasks(holds, at)
    }

    fn finish(&mut self, ends: Vec<(Hold, End)>, at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        self.finish_tasks(ends, at)
    }

    fn exchange(
        &mut self,
        ends: Vec<(Hold, End)>,
        ask: &ClaimAsk,
        at: Moment,
    ) -> anyhow::Result<(Vec<Result<TaskState, Refusal>>, Claimed)> {
        self.exchange_tasks(ends, ask, at)
    }

    fn swap(&mut self, hold: Hold, to: &ModelId, why: &TaskError, at: Moment) -> anyhow::Result<Result<Hold, Refusal>> {
        self.swap_task(hold, to, why, at)
    }

    fn cancel(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        self.cancel_tasks(ids, at)
    }

    fn retry(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        self.retry_tasks(ids, at)
    }

    fn owners(&self) -> anyhow::Result<Vec<OwnerId>> {
        self.task_owners()
    }

    fn recover(&mut self, gone: &Gone, at: Moment) -> anyhow::Result<Recovered> {
        self.recover_tasks(gone, at)
    }

    fn retain(&mut self, keep: &Retention, at: Moment) -> anyhow::Result<Removed> {
        self.retain_tasks(keep, at)
    }

    fn set_inference(&mut self, on: bool, now: Timestamp) -> anyhow::Result<Inference> {
        Db::set_inference(self, on, now)
    }

    fn inference(&self) -> anyhow::Result<Inference> {
        Db::inference(self)
    }

    fn any_due(&self, wishes: Option<&[Wish]>, now: Timestamp) -> anyhow::Result<bool> {
        self.any_task_due(wishes, now)
    }

    fn task(&self, id: TaskId) -> anyhow::Result<Option<Task>> {
        Db::task(self, id)
    }

    fn attempts(&self, id: TaskId) -> anyhow::Result<Vec<Attempt>> {
        Db::attempts(self, id)
    }
}

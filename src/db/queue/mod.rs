//! The queue in SQLite: [`Queue`] for [`Db`]. A method here is one transaction around one function of a file in this
//! folder. Only [`machine`] decides what happens to a task; SQL selects candidates by an index.

mod claim;
mod enqueue;
mod meta;
mod query;
mod recovery;
mod retention;
mod row;
mod transition;

pub(super) use meta::{bad, get, set};

use super::{Access, Db};
use crate::clock::{self, Timestamp};
use crate::model::ModelId;
use crate::model::task::machine::{self, End, Refusal};
use crate::model::task::order::{ClaimAsk, Claimed};
use crate::model::task::{
    Attempt, ChangeMark, ClockMemory, Counts, DeadOwners, Enqueued, Hold, Inference, Moment, NewTask, OnFinished,
    OpenQueue, OwnerId, Queue, Recovered, Removed, Retention, Standing, Stats, Task, TaskError, TaskFilter, TaskId,
    TaskState, Ticket, Wish,
};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::Duration;
use transition::{change, finish, requested};

/// The queue in a database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteQueue {
    database: PathBuf,
}

impl SqliteQueue {
    /// Sets the path of the file; nothing is opened yet.
    pub fn new(database: impl Into<PathBuf>) -> SqliteQueue {
        SqliteQueue { database: database.into() }
    }
}

impl OpenQueue for SqliteQueue {
    fn open(&self) -> anyhow::Result<Box<dyn Queue>> {
        Ok(Box::new(Db::open(&self.database, Access::ReadWrite)?))
    }
}

impl Queue for Db {
    /// Returns the time of this machine: all processes on a file share its clock.
    fn now(&self) -> anyhow::Result<Timestamp> {
        Ok(clock::now())
    }

    fn enqueue(
        &mut self,
        tasks: &mut dyn Iterator<Item = anyhow::Result<NewTask>>,
        finished: OnFinished,
        at: Moment,
    ) -> anyhow::Result<Vec<Enqueued>> {
        enqueue::enqueue(self, tasks, finished, at)
    }

    fn claim(&mut self, ask: &ClaimAsk, at: Moment) -> anyhow::Result<Claimed> {
        // Most claims find an empty queue: that is checked first without the write lock.
        if !self.read(|tx| claim::may_claim(tx, at.now))? {
            return self.read(|tx| Ok(if meta::is_on(tx)? { Claimed::Nothing } else { Claimed::Off }));
        }
        self.write(|tx| claim::claim(tx, ask, at))
    }

    fn exchange(
        &mut self,
        ends: Vec<(Hold, End)>,
        ask: &ClaimAsk,
        at: Moment,
    ) -> anyhow::Result<(Vec<Result<TaskState, Refusal>>, Claimed)> {
        self.write(|tx| Ok((finish(tx, ends, at)?, claim::claim(tx, ask, at)?)))
    }

    fn assign(&mut self, holds: &[Hold], model: &ModelId, at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>> {
        self.write(|tx| {
            let step = |hold: &Hold| Ok(change(tx, hold.id, at, |t| machine::assign(t, *hold, model))?.map(|_| ()));
            holds.iter().map(step).collect()
        })
    }

    fn renew(&mut self, holds: &[Hold], at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>> {
        self.write(|tx| {
            let step = |hold: &Hold| Ok(change(tx, hold.id, at, |t| machine::renew(t, *hold, at))?.map(|_| ()));
            holds.iter().map(step).collect()
        })
    }

    fn finish(&mut self, ends: Vec<(Hold, End)>, at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        self.write(|tx| finish(tx, ends, at))
    }

    fn swap(&mut self, hold: Hold, to: &ModelId, why: &TaskError, at: Moment) -> anyhow::Result<Result<Hold, Refusal>> {
        self.write(|tx| {
            Ok(change(tx, hold.id, at, |t| machine::swap(t, hold, to, why, at))?.map(|ticket| Hold::from(&ticket)))
        })
    }

    fn cancel(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        self.write(|tx| ids.iter().map(|id| requested(tx, *id, at, machine::cancel)).collect())
    }

    fn retry(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        self.write(|tx| ids.iter().map(|id| requested(tx, *id, at, machine::retry)).collect())
    }

    fn owners(&self) -> anyhow::Result<Vec<OwnerId>> {
        self.read(|tx| query::owners(tx))
    }

    fn recover(&mut self, gone: &DeadOwners, at: Moment) -> anyhow::Result<Recovered> {
        self.write(|tx| recovery::recover(tx, gone, at))
    }

    fn retain(&mut self, keep: &Retention, at: Moment) -> anyhow::Result<Removed> {
        self.write(|tx| retention::retain(tx, keep, at))
    }

    fn trust_clock(&mut self, now: Timestamp) -> anyhow::Result<bool> {
        let (before, newest) = self.read(|tx| retention::clock_memory(tx))?;
        let (trusted, after) = ClockMemory { seen: before.seen.or(newest), ..before }.judge(now);
        if after != before {
            self.write(|tx| retention::remember_clock(tx, after))?;
        }
        Ok(trusted)
    }

    fn set_inference(&mut self, on: bool, now: Timestamp) -> anyhow::Result<(Inference, Inference)> {
        self.write(|tx| meta::set_inference(tx, on, now))
    }

    fn inference(&self) -> anyhow::Result<Inference> {
        self.read(|tx| meta::inference(tx))
    }

    fn any_due(&self, wishes: Option<&[Wish]>, now: Timestamp) -> anyhow::Result<bool> {
        self.read(|tx| claim::any_due(tx, wishes, now))
    }

    fn due_wishes(&self, now: Timestamp) -> anyhow::Result<Vec<(Wish, u64)>> {
        self.read(|tx| claim::due_wishes(tx, now))
    }

    fn may_any_fall_back(&self, wish: &Wish) -> anyhow::Result<bool> {
        self.read(|tx| claim::may_any_fall_back(tx, wish))
    }

    fn next_due(&self) -> anyhow::Result<Option<Timestamp>> {
        self.read(|tx| claim::next_due(tx))
    }

    fn next_deadline(&self) -> anyhow::Result<Option<Timestamp>> {
        self.read(|tx| claim::next_deadline(tx))
    }

    fn task(&self, id: TaskId) -> anyhow::Result<Option<Task>> {
        self.read(|tx| query::task(tx, id))
    }

    fn ticket(&self, id: TaskId) -> anyhow::Result<Option<Ticket>> {
        self.read(|tx| row::ticket(tx, id))
    }

    fn by_key(&self, batch: &str, key: &str) -> anyhow::Result<Option<TaskId>> {
        self.read(|tx| enqueue::by_key(tx, batch, key))
    }

    fn attempts(&self, id: TaskId) -> anyhow::Result<Vec<Attempt>> {
        self.read(|tx| query::attempts(tx, id))
    }

    fn newest(&self, filter: &TaskFilter, before: Option<TaskId>, limit: u32) -> anyhow::Result<Vec<Ticket>> {
        self.read(|tx| query::newest(tx, filter, before, limit))
    }

    fn tasks_after(&self, filter: &TaskFilter, after: TaskId, limit: u32) -> anyhow::Result<Vec<Task>> {
        self.read(|tx| query::tasks_after(tx, filter, after, limit))
    }

    fn tickets_after(&self, filter: &TaskFilter, after: TaskId, limit: u32) -> anyhow::Result<Vec<Ticket>> {
        self.read(|tx| query::tickets_after(tx, filter, after, limit))
    }

    fn running(&self) -> anyhow::Result<Vec<Ticket>> {
        self.read(|tx| query::running(tx))
    }

    fn finished_after(&self, after: (Timestamp, TaskId), limit: u32) -> anyhow::Result<Vec<Ticket>> {
        self.read(|tx| query::finished_after(tx, after, limit))
    }

    fn standing(&self, task: &Ticket) -> anyhow::Result<Standing> {
        self.read(|tx| query::standing(tx, task))
    }

    fn counts(&self, batch: Option<&str>) -> anyhow::Result<Counts> {
        self.read(|tx| query::counts(tx, batch))
    }

    fn stats(&self) -> anyhow::Result<Stats> {
        self.read(|tx| query::stats(tx))
    }

    fn changes(&self) -> anyhow::Result<ChangeMark> {
        self.data_version()
    }

    fn wait_for_change(
        &self,
        since: ChangeMark,
        limit: Duration,
        stop: Option<BorrowedFd<'_>>,
    ) -> anyhow::Result<bool> {
        self.wait_for_commit(since, limit, stop)
    }

    fn is_replaced(&self) -> bool {
        self.is_file_replaced()
    }
}

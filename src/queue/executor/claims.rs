//! The claimed tasks of a run: those in the worker, those that wait for a second model, and those that have ended but
//! are not recorded yet. Pure.

use super::quarantine::Quarantine;
use super::{Bounds, ExecutorEvent, Summary};
use crate::clock::Timestamp;
use crate::model::ModelId;
use crate::model::task::machine::{End, Refusal};
use crate::model::task::{Hold, Task, TaskId, TaskState, Ticket};
use std::collections::{HashMap, HashSet};
use std::time::Instant;

/// A task that was sent to the worker.
pub(super) struct InFlight {
    pub task: Task,
    pub started: Instant,
    /// The start of its time limit: later than `started` by the time that this process was stopped.
    pub asked: Instant,
}

/// The next try of a task that failed through its model.
pub(super) struct SecondTry {
    pub model: ModelId,
    /// The models that have failed it.
    pub tried: Vec<ModelId>,
    /// The errors of those models.
    pub why: String,
}

/// The progress of a batch that the run must finish.
struct BatchProgress {
    name: String,
    /// Its tasks that this run holds.
    held: HashSet<TaskId>,
    /// The number of its tasks that have not ended, as far as this run knows: others may have ended some.
    open: u64,
    /// Whether its end has been reported.
    is_reported: bool,
}

/// The claims of a run.
pub(super) struct Claims {
    /// The maximum number of tasks that may be claimed.
    most: Option<u64>,
    taken: u64,
    batch: Option<BatchProgress>,
    pub inflight: HashMap<TaskId, InFlight>,
    /// Tasks that continue with another model once the loaded one has finished its tasks.
    pub second_tries: Vec<(Task, SecondTry)>,
    pub quarantine: Quarantine,
    /// Claims that were over before their tasks were sent.
    over: HashSet<Hold>,
    /// Tasks given back because this machine lacks something: a summary does not count them.
    waiting: HashSet<TaskId>,
    ends: Vec<(Hold, End)>,
}

impl Claims {
    /// Creates an empty set of claims. `batch_open` is the number of tasks of the batch in `bounds` that have not
    /// ended.
    pub fn new(bounds: &Bounds, batch_open: Option<u64>) -> Claims {
        let batch = bounds.batch.clone().zip(batch_open);
        Claims {
            most: bounds.tasks,
            taken: 0,
            batch: batch.map(|(name, open)| BatchProgress { name, held: HashSet::new(), open, is_reported: false }),
            inflight: HashMap::new(),
            second_tries: Vec::new(),
            quarantine: Quarantine::default(),
            over: HashSet::new(),
            waiting: HashSet::new(),
            ends: Vec::new(),
        }
    }

    /// Returns whether no task is running or waiting for a second try.
    pub fn is_empty(&self) -> bool {
        self.inflight.is_empty() && self.second_tries.is_empty()
    }

    /// Returns the batch if others may have ended the rest of it: this run holds none of its tasks.
    pub fn unclear_batch(&self) -> Option<&str> {
        self.batch.as_ref().filter(|batch| batch.open > 0 && batch.held.is_empty()).map(|batch| batch.name.as_str())
    }

    /// Sets the number of tasks of the batch that have not ended.
    pub fn set_batch_open(&mut self, open: u64) {
        if let Some(batch) = &mut self.batch {
            batch.open = open;
        }
    }

    /// Returns the number of tasks that still run although the batch has ended; only once, and None where there are
    /// none.
    pub fn running_after_batch(&mut self) -> Option<u64> {
        let others = self.inflight.len().saturating_add(self.second_tries.len()) as u64;
        let batch = self.batch.as_mut().filter(|batch| batch.open == 0 && others > 0)?;
        (!std::mem::replace(&mut batch.is_reported, true)).then_some(others)
    }

    /// Returns how many more tasks may run in a worker with so many slots.
    pub fn room(&self, slots: usize) -> usize {
        self.quarantine.room(slots, self.inflight.values().map(|flight| &flight.task.ticket))
    }

    /// Returns how many tasks may be claimed before the bounds are reached.
    fn left(&self) -> u64 {
        if self.batch.as_ref().is_some_and(|batch| batch.open == 0) {
            return 0;
        }
        self.most.map_or(u64::MAX, |most| most.saturating_sub(self.taken))
    }

    /// Returns how many tasks may be claimed now.
    pub fn limit(&self, slots: usize) -> usize {
        self.room(slots).min(usize::try_from(self.left()).unwrap_or(usize::MAX))
    }

    /// Returns whether more may be claimed: second tries come first.
    pub fn wants_more(&self) -> bool {
        self.second_tries.is_empty() && self.left() > 0
    }

    /// Updates the quarantine, as [`Quarantine::review`].
    pub fn review(
        &mut self,
        now: Timestamp,
        find: impl FnMut(TaskId) -> anyhow::Result<Option<Ticket>>,
    ) -> anyhow::Result<()> {
        self.quarantine.review(now, find)
    }

    /// Counts tasks that were just claimed.
    pub fn count(&mut self, claimed: &[Task]) {
        self.taken += claimed.len() as u64;
        if let Some(batch) = &mut self.batch {
            let of_batch = claimed.iter().filter(|task| task.ticket.batch == batch.name);
            batch.held.extend(of_batch.map(|task| task.ticket.id));
        }
    }

    /// Subtracts tasks that were given back without having been tried from the count.
    pub fn uncount(&mut self, number: usize) {
        self.taken = self.taken.saturating_sub(number as u64);
    }

    /// Marks tasks that wait for something that this machine lacks: they are neither counted nor reported once they are
    /// given back.
    pub fn wait(&mut self, tasks: &[Task]) {
        self.uncount(tasks.len());
        self.waiting.extend(tasks.iter().map(|task| task.ticket.id));
    }

    /// Records that a task was sent to the worker at `now`.
    pub fn start(&mut self, task: Task, now: Instant) {
        self.inflight.insert(task.ticket.id, InFlight { task, started: now, asked: now });
    }

    /// Removes a running task, if it runs under this claim.
    pub fn remove(&mut self, hold: Hold) -> Option<InFlight> {
        let is_ours = self.inflight.get(&hold.id).is_some_and(|f| f.task.ticket.token == hold.token);
        if is_ours { self.inflight.remove(&hold.id) } else { None }
    }

    /// Removes all running tasks, in the order of their numbers.
    pub fn remove_all(&mut self) -> Vec<Task> {
        let mut tasks: Vec<Task> = self.inflight.drain().map(|(_, flight)| flight.task).collect();
        tasks.sort_by_key(|task| task.ticket.id);
        tasks
    }

    /// Records claims that others have ended.
    pub fn lose(&mut self, holds: impl IntoIterator<Item = Hold>) {
        self.over.extend(holds);
    }

    pub fn is_lost(&self, hold: &Hold) -> bool {
        self.over.contains(hold)
    }

    /// Splits tasks into those with valid claims and those whose claims are over.
    pub fn without_lost(&mut self, tasks: Vec<Task>) -> (Vec<Task>, Vec<Task>) {
        let (over, left): (Vec<Task>, Vec<Task>) =
            tasks.into_iter().partition(|task| self.over.remove(&Hold::from(&task.ticket)));
        over.iter().for_each(|task| self.quarantine.clear(task.ticket.id));
        (left, over)
    }

    /// Ends an attempt. It is recorded with the others at the next commit.
    pub fn end(&mut self, hold: Hold, end: End) {
        if !matches!(end, End::GivenBack | End::Crashed { .. }) {
            self.quarantine.clear(hold.id);
        }
        self.ends.push((hold, end));
    }

    pub fn has_ends(&self) -> bool {
        !self.ends.is_empty()
    }

    /// Takes the ended attempts, to record them.
    pub fn take_ends(&mut self) -> Vec<(Hold, End)> {
        std::mem::take(&mut self.ends)
    }

    /// Puts back ended attempts that could not be recorded, for another try.
    pub fn keep_ends(&mut self, ends: Vec<(Hold, End)>) {
        self.ends = ends;
    }

    /// Counts the results of ends that were recorded, each with its error. Returns the events to report.
    pub fn settle(
        &mut self,
        ends: Vec<(TaskId, Option<String>)>,
        answers: Vec<Result<TaskState, Refusal>>,
        summary: &mut Summary,
    ) -> Vec<ExecutorEvent> {
        let mut events = Vec::new();
        for ((id, error), answer) in ends.into_iter().zip(answers) {
            match answer {
                Ok(state) => {
                    if let Some(batch) = &mut self.batch
                        && batch.held.remove(&id)
                        && state.is_finished()
                    {
                        batch.open = batch.open.saturating_sub(1);
                    }
                    let is_waiting = state == TaskState::Queued && self.waiting.remove(&id);
                    events.push(ExecutorEvent::Ended { id, state, error });
                    match state {
                        TaskState::Done => summary.done += 1,
                        TaskState::Failed => summary.failed += 1,
                        TaskState::Scheduled => summary.retried += 1,
                        TaskState::Queued if !is_waiting => summary.given_back += 1,
                        TaskState::Queued | TaskState::Cancelled | TaskState::Running => {}
                    }
                }
                // Another process or person decided first: a person cancelled the task, or another executor took it
                // over.
                Err(refusal) => {
                    if let Some(batch) = &mut self.batch {
                        batch.held.remove(&id);
                    }
                    summary.lost += 1;
                    events.push(ExecutorEvent::Warning { message: refusal.to_string() });
                }
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::model::task::{Endpoint, Moment, NewTask, OwnerId, TaskRequest, machine};

    fn claimed(id: u64, batch: &str) -> Task {
        let request = TaskRequest { endpoint: Endpoint::Chat, body: "{}".into() };
        let new = NewTask { batch: batch.into(), ..NewTask::new(request.clone()) };
        let at = Moment { now: Timestamp(0), policy: Default::default() };
        let queued = machine::enqueue(TaskId(id), &new, at);
        let ticket = machine::claim(&queued, &OwnerId::new(1, 2, 3), at).unwrap().ticket;
        Task { ticket, request, result: None }
    }

    fn hold(task: &Task) -> Hold {
        Hold::from(&task.ticket)
    }

    #[test]
    fn a_run_claims_no_more_than_it_was_told_and_what_was_not_tried_does_not_count() {
        let mut claims = Claims::new(&Bounds { tasks: Some(3), batch: None }, None);
        assert_eq!((claims.limit(16), claims.limit(2)), (3, 2));
        let tasks = [claimed(1, ""), claimed(2, "")];
        claims.count(&tasks);
        for task in tasks.clone() {
            claims.start(task, clock::instant());
        }
        assert_eq!((claims.limit(16), claims.limit(2), claims.wants_more()), (1, 0, true));
        claims.remove(hold(&tasks[0])).unwrap();
        claims.wait(&tasks[..1]);
        assert_eq!(claims.limit(16), 2, "it waits and was not tried");
        claims.count(&[claimed(3, ""), claimed(4, "")]);
        assert!(!claims.wants_more());
    }

    #[test]
    fn a_batch_is_over_when_its_tasks_have_ended_and_others_do_not_count() {
        let mut claims = Claims::new(&Bounds { tasks: None, batch: Some("b".into()) }, Some(2));
        let tasks = [claimed(1, "b"), claimed(2, "b"), claimed(3, "other")];
        claims.count(&tasks);
        let mut summary = Summary::default();
        let mut settle = |claims: &mut Claims, id: u64, state| {
            claims.settle(vec![(TaskId(id), None)], vec![Ok(state)], &mut summary);
        };
        settle(&mut claims, 3, TaskState::Done);
        settle(&mut claims, 1, TaskState::Done);
        settle(&mut claims, 2, TaskState::Scheduled);
        assert!(claims.wants_more(), "the second one is tried again");
        claims.count(&tasks[1..2]);
        settle(&mut claims, 2, TaskState::Failed);
        assert!(!claims.wants_more());
        assert_eq!((summary.done, summary.retried, summary.failed), (2, 1, 1));
    }

    #[test]
    fn the_end_of_a_batch_is_reported_once_while_others_run() {
        let mut claims = Claims::new(&Bounds { tasks: None, batch: Some("b".into()) }, Some(2));
        let tasks = [claimed(1, "b"), claimed(2, "b"), claimed(3, "other")];
        claims.count(&tasks);
        tasks.iter().for_each(|task| claims.start(task.clone(), clock::instant()));
        assert_eq!(claims.unclear_batch(), None);
        assert_eq!(claims.running_after_batch(), None);
        let mut summary = Summary::default();
        claims.remove(hold(&tasks[0])).unwrap();
        claims.settle(vec![(TaskId(1), None)], vec![Ok(TaskState::Done)], &mut summary);
        // A person canceled the other one.
        claims.remove(hold(&tasks[1])).unwrap();
        let refusal = Refusal::Stale { id: TaskId(2), state: TaskState::Cancelled };
        claims.settle(vec![(TaskId(2), None)], vec![Err(refusal)], &mut summary);
        assert_eq!(claims.unclear_batch(), Some("b"));
        claims.set_batch_open(0);
        assert_eq!((claims.running_after_batch(), claims.running_after_batch()), (Some(1), None));
        assert_eq!(claims.unclear_batch(), None);
        assert!(!claims.wants_more());
    }

    #[test]
    fn what_waits_for_something_here_is_not_counted_as_given_back() {
        let mut claims = Claims::new(&Bounds::default(), None);
        let tasks = [claimed(1, ""), claimed(2, "")];
        claims.wait(&tasks[..1]);
        tasks.iter().for_each(|task| claims.end(hold(task), End::GivenBack));
        let ids: Vec<_> = claims.take_ends().iter().map(|(hold, _)| (hold.id, None)).collect();
        let mut summary = Summary::default();
        let events = claims.settle(ids, vec![Ok(TaskState::Queued), Ok(TaskState::Queued)], &mut summary);
        assert_eq!((summary.given_back, events.len(), claims.has_ends()), (1, 2, false));
        let refusal = Refusal::Stale { id: TaskId(1), state: TaskState::Cancelled };
        let events = claims.settle(vec![(TaskId(1), None)], vec![Err(refusal)], &mut summary);
        assert!(matches!(&events[..], [ExecutorEvent::Warning { .. }]));
        assert_eq!(summary.lost, 1);
    }

    #[test]
    fn a_claim_that_is_over_is_neither_asked_nor_answered() {
        let mut claims = Claims::new(&Bounds::default(), None);
        let tasks = [claimed(1, ""), claimed(2, "")];
        claims.lose([hold(&tasks[0])]);
        let (left, over) = claims.without_lost(tasks.to_vec());
        assert_eq!((left.len(), over[0].ticket.id), (1, TaskId(1)));
        claims.start(tasks[1].clone(), clock::instant());
        let stale = Hold { token: 9, ..hold(&tasks[1]) };
        assert!(claims.remove(stale).is_none() && claims.remove(hold(&tasks[1])).is_some() && claims.is_empty());
    }
}

//! Handling of outcomes: answers, failures, second models, claims that are over.

use super::claims::{InFlight, SecondTry};
use super::classify::{self, AttemptOutcome};
use super::request_pool::{Event, Why};
use super::run::Run;
use super::shared::{NoSlot, Suspicion};
use super::watchdog::{Decision, PendingRequest, WorkerSigns, decide};
use super::{ExecutorEvent, POLL, STOPPED, TICK, due_in};
use crate::clock;
use crate::db::UseEvent;
use crate::model::task::machine::End;
use crate::model::task::{ErrorKind, Hold, Jitter, Task, TaskError, TaskId};
use crate::model::{ModelId, ModelRow};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

impl Run<'_> {
    /// Waits for the next event and handles all events that have arrived.
    pub(super) fn wait(&mut self) -> anyhow::Result<()> {
        let limit = match self.stopping {
            None => self.next_look()?,
            Some(since) => self.setup.grace.saturating_sub(since.elapsed()),
        };
        let first = self.next_event(limit)?;
        if self.stopping.is_some_and(|since| since.elapsed() >= self.setup.grace) {
            self.abort_all();
            return Ok(());
        }
        let mut more = std::mem::take(&mut self.worker.backlog);
        more.extend(first);
        more.extend(self.worker.events.try_iter());
        let mut gone: Vec<(Hold, String)> = Vec::new();
        for event in more {
            match event {
                Event::Stop => {
                    self.summary.stopped = self.stop.reason();
                    self.stopping.get_or_insert_with(clock::instant);
                }
                Event::ForceStop => self.abort_all(),
                // The caller checks for more to do now.
                Event::Changed => {}
                Event::Drop(hold, why) => self.dropped(hold, why),
                Event::NoSlot(hold, none) => self.has_no_slot(hold, none),
                Event::Response(hold, outcome) => {
                    // None: it was dropped in the meantime.
                    let Some(flight) = self.claims.remove(hold) else { continue };
                    let Some(row) = self.worker.loaded.as_ref().map(|l| l.row.clone()) else { continue };
                    let attempt = classify::classify(&flight.task.request, outcome, &row);
                    self.apply_outcome(flight, attempt, &row, &mut gone)?;
                }
            }
        }
        if !gone.is_empty() {
            self.worker_died(gone)?;
        }
        Ok(())
    }

    /// Returns the next event within `limit`. While it waits and the worker is busy, the limits of the tasks are
    /// enforced.
    fn next_event(&mut self, limit: Duration) -> anyhow::Result<Option<Event>> {
        let until = clock::instant().checked_add(limit);
        let mut looked = clock::instant();
        while self.worker.backlog.is_empty() {
            let left = until.map_or(limit, |until| until.saturating_duration_since(clock::instant()));
            let step = if self.claims.inflight.is_empty() { left } else { left.min(TICK) };
            // A timeout is the only error: the sending threads live longer than this object.
            let event = self.worker.events.recv_timeout(step).ok();
            let gone = looked.elapsed().saturating_sub(step);
            looked = clock::instant();
            if gone > STOPPED {
                // This process was stopped, or the machine was: no signs were heard because none were read.
                if self.is_device_lost() {
                    self.abort_all();
                    return Ok(None);
                }
                self.worker.progress.listen();
                for flight in self.claims.inflight.values_mut() {
                    flight.asked = flight.asked.checked_add(gone).unwrap_or(flight.asked);
                }
            } else if event.is_none() && self.keep_limits()? {
                return Ok(None);
            }
            if event.is_some() || left <= step {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Kills the worker when it hangs or exceeds the limit of a task. Returns whether it did.
    fn keep_limits(&mut self) -> anyhow::Result<bool> {
        let now = clock::instant();
        let (heard, longest) = self.worker.progress.worker();
        let at = heard.unwrap_or(now);
        // A later sign comes from a thread that has continued.
        if self.worker.called_back.is_some_and(|called_back| at > called_back + TICK) {
            self.worker.called_back = None;
        }
        let asked: Vec<PendingRequest> = self
            .claims
            .inflight
            .values()
            .filter_map(|flight| {
                let ticket = &flight.task.ticket;
                // The time in the queue of a shared server does not count.
                let sent = self.worker.progress.sent_at(Hold::from(ticket))?;
                let (is_accepted, is_standing) = self.worker.progress.of(Hold::from(ticket));
                let limit = ticket.timeout_ms.map(Duration::from_millis);
                Some(PendingRequest { id: ticket.id, at: flight.asked.max(sent), limit, is_accepted, is_standing })
            })
            .collect();
        match decide(now, &asked, WorkerSigns { at, longest, called_back: self.worker.called_back }) {
            Decision::Keep => Ok(false),
            Decision::Kill { culprits, suspects, why } => self.kill_worker(&culprits, suspects, &why).map(|()| true),
        }
    }

    /// Kills a worker that hangs. The tasks that it hangs for have crashed it; the others continue and have lost
    /// nothing.
    fn kill_worker(&mut self, culprits: &[TaskId], suspects: bool, why: &str) -> anyhow::Result<()> {
        let Some(loaded) = self.worker.loaded.take() else { return Ok(()) };
        let row = loaded.row.clone();
        for id in self.claims.inflight.keys() {
            self.worker.requests.abort(*id);
        }
        let tasks = self.claims.remove_all();
        let (now, message) = match loaded.is_shared() {
            true => {
                let message = format!("{}: its server was given up: {why}", row.name);
                (message.clone(), message)
            }
            false => (
                format!("the worker with {} is killed: {why}", row.name),
                format!("{}: the worker was killed: {why}", row.name),
            ),
        };
        (self.emit)(ExecutorEvent::Warning { message: now });
        if let Err(error) = loaded.kill() {
            // A second model in memory at the same time would be one too many.
            self.give_back(tasks);
            self.stopping.get_or_insert_with(clock::instant);
            (self.emit)(ExecutorEvent::Warning { message: error });
            return Ok(());
        }
        if self.is_stopping() {
            self.give_back(tasks);
            return Ok(());
        }
        let (guilty, others): (Vec<Task>, Vec<Task>) =
            tasks.into_iter().partition(|task| culprits.contains(&task.ticket.id));
        if suspects {
            self.claims.quarantine.add(others.iter().map(|task| task.ticket.id));
        }
        self.claims.quarantine.add(guilty.iter().map(|task| task.ticket.id));
        self.claims.uncount(others.len());
        self.give_back(others);
        let error = TaskError::new(ErrorKind::KilledWorker, message);
        self.through_the_model(guilty, std::slice::from_ref(&row.id), (&error, true))
    }

    /// Returns the longest time to wait without an event: until a task is due for which there is room.
    fn next_look(&self) -> anyhow::Result<Duration> {
        const LONGEST: Duration = Duration::from_secs(60);
        if self.room() == 0 || !self.may_claim() {
            return Ok(LONGEST);
        }
        let due = self.queue.next_due()?;
        // A task that is overdue but was not claimed needs another model: it is no reason to check all the time.
        let now = self.queue.now()?;
        Ok(due.map_or(LONGEST, |due| due_in(due, now).clamp(POLL, LONGEST)))
    }

    pub(super) fn apply_outcome(
        &mut self,
        flight: InFlight,
        attempt: AttemptOutcome,
        row: &ModelRow,
        gone: &mut Vec<(Hold, String)>,
    ) -> anyhow::Result<()> {
        let hold = Hold::from(&flight.task.ticket);
        match attempt {
            AttemptOutcome::Answered(result) => {
                self.uses.push(UseEvent {
                    model: row.id.clone(),
                    at: clock::now(),
                    source: "task".to_owned(),
                    prompt_tokens: result.prompt_tokens,
                    completion_tokens: result.completion_tokens,
                    duration_ms: u64::try_from(flight.started.elapsed().as_millis()).unwrap_or(u64::MAX),
                    outcome: result.finish_reason.clone(),
                });
                self.end(hold, End::Done(result));
            }
            AttemptOutcome::Never(error) => self.end(hold, End::FailedForGood(error)),
            AttemptOutcome::Again(error) => self.fail(&flight.task, error),
            AttemptOutcome::NoRoom => self.give_back(vec![flight.task]),
            AttemptOutcome::Model { error, retry } => {
                self.through_the_model(vec![flight.task], std::slice::from_ref(&row.id), (&error, retry))?;
            }
            AttemptOutcome::WorkerGone(why) => {
                gone.push((hold, why));
                // It is handled together with the other running tasks.
                self.claims.inflight.insert(hold.id, flight);
            }
        }
        Ok(())
    }

    /// Handles the death of the worker. With one task in it and no request of others, this is a crash of the task and a
    /// failure of its model; otherwise the cause is unknown and no crash is counted. A task that was not sent, or whose
    /// server somebody stopped, is given back.
    pub(super) fn worker_died(&mut self, gone: Vec<(Hold, String)>) -> anyhow::Result<()> {
        let Some(mut loaded) = self.worker.loaded.take() else { return Ok(()) };
        let why = loaded.why_gone().or_else(|| gone.first().map(|(_, why)| why.clone())).unwrap_or_default();
        let row = loaded.row.clone();
        loaded.unload();
        let tasks = self.claims.remove_all();
        for task in &tasks {
            self.worker.requests.abort(task.ticket.id);
        }
        if self.is_stopping() || self.is_device_lost() {
            // A signal to all processes of a service also ends the worker.
            self.give_back(tasks);
            return Ok(());
        }
        (self.emit)(ExecutorEvent::Warning { message: format!("the worker with {} {why}", row.name) });
        // Of the first one whose connection broke: those of the others may be about to.
        let suspicion = gone.first().map_or(Suspicion::Alone, |(hold, _)| self.worker.progress.suspicion(*hold));
        let is_suspect = |task: &Task| {
            suspicion != Suspicion::None && self.worker.progress.sent_at(Hold::from(&task.ticket)).is_some()
        };
        let (suspects, others): (Vec<Task>, Vec<Task>) = tasks.into_iter().partition(is_suspect);
        let only = if let [task] = suspects.as_slice() { Some(task.ticket.id) } else { None };
        self.claims.uncount(others.len());
        self.give_back(others);
        if only.is_some_and(|id| self.claims.quarantine.is_culprit(id, suspicion)) {
            let error = TaskError::new(ErrorKind::KilledWorker, format!("{}: {why}", row.name));
            return self.through_the_model(suspects, std::slice::from_ref(&row.id), (&error, true));
        }
        self.claims.quarantine.add(suspects.iter().map(|t| t.ticket.id));
        self.claims.uncount(suspects.len());
        self.give_back(suspects);
        Ok(())
    }

    /// Handles tasks that failed through their models, `tried`: each continues with another model, once, if it did not
    /// name the failed one or may fall back. Otherwise the attempt has failed, or the task has failed permanently if
    /// the next attempt would fail in the same way (`retry` is false).
    pub(super) fn through_the_model(
        &mut self,
        tasks: Vec<Task>,
        tried: &[ModelId],
        (error, retry): (&TaskError, bool),
    ) -> anyhow::Result<()> {
        if tasks.is_empty() {
            return Ok(());
        }
        let rows = self.inventory.rows()?;
        let is_crash = error.kind == ErrorKind::KilledWorker;
        for task in tasks {
            let is_spent = is_crash && task.ticket.crashes >= self.setup.policy.max_crashes;
            let may_swap = self.may_swap(&task.ticket) && !is_spent;
            let Some(other) = self.alternative(&task.ticket.wish, &rows, tried).filter(|_| may_swap) else {
                if retry {
                    self.fail(&task, error.clone());
                } else {
                    self.end(Hold::from(&task.ticket), End::FailedForGood(error.clone()));
                }
                continue;
            };
            if self.is_stopping() {
                // The second model would be used up without having been tried.
                self.give_back(vec![task]);
                continue;
            }
            let hold = Hold::from(&task.ticket);
            let at = self.moment()?;
            // The swap is recorded before the second model is loaded: whatever happens then, the second model counts as
            // tried.
            match self.queue.swap(hold, &other.id, error, at)? {
                Ok(fresh) => {
                    let told =
                        ExecutorEvent::Swapped { id: hold.id, to: other.name.clone(), why: error.message.clone() };
                    (self.emit)(told);
                    let mut task = task;
                    task.ticket.token = fresh.token;
                    task.ticket.swaps += 1;
                    task.ticket.crashes += u32::from(is_crash);
                    task.ticket.model = Some(other.id.clone());
                    self.worker.progress.mark(fresh);
                    let (model, tried, why) = (other.id.clone(), tried.to_vec(), error.message.clone());
                    self.claims.second_tries.push((task, SecondTry { model, tried, why }));
                }
                Err(refusal) => self.refused(&refusal),
            }
        }
        Ok(())
    }

    /// Handles a request for which a shared server has no slot: nothing was tried. What waits for it is asked for anew once
    /// the other requests have ended, and then finds out why.
    fn has_no_slot(&mut self, hold: Hold, none: NoSlot) {
        let Some(flight) = self.claims.remove(hold) else { return };
        self.worker.is_refused = true;
        self.claims.uncount(1);
        self.give_back(vec![flight.task]);
        if let (NoSlot::Refused(refused), Some(loaded)) = (none, &self.worker.loaded) {
            self.supply.failures.note(&loaded.row, refused, clock::instant());
        }
    }

    /// Handles a claim that is over, or that makes no progress.
    pub(super) fn dropped(&mut self, hold: Hold, why: Why) {
        let Some(flight) = self.claims.remove(hold) else { return };
        self.worker.requests.abort(hold.id);
        self.worker.called_back = Some(clock::instant());
        match why {
            Why::ClaimOver => {
                self.worker.progress.forget(hold.id);
                self.claims.quarantine.clear(hold.id);
                self.summary.lost += 1;
            }
            Why::Stalled => {
                let error = TaskError::new(ErrorKind::Timeout, "the worker did not respond for ten minutes");
                self.fail(&flight.task, error);
            }
        }
    }

    /// Returns whether a stop was requested, even if its event has not been handled yet.
    fn is_stopping(&self) -> bool {
        self.stopping.is_some() || self.stop.reason().is_some()
    }

    pub(super) fn abort_all(&mut self) {
        self.stopping.get_or_insert_with(clock::instant);
        let tasks = self.claims.remove_all();
        for task in &tasks {
            self.worker.requests.abort(task.ticket.id);
        }
        self.give_back(tasks);
    }

    pub(super) fn give_back(&mut self, tasks: Vec<Task>) {
        for task in tasks {
            self.end(Hold::from(&task.ticket), End::GivenBack);
        }
    }

    pub(super) fn fail(&mut self, task: &Task, error: TaskError) {
        let jitter = Jitter::from_random(RandomState::new().hash_one(task.ticket.id.0));
        let end = match error.kind {
            ErrorKind::KilledWorker => End::Crashed { error, jitter },
            _ => End::Failed { error, jitter },
        };
        self.end(Hold::from(&task.ticket), end);
    }

    /// Ends an attempt. It is recorded with the others at the next commit.
    pub(super) fn end(&mut self, hold: Hold, end: End) {
        self.worker.progress.forget(hold.id);
        self.claims.end(hold, end);
    }
}

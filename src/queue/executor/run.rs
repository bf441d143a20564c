//! The loop of a run: claims due tasks, waits for running ones and records those that have ended.

use super::claims::Claims;
use super::load::Loaded;
use super::request_pool::{Event, Progress, RequestPool};
use super::{ExecutorEvent, LOOK_AGAIN, LoadFailures, Setup, Summary, Waits, open_of};
use crate::clock;
use crate::db::{Db, UseEvent};
use crate::model::task::machine::{End, Refusal};
use crate::model::task::{Hold, Moment, Queue, TaskId, TaskState};
use crate::queue::executor_lock::ExecutorLock;
use crate::supervise::StopSignal;
use crate::worker::Held;
use std::sync::mpsc::Receiver;
use std::time::Instant;

/// A run that holds the device.
pub(super) struct Run<'a> {
    pub queue: &'a mut dyn Queue,
    pub inventory: &'a mut Db,
    pub setup: &'a Setup,
    pub stop: &'a StopSignal,
    pub emit: &'a mut dyn FnMut(ExecutorEvent),
    pub lock: ExecutorLock,
    pub worker: WorkerLink,
    pub supply: Supply<'a>,
    pub claims: Claims,
    /// Uses of models that are not in the database yet.
    pub uses: Vec<UseEvent>,
    /// The time since which a stop has been requested.
    pub stopping: Option<Instant>,
    pub is_stop_reported: bool,
    pub summary: Summary,
}

/// The worker, and the events that it causes.
pub(super) struct WorkerLink {
    /// The device, which every worker holds as well.
    pub device: Held,
    pub requests: RequestPool,
    pub progress: Progress,
    pub events: Receiver<Event>,
    /// Events during the load of a model, to be handled later.
    pub backlog: Vec<Event>,
    pub loaded: Option<Loaded>,
    /// The time when a request was aborted that the worker may still be processing.
    pub called_back: Option<Instant>,
    /// Whether a shared server has refused a request: nothing more is sent to it until it has been asked for anew.
    pub is_refused: bool,
}

impl WorkerLink {
    /// Returns how many tasks the worker answers at once. One while there is no worker: only a loaded model has a
    /// number.
    pub fn slots(&self) -> usize {
        self.loaded.as_ref().map_or(1, |loaded| loaded.slots)
    }
}

/// The wishes that this machine can serve, and the resources that it lacks.
pub(super) struct Supply<'a> {
    pub waits: Waits,
    /// The time when the reasons for waiting tasks were last checked.
    pub looked: Instant,
    /// The time when the list of served wishes was last updated.
    pub listed: Instant,
    /// The time when the open tasks of the batch were last counted.
    pub counted: Instant,
    pub failures: &'a mut LoadFailures,
}

/// The outcome of a claim.
pub(super) enum Filled {
    Some,
    /// There is no room for more.
    Full,
    /// No due task can be served by the model, or no more may be claimed.
    Nothing,
}

impl Run<'_> {
    /// Returns whether another process took the device while this one was stopped.
    pub(super) fn is_device_lost(&mut self) -> bool {
        let is_lost = !self.worker.device.file.is_current();
        if is_lost && self.stopping.is_none() {
            self.stopping = Some(clock::instant());
            let why = "this process was suspended for longer than its lease of the device, and another one took over";
            self.summary.busy = Some("the process that took the device".to_owned());
            (self.emit)(ExecutorEvent::Warning { message: why.to_owned() });
        }
        is_lost
    }

    pub(super) fn moment(&self) -> anyhow::Result<Moment> {
        Ok(Moment { now: self.queue.now()?, policy: self.setup.policy })
    }

    pub(super) fn work(&mut self) -> anyhow::Result<()> {
        loop {
            // If the stop was requested while a model was loaded, nothing else reports it.
            if let Some(why) = self.stop.reason() {
                self.summary.stopped = Some(why);
                self.stopping.get_or_insert_with(clock::instant);
            }
            self.is_device_lost();
            self.record()?;
            if self.stopping.is_none() {
                if self.claims.inflight.is_empty() && !self.claims.second_tries.is_empty() {
                    self.run_second_tries()?;
                    continue;
                }
                match self.fill()? {
                    // The model may have been loaded just now: only then is its number of slots known.
                    Filled::Some => continue,
                    Filled::Nothing if self.claims.is_empty() => return Ok(()),
                    Filled::Full | Filled::Nothing => {}
                }
            }
            self.report_end_of_batch()?;
            self.report_stop();
            if self.claims.inflight.is_empty() {
                if self.stopping.is_some() {
                    return Ok(());
                }
                continue;
            }
            self.wait()?;
        }
    }

    /// Reports that the batch has ended while tasks of others that had begun are still running.
    fn report_end_of_batch(&mut self) -> anyhow::Result<()> {
        if self.supply.counted.elapsed() > LOOK_AGAIN
            && let Some(batch) = self.claims.unclear_batch()
        {
            let open = open_of(&*self.queue, batch)?;
            self.claims.set_batch_open(open);
            self.supply.counted = clock::instant();
        }
        if let Some(others) = self.claims.running_after_batch() {
            (self.emit)(ExecutorEvent::BatchEnded { others });
        }
        Ok(())
    }

    /// Reports once that a stop was requested, while tasks are still running.
    fn report_stop(&mut self) {
        let running = self.claims.inflight.len() as u64;
        if self.stop.reason().is_some() && running > 0 && !std::mem::replace(&mut self.is_stop_reported, true) {
            (self.emit)(ExecutorEvent::Stopping { running, grace: self.setup.grace });
        }
    }

    /// Records attempts that have ended, unless the next claim does so in the same commit.
    fn record(&mut self) -> anyhow::Result<()> {
        if self.room() == 0 || self.claims.inflight.is_empty() || !self.may_claim() {
            self.commit()
        } else {
            self.note_uses()
        }
    }

    pub(super) fn commit(&mut self) -> anyhow::Result<()> {
        if self.claims.has_ends() {
            self.record_ends(|queue, ends, at| Ok((queue.finish(ends, at)?, ())))?;
        }
        self.note_uses()
    }

    fn note_uses(&mut self) -> anyhow::Result<()> {
        for event in std::mem::take(&mut self.uses) {
            self.inventory.record_use(&event)?;
        }
        Ok(())
    }

    /// Records ends, and lets `record` do more in the same commit. Ends that could not be recorded are kept for another
    /// try at the end of the run.
    pub(super) fn record_ends<T>(
        &mut self,
        record: impl FnOnce(
            &mut dyn Queue,
            Vec<(Hold, End)>,
            Moment,
        ) -> anyhow::Result<(Vec<Result<TaskState, Refusal>>, T)>,
    ) -> anyhow::Result<T> {
        let at = self.moment()?;
        let ends = self.claims.take_ends();
        match record(&mut *self.queue, ends.clone(), at) {
            Ok((answers, more)) => {
                self.settle(&ends, answers);
                Ok(more)
            }
            Err(error) => {
                self.claims.keep_ends(ends);
                Err(error)
            }
        }
    }

    fn settle(&mut self, ends: &[(Hold, End)], answers: Vec<Result<TaskState, Refusal>>) {
        for event in self.claims.settle(about(ends), answers, &mut self.summary) {
            (self.emit)(event);
        }
    }

    /// Handles a refusal: a person cancelled the task, or another executor took it over.
    pub(super) fn refused(&mut self, refusal: &Refusal) {
        self.summary.lost += 1;
        (self.emit)(ExecutorEvent::Warning { message: refusal.to_string() });
    }

    /// Ends the run, after an error too: no task stays claimed and no model stays loaded.
    pub(super) fn put_down(&mut self) {
        self.abort_all();
        let second_tries = std::mem::take(&mut self.claims.second_tries);
        self.give_back(second_tries.into_iter().map(|(task, _)| task).collect());
        let ends = self.claims.take_ends();
        match self.moment().and_then(|at| self.queue.finish(ends.clone(), at)) {
            Ok(answers) => self.settle(&ends, answers),
            // The next executor recovers the tasks, once the cause, such as a full disk, is fixed.
            Err(error) => {
                self.lock.mark_unreleased();
                (self.emit)(ExecutorEvent::Warning {
                    message: format!("could not return tasks to the queue: {error:#}"),
                });
            }
        }
        self.unload();
    }
}

/// Returns the task of each end, and its error.
fn about(ends: &[(Hold, End)]) -> Vec<(TaskId, Option<String>)> {
    let error = |end: &End| match end {
        End::Failed { error, .. } | End::Crashed { error, .. } | End::FailedForGood(error) => {
            Some(error.message.clone())
        }
        End::Done(_) | End::GivenBack => None,
    };
    ends.iter().map(|(hold, end)| (hold.id, error(end))).collect()
}

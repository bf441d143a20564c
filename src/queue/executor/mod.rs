//! Runs due tasks on a model in a worker process: claims them in groups that one model can serve, keeps their leases,
//! swaps a model that fails for another one, and records what came of each, exactly once.
//!
//! One thread decides (this file), one asks the worker ([`askers`]), one keeps the leases ([`keeper`]). What an answer
//! means is pure ([`judge`]), and what may follow on what is the task machine's alone.

mod askers;
mod device;
mod judge;
mod keeper;
mod load;
mod outcome;
mod start;
mod turn;

use crate::clock::{self, Timestamp};
use crate::config::WorkerConfig;
use crate::db::{Db, UseEvent};
use crate::model::task::machine::{End, Refusal};
use crate::model::task::order::{ClaimAsk, Claimed, Loaded as LoadedWishes, Scope};
use crate::model::task::{ErrorKind, Hold, Jitter, Moment, Policy, Retention, Task, TaskError, TaskId, TaskState};
use crate::model::{KeepHint, ModelId, ModelRow, TierLimits};
use crate::queue::candidates;
use crate::queue::owner::Alive;
use crate::supervise::{Interrupt, Stop};
use askers::{Askers, Event, Job, Progress, Why};
pub use device::{Device, Taken};
use judge::Verdict;
use keeper::Keeper;
use load::Loaded;
pub use load::pause;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
pub use turn::lock_dir;
use turn::{Turn, recover, turn};

/// Everything that a run needs and that does not change meanwhile.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The model database; locks of executors lie in a folder beside it, so that all of them find each other.
    pub database: PathBuf,
    /// This program, or the one under test.
    pub program: PathBuf,
    /// Where sockets of workers lie.
    pub runtime_dir: PathBuf,
    pub worker: WorkerConfig,
    /// In order of preference.
    pub hints: Vec<KeepHint>,
    pub limits: TierLimits,
    pub policy: Policy,
    pub retention: Retention,
    /// What others are told that wait for the device: the command, for people.
    pub who: String,
    /// How long running tasks may go on after the first wish to stop.
    pub grace: Duration,
}

/// When a run is over, beside when nothing is due.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// Tasks at most.
    pub tasks: Option<u64>,
    /// Go on until every task of this batch has ended: also wait for those that will be tried again.
    pub batch: Option<String>,
}

/// What happens, for whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    Recovered {
        requeued: u64,
        failed: u64,
    },
    /// A model is being loaded, and why that one.
    Loading {
        model: String,
    },
    /// The model is in use by another executor, which takes the same tasks.
    Waiting {
        who: String,
    },
    /// So many tasks of the batch have ended while another executor had the model.
    ByOthers {
        ended: u64,
    },
    Ready {
        model: String,
        took: Duration,
    },
    Started {
        id: TaskId,
    },
    Ended {
        id: TaskId,
        state: TaskState,
        error: Option<String>,
    },
    /// It failed through its model and is tried with another.
    Swapped {
        id: TaskId,
        to: String,
        why: String,
    },
    /// Something that a person should know and that stops nothing.
    Warning(String),
}

/// How a run went.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    pub done: u64,
    /// Ended for good without an answer.
    pub failed: u64,
    /// Will be tried again.
    pub retried: u64,
    /// Given back untouched, because somebody wanted us to stop.
    pub given_back: u64,
    /// Cancelled or taken over while they ran.
    pub lost: u64,
    /// Inference is switched off.
    pub off: bool,
    /// Who has the device; nothing was run then.
    pub busy: Option<String>,
    #[serde(skip)]
    pub stopped: Option<Stop>,
}

/// Runs due tasks until there are none, or `bounds` are reached, or `stop` is thrown.
///
/// # Errors
/// When the database cannot be used any more. Tasks that were claimed then come back with their leases.
pub fn run(
    db: &mut Db,
    setup: &Setup,
    bounds: &Bounds,
    (stop, hurry): (&Interrupt, &Interrupt),
    tell: &mut dyn FnMut(Told),
) -> anyhow::Result<Summary> {
    let dir = lock_dir(&setup.database);
    recover(db, setup, &dir, tell)?;
    let mut summary = Summary::default();
    let now = clock::now();
    if !db.any_task_due(None, now)? && bounds.batch.is_none() {
        summary.off = !db.inference()?.on;
        return Ok(summary);
    }
    let device = match turn(db, setup, (bounds, stop), tell)? {
        Turn::Ours(device) => device,
        Turn::Others(busy) => {
            summary.busy = busy;
            summary.stopped = stop.thrown();
            return Ok(summary);
        }
    };
    let alive = Alive::begin(&dir)?;
    let progress = Progress::default();
    let (sender, events) = askers::events();
    let keeper = Keeper::start(setup.database.clone(), setup.policy, progress.clone(), sender.clone())?;
    let askers = Askers::start(sender, progress.clone(), stop, hurry)?;
    let mut run = Run {
        db,
        setup,
        bounds,
        stop,
        tell,
        alive,
        askers,
        progress,
        events,
        loaded: None,
        inflight: HashMap::new(),
        swapped: Vec::new(),
        failed_models: HashSet::new(),
        alone: HashSet::new(),
        ends: Vec::new(),
        uses: Vec::new(),
        taken: 0,
        stopping: None,
        summary,
    };
    let outcome = run.work();
    if outcome.is_err() {
        run.alive.leave_behind();
    }
    run.put_down();
    let summary = std::mem::take(&mut run.summary);
    drop(run);
    drop(keeper);
    drop(device);
    outcome.map(|()| summary)
}

struct InFlight {
    task: Task,
    started: Instant,
}

struct Run<'a> {
    db: &'a mut Db,
    setup: &'a Setup,
    bounds: &'a Bounds,
    stop: &'a Interrupt,
    tell: &'a mut dyn FnMut(Told),
    alive: Alive,
    askers: Askers,
    progress: Progress,
    events: Receiver<Event>,
    loaded: Option<Loaded>,
    inflight: HashMap<TaskId, InFlight>,
    /// Tasks that go on with another model, once the present one has finished what it has.
    swapped: Vec<(Task, ModelId)>,
    /// Models that could not be loaded in this run.
    failed_models: HashSet<ModelId>,
    /// Tasks that were running together when the worker died: one of them may have killed it, so they run alone.
    alone: HashSet<TaskId>,
    ends: Vec<(Hold, End)>,
    uses: Vec<UseEvent>,
    taken: u64,
    stopping: Option<Instant>,
    summary: Summary,
}

impl Run<'_> {
    fn moment(&self) -> Moment {
        Moment { now: clock::now(), policy: self.setup.policy }
    }

    fn work(&mut self) -> anyhow::Result<()> {
        loop {
            // Thrown while a model was loaded, nothing else would tell.
            if let Some(why) = self.stop.thrown() {
                self.summary.stopped = Some(why);
                self.stopping.get_or_insert_with(clock::instant);
            }
            self.record()?;
            if self.stopping.is_none() {
                if self.inflight.is_empty() && !self.swapped.is_empty() {
                    self.run_swapped()?;
                    continue;
                }
                match self.fill()? {
                    Filled::Working => {}
                    Filled::Nothing if self.inflight.is_empty() && self.swapped.is_empty() => {
                        if !self.wait_for_batch()? {
                            return Ok(());
                        }
                        continue;
                    }
                    Filled::Nothing => {}
                }
            }
            if self.inflight.is_empty() {
                if self.stopping.is_some() {
                    return Ok(());
                }
                continue;
            }
            self.wait()?;
        }
    }

    fn record(&mut self) -> anyhow::Result<()> {
        if !self.ends.is_empty() && (self.room() == 0 || self.inflight.is_empty() || self.stopping.is_some()) {
            let at = self.moment();
            let ends = std::mem::take(&mut self.ends);
            let told = about(&ends);
            let answers = self.db.finish_tasks(ends.clone(), at);
            let answers = self.or_keep(ends, answers)?;
            self.account(told, answers);
        }
        for event in std::mem::take(&mut self.uses) {
            self.db.record_use(&event)?;
        }
        Ok(())
    }

    /// What could not be recorded is kept for another try, when all is put down.
    fn or_keep<T>(&mut self, ends: Vec<(Hold, End)>, recorded: anyhow::Result<T>) -> anyhow::Result<T> {
        if recorded.is_err() {
            self.ends = ends;
        }
        recorded
    }

    fn account(&mut self, about: Vec<(TaskId, Option<String>)>, answers: Vec<Result<TaskState, Refusal>>) {
        for ((id, error), answer) in about.into_iter().zip(answers) {
            if let Ok(state) = answer {
                (self.tell)(Told::Ended { id, state, error });
            }
            match answer {
                Ok(TaskState::Done) => self.summary.done += 1,
                Ok(TaskState::Failed) => self.summary.failed += 1,
                Ok(TaskState::Scheduled) => self.summary.retried += 1,
                Ok(TaskState::Queued) => self.summary.given_back += 1,
                Ok(TaskState::Cancelled | TaskState::Running) => {}
                Err(refusal) => self.refused(&refusal),
            }
        }
    }

    /// Somebody else has the last word on it: a person who cancelled it, or an executor that took it over.
    fn refused(&mut self, refusal: &Refusal) {
        self.summary.lost += 1;
        (self.tell)(Told::Warning(refusal.to_string()));
    }

    /// With a batch to finish: waits until something of it may be due. False when all of it has ended.
    fn wait_for_batch(&mut self) -> anyhow::Result<bool> {
        let Some(batch) = self.bounds.batch.clone() else { return Ok(false) };
        self.unload();
        let seen = self.db.version()?;
        let open = self.db.count_tasks(Some(&batch))?.iter().any(|(state, n)| !state.is_finished() && *n > 0);
        if !open || self.stop.thrown().is_some() {
            self.summary.stopped = self.stop.thrown();
            return Ok(false);
        }
        let now = clock::now();
        if self.db.inference()?.on && self.db.any_task_due(None, now)? {
            return Ok(true);
        }
        let next = self.db.next_task_due()?.map_or(POLL, |due| due_in(due, now).min(POLL));
        self.db.wait_for_change(seen, next)?;
        recover(self.db, self.setup, &lock_dir(&self.setup.database), self.tell)?;
        Ok(true)
    }

    /// Whatever happened: nothing stays claimed and nothing stays loaded.
    fn put_down(&mut self) {
        self.abort_all();
        let swapped: Vec<Task> = std::mem::take(&mut self.swapped).into_iter().map(|(task, _)| task).collect();
        self.give_back(swapped);
        let at = self.moment();
        let ends = std::mem::take(&mut self.ends);
        let told = about(&ends);
        match self.db.finish_tasks(ends, at) {
            Ok(answers) => self.account(told, answers),
            // Whoever comes next takes them up, when there is room on the disk again or whatever it was.
            Err(error) => {
                self.alive.leave_behind();
                (self.tell)(Told::Warning(format!("tasks could not be given back: {error:#}")));
            }
        }
        self.unload();
    }
}

/// How long a wait for something due lasts at most before everything is looked at again.
const POLL: Duration = Duration::from_secs(1);
/// Second tries that one load of a model is meant for.
const SECOND_TRIES: usize = 16;
/// The worker keeps the limit of a task; this much later we do.
const TIMEOUT_MARGIN: Duration = Duration::from_secs(10);

/// The task of each end, and what went wrong.
fn about(ends: &[(Hold, End)]) -> Vec<(TaskId, Option<String>)> {
    let error = |end: &End| match end {
        End::Failed { error, .. } | End::FailedForGood(error) => Some(error.message.clone()),
        End::Done(_) | End::GivenBack => None,
    };
    ends.iter().map(|(hold, end)| (hold.id, error(end))).collect()
}

fn due_in(due: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(due.millis().saturating_sub(now.millis()).max(1).unsigned_abs())
}

/// Whether anything came of a claim.
enum Filled {
    Working,
    Nothing,
}

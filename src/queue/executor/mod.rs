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
mod suspects;
mod turn;

use crate::clock::{self, Timestamp};
use crate::config::WorkerConfig;
use crate::db::{Db, UseEvent};
use crate::model::task::machine::{End, Refusal};
use crate::model::task::order::{ClaimAsk, Claimed, Loaded as LoadedWishes, Scope};
use crate::model::task::{
    ErrorKind, Hold, Jitter, Moment, Policy, Retention, Task, TaskError, TaskId, TaskState, Wish,
};
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
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use suspects::Suspects;
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
    let mut summary = Summary::default();
    loop {
        recover(db, setup, &dir, tell)?;
        let seen = db.version()?;
        let open = match &bounds.batch {
            Some(batch) => Some(open_of(db, batch)?),
            None => None,
        };
        if open == Some(0) || stop.thrown().is_some() {
            summary.stopped = stop.thrown();
            return Ok(summary);
        }
        let now = clock::now();
        let is_due = db.any_task_due(None, now)?;
        summary.off = !db.inference()?.on;
        // The device is for who has something to do with it.
        if is_due && !summary.off {
            match turn(db, setup, (bounds, stop), tell)? {
                Turn::Ours(device) => {
                    go(db, (setup, bounds, open), (stop, hurry), tell, (device, &mut summary))?;
                    if open.is_some() && summary.stopped.is_none() {
                        // Of what is left nothing is due, or it has ended: looked at again without the device.
                        let is_due = db.any_task_due(None, clock::now())? && db.inference()?.on;
                        if is_due {
                            db.pass(AGAIN, &|| stop.thrown().is_some())
                        }
                        continue;
                    }
                }
                Turn::Others(busy) => {
                    summary.busy = busy;
                    summary.stopped = stop.thrown();
                }
            }
            return Ok(summary);
        }
        if open.is_none() {
            return Ok(summary);
        }
        let due = db.next_task_due()?.filter(|_| !summary.off);
        let limit = due.map_or(POLL, |due| due_in(due, now).min(POLL));
        db.wait_for_change_or(seen, limit, &|| stop.thrown().is_some())?;
    }
}

/// Tasks of the batch that have not ended.
fn open_of(db: &Db, batch: &str) -> anyhow::Result<u64> {
    Ok(db.count_tasks(Some(batch))?.iter().filter(|(state, _)| !state.is_finished()).map(|(_, n)| n).sum())
}

/// Runs what is due, with the device in hand, until nothing is or the bounds are reached.
fn go(
    db: &mut Db,
    (setup, bounds, batch_open): (&Setup, &Bounds, Option<u64>),
    (stop, hurry): (&Interrupt, &Interrupt),
    tell: &mut dyn FnMut(Told),
    (device, summary): (Device, &mut Summary),
) -> anyhow::Result<()> {
    let alive = Alive::begin(&lock_dir(&setup.database))?;
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
        device: device.lock(),
        alive,
        askers,
        progress,
        events,
        loaded: None,
        inflight: HashMap::new(),
        swapped: Vec::new(),
        failed_models: HashMap::new(),
        suspects: Suspects::default(),
        ends: Vec::new(),
        uses: Vec::new(),
        taken: 0,
        batch_tasks: HashSet::new(),
        batch_open,
        stopping: None,
        summary: std::mem::take(summary),
    };
    let outcome = run.work();
    if outcome.is_err() {
        run.alive.leave_behind();
    }
    run.put_down();
    *summary = std::mem::take(&mut run.summary);
    drop(run);
    drop(keeper);
    drop(device);
    outcome
}

struct InFlight {
    task: Task,
    started: Instant,
}

/// What a task that failed through its model goes on with.
struct Second {
    model: ModelId,
    /// What it was not answered by.
    tried: Vec<ModelId>,
    /// What was wrong with those.
    why: String,
}

struct Run<'a> {
    db: &'a mut Db,
    setup: &'a Setup,
    bounds: &'a Bounds,
    stop: &'a Interrupt,
    tell: &'a mut dyn FnMut(Told),
    /// Held by every worker as well.
    device: Arc<OwnedFd>,
    alive: Alive,
    askers: Askers,
    progress: Progress,
    events: Receiver<Event>,
    loaded: Option<Loaded>,
    inflight: HashMap<TaskId, InFlight>,
    /// Tasks that go on with another model, once the present one has finished what it has.
    swapped: Vec<(Task, Second)>,
    /// Models that could not be loaded in this run, and why.
    failed_models: HashMap<ModelId, String>,
    suspects: Suspects,
    ends: Vec<(Hold, End)>,
    uses: Vec<UseEvent>,
    taken: u64,
    /// Tasks of the batch in our hands, and how many of it have not ended.
    batch_tasks: HashSet<TaskId>,
    batch_open: Option<u64>,
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
                    // The model may have been loaded for it: now it is known how many it serves.
                    Filled::Some => continue,
                    Filled::Nothing if self.inflight.is_empty() && self.swapped.is_empty() => return Ok(()),
                    Filled::Full | Filled::Nothing => {}
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

    /// Records what has ended, unless the next claim does it in the same commit.
    fn record(&mut self) -> anyhow::Result<()> {
        if self.room() == 0 || self.inflight.is_empty() || !self.may_claim() { self.commit() } else { self.note_uses() }
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        if !self.ends.is_empty() {
            let at = self.moment();
            let ends = std::mem::take(&mut self.ends);
            let told = about(&ends);
            let answers = self.db.finish_tasks(ends.clone(), at);
            let answers = self.or_keep(ends, answers)?;
            self.account(told, answers);
        }
        self.note_uses()
    }

    fn note_uses(&mut self) -> anyhow::Result<()> {
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
                if self.batch_tasks.remove(&id) && state.is_finished() {
                    self.batch_open = self.batch_open.map(|open| open.saturating_sub(1));
                }
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

    /// Of a batch to finish: which of its tasks are in our hands.
    fn of_batch(&mut self, claimed: &[Task]) {
        let Some(batch) = &self.bounds.batch else { return };
        self.batch_tasks.extend(claimed.iter().filter(|t| t.ticket.batch == *batch).map(|t| t.ticket.id));
    }

    /// Whether every task of the batch has ended, as far as we know: others may have ended some.
    fn is_batch_over(&self) -> bool {
        self.batch_open == Some(0)
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

/// The pause before the device is taken again for tasks that were due and not taken: nothing can be done for them now.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a wait for something due lasts at most before everything is looked at again.
const POLL: Duration = Duration::from_secs(1);
/// Second tries that one load of a model is meant for.
const SECOND_TRIES: usize = 16;
/// The worker keeps the limit of a task; this much later we do.
const TIMEOUT_MARGIN: Duration = Duration::from_secs(10);

/// The task of each end, and what went wrong.
fn about(ends: &[(Hold, End)]) -> Vec<(TaskId, Option<String>)> {
    let error = |end: &End| match end {
        End::Failed { error, .. } | End::Crashed { error, .. } | End::FailedForGood(error) => {
            Some(error.message.clone())
        }
        End::Done(_) | End::GivenBack => None,
    };
    ends.iter().map(|(hold, end)| (hold.id, error(end))).collect()
}

fn due_in(due: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(due.millis().saturating_sub(now.millis()).max(1).unsigned_abs())
}

/// What came of a claim.
enum Filled {
    Some,
    /// There is no room for more.
    Full,
    /// Nothing is due that the model may serve, or no more is to be claimed.
    Nothing,
}

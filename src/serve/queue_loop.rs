//! The daemon's loop: runs queued tasks as they arrive, rests, and prunes from time to time.

use super::{PollSchedule, RunOutcome, wait};
use crate::clock;
use crate::config::Config;
use crate::db::Access;
use crate::display::text;
use crate::model::task::ChangeMark;
use crate::ops::prune::auto;
use crate::ops::run_tasks::{Stops, in_words, run_tasks};
use crate::ops::{OpEvent, Session, Sink};
use crate::queue::Queue;
use crate::queue::executor::{Bounds, ExecutorEvent, LoadFailures, SharedServers};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The minimum time between two prunes by AUTO_PRUNE_DAYS; the first one follows the first run.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

const COMMAND: &str = "modelctl serve";

/// Serves the queue with `servers` until a stop is requested. [`OpEvent::RunEnded`] reports the result of each run. `config` changes
/// when it is read again; each run uses the newest.
///
/// # Errors
/// The database cannot be used at the start. Later errors are reported once and the work is tried again.
pub fn run(
    session: &mut Session,
    mut config: watch::Receiver<Arc<Config>>,
    (stops, servers): (&Stops, &Arc<dyn SharedServers>),
    on: &mut Sink<'_>,
) -> anyhow::Result<()> {
    session.db(Access::ReadWrite)?;
    on(OpEvent::note(format!("serving the queue of {}", text::path(&session.config.database))));
    let mut daemon = Daemon {
        schedule: PollSchedule::new(session.config.offload.poll),
        trouble: None,
        pruned: None,
        is_off: false,
        queue: None,
        failures: LoadFailures::default(),
        waits_for: None,
        stops,
        servers,
    };
    while stops.graceful.reason().is_none() {
        // An error means that the daemon is about to end, which the next round finds.
        if config.has_changed().unwrap_or(false) {
            session.config = config.borrow_and_update().as_ref().clone();
            daemon.schedule = PollSchedule::new(session.config.offload.poll);
        }
        let (outcome, seen) = match daemon.run_cycle(session, on) {
            Ok(cycle) => {
                daemon.report_trouble(None, on);
                cycle
            }
            Err(error) => {
                daemon.report_trouble(Some(format!("{error:#}")), on);
                (RunOutcome::NoProgress, None)
            }
        };
        session.take_notices().into_iter().for_each(&mut *on);
        if let Err(error) = daemon.rest(session, outcome, seen) {
            daemon.report_trouble(Some(format!("{error:#}")), on);
            // Without a database only the time can end a wait.
            daemon.queue = None;
            session.close_db();
            let rest = daemon.schedule.rest(RunOutcome::NoProgress, None, clock::now());
            stops.graceful.wait_timeout(rest.at_least);
        }
    }
    Ok(())
}

struct Daemon<'a> {
    schedule: PollSchedule,
    /// The last reported error: reported once, not every half minute.
    trouble: Option<String>,
    pruned: Option<Instant>,
    /// Whether inference is off: a due task is then no reason for a run.
    is_off: bool,
    /// The handle to the queue, kept open from run to run.
    queue: Option<Box<dyn Queue>>,
    /// The models that could not be loaded in an earlier run.
    failures: LoadFailures,
    /// The last reported reason why tasks wait.
    waits_for: Option<String>,
    stops: &'a Stops,
    /// What answers the tasks.
    servers: &'a Arc<dyn SharedServers>,
}

type Seen = Option<ChangeMark>;

impl Daemon<'_> {
    /// Makes one run. The returned mark is from before the run, so that no change during the run is missed.
    fn run_cycle(&mut self, session: &mut Session, on: &mut Sink<'_>) -> anyhow::Result<(RunOutcome, Seen)> {
        if session.queue(Access::ReadWrite)?.is_replaced() {
            on(OpEvent::warning("the model database was replaced by another file, which is used from now on"));
            self.queue = None;
            session.close_db();
        }
        let mut queue = match self.queue.take() {
            Some(queue) => queue,
            None => session.open_queue()?,
        };
        let seen = queue.changes()?;
        session.now = clock::now();
        let mut waits = None;
        let run = (COMMAND, &Bounds::default(), Some(Arc::clone(self.servers)));
        let summary = run_tasks(session, &mut *queue, run, self.stops, &mut self.failures, &mut |event| match event {
            OpEvent::Task(ExecutorEvent::Waits { why }) => waits = why,
            other => on(other),
        })?;
        self.report_waits(summary.waits_for.clone().or(waits).filter(|_| summary.waiting > 0), on);
        let is_idle = in_words(&summary).is_none();
        self.is_off = summary.off;
        let (is_off, is_busy, is_waiting) = (summary.off, summary.busy.is_some(), summary.waiting > 0);
        if !is_idle {
            on(OpEvent::RunEnded(summary));
        }
        if is_busy {
            self.queue = Some(queue);
            return Ok((RunOutcome::DeviceBusy, Some(seen)));
        }
        self.prune(session, on);
        let is_stuck = is_idle && !is_off && queue.any_due(None, queue.now()?)? && queue.inference()?.on;
        self.queue = Some(queue);
        Ok((
            match (is_stuck, is_waiting) {
                (_, true) => RunOutcome::Waiting,
                (true, false) => RunOutcome::NoProgress,
                (false, false) => RunOutcome::Idle,
            },
            Some(seen),
        ))
    }

    /// Reports once why tasks wait, and when that is over.
    fn report_waits(&mut self, now: Option<String>, on: &mut Sink<'_>) {
        if self.waits_for == now {
            return;
        }
        on(match &now {
            Some(why) => OpEvent::warning(format!("tasks wait: {}", text::clean(why))),
            None => OpEvent::note("waiting tasks can run now"),
        });
        self.waits_for = now;
    }

    fn prune(&mut self, session: &mut Session, on: &mut Sink<'_>) {
        let is_due = self.pruned.is_none_or(|at| clock::instant().duration_since(at) >= PRUNE_EVERY);
        if !is_due || self.stops.graceful.reason().is_some() {
            return;
        }
        self.pruned = Some(clock::instant());
        if let Err(error) = auto(session, &self.stops.graceful, on) {
            // The tasks are done, whether or not pruning succeeds.
            on(OpEvent::warning(format!("prune: {error:#}")));
        }
    }

    fn rest(&mut self, session: &mut Session, outcome: RunOutcome, seen: Seen) -> anyhow::Result<()> {
        let opened;
        let queue: &dyn Queue = match &self.queue {
            Some(queue) => &**queue,
            None => {
                opened = session.open_queue()?;
                &*opened
            }
        };
        let due = queue.next_due()?.filter(|_| !self.is_off);
        let due = match outcome {
            RunOutcome::Waiting => due.into_iter().chain(queue.next_deadline()?).min(),
            _ => due,
        };
        let seen = match seen {
            Some(seen) => seen,
            None => queue.changes()?,
        };
        let rest = self.schedule.rest(outcome, due, queue.now()?);
        wait(queue, (seen, &session.config.lock_dir), rest, &self.stops.graceful)
    }

    fn report_trouble(&mut self, now: Option<String>, on: &mut Sink<'_>) {
        if self.trouble == now {
            return;
        }
        on(match &now {
            Some(why) => OpEvent::warning(text::clean(why)),
            None => OpEvent::note("resuming tasks"),
        });
        self.trouble = now;
    }
}

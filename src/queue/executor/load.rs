//! A model in memory: a worker process that has loaded it.

use super::Setup;
use super::request_pool::Route;
use super::shared::{NoSlot, SharedServers, Slot, wait_for_slot};
use crate::clock::{self, Timestamp};
use crate::db::Db;
use crate::engine::CONTEXTS;
use crate::model::backoff::Backoff;
use crate::model::task::Wish;
use crate::model::{Model, ModelRow, State};
use crate::queue::place::Refused;
use crate::queue::reservation::{self, Request, Reservation, Reserving};
use crate::queue::{serves, too_large, unfit};
use crate::supervise::{Ending, StopSignal};
use crate::worker::{FailedKind, Held, StartSpec, Worker, WorkerError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The number of tasks answered at once where memory allows. With SmolLM2 on two cores, 16 gave the most tasks per
/// second of 1 to 32.
const PARALLEL: u32 = 16;
/// The number of tries to load a model: one that lacks memory may fit a moment later.
const TRIES: u32 = 3;
/// The waits between the tries.
const WAITS: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(5));
/// The number of SIGKILL; see signal(7).
const SIGKILL: i32 = 9;
/// The interval of the checks while a shared server is waited for.
const TICK: Duration = Duration::from_millis(100);
/// The time that a worker may take to end after a request to stop.
const END_LIMIT: Duration = Duration::from_secs(2);

pub(super) struct Loaded {
    pub row: ModelRow,
    pub serves: Vec<Wish>,
    pub since: Timestamp,
    /// The number of tasks that it answers at once.
    pub slots: usize,
    pub took: Duration,
    pub model: Model,
    server: Server,
}

struct OwnWorker {
    /// Declared before the reservation: it has ended before its memory is released.
    worker: Worker,
    reservation: Reservation,
}

/// What answers the requests.
enum Server {
    Own(Box<OwnWorker>),
    Shared {
        servers: Arc<dyn SharedServers>,
        /// The slot for which the server was started, until the first request takes it: without it the server could be
        /// evicted before it has answered anything.
        first: Arc<Mutex<Option<Box<dyn Slot>>>>,
    },
}

impl Loaded {
    /// Returns how a request gets to it.
    pub fn route(&self) -> Route {
        match &self.server {
            Server::Own(own) => Route::Worker(own.worker.endpoint().clone()),
            Server::Shared { servers, first } => {
                Route::Shared { servers: Arc::clone(servers), model: self.row.id.clone(), first: Arc::clone(first) }
            }
        }
    }

    /// Returns whether others use it as well: it is not ours to kill.
    pub fn is_shared(&self) -> bool {
        matches!(self.server, Server::Shared { .. })
    }

    /// Returns how the worker ended, after its connections broke.
    pub fn why_gone(&mut self) -> Option<String> {
        match &mut self.server {
            Server::Own(own) => own.worker.wait_ending().map(|ending| ending.to_string()),
            // The broken connection has the reason.
            Server::Shared { .. } => None,
        }
    }

    pub fn unload(self) {
        let Server::Own(own) = self.server else { return };
        let OwnWorker { mut worker, mut reservation } = *own;
        if worker.ending().is_none() {
            // By now it has used the memory that it uses; the next load knows. Without a database the formula does.
            let _ = reservation.measure(worker.id());
        }
        // A worker that does not end in time is killed.
        if worker.stop(END_LIMIT).is_err() {
            reservation.keep();
        }
    }

    /// Kills the worker at once, whatever it does. A shared server is left to its owner, who watches it too. The error is
    /// a worker that hangs in the kernel, where not even SIGKILL reaches it.
    pub fn kill(self) -> Result<(), String> {
        let Server::Own(own) = self.server else { return Ok(()) };
        let OwnWorker { worker, reservation } = *own;
        match worker.kill() {
            Ok(_) => Ok(()),
            Err(error) => {
                reservation.keep();
                Err(error.to_string())
            }
        }
    }
}

/// The reason why no model was loaded.
#[derive(Debug)]
pub(super) enum NotLoaded {
    /// The model cannot be run at all, or not on this machine now.
    Refused(Refused),
    /// A stop was requested, or the model is no longer needed.
    GivenUp,
}

/// The events and checks during a load.
pub(super) struct Watching<'a> {
    pub stop: &'a StopSignal,
    pub on_progress: &'a mut dyn FnMut(f32),
    /// Returns whether a task that needs the model is left.
    pub is_wanted: &'a mut dyn FnMut() -> bool,
}

/// Loads `model`, once the ledger of `db` has room for it. The inner error is the reason why it was not loaded.
pub(super) fn load(
    (setup, device, db): (&Setup, &Held, &Db),
    row: &ModelRow,
    model: &Model,
    mut watching: Watching<'_>,
) -> anyhow::Result<Result<Loaded, NotLoaded>> {
    let refused = |why: String, is_place| Ok(Err(NotLoaded::Refused(Refused { why, is_place })));
    let start = StartSpec::of(model, &setup.worker, setup.program.clone(), setup.runtime_dir.clone());
    let Some(mut start) = start else { return refused("it has no file".to_owned(), false) };
    if let Some(unfit) = unfit(row) {
        return refused(format!("it {}", unfit.why), !row.enabled && row.state == State::Ready);
    }
    if let Some(servers) = &setup.shared {
        return load_shared(servers, (row, model), setup, &mut watching);
    }
    let available = reservation::main_memory_left(db, setup.memory)?;
    let fits = |contexts| too_large(model, (setup.worker.context, contexts), &available);
    if let Some(why) = fits(1) {
        return refused(why, true);
    }
    // The number of sequences that share the contexts for which memory has room.
    let parallel = match (1..=CONTEXTS).rev().find(|contexts| fits(*contexts).is_none()) {
        Some(CONTEXTS) => PARALLEL,
        Some(contexts) => contexts,
        None => 1,
    };
    start.device = Some(device.clone());
    start.load.parallel = parallel;
    start.load.queue = usize::try_from(parallel).unwrap_or(1).saturating_mul(4).max(32);
    let began = clock::instant();
    let reserving = Reserving {
        database: db.path().to_owned(),
        who: setup.who.clone(),
        limits: setup.memory,
        program: setup.program.clone(),
        is_forced: false,
    };
    let mut request = Request::new(&reserving, model, &start.load)?;
    let mut reservation = match request.attempt()? {
        Ok(id) => request.hold(id),
        Err(refusal) => return refused(request.in_words(&refusal), true),
    };
    let mut last = String::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            watching.stop.wait_timeout(WAITS.after(attempt));
        }
        match start_worker(&start, &mut reservation, &mut watching) {
            Ok(worker) => {
                reservation.ready()?;
                reservation.measure(worker.id())?;
                let serves = serves(row, &setup.limits);
                let slots = slots(&worker);
                let took = began.elapsed();
                return Ok(Ok(Loaded {
                    row: row.clone(),
                    serves,
                    since: clock::now(),
                    slots,
                    took,
                    model: model.clone(),
                    server: Server::Own(Box::new(OwnWorker { worker, reservation })),
                }));
            }
            // The model is not at fault.
            Err(
                WorkerError::Interrupted(_)
                | WorkerError::Unwanted
                | WorkerError::Refused { kind: FailedKind::Device, .. },
            ) => return Ok(Err(NotLoaded::GivenUp)),
            Err(
                error @ (WorkerError::Spawn(_)
                | WorkerError::Refused { kind: FailedKind::File | FailedKind::Cpu | FailedKind::Engine, .. }),
            ) => return refused(error.to_string(), true),
            // The kernel killed it for lack of memory, or a person did: this proves nothing against the model.
            Err(error @ WorkerError::Died { ending: Ending::Signalled { signal: SIGKILL, .. }, .. }) => {
                if attempt.saturating_add(1) == TRIES {
                    return refused(error.to_string(), true);
                }
            }
            // The load took the whole time that it may take.
            Err(error @ WorkerError::TimedOut(_)) => return refused(error.to_string(), false),
            Err(error) => last = error.to_string(),
        }
    }
    refused(last, false)
}

/// Waits for a slot of a shared server. The inner error is the reason why there is none.
fn load_shared(
    servers: &Arc<dyn SharedServers>,
    (row, model): (&ModelRow, &Model),
    setup: &Setup,
    watching: &mut Watching<'_>,
) -> anyhow::Result<Result<Loaded, NotLoaded>> {
    let began = clock::instant();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let outcome = runtime.block_on(wait_for_slot(servers.slot(&row.id), TICK, || {
        (watching.on_progress)(0.0);
        watching.stop.reason().is_none() && (watching.is_wanted)()
    }));
    let slot = match outcome {
        Ok(slot) => slot,
        Err(NoSlot::Refused(refused)) => return Ok(Err(NotLoaded::Refused(refused))),
        Err(NoSlot::GivenUp) => return Ok(Err(NotLoaded::GivenUp)),
    };
    let slots = slot.slots().max(1);
    let server = Server::Shared { servers: Arc::clone(servers), first: Arc::new(Mutex::new(Some(slot))) };
    let serves = serves(row, &setup.limits);
    let (since, took) = (clock::now(), began.elapsed());
    Ok(Ok(Loaded { row: row.clone(), serves, since, slots, took, model: model.clone(), server }))
}

fn start_worker(
    start: &StartSpec,
    reservation: &mut Reservation,
    watching: &mut Watching<'_>,
) -> Result<Worker, WorkerError> {
    let mut on_started = |pid| reservation.started(pid);
    let Watching { stop, on_progress, is_wanted } = watching;
    Worker::start_while(start, stop, (&mut on_started, &mut |done| on_progress(done)), *is_wanted)
}

fn slots(worker: &Worker) -> usize {
    usize::try_from(worker.info().slots).unwrap_or(1).max(1)
}

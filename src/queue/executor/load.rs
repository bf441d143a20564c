//! A model in memory: a worker process that has loaded it.

use super::Setup;
use crate::clock::{self, Timestamp};
use crate::engine::CONTEXTS;
use crate::host::memory;
use crate::model::task::Wish;
use crate::model::{Model, ModelRow};
use crate::queue::{serves, too_large};
use crate::supervise::Interrupt;
use crate::worker::{StartSpec, Worker, WorkerError};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Tasks answered at once where memory allows. Of 1 to 32 with SmolLM2 on two cores, 16 gave the most tasks a second.
const PARALLEL: u32 = 16;
/// Loads are tried so often: what fails once for want of memory may fit a moment later.
const TRIES: u32 = 3;
/// The wait before the second try; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// How long a worker that is not needed any more may take to end by itself.
const END_LIMIT: Duration = Duration::from_secs(2);

pub(super) struct Loaded {
    pub row: ModelRow,
    pub serves: Vec<Wish>,
    pub since: Timestamp,
    /// Answers at once.
    pub slots: usize,
    pub took: Duration,
    worker: Worker,
}

impl Loaded {
    pub fn socket(&self) -> PathBuf {
        self.worker.socket().to_owned()
    }

    /// How the worker ended, once its connections broke.
    pub fn why_gone(&mut self) -> Option<String> {
        self.worker.wait_ending().map(|ending| ending.to_string())
    }

    pub fn unload(self) {
        // One that does not go by itself is killed when it is dropped.
        let _ = self.worker.stop(END_LIMIT);
    }
}

/// Loads `model`. The inner error is why it cannot be; the outer one that somebody wants us to stop.
pub(super) fn load(
    (setup, device): (&Setup, &Arc<OwnedFd>),
    row: &ModelRow,
    model: &Model,
    stop: &Interrupt,
    on_progress: &mut dyn FnMut(f32),
) -> anyhow::Result<Result<Loaded, String>> {
    let start = StartSpec::of(model, &setup.worker, setup.program.clone(), setup.runtime_dir.clone());
    let Some(mut start) = start else { return Ok(Err("it has no file".to_owned())) };
    if !matches!(row.state, crate::model::State::Ready) {
        let why = row.reason.clone().unwrap_or_else(|| row.state.name().to_owned());
        return Ok(Err(format!("it cannot be run: {why}")));
    }
    if !row.enabled {
        return Ok(Err("it is disabled".to_owned()));
    }
    let available = memory::memory().map(|m| m.available);
    let fits = |contexts| too_large(model, (setup.worker.context, contexts), &available);
    if let Some(why) = fits(1) {
        return Ok(Err(format!("it {why}")));
    }
    // As many as share the contexts that memory has room for.
    let parallel = match (1..=CONTEXTS).rev().find(|contexts| fits(*contexts).is_none()) {
        Some(CONTEXTS) => PARALLEL,
        Some(contexts) => contexts,
        None => 1,
    };
    start.device = Some(Arc::clone(device));
    start.load.parallel = parallel;
    start.load.queue = usize::try_from(parallel).unwrap_or(1).saturating_mul(4).max(32);
    let began = clock::instant();
    let mut wait = FIRST_WAIT;
    let mut last = String::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            pause(wait, stop)?;
            wait *= 2;
        }
        match Worker::start(&start, stop, on_progress) {
            Ok(worker) => {
                let serves = serves(row, &setup.limits);
                let slots = slots(&worker);
                let took = began.elapsed();
                return Ok(Ok(Loaded { row: row.clone(), serves, since: clock::now(), slots, took, worker }));
            }
            // Nothing is wrong with the model: whoever called finds the switch thrown.
            Err(WorkerError::Interrupted(_)) => return Ok(Err("stopped while it was loaded".to_owned())),
            Err(error) => last = error.to_string(),
        }
    }
    Ok(Err(last))
}

fn slots(worker: &Worker) -> usize {
    usize::try_from(worker.info().slots).unwrap_or(1).max(1)
}

/// Lets `time` pass, less when `stop` is thrown.
pub fn pause(time: Duration, stop: &Interrupt) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        tokio::select! {
            _ = stop.wait() => {}
            () = tokio::time::sleep(time) => {}
        }
    });
    Ok(())
}

//! A worker for code that is not asynchronous: a [`Handle`] with a small runtime of its own.

use super::error::WorkerError;
use super::handle::{At, Handle, Starting};
use super::start_spec::StartSpec;
use crate::engine::Info;
use crate::http::Endpoint;
use crate::openai::{ChatRequest, Completion};
use crate::supervise::{Ending, StopSignal};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A running worker with a loaded model. Dropping it kills it.
#[derive(Debug)]
pub struct Worker {
    handle: Handle,
    stop: StopSignal,
    runtime: Runtime,
}

impl Worker {
    /// Starts a worker and waits until its model is loaded. `on_progress` gets 0.0 to 1.0. `stop` ends this and every
    /// later wait at once.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub fn start(spec: &StartSpec, stop: &StopSignal, on_progress: &mut dyn FnMut(f32)) -> Result<Worker, WorkerError> {
        Worker::start_while(spec, stop, (&mut |_| {}, on_progress), &mut || true)
    }

    /// Starts a worker as [`Worker::start`] does, and gives up when `is_wanted` returns false; it is called twice a
    /// second. `on_started` gets the process number before the model is loaded.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub fn start_while(
        spec: &StartSpec,
        stop: &StopSignal,
        (on_started, on_progress): (&mut dyn FnMut(u32), &mut dyn FnMut(f32)),
        is_wanted: &mut dyn FnMut() -> bool,
    ) -> Result<Worker, WorkerError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| WorkerError::Spawn(error.to_string()))?;
        let handle = runtime.block_on(async {
            let mut starting = Starting::spawn(spec, At::Socket).await?;
            on_started(starting.id());
            let ready = tokio::select! {
                biased;
                why = stop.wait() => Err(WorkerError::Interrupted(why)),
                ready = starting.ready(on_progress) => ready,
                () = until_unwanted(is_wanted) => Err(WorkerError::Unwanted),
            };
            match ready {
                Ok(info) => Ok(starting.finish(info)),
                Err(error) => Err(starting.give_up(error).await),
            }
        })?;
        Ok(Worker { handle, stop: stop.clone(), runtime })
    }

    /// Returns the facts about the loaded model.
    pub fn info(&self) -> &Info {
        self.handle.info()
    }

    /// Returns the worker's process number.
    pub fn id(&self) -> u32 {
        self.handle.id()
    }

    /// Returns the address where the worker serves, for other clients.
    pub fn endpoint(&self) -> &Endpoint {
        self.handle.endpoint()
    }

    /// Returns the Unix socket of the worker; empty for a worker on a port.
    pub fn socket(&self) -> &Path {
        match self.handle.endpoint() {
            Endpoint::Unix(path) => path,
            Endpoint::Tcp { .. } => Path::new(""),
        }
    }

    /// Returns the last lines of the worker's log, oldest first.
    pub fn log(&self) -> Vec<String> {
        self.handle.log().lines()
    }

    /// Returns how the worker ended, if it has.
    pub fn ending(&mut self) -> Option<Ending> {
        self.handle.ending()
    }

    /// Returns how the worker ended, after its connections broke: it has ended by then, or is about to. Returns None
    /// when it still runs.
    pub fn wait_ending(&mut self) -> Option<Ending> {
        self.runtime.block_on(self.handle.death()).map(|ended| ended.ending)
    }

    /// Sends a chat to the model. `on_piece` gets the answer as it comes, in whole characters; `Break` cancels the
    /// rest.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub fn chat(
        &mut self,
        request: &ChatRequest,
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Completion, WorkerError> {
        self.runtime.block_on(self.handle.chat(request, &self.stop, on_piece))
    }

    /// Kills the worker at once.
    ///
    /// # Errors
    /// The worker hangs in the kernel.
    pub fn kill(self) -> Result<Ending, WorkerError> {
        self.runtime.block_on(self.handle.kill())
    }

    /// Stops the worker: a running answer may finish within `limit`, then the worker is killed.
    ///
    /// # Errors
    /// The worker hangs in the kernel.
    pub fn stop(self, limit: Duration) -> Result<Ending, WorkerError> {
        self.runtime.block_on(self.handle.stop(limit))
    }
}

async fn until_unwanted(is_wanted: &mut dyn FnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    loop {
        ticks.tick().await;
        if !is_wanted() {
            return;
        }
    }
}

//! The process of one server, of either engine.

use super::llama_server::LlamaServer;
use super::start_plan::{Ended, StartPlan, of_ending, unwatched};
use crate::http::Endpoint;
use crate::lifecycle::EndClass;
use crate::model::backoff::Jitter;
use crate::model::server::Engine;
use crate::supervise::{CrashClass, Evidence, OomKills};
use crate::worker::{At, FailedKind, Handle, WorkerError};
use std::time::Duration;

/// The time between SIGTERM and SIGKILL.
const TERM_LIMIT: Duration = Duration::from_secs(10);

/// A process that answers.
#[derive(Debug)]
pub enum Running {
    Worker(Box<Handle>),
    LlamaServer(Box<LlamaServer>),
}

impl Running {
    /// Starts the server and waits until it is ready. `on_started` gets the process number, `on_progress` 0.0 to 1.0.
    /// Dropping the future kills the process.
    ///
    /// # Errors
    /// Why it did not start; the process has ended.
    pub async fn start(
        plan: &StartPlan,
        on_started: impl FnOnce(u32) + Send,
        on_progress: impl FnMut(f32) + Send,
    ) -> Result<Running, Ended> {
        let kills = OomKills::begin();
        match plan.settings.engine {
            Engine::Worker => {
                let started = Handle::start_watched(&plan.worker(), At::Socket, on_started, on_progress).await;
                let handle = started.map_err(|error| not_started(error, &kills))?;
                Ok(Running::Worker(Box::new(handle)))
            }
            Engine::LlamaServer => {
                let server = LlamaServer::start(plan, &kills, on_started, on_progress).await?;
                Ok(Running::LlamaServer(Box::new(server)))
            }
        }
    }

    pub fn endpoint(&self) -> &Endpoint {
        match self {
            Running::Worker(handle) => handle.endpoint(),
            Running::LlamaServer(server) => server.endpoint(),
        }
    }

    pub fn pid(&self) -> u32 {
        match self {
            Running::Worker(handle) => handle.id(),
            Running::LlamaServer(server) => server.id(),
        }
    }

    /// Returns the tokens of context of one request, and the number of requests that are answered at once.
    pub fn size(&self) -> (u32, u32) {
        match self {
            Running::Worker(handle) => (handle.info().context, handle.info().slots),
            Running::LlamaServer(server) => server.size(),
        }
    }

    /// Waits for the end of the process. The future may be dropped and the function called again.
    pub async fn ended(&mut self) -> Ended {
        match self {
            Running::Worker(handle) => match handle.ended().await {
                Ok(ended) => of_ending(ended.ending, ended.class, ended.last_log),
                Err(error) => unwatched(&error),
            },
            Running::LlamaServer(server) => server.ended().await,
        }
    }

    /// Stops the process: SIGTERM, ten seconds, SIGKILL of its group; with `now` SIGKILL at once.
    ///
    /// # Errors
    /// The process cannot be ended; it hangs in the kernel.
    pub async fn stop(self, now: bool) -> Result<(), String> {
        match self {
            Running::Worker(handle) if now => handle.kill().await.map(drop).map_err(|error| error.to_string()),
            Running::Worker(handle) => handle.stop(TERM_LIMIT).await.map(drop).map_err(|error| error.to_string()),
            Running::LlamaServer(server) => server.stop(if now { Duration::ZERO } else { TERM_LIMIT }).await,
        }
    }
}

fn not_started(error: WorkerError, kills: &OomKills) -> Ended {
    let reason = error.to_string();
    let of = |class| Ended { class, reason: reason.clone(), last_log: None, exit_code: None };
    match error {
        WorkerError::Refused { kind: FailedKind::Device, .. } | WorkerError::Spawn(_) => of(EndClass::Spawn),
        WorkerError::Refused { .. } => of(EndClass::Refused),
        WorkerError::TimedOut(_) | WorkerError::Hung(_) => of(EndClass::Unready),
        WorkerError::Died { ending, last_log } => {
            let evidence = Evidence { ending: Some(ending), oom_kills: kills.count(), ..Evidence::default() };
            Ended { reason, ..of_ending(ending, CrashClass::of(evidence), last_log) }
        }
        WorkerError::Unwanted | WorkerError::Protocol(_) | WorkerError::Server { .. } | WorkerError::Interrupted(_) => {
            of(EndClass::Crash)
        }
    }
}

/// Returns a random jitter, so that servers that ended together are not started together.
pub fn jitter() -> Jitter {
    use std::hash::{BuildHasher, RandomState};
    Jitter::from_random(RandomState::new().hash_one(0))
}

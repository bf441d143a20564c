//! A worker for asynchronous code: started, asked, awaited, stopped. Only dropping the handle blocks the thread.

use super::args::{Listen, WorkerSpec};
use super::error::WorkerError;
use super::exchange::{self, Broken};
use super::readiness::StatusLines;
use super::runtime_dir::{Socket, new_socket};
use super::start_spec::StartSpec;
use super::status::FailedKind;
use crate::engine::{Info, SPIN_COUNT};
use crate::http::Endpoint;
use crate::openai::{ChatRequest, Completion, Finish};
use crate::supervise::{
    Child, CrashClass, Ending, Evidence, LogRing, NotReady, OomKills, Output, SpawnSpec, StartLimits, StopSignal,
    spawn_async, until_ready,
};
use std::ops::ControlFlow;
use std::time::Duration;

/// Time until the end of a worker that has closed its connection must be seen.
const DEATH_LIMIT: Duration = Duration::from_secs(2);
/// Time that the last lines of an ended worker's log may take to arrive.
const LOG_LIMIT: Duration = Duration::from_millis(500);

/// The address where a new worker listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum At {
    /// A Unix socket in the runtime directory, which no other user can reach.
    #[default]
    Socket,
    /// A port of 127.0.0.1; 0 means a free one.
    Port(u16),
}

/// A running worker with a loaded model. Dropping the handle kills the worker and waits for its end; where that wait
/// matters, stop the worker instead.
#[derive(Debug)]
pub struct Handle {
    child: Child,
    log: LogRing,
    /// The number of its first line in the log, which may have others of earlier workers.
    log_from: u64,
    endpoint: Endpoint,
    /// Removed after the child has ended: fields are dropped in this order.
    _socket: Option<Socket>,
    port: Option<u16>,
    info: Info,
    oom_kills: OomKills,
}

/// The way a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub ending: Ending,
    pub class: CrashClass,
    /// The last lines of its log, oldest first.
    pub last_log: Vec<String>,
}

impl Handle {
    /// Starts a worker and waits until its model is loaded. `on_progress` gets 0.0 to 1.0. Dropping the future kills
    /// the worker.
    ///
    /// # Errors
    /// See [`WorkerError`]; in every case the worker has ended.
    pub async fn start(spec: &StartSpec, at: At, on_progress: impl FnMut(f32)) -> Result<Handle, WorkerError> {
        Handle::start_watched(spec, at, |_| {}, on_progress).await
    }

    /// Starts a worker as [`Handle::start`] does; `on_started` gets its process number before the model is loaded.
    ///
    /// # Errors
    /// As [`Handle::start`].
    pub async fn start_watched(
        spec: &StartSpec,
        at: At,
        on_started: impl FnOnce(u32),
        on_progress: impl FnMut(f32),
    ) -> Result<Handle, WorkerError> {
        let mut starting = Starting::spawn(spec, at).await?;
        on_started(starting.child.id());
        match starting.ready(on_progress).await {
            Ok(info) => Ok(starting.finish(info)),
            Err(error) => Err(starting.give_up(error).await),
        }
    }

    /// Returns the facts about the loaded model.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Returns the worker's process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the address where the worker serves.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the port on which the worker listens, where it listens on one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    pub fn log(&self) -> &LogRing {
        &self.log
    }

    /// Returns how the worker ended, if it has.
    pub fn ending(&mut self) -> Option<Ending> {
        // A failed wait says nothing about the child; the next request will.
        self.child.ending().ok().flatten()
    }

    /// Waits for the worker to end. The future may be dropped and the function called again.
    ///
    /// # Errors
    /// The worker cannot be watched.
    pub async fn ended(&mut self) -> std::io::Result<Ended> {
        let ending = self.child.ended().await?;
        self.log.until_end(LOG_LIMIT).await;
        let class = CrashClass::of(Evidence {
            ending: Some(ending),
            is_wanted: self.child.is_unwanted(),
            has_refused: false,
            oom_kills: self.oom_kills.count(),
        });
        Ok(Ended { ending, class, last_log: self.log.lines_from(self.log_from) })
    }

    /// Waits as [`Handle::ended`] does, after the worker's connections broke: it has ended by then, or is about to.
    /// Returns `None` when it still runs.
    pub async fn death(&mut self) -> Option<Ended> {
        // A failed wait is ignored, as in `ending`.
        tokio::time::timeout(DEATH_LIMIT, self.ended()).await.ok()?.ok()
    }

    /// Sends a chat to the model. `on_piece` gets the answer as it comes, in whole characters; `Break` cancels the
    /// rest, and so do `stop` and dropping the future. Other clients can send requests to the worker's
    /// [`Handle::endpoint`] meanwhile.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub async fn chat(
        &mut self,
        request: &ChatRequest,
        stop: &StopSignal,
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Completion, WorkerError> {
        match exchange::chat(&self.endpoint, request, stop, on_piece).await {
            Ok(completion) => Ok(completion),
            Err(Broken::Late) => Ok(Completion::without(Finish::TimedOut)),
            Err(Broken::Known(error)) => Err(error),
            Err(Broken::Connection(why)) => Err(match self.death().await {
                Some(Ended { ending, last_log, .. }) => WorkerError::Died { ending, last_log },
                None => WorkerError::Protocol(why),
            }),
        }
    }

    /// Kills the worker at once.
    ///
    /// # Errors
    /// The worker hangs in the kernel.
    pub async fn kill(mut self) -> Result<Ending, WorkerError> {
        self.child.kill_async().await.map_err(|error| WorkerError::TimedOut(error.to_string()))
    }

    /// Stops the worker: a running answer may finish within `limit`, then the worker is killed.
    ///
    /// # Errors
    /// The worker hangs in the kernel.
    pub async fn stop(mut self, limit: Duration) -> Result<Ending, WorkerError> {
        self.child.stop_async(limit).await.map_err(|error| WorkerError::TimedOut(error.to_string()))
    }
}

/// A worker that has been started and is not ready. Dropping it kills the worker.
#[derive(Debug)]
pub(super) struct Starting {
    child: Child,
    log: LogRing,
    log_from: u64,
    /// Removed after the child has ended: fields are dropped in this order.
    socket: Option<Socket>,
    lines: StatusLines,
    limits: StartLimits,
    oom_kills: OomKills,
}

impl Starting {
    /// Starts the process of a worker.
    ///
    /// # Errors
    /// [`WorkerError::Spawn`].
    pub async fn spawn(spec: &StartSpec, at: At) -> Result<Starting, WorkerError> {
        let cannot = |error: std::io::Error| WorkerError::Spawn(error.to_string());
        let (socket, listen) = match at {
            At::Port(port) => (None, Listen::Port(port)),
            At::Socket => {
                let dir = spec.runtime_dir.clone();
                // This call scans for abandoned sockets, which can block.
                let socket = tokio::task::spawn_blocking(move || new_socket(&dir)).await;
                let socket = socket.map_err(|error| WorkerError::Spawn(error.to_string()))?.map_err(cannot)?;
                let path = socket.path().to_owned();
                (Some(socket), Listen::Socket(path))
            }
        };
        let (log, oom_kills) = (spec.log.clone().unwrap_or_default(), OomKills::begin());
        let log_from = log.next();
        let spawned = spawn_async(&spawn_spec(spec, listen, log.clone())).await;
        let mut child =
            spawned.map_err(|error| WorkerError::Spawn(format!("cannot run `{}`: {error}", spec.program.display())))?;
        let stdout = child.take_stdout().ok_or_else(|| WorkerError::Spawn("a child without pipes".into()))?;
        let lines = StatusLines::read(stdout).map_err(cannot)?;
        let silence = spec.silence.unwrap_or_else(|| silence(spec.load_limit));
        let limits = StartLimits { whole: spec.load_limit, silence };
        Ok(Starting { child, log, log_from, socket, lines, limits, oom_kills })
    }

    /// Returns the worker's process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the worker's model is loaded.
    ///
    /// # Errors
    /// See [`WorkerError`]; the worker may still run.
    pub async fn ready(&mut self, on_progress: impl FnMut(f32)) -> Result<Info, WorkerError> {
        let why = match until_ready(&mut self.child, &mut self.lines, self.limits, on_progress).await {
            Ok(()) => match self.lines.info.take() {
                Some(info) => return Ok(info),
                None => return Err(WorkerError::Protocol("ready without a model".into())),
            },
            Err(why) => why,
        };
        let told = |time: Duration| humantime::format_duration(time);
        Err(match why {
            NotReady::Ended(_) => self.death("it closed its stdout and runs on").await,
            NotReady::Refused(reason) => {
                WorkerError::Refused { kind: self.lines.failed.unwrap_or(FailedKind::Load), reason }
            }
            NotReady::Protocol(why) => WorkerError::Protocol(why),
            NotReady::TimedOut(limit) => {
                WorkerError::TimedOut(format!("the model was not loaded within {}", told(limit)))
            }
            NotReady::Silent(time) => {
                WorkerError::TimedOut(format!("the worker did not respond for {} while loading", told(time)))
            }
            NotReady::Unwatched(why) => WorkerError::Spawn(why),
        })
    }

    async fn death(&mut self, why: &str) -> WorkerError {
        match tokio::time::timeout(DEATH_LIMIT, self.child.ended()).await {
            Ok(Ok(ending)) => {
                self.log.until_end(LOG_LIMIT).await;
                WorkerError::Died { ending, last_log: self.log.lines_from(self.log_from) }
            }
            _ => WorkerError::Protocol(why.to_owned()),
        }
    }

    /// Kills the worker if it still runs, and returns the reason for giving up.
    pub async fn give_up(mut self, error: WorkerError) -> WorkerError {
        match self.child.kill_async().await {
            Ok(_) => error,
            Err(kill) => WorkerError::TimedOut(format!("{error}; {kill}")),
        }
    }

    /// Converts the start to a handle, with the facts about the loaded model.
    pub fn finish(self, info: Info) -> Handle {
        let Starting { child, log, log_from, socket, lines, oom_kills, .. } = self;
        let port = lines.port;
        let endpoint = match (&socket, port) {
            (Some(socket), _) => Endpoint::Unix(socket.path().to_owned()),
            (None, port) => Endpoint::port(port.unwrap_or(0)),
        };
        Handle { child, log, log_from, endpoint, _socket: socket, port, info, oom_kills }
    }
}

fn spawn_spec(spec: &StartSpec, listen: Listen, log: LogRing) -> SpawnSpec {
    let worker = WorkerSpec {
        listen,
        load: spec.load.clone(),
        parent: Some(std::process::id()),
        nice: spec.nice,
        grace: Duration::from_secs(5),
        device: spec.device.as_ref().map(|held| held.file.clone()),
    };
    SpawnSpec {
        env: [
            ("GOMP_SPINCOUNT".into(), SPIN_COUNT.into()),
            // Without this, a failed assertion starts a debugger where one is installed, and the process ends late.
            ("GGML_NO_BACKTRACE".into(), "1".into()),
        ]
        .into_iter()
        .chain(spec.env.iter().cloned())
        .collect(),
        output: Output::LogStderr(log),
        keep: spec.device.clone().map(|held| held.lock as _),
        ..SpawnSpec::new(&spec.program, worker.command_line())
    }
}

/// Returns how long a worker that loads may be silent: half of the load limit, which is five minutes for the usual ten.
/// The worker gives a sign in every second in which a part of the model was read.
fn silence(load_limit: Duration) -> Duration {
    load_limit.checked_div(2).unwrap_or(load_limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A runtime with several threads moves what it runs from one to another.
    #[test]
    fn starts_ends_and_stops_can_be_spawned() {
        fn is_send<T: Send>(_: &T) {}
        let _: fn(&StartSpec) = |spec| is_send(&Handle::start(spec, At::Socket, |_| {}));
        let _: fn(&mut Handle) = |handle| is_send(&handle.ended());
        let _: fn(Handle) = |handle| is_send(&handle.stop(Duration::ZERO));
    }
}

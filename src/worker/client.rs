//! A worker as the rest of the program sees it: started, asked, stopped. Synchronous outside, one small runtime inside.

use super::args::{Listen, WorkerSpec};
use super::dialect::{ChatRequest, Usage};
use super::error::WorkerError;
use super::exchange;
use super::runtime_dir::{Socket, new_socket};
use super::status::Status;
use crate::config::WorkerConfig;
use crate::engine::{Finish, Info, LoadSpec, TemplateUse, Timings};
use crate::model::Model;
use crate::supervise::{Child, Ending, Interrupt, LogRing, SpawnSpec, spawn};
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ChildStdout;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Receiver, channel};

/// A status line is never longer, bytes.
const STATUS_BYTES: u64 = 1 << 20;
/// How long a worker that has closed its connection may take to be seen dead.
const DEATH_LIMIT: Duration = Duration::from_secs(2);
/// How long the last lines of a dead worker's log may take to arrive.
const LOG_LIMIT: Duration = Duration::from_millis(500);

/// How to start a worker.
#[derive(Debug, Clone)]
pub struct StartSpec {
    /// This program (`/proc/self/exe`), or the one under test.
    pub program: PathBuf,
    /// Where the socket lies; made when missing, mode 0700.
    pub runtime_dir: PathBuf,
    pub load: LoadSpec,
    /// 0 to 19.
    pub nice: i32,
    /// How long loading may take.
    pub load_limit: Duration,
    /// The lock of the device, which the worker then holds as well: it is free when both are gone.
    pub device: Option<Arc<OwnedFd>>,
}

impl StartSpec {
    /// How a worker for `model` is started as the configuration has it. None for a model without a file.
    pub fn of(model: &Model, config: &WorkerConfig, program: PathBuf, runtime_dir: PathBuf) -> Option<StartSpec> {
        // The entry, not its target: the other parts of a split set lie beside the entry.
        let mut load = LoadSpec::new(&model.main()?.path);
        load.context = model.trained_context().map_or(config.context, |t| t.min(config.context));
        load.gpu_layers = config.gpu_layers;
        load.reproducible = config.reproducible;
        if let Some(threads) = config.threads {
            (load.threads, load.threads_batch) = (threads, threads);
        }
        let (nice, load_limit) = (config.nice.into(), config.load_timeout);
        Some(StartSpec { program, runtime_dir, load, nice, load_limit, device: None })
    }
}

/// What a chat came to.
#[derive(Debug, Clone)]
pub struct Completion {
    pub text: String,
    pub finish: Finish,
    pub usage: Usage,
    pub timings: Timings,
    /// Whether the model's chat template was used, or there is none.
    pub template: TemplateUse,
}

impl Completion {
    /// What stands for an answer that did not come in time.
    pub fn timed_out() -> Completion {
        Completion {
            text: String::new(),
            finish: Finish::TimedOut,
            usage: Usage::default(),
            timings: Timings::default(),
            template: TemplateUse::Model,
        }
    }
}

/// A running worker with a loaded model. Dropping it kills it.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    log: LogRing,
    /// Removed after the child is dead: fields are dropped in this order.
    socket: Socket,
    info: Info,
    interrupt: Interrupt,
    runtime: Runtime,
}

impl Worker {
    /// Starts a worker and waits until its model is loaded. `on_progress` gets 0.0 to 1.0. `interrupt` ends this and
    /// every later wait at once.
    pub fn start(
        spec: &StartSpec,
        interrupt: &Interrupt,
        on_progress: &mut dyn FnMut(f32),
    ) -> Result<Worker, WorkerError> {
        let cannot = |error: std::io::Error| WorkerError::Spawn(error.to_string());
        let socket = new_socket(&spec.runtime_dir).map_err(cannot)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        let mut child = spawn(&spawn_spec(spec, socket.path()))
            .map_err(|error| WorkerError::Spawn(format!("cannot run `{}`: {error}", spec.program.display())))?;
        let no_pipe = || WorkerError::Spawn("a child without pipes".into());
        let log = LogRing::follow(child.take_stderr().ok_or_else(no_pipe)?).map_err(cannot)?;
        let mut lines = follow_status(child.take_stdout().ok_or_else(no_pipe)?).map_err(cannot)?;
        let waited = runtime.block_on(async {
            tokio::select! {
                biased;
                why = interrupt.wait() => Err(WorkerError::Interrupted(why)),
                outcome = until_ready(&mut lines, on_progress) => outcome,
                () = tokio::time::sleep(spec.load_limit) => {
                    let limit = humantime::format_duration(spec.load_limit);
                    Err(WorkerError::TimedOut(format!("the model was not loaded within {limit}")))
                }
            }
        });
        match waited {
            Ok(Some(info)) => Ok(Worker { child, log, socket, info, interrupt: interrupt.clone(), runtime }),
            // It closed its stdout without a word: it is dead or dying.
            Ok(None) => Err(death(&mut child, &log, "it closed its stdout and runs on".into())),
            // One that refused its model is on its way out already.
            Err(error) => match child.kill() {
                Ok(_) => Err(error),
                Err(kill) => Err(WorkerError::TimedOut(format!("{error}; {kill}"))),
            },
        }
    }

    /// What it has loaded.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The Unix socket it serves, for other clients.
    pub fn socket(&self) -> &Path {
        self.socket.path()
    }

    /// The last lines of its log, oldest first.
    pub fn log(&self) -> Vec<String> {
        self.log.lines()
    }

    /// How it ended, if it has.
    pub fn ending(&mut self) -> Option<Ending> {
        // A wait that fails tells nothing about the child; the next request will.
        self.child.ending().ok().flatten()
    }

    /// How it ended, after its connections broke: it is dead by then, or about to be. None when it lives on.
    pub fn wait_ending(&mut self) -> Option<Ending> {
        self.child.wait(DEATH_LIMIT).ok().flatten() // as above
    }

    /// Asks the model. `on_piece` gets the answer as it comes, in whole characters; `Break` cancels the rest.
    pub fn chat(
        &mut self,
        request: &ChatRequest,
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Completion, WorkerError> {
        let asked = self.runtime.block_on(exchange::chat(self.socket.path(), request, &self.interrupt, on_piece));
        match asked {
            Err(exchange::Broken::Connection(why)) => Err(death(&mut self.child, &self.log, why)),
            Err(exchange::Broken::Known(error)) => Err(error),
            Ok(completion) => Ok(completion),
        }
    }

    /// Stops it: a running answer may finish within `limit`, then it is killed.
    pub fn stop(mut self, limit: Duration) -> Result<Ending, WorkerError> {
        self.child.stop(limit).map_err(|error| WorkerError::TimedOut(error.to_string()))
    }
}

/// Why a worker stopped talking: because it died, which is the usual reason, or for `why`.
fn death(child: &mut Child, log: &LogRing, why: String) -> WorkerError {
    match child.wait(DEATH_LIMIT) {
        Ok(Some(ending)) => {
            log.wait_for_end(LOG_LIMIT);
            WorkerError::Died { ending, last_log: log.lines() }
        }
        _ => WorkerError::Protocol(why),
    }
}

fn spawn_spec(spec: &StartSpec, socket: &Path) -> SpawnSpec {
    let worker = WorkerSpec {
        listen: Listen::Socket(socket.into()),
        load: spec.load.clone(),
        parent: Some(std::process::id()),
        nice: spec.nice,
        grace: Duration::from_secs(5),
    };
    SpawnSpec {
        program: spec.program.clone(),
        args: worker.command_line(),
        env: vec![
            ("GOMP_SPINCOUNT", crate::engine::SPIN_COUNT.into()),
            // Without it a failed assertion starts a debugger, when one is installed, and dies late.
            ("GGML_NO_BACKTRACE", "1".into()),
        ],
        keep: spec.device.clone(),
    }
}

/// The worker's status lines, read on a thread of their own; the channel ends with the stream.
fn follow_status(stdout: ChildStdout) -> std::io::Result<Receiver<Result<Status, String>>> {
    let (lines, receiver) = channel(64);
    std::thread::Builder::new().name("worker-status".into()).spawn(move || {
        let mut reader = BufReader::new(stdout);
        loop {
            let mut line = String::new();
            match (&mut reader).take(STATUS_BYTES).read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let status = serde_json::from_str(&line).map_err(|error| format!("status {:?}: {error}", line.trim_end()));
            // Nobody listens after `ready`; reading goes on, so that the pipe never fills.
            let _ = lines.blocking_send(status);
        }
    })?;
    Ok(receiver)
}

/// `None` when the worker ends without a word.
async fn until_ready(
    lines: &mut Receiver<Result<Status, String>>,
    on_progress: &mut dyn FnMut(f32),
) -> Result<Option<Info>, WorkerError> {
    while let Some(line) = lines.recv().await {
        match line.map_err(WorkerError::Protocol)? {
            Status::Listening { .. } => {}
            Status::Loading { fraction } => on_progress(fraction),
            Status::Ready(info) => return Ok(Some(info)),
            Status::Failed { reason, .. } => return Err(WorkerError::Refused { reason }),
        }
    }
    Ok(None)
}

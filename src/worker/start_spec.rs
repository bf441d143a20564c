use crate::config::WorkerConfig;
use crate::engine::LoadSpec;
use crate::host::file_lock::FileLock;
use crate::host::named_lock::LockFile;
use crate::model::Model;
use crate::supervise::LogRing;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The settings for starting a worker.
#[derive(Debug, Clone)]
pub struct StartSpec {
    /// This program (`/proc/self/exe`), or the one under test.
    pub program: PathBuf,
    /// The directory of the socket; made when missing, mode 0700.
    pub runtime_dir: PathBuf,
    pub load: LoadSpec,
    /// Added to the scheduling priority, 0 to 19.
    pub nice: i32,
    /// Time that loading may take.
    pub load_limit: Duration,
    /// Time that loading may make no progress; `None` means half of the limit.
    pub silence: Option<Duration>,
    /// Variables added to the environment of the worker.
    pub env: Vec<(OsString, OsString)>,
    /// The log that the worker continues; `None` means one of its own.
    pub log: Option<LogRing>,
    /// The lock of the device, which the worker then holds as well: it is free when both have ended.
    pub device: Option<Held>,
}

/// The lock of the device, and its file. A process that has lost the device may still start a worker; that worker then
/// finds another file there, and loads nothing.
#[derive(Debug, Clone)]
pub struct Held {
    pub lock: Arc<FileLock>,
    pub file: LockFile,
}

impl StartSpec {
    /// Describes a worker with our own priority, environment and a log of its own, on no device that has to be held.
    pub fn new(program: PathBuf, runtime_dir: PathBuf, load: LoadSpec, load_limit: Duration) -> StartSpec {
        StartSpec {
            program,
            runtime_dir,
            load,
            nice: 0,
            load_limit,
            silence: None,
            env: Vec::new(),
            log: None,
            device: None,
        }
    }

    /// Returns how the configuration starts a worker for `model`. Returns None for a model without a file.
    pub fn of(model: &Model, config: &WorkerConfig, program: PathBuf, runtime_dir: PathBuf) -> Option<StartSpec> {
        // The entry, not its target: the other parts of a split set are next to the entry.
        let mut load = LoadSpec::new(&model.main()?.path);
        load.context = model.trained_context().map_or(config.context, |t| t.min(config.context));
        load.gpu_layers = config.gpu_layers;
        load.reproducible = config.reproducible;
        if let Some(threads) = config.threads {
            (load.threads, load.threads_batch) = (threads, threads);
        }
        let nice = config.nice.into();
        Some(StartSpec { nice, ..StartSpec::new(program, runtime_dir, load, config.load_timeout) })
    }
}

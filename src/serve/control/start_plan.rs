//! How a server is started, and how it ended.

use crate::engine::{CONTEXTS, LoadSpec, Pooling, TEXT_TOKENS};
use crate::lifecycle::{EndClass, Purpose};
use crate::model::server::ServerSettings;
use crate::ops::needs;
use crate::supervise::{CrashClass, Ending, LogRing};
use crate::worker::StartSpec;
use std::path::PathBuf;
use std::time::Duration;

/// Requests that a worker of ours answers at once where memory is enough: see `queue/executor/load.rs`.
const PARALLEL: u32 = 16;
/// The time that loading may take without a size.
const BASE: Duration = Duration::from_secs(60);
/// The time that each GiB may add.
const PER_GIB: Duration = Duration::from_secs(20);
/// How to start a server.
#[derive(Debug, Clone)]
pub struct StartPlan {
    pub model: PathBuf,
    pub mmproj: Option<PathBuf>,
    pub name: String,
    pub purpose: Purpose,
    pub gives_vectors: bool,
    pub settings: ServerSettings,
    /// This program.
    pub program: PathBuf,
    pub llama_server: PathBuf,
    pub runtime_dir: PathBuf,
    pub nice: i32,
    /// Whether an answer does not depend on what is answered at the same time; see [`LoadSpec`].
    pub reproducible: bool,
    /// The longest time that loading may take, however much progress it makes.
    pub load_limit: Duration,
    /// Bytes of all files.
    pub bytes: u64,
    pub log: LogRing,
}

/// Why a server did not start, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub class: EndClass,
    pub reason: String,
    pub last_log: Option<String>,
    pub exit_code: Option<i32>,
}

impl StartPlan {
    /// Returns how long a load may make no progress.
    pub fn silence(&self) -> Duration {
        let by_size = PER_GIB.saturating_mul(u32::try_from(self.bytes >> 30).unwrap_or(u32::MAX));
        BASE.saturating_add(by_size).min(self.load_limit)
    }

    /// Returns how many times longer than with the usual longest text one decode may take.
    pub fn slower(&self) -> u32 {
        let tokens = if self.gives_vectors { needs::text_tokens(&self.settings, self.purpose) } else { TEXT_TOKENS };
        tokens.div_ceil(TEXT_TOKENS)
    }

    /// Returns the requests that the server answers at once.
    pub fn parallel(&self) -> u32 {
        self.settings.parallel.unwrap_or(PARALLEL)
    }

    /// Returns the start of a worker of ours.
    pub fn worker(&self) -> StartSpec {
        let mut load = LoadSpec::new(&self.model);
        load.context = self.settings.context;
        load.parallel = self.parallel();
        load.queue = usize::try_from(load.parallel).unwrap_or(1).saturating_mul(4).max(32);
        load.gpu_layers = self.settings.gpu_layers;
        load.reproducible = self.reproducible;
        if let Some(threads) = self.settings.threads {
            (load.threads, load.threads_batch) = (threads, threads);
        }
        if self.purpose == Purpose::Vectors {
            load.pooling = Some(Pooling::Mean);
        }
        if self.gives_vectors {
            load.text_tokens = needs::text_tokens(&self.settings, self.purpose);
        }
        StartSpec {
            program: self.program.clone(),
            runtime_dir: self.runtime_dir.clone(),
            load,
            nice: self.nice,
            load_limit: self.load_limit,
            silence: Some(self.silence()),
            device: None,
            env: self.settings.env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            log: Some(self.log.clone()),
        }
    }
}

pub(super) fn unwatched(error: &std::io::Error) -> Ended {
    let reason = format!("its process cannot be watched: {error}");
    Ended { class: EndClass::Disappeared, reason, last_log: None, exit_code: None }
}

pub(super) fn of_ending(ending: Ending, class: CrashClass, log: Vec<String>) -> Ended {
    let class = match class {
        CrashClass::Oom => EndClass::Oom,
        CrashClass::Refused => EndClass::Refused,
        CrashClass::Crash => EndClass::Crash,
        CrashClass::Disappeared | CrashClass::Wanted => EndClass::Disappeared,
    };
    let exit_code = match ending {
        Ending::Exited(code) => Some(code),
        Ending::Signalled { .. } => None,
    };
    Ended { class, reason: format!("the server {ending}"), last_log: last_words(log), exit_code }
}

/// Returns the last line of a log that the server itself wrote, not one of ours about it.
pub(super) fn last_words(log: Vec<String>) -> Option<String> {
    log.into_iter().rfind(|line| !line.starts_with("modelctl: "))
}

/// Returns the number of contexts for which a server with this many parallel requests reserves memory.
pub fn contexts(parallel: u32) -> u32 {
    parallel.clamp(1, CONTEXTS)
}

use super::{Check, CheckName};
use crate::clock::Timestamp;
use crate::model::service::{FoundBy, Manager, Service};
use crate::node::Fact;
use std::path::PathBuf;

/// A service and the state that its manager, or `/proc`, reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub service: Service,
    /// Absent where the service is known to have no process and no manager.
    pub running: Fact<Running>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    pub state: RunState,
    /// In the words of the manager: `RUNNING`, `active (running)`.
    pub word: String,
    /// The main process first, then those below it.
    pub pids: Vec<u32>,
    /// The state of the main process in `/proc`: `R`, `S`, `D`, `T`, `Z`.
    pub process_state: Option<char>,
    pub since: Option<Timestamp>,
    /// Bytes that its processes have read from disks.
    pub read_bytes: Option<u64>,
    /// Whether one of its processes has a GPU device open; None: unknown.
    pub has_gpu: Option<bool>,
    /// The model file that a command line of its processes names.
    pub model: Option<PathBuf>,
    /// Its exit status, or why it could not be started; of one that runs, what is wrong all the same.
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    Running,
    Starting,
    /// It ended as it should: a task that runs once.
    Finished,
    /// Somebody stopped it, or it was never started.
    Stopped,
    /// It ended although it should run, or is started again and again.
    Failed,
}

/// Judges whether the process of a service is there. None where nothing says how to find it and its endpoint is asked
/// instead.
pub fn service(seen: &Seen) -> Option<Check> {
    const NAME: CheckName = CheckName::Services;
    let target = seen.service.name.as_str();
    let Some(running) = seen.running.known() else {
        if seen.service.manager == Manager::None {
            let reason = "set a `manager` or an `endpoint` for it in the config";
            let is_asked = seen.service.endpoint.is_some() || seen.service.model.is_some();
            return (!is_asked).then(|| Check::unknown(NAME, target, "state unknown", reason));
        }
        if seen.running.is_unknown() {
            return Some(Check::of_unknown(NAME, target, "state unknown", &seen.running));
        }
        let why = seen.running.why().unwrap_or_default();
        return Some(Check::critical(NAME, target, "not running", why));
    };
    let word = running.word.as_str();
    let detail = running.detail.as_deref();
    let pid = running.pids.first().map_or_else(String::new, |pid| format!(", process {pid}"));
    Some(match (running.state, running.process_state) {
        (RunState::Running | RunState::Starting, Some('T' | 't')) => {
            Check::critical(NAME, target, format!("{word}{pid}"), "its process is stopped by a signal")
        }
        (RunState::Running | RunState::Starting, Some('Z' | 'X')) => {
            Check::critical(NAME, target, format!("{word}{pid}"), "its process has exited but was not reaped (zombie)")
        }
        (RunState::Running, _) if detail.is_some() => {
            Check::warning(NAME, target, format!("{word}{pid}"), detail.unwrap_or_default())
        }
        (RunState::Running, _) => Check::ok(NAME, target, format!("{word}{pid}")),
        (RunState::Starting, _) => Check::warning(NAME, target, format!("{word}{pid}"), "starting"),
        (RunState::Finished, _) => Check::ok(NAME, target, format!("{word}, as expected")),
        // Found by itself, it may be stopped on purpose; the config says that it should be there.
        (RunState::Stopped, _) if seen.service.found != FoundBy::Config => {
            Check::warning(NAME, target, word, detail.unwrap_or("stopped"))
        }
        (RunState::Stopped, _) => Check::critical(NAME, target, word, detail.unwrap_or("stopped")),
        (RunState::Failed, _) => Check::critical(NAME, target, word, detail.unwrap_or("it does not stay up")),
    })
}

//! The reads that a child does, and what it runs for each.

use super::files::{self, FilesRead};
use crate::clock::{self, Timestamp};
use crate::node::log::{self, LogFacts, LogKind, LogLine};
use crate::node::machine::{self, ControlGroup, Machine};
use crate::node::process::{self, Brief, Listener, Parents, Process};
use crate::node::supervisord::{self, Credentials, Supervisord, SupervisordSearch};
use crate::node::{Fact, Outcome, Place, kernel};
use crate::triage::rules::is_known;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// A read of the node. Every answer is JSON of the type that its variant names.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum NodeRead {
    /// [`Processes`]
    Processes { root: PathBuf },
    /// Vec of [`SupervisordRead`]; `logs` are those besides the main log, and None reads no log at all.
    Supervisords { root: PathBuf, config: Option<PathBuf>, logs: Option<Vec<PathBuf>>, limit_ms: u64, is_brief: bool },
    /// [`ServiceProcesses`]; `family` has the processes below it, each with its parent, where they are known already.
    Service { root: PathBuf, pid: u32, family: Option<Vec<(u32, u32)>> },
    /// [`super::files::ServiceFiles`]
    Files(Box<FilesRead>),
    /// `Fact<KernelLog>`
    Kernel { root: PathBuf, kmsg: Option<PathBuf>, since: Timestamp },
    /// [`Machine`] without its disks
    Machine { root: PathBuf },
}

/// Everything that runs, and every socket that listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Processes {
    pub all: Fact<Vec<Brief>>,
    pub listeners: Fact<Vec<Listener>>,
}

/// One supervisord with its logs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SupervisordRead {
    pub search: SupervisordSearch,
    pub answer: Fact<Supervisord>,
    /// The programs of its config file, for a supervisord that does not answer; with the processes that its log says it
    /// has started and that still run.
    pub configured: Fact<Vec<supervisord::Program>>,
    /// Its main log first.
    pub logs: Vec<Fact<LogFacts>>,
    /// Its password.
    pub secrets: Vec<String>,
}

impl SupervisordRead {
    /// Returns the lines of its own log that were kept; none where it was not read.
    pub fn main_log(&self) -> &[LogLine] {
        self.logs.first().and_then(Fact::known).map_or(&[], |log| &log.marked)
    }
}

/// The processes of a service and what holds them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceProcesses {
    pub processes: Vec<Fact<Process>>,
    pub cgroups: Vec<Fact<ControlGroup>>,
    pub shared_memory: Fact<(u64, u64)>,
    /// Values of variables whose names speak of secrets.
    pub secrets: Vec<String>,
}

impl NodeRead {
    /// Reads, in this very process. May never return.
    ///
    /// # Errors
    /// None in practice: every answer can be written as JSON.
    pub fn run(self) -> serde_json::Result<Value> {
        let now = clock::now();
        match self {
            NodeRead::Processes { root } => {
                let place = Place::new(root);
                serde_json::to_value(Processes { all: process::all(&place), listeners: process::listeners(&place) })
            }
            NodeRead::Supervisords { root, config, logs, limit_ms, is_brief } => {
                let place = Place::new(root);
                let limits = supervisord::Asking { limit: Duration::from_millis(limit_ms), is_brief };
                serde_json::to_value(supervisords(&place, config, logs.as_deref(), limits, now))
            }
            NodeRead::Service { root, pid, family } => {
                let place = Place::new(root);
                let parents = family.map_or_else(|| Parents::read(&place), Parents::from_iter);
                let processes = process::tree(&place, pid, &parents, now);
                let first = processes.first().and_then(Fact::known);
                let cgroups = first.map(|process| machine::control_groups(&place, process)).unwrap_or_default();
                let shared_memory = machine::shared_memory(&place, pid);
                let pids = processes.iter().filter_map(Fact::known).map(|process| process.pid);
                let variables = pids.flat_map(|pid| process::variables(&place, pid, process::is_secret_name));
                let secrets = variables.map(|(_, value)| value).collect();
                serde_json::to_value(ServiceProcesses { processes, cgroups, shared_memory, secrets })
            }
            NodeRead::Files(read) => serde_json::to_value(files::read(&read, now)),
            NodeRead::Kernel { root, kmsg, since } => {
                serde_json::to_value(kernel::read(&Place::new(root), kmsg.as_deref(), since, now))
            }
            NodeRead::Machine { root } => serde_json::to_value(machine(&Place::new(root), now)),
        }
    }
}

fn supervisords(
    place: &Place,
    config: Option<PathBuf>,
    logs: Option<&[PathBuf]>,
    asking: supervisord::Asking,
    now: Timestamp,
) -> Vec<SupervisordRead> {
    let searches = supervisord::find(place, config.as_deref());
    let read = |mut search: SupervisordSearch| {
        let credentials = supervisord::credentials(place, &search);
        let main = search.main_log.clone().filter(|_| logs.is_some()).map(|path| (path, LogKind::Main));
        let others = logs.into_iter().flatten().map(|path| (path.clone(), LogKind::Extra));
        let named: Vec<(PathBuf, LogKind)> = main.into_iter().chain(others).collect();
        let is_of_interest = |line: &str| log::event(line).is_some() || is_known(line);
        let read_log = |(path, kind): &(PathBuf, LogKind)| {
            log::read(place, path, *kind, &is_of_interest, log::Limits::default(), now)
        };
        // A supervisord that is slow leaves time enough for its logs.
        let (answer, logs) = std::thread::scope(|scope| {
            let logs = scope.spawn(|| named.iter().map(read_log).collect::<Vec<_>>());
            let answer = supervisord::ask(place, &mut search, credentials.as_ref(), asking, now);
            // One that broke down is told so on stderr, and its logs are missing.
            (answer, logs.join().unwrap_or_default())
        });
        let main: &[LogLine] = logs.first().and_then(Fact::known).map_or(&[], |log| &log.marked);
        let mut configured = supervisord::configured(place, &search, now);
        if answer.is_unknown() {
            configured = configured.map(|programs| supervisord::by_log(place, programs, main, &search, now));
        }
        let secrets = credentials.map(Credentials::into_password).into_iter().collect();
        SupervisordRead { search, answer, configured, logs, secrets }
    };
    searches.into_iter().map(read).collect()
}

fn machine(place: &Place, now: Timestamp) -> Machine {
    Machine {
        host: machine::host_name(place),
        kernel: machine::kernel_release(place),
        container: machine::container(place),
        uid: rustix::process::geteuid().as_raw(),
        // Without an answer nothing is judged by the number of cores.
        cpus: std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()),
        cpu_flags: machine::cpu_flags(place),
        memory: machine::memory(place),
        pressure: machine::pressure(place),
        disks: Vec::new(),
        clock: machine::clock_state(place, now),
        listeners: Fact::new("/proc/net", now, Outcome::Failed { why: "not read here".to_owned() }),
        addresses: machine::addresses(place),
    }
}

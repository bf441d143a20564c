//! Everything that is judged, as plain data that a bundle holds and that rules read: no rule reads the node.

use crate::clock::Timestamp;
use crate::model::service::Service;
use crate::node::Fact;
use crate::node::endpoint::Endpoint;
use crate::node::gpu::Gpus;
use crate::node::kernel::KernelLog;
use crate::node::log::{Life, LogFacts};
use crate::node::machine::{ControlGroup, Machine};
use crate::node::model_file::{FileView, ModelFile};
use crate::node::process::Process;
pub use crate::node::program::{GateFound, HubFacts, Launcher, Library, Poller, PythonFacts, QueueAnswer, TorchFacts};
use crate::node::supervisord::{Program, Supervisord, SupervisordSearch};
use crate::node::systemd::Unit;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of this shape; a bundle with a higher one is refused.
pub const FACTS_SCHEMA: u32 = 1;

/// The facts of one look at a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub schema: u32,
    pub modelctl: String,
    pub taken: Timestamp,
    /// The start of the time that is looked at.
    pub since: Timestamp,
    pub machine: Machine,
    pub kernel: Fact<KernelLog>,
    pub gpus: Fact<Gpus>,
    pub supervisords: Vec<SupervisordFacts>,
    pub services: Vec<ServiceFacts>,
    pub database: Fact<DatabaseFacts>,
    /// Programs that `[triage] must_not_run` names and that run: the pattern, pid, command line.
    pub must_not_run: Vec<(String, u32, Vec<String>)>,
    /// What differs from the baseline, where there is one.
    pub changes: Option<Changes>,
    pub collectors: Vec<CollectorReport>,
}

/// One supervisord, or the place where one should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupervisordFacts {
    pub search: SupervisordSearch,
    pub answer: Fact<Supervisord>,
    /// Its main log, and the logs that `[supervisor] logs` names: what wrote while it started.
    pub logs: Vec<Fact<LogFacts>>,
    /// Whether anything of the configuration or of the node says that it should run.
    pub is_expected: bool,
}

/// One service with everything that was seen of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceFacts {
    pub service: Service,
    /// Of supervisord, where it manages the service.
    pub program: Option<Fact<Program>>,
    /// Of systemd, where it manages the service.
    pub unit: Option<Fact<Unit>>,
    /// The main process first, then its descendants.
    pub processes: Vec<Fact<Process>>,
    pub lives: Vec<Life>,
    pub logs: Vec<Fact<LogFacts>>,
    pub gates: Vec<GateFound>,
    pub launcher: Option<Launcher>,
    pub cgroups: Vec<Fact<ControlGroup>>,
    pub endpoint: Option<Fact<Endpoint>>,
    /// The model that the command line or the configuration names.
    pub model: Option<Fact<ModelFile>>,
    /// The other files that it should have.
    pub files: Vec<(PathBuf, Fact<FileView>)>,
    /// Libraries that its program needs: name, where it was found.
    pub libraries: Option<Fact<Vec<Library>>>,
    pub queue: Option<Fact<QueueAnswer>>,
    pub python: Option<Fact<PythonFacts>>,
    /// What its torch says when it is imported, where that was asked for.
    #[serde(default)]
    pub torch: Option<Fact<TorchFacts>>,
    /// `/dev/shm` as it sees it: total and available bytes.
    pub shared_memory: Option<Fact<(u64, u64)>>,
    /// Whether a hub cache on this node has the model that it asks the hub for; None: it asks for none.
    pub hub: Option<HubFacts>,
    /// The seconds that a load of its model should take, by size and the measured or assumed speed.
    pub expected_load_s: Option<f64>,
    /// Where its parts are, for `--map`: configuration, launcher, entry file, requirements, model files, logs.
    #[serde(default)]
    pub map: Vec<Mapped>,
    /// The files of its application: what is in its working directory, at most 50.
    #[serde(default)]
    pub app_files: Vec<Mapped>,
}

impl ServiceFacts {
    /// Creates the facts of a service of which nothing was read yet.
    pub fn new(service: Service) -> ServiceFacts {
        ServiceFacts {
            service,
            program: None,
            unit: None,
            processes: Vec::new(),
            lives: Vec::new(),
            logs: Vec::new(),
            gates: Vec::new(),
            launcher: None,
            cgroups: Vec::new(),
            endpoint: None,
            model: None,
            files: Vec::new(),
            libraries: None,
            queue: None,
            python: None,
            torch: None,
            shared_memory: None,
            hub: None,
            expected_load_s: None,
            map: Vec::new(),
            app_files: Vec::new(),
        }
    }
}

/// A file that belongs to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped {
    /// `supervisor config`, `launcher`, `working directory`, `entry file`, `requirements`, `model`, `log`.
    pub what: String,
    pub path: PathBuf,
    /// The line where its section begins.
    pub line: Option<u32>,
    /// In bytes; None for a folder, and for what could not be read.
    pub size: Option<u64>,
    pub modified: Option<Timestamp>,
    /// Why nothing is known of it: absent, denied.
    pub why: Option<String>,
    /// Of a file of at most 64 MiB that is no model and no log, in hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// Our own database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    pub path: PathBuf,
    pub failed_tasks: u64,
    pub due_tasks: u64,
    /// Tasks that are claimed by an executor that is gone.
    pub orphaned_tasks: u64,
    pub executors_alive: u64,
    /// The last error of a failed task in the time that is looked at.
    pub last_error: Option<String>,
    pub damage: Option<String>,
}

/// What differs from the baseline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    pub baseline_taken: Option<Timestamp>,
    pub is_same_boot: bool,
    pub changes: Vec<Change>,
    /// Counters that a rule compares: name, value then.
    pub counters: std::collections::BTreeMap<String, f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Change {
    /// None: of the node.
    pub service: Option<String>,
    /// `command line`, `file /x/y`, `driver`, `listener 0.0.0.0:80`, …
    pub what: String,
    pub was: Option<String>,
    pub is: Option<String>,
    pub undo: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CollectorStatus {
    Ok,
    Absent,
    Denied,
    TimedOut,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectorReport {
    pub name: String,
    pub status: CollectorStatus,
    pub ms: u64,
    /// What a child answered; 0 where it gave no answer, and for what is read without one.
    pub bytes: u64,
    /// Why, where it is not ok.
    pub why: Option<String>,
    /// The right that is missing, and the command that has it.
    pub right: Option<String>,
    pub command: Option<Vec<String>>,
}

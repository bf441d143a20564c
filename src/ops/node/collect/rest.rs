//! What is read of a service after its processes: lives, logs and the rest of its files, its model, its queue.

use crate::node::Fact;
use crate::node::log::{Life, LifeEnd, LogFacts, LogKind};
use crate::node::model_file::ModelFile;
use crate::node::process::Process;
use crate::node::program::{QueueAnswer, TorchFacts};
use crate::node::supervisord::Program;
use crate::ops::node::files::ServiceFiles;
use crate::triage::facts::{Mapped, ServiceFacts};
use std::path::PathBuf;

/// Bytes a second that a disk gives at least, where nothing was measured.
const SLOW_DISK: f64 = 200.0 * 1_048_576.0;
/// Seconds that a start takes besides reading its model.
const START_S: f64 = 5.0;

/// What is read of a service after its processes.
pub struct Rest {
    pub lives: Vec<Life>,
    pub logs: Vec<Fact<LogFacts>>,
    pub files: Option<ServiceFiles>,
    pub model: Option<Fact<ModelFile>>,
    pub queue: Option<Fact<QueueAnswer>>,
    pub torch: Option<Fact<TorchFacts>>,
}

impl Rest {
    /// Completes the facts of the service.
    pub fn put(self, facts: &mut ServiceFacts) {
        facts.lives = self.lives;
        facts.logs = self.logs;
        facts.queue = self.queue;
        facts.torch = self.torch;
        if let Some(files) = self.files {
            facts.gates = files.gates;
            facts.launcher = files.launcher;
            facts.libraries = files.libraries;
            facts.python = files.python;
            facts.hub = files.hub;
            facts.files = files.files;
            facts.map = files.map;
            facts.app_files = files.app_files;
        }
        if let Some(model) = &self.model {
            let view = model.known().and_then(|model| model.ours.known().or(model.service.known()));
            facts.expected_load_s = view.map(|view| START_S + view.size as f64 / SLOW_DISK);
            let mapped = model.known().map(|model| Mapped {
                what: "model".to_owned(),
                path: model.path.clone(),
                line: None,
                size: view.map(|view| view.size),
                modified: view.and_then(|view| view.modified),
                why: model.service.why().map(str::to_owned),
                sha256: None,
            });
            facts.map.extend(mapped);
        }
        facts.model = self.model;
    }
}

/// Returns the life of a process whose manager keeps no record.
pub fn running_life(process: &Process) -> Life {
    Life {
        began: process.started,
        lasted_s: None,
        end: LifeEnd::Running,
        pid: Some(process.pid),
        started_well: true,
        first_error: None,
        end_line: None,
    }
}

/// Returns the logs that supervisord writes for a program.
pub fn log_paths(program: &Program) -> Vec<(PathBuf, LogKind)> {
    let stdout = program.stdout_log.iter().map(|path| (path.clone(), LogKind::Stdout));
    let stderr = program.stderr_log.iter().map(|path| (path.clone(), LogKind::Stderr));
    stderr.chain(stdout).collect()
}

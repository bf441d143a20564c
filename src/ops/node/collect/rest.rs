/// What is read of a service after its processes.
struct Rest {
    lives: Vec<Life>,
    logs: Vec<Fact<LogFacts>>,
    files: Option<ServiceFiles>,
    model: Option<Fact<ModelFile>>,
    queue: Option<Fact<crate::node::program::QueueAnswer>>,
}

impl Rest {
    fn put(self, facts: &mut ServiceFacts) {
        facts.lives = self.lives;
        facts.logs = self.logs;
        facts.queue = self.queue;
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
            let mapped = model.known().map(|model| crate::triage::facts::Mapped {
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

fn running_life(process: &Process) -> Life {
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

fn log_paths(program: &supervisord::Program) -> Vec<(PathBuf, LogKind)> {
    let stdout = program.stdout_log.iter().map(|path| (path.clone(), LogKind::Stdout));
    let stderr = program.stderr_log.iter().map(|path| (path.clone(), LogKind::Stderr));
    stderr.chain(stdout).collect()
}

fn pid_in(path: &Path) -> Option<u32> {
    use std::io::Read;
    let mut text = String::new();
    // A file that is not there, or holds something else, names no process.
    std::fs::File::open(path).ok()?.take(64).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

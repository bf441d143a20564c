//! All facts of the node, for triage.

use super::discover::{Discovered, Where, discover, port_of};
use super::files::{FilesRead, ServiceFiles};
use super::look::{Collectors, outcome};
use super::parallel::parallel;
use super::reads::{NodeRead, ServiceProcesses, SupervisordRead};
use super::{database, queue};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::host::self_child::OURSELVES;
use crate::model::service::{Manager, Service};
use crate::node::endpoint::{self, Endpoint, EndpointRequest};
use crate::node::log::{self, Life, LifeEnd, LogFacts, LogKind};
use crate::node::machine::Machine;
use crate::node::model_file::{self, ModelFile, ModelFileRequest};
use crate::node::process::{self, Process};
use crate::node::supervisord;
use crate::node::systemd::{self, Unit};
use crate::node::{Fact, Outcome, Place, gpu};
use crate::ops::{Session, resolve_model};
use crate::triage::facts::{FACTS_SCHEMA, Facts, ServiceFacts, SupervisordFacts};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Services that are looked at side by side: their children mostly wait.
const WIDTH: usize = 16;
/// Seconds between two samples of an endpoint.
const SAMPLE_S: f64 = 2.0;
/// Bytes a second that a disk gives at least, where nothing was measured.
const SLOW_DISK: f64 = 200.0 * 1_048_576.0;
/// Seconds that a start takes besides reading its model.
const START_S: f64 = 5.0;

/// What is collected.
#[derive(Debug, Clone)]
pub struct CollectRequest {
    pub at: Where,
    /// How far back logs count.
    pub since: Duration,
    /// Only these services; all where empty.
    pub services: Vec<String>,
    /// Recorded texts in place of the kernel log and the journal.
    pub kmsg: Option<PathBuf>,
    pub journal: Option<PathBuf>,
    /// Seconds between two reads of the size of a model file.
    pub pause_s: f64,
    /// Whether one token is asked of endpoints that have a free slot.
    pub deep: bool,
}

impl Default for CollectRequest {
    fn default() -> CollectRequest {
        CollectRequest {
            at: Where::default(),
            since: Duration::from_secs(3600),
            services: Vec::new(),
            kmsg: None,
            journal: None,
            pause_s: 3.0,
            deep: false,
        }
    }
}

/// Collects the facts of the node. Takes a few seconds on a healthy one, and at most about four times the limit of a
/// read where everything hangs.
///
/// # Errors
/// `CannotMeet` where a service is named that does not exist.
pub fn collect(session: &mut Session, request: &CollectRequest) -> anyhow::Result<Facts> {
    let now = session.now;
    let millis = i64::try_from(request.since.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp(now.millis().saturating_sub(millis));
    let collectors = Collectors::default();
    let mut found = discover(&session.config, &request.at, &collectors);
    only(&mut found.services, &request.services)?;
    resolve_models(session, &mut found.services);
    let database = collectors.timed("database", || database::read(session, since));
    let config = session.config.clone();
    let look = Look { found: &found, config: &config, request, collectors: &collectors, since, now };
    let (services, node) = std::thread::scope(|scope| {
        let node = scope.spawn(|| look.node());
        let services = look.services();
        (services, node.join())
    });
    // A thread that broke down is a bug that its panic message names; what it would have read is missing then.
    let Ok((mut machine, kernel, gpus)) = node else { anyhow::bail!("the thread that reads the node broke down") };
    machine.listeners = found.listeners.clone();
    machine.disks = look.disks(&services);
    let is_expected = |read: &SupervisordRead| {
        config.supervisor.config.is_some()
            || services.iter().any(|one| matches!(one.service.manager, Manager::Supervisor(_)))
            || !read.search.processes.is_empty()
            || read.search.config_file.is_some()
    };
    let supervisords = found.supervisords.iter().map(|read| SupervisordFacts {
        search: read.search.clone(),
        answer: read.answer.clone(),
        logs: read.logs.clone(),
        is_expected: is_expected(read),
    });
    let supervisords = supervisords.collect();
    let must_not_run = must_not_run(&config, &found);
    Ok(Facts {
        schema: FACTS_SCHEMA,
        modelctl: env!("CARGO_PKG_VERSION").to_owned(),
        taken: now,
        since,
        machine,
        kernel,
        gpus,
        supervisords,
        services,
        database,
        must_not_run,
        changes: None,
        collectors: collectors.reports(),
    })
}

/// Keeps the named services.
fn only(services: &mut Vec<Service>, names: &[String]) -> anyhow::Result<()> {
    for name in names {
        if !services.iter().any(|service| service.name == *name) {
            let known: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
            let hint = match known.is_empty() {
                true => "this node has no services that modelctl finds; `[[services]]` in the config file names them".to_owned(),
                false => format!("services of this node: {}", known.join(", ")),
            };
            return Err(crate::failure::Failure::cannot_meet(format!("no service is named `{name}`")).hint(hint).into());
        }
    }
    services.retain(|service| names.is_empty() || names.contains(&service.name));
    Ok(())
}

/// Replaces the name of a model by the path of its file. A name that leads nowhere stays, and is then a path that does
/// not exist.
fn resolve_models(session: &mut Session, services: &mut [Service]) {
    for service in services {
        let Some(model) = service.model.as_ref().filter(|model| !model.contains('/')) else { continue };
        if let Ok(path) = resolve_model::path_of(session, model) {
            service.model = Some(path.to_string_lossy().into_owned());
        }
    }
}

fn must_not_run(config: &Config, found: &Discovered) -> Vec<(String, u32, Vec<String>)> {
    let patterns = &config.triage.must_not_run;
    let all = found.processes.known().into_iter().flatten();
    all.filter_map(|process| {
        let words = process.argv.iter().take(4).map(|word| word.rsplit('/').next().unwrap_or(word));
        let names: Vec<&str> = words.collect();
        let pattern = patterns.iter().find(|pattern| names.iter().any(|name| name.contains(pattern.as_str())))?;
        Some((pattern.clone(), process.pid, process.argv.clone()))
    })
    .collect()
}

struct Look<'a> {
    found: &'a Discovered,
    config: &'a Config,
    request: &'a CollectRequest,
    collectors: &'a Collectors,
    since: Timestamp,
    now: Timestamp,
}

type OfNode = (Machine, Fact<crate::node::kernel::KernelLog>, Fact<gpu::Gpus>);

impl Look<'_> {
    fn root(&self) -> PathBuf {
        self.request.at.root.clone()
    }

    fn limit(&self) -> Duration {
        self.request.at.limit
    }

    /// Reads what belongs to the machine as a whole.
    fn node(&self) -> OfNode {
        std::thread::scope(|scope| {
            let kernel = scope.spawn(|| {
                let read =
                    NodeRead::Kernel { root: self.root(), kmsg: self.request.kmsg.clone(), since: self.since };
                self.collectors.fact("kernel log", &read, self.limit())
            });
            let gpus = scope.spawn(|| {
                let place = Place::new(self.root());
                self.collectors.timed("gpu", || gpu::read(&place, Path::new(OURSELVES), self.limit(), self.now))
            });
            let machine = self.collectors.read("machine", &NodeRead::Machine { root: self.root() }, self.limit());
            let broken = |what: &str| Outcome::Failed { why: format!("the thread that reads the {what} broke down") };
            let kernel = kernel.join().unwrap_or_else(|_| Fact::new("kernel log", self.now, broken("kernel log")));
            let gpus = gpus.join().unwrap_or_else(|_| Fact::new("gpu", self.now, broken("GPUs")));
            (machine.unwrap_or_else(|not| unknown_machine(self.now, not)), kernel, gpus)
        })
    }

    /// Reads the disks that hold something of ours, each by a child of its own: one that hangs hides no other.
    fn disks(&self, services: &[ServiceFacts]) -> Vec<Fact<crate::node::machine::Disk>> {
        let mut wanted: Vec<(PathBuf, String)> = vec![(self.config.database.clone(), "database".to_owned())];
        wanted.extend(self.config.roots.paths.iter().map(|root| (root.path.clone(), "models".to_owned())));
        wanted.push((PathBuf::from("/dev/shm"), "shared memory".to_owned()));
        for service in services {
            let logs = service.logs.iter().filter_map(Fact::known);
            wanted.extend(logs.map(|log| (log.path.clone(), format!("logs of {}", service.name()))));
            if let Some(model) = service.model.as_ref().and_then(Fact::known) {
                wanted.push((model.path.clone(), format!("model of {}", service.name())));
            }
        }
        for supervisord in &self.found.supervisords {
            wanted.extend(supervisord.search.main_log.iter().map(|log| (log.clone(), "logs of supervisord".to_owned())));
        }
        let read = NodeRead::Disks { root: self.root(), wanted };
        let all: Result<Vec<Fact<_>>, _> = self.collectors.read("disks", &read, self.limit());
        all.unwrap_or_else(|not| vec![Fact::new("disks", self.now, outcome(not))])
    }

    fn services(&self) -> Vec<ServiceFacts> {
        let mut services = parallel(WIDTH, &self.found.services, |service| self.service(service));
        let requests: Vec<(usize, EndpointRequest)> = services
            .iter()
            .enumerate()
            .filter_map(|(at, facts)| Some((at, self.endpoint_request(facts)?)))
            .collect();
        let limit = self.limit();
        let asked: Vec<EndpointRequest> = requests.iter().map(|(_, request)| request.clone()).collect();
        // Files and models are read meanwhile.
        let (answers, rest) = std::thread::scope(|scope| {
            let answers = scope.spawn(|| endpoint::ask_all(&asked, limit));
            let rest = parallel(WIDTH, &services, |facts| self.rest(facts));
            (answers.join().unwrap_or_default(), rest)
        });
        for (facts, rest) in services.iter_mut().zip(rest) {
            rest.put(facts);
        }
        for ((at, _), answer) in requests.into_iter().zip(answers) {
            let answer = self.with_owner(answer, services.get(at));
            if let Some(facts) = services.get_mut(at) {
                self.collectors.timed(&format!("endpoint of {}", facts.service.name), || answer.clone());
                facts.endpoint = Some(answer);
            }
        }
        services
    }

    /// Reads what its manager and `/proc` say of a service.
    fn service(&self, service: &Service) -> ServiceFacts {
        let mut facts = ServiceFacts::new(service.clone());
        let mut unit = None;
        match &service.manager {
            Manager::Supervisor(name) => facts.program = Some(self.program(service, name)),
            Manager::Systemd(name) => {
                let fact = self.unit(name);
                unit = fact.known().cloned();
                facts.unit = Some(fact);
            }
            _ => {}
        }
        let pid_file = match &service.manager {
            Manager::Pid(path) => pid_in(&Place::new(self.root()).at(path)),
            _ => None,
        };
        let pid = self.found.main_process(service, unit.as_ref(), pid_file);
        match pid {
            Some(pid) => {
                let name = format!("process of {}", service.name);
                let read = NodeRead::Service { root: self.root(), pid };
                match self.collectors.read::<ServiceProcesses>(&name, &read, self.limit()) {
                    Ok(read) => {
                        facts.processes = read.processes;
                        facts.cgroups = read.cgroups;
                        facts.shared_memory = Some(read.shared_memory);
                    }
                    Err(not) => {
                        facts.processes = vec![Fact::new(format!("/proc/{pid}"), self.now, outcome(not))];
                    }
                }
            }
            None => {
                let why = "no process of it runs".to_owned();
                facts.processes = vec![Fact::absent(format!("process of {}", service.name), self.now, why)];
            }
        }
        facts
    }

    fn program(&self, service: &Service, name: &str) -> Fact<supervisord::Program> {
        match self.found.program(service) {
            Some((read, program)) => {
                let source = read.answer.source.clone();
                match read.answer.known() {
                    Some(_) => Fact::ok(source, read.answer.time, program.clone()),
                    // The config file alone knows it: its state cannot be known.
                    None => read.answer.clone().map(|_| program.clone()),
                }
            }
            None => {
                let unknown = self.found.supervisords.iter().find(|read| read.answer.is_unknown());
                match (unknown, &self.found.no_supervisords) {
                    (Some(read), _) => read.answer.clone().map(|_| unreachable_program(name)),
                    (None, Some(why)) => Fact::new("supervisord", self.now, Outcome::Failed { why: why.clone() }),
                    (None, None) => {
                        Fact::absent("supervisord", self.now, format!("no supervisord of this node has a program `{name}`"))
                    }
                }
            }
        }
    }

    fn unit(&self, name: &str) -> Fact<Unit> {
        match self.found.units.iter().find(|unit| unit.name == name) {
            Some(unit) => Fact::ok(format!("systemctl show {name}"), self.now, unit.clone()),
            None => systemd::unit(name, self.limit(), self.now),
        }
    }

    fn endpoint_request(&self, facts: &ServiceFacts) -> Option<EndpointRequest> {
        let url = facts.service.endpoint.clone()?;
        Some(EndpointRequest {
            key_file: facts.service.key_file.clone(),
            service: facts.all_processes().map(|process| process.pid).collect(),
            models: true,
            sample_s: Some(SAMPLE_S),
            token: self.request.deep,
            model: facts.service.model_id.clone(),
            ..EndpointRequest::new(url, self.limit().as_secs_f64())
        })
    }

    /// Completes an answer with who owns the socket.
    fn with_owner(&self, answer: Fact<Endpoint>, facts: Option<&ServiceFacts>) -> Fact<Endpoint> {
        answer.map(|mut endpoint| {
            if let (Some(port), Some(facts)) = (port_of(&endpoint.url), facts) {
                let pids: Vec<u32> = facts.all_processes().map(|process| process.pid).collect();
                let place = Place::new(self.root());
                endpoint.owner = process::owner_of(&place, port, &self.found.listeners, &pids);
            }
            endpoint
        })
    }

    /// Reads what is in files: logs, launcher, model; and asks for the queue.
    fn rest(&self, facts: &ServiceFacts) -> Rest {
        let service = &facts.service;
        let program = self.found.program(service);
        let main: Vec<log::LogLine> = program
            .and_then(|(read, _)| read.logs.first().and_then(Fact::known))
            .map(|log| log.marked.clone())
            .unwrap_or_default();
        let mut lives = match program {
            Some((_, program)) => supervisord::lives(&main, &program.full_name(), self.now),
            None => Vec::new(),
        };
        let unit = facts.unit.as_ref().and_then(Fact::known);
        let mut journal = None;
        if let Manager::Systemd(name) = &service.manager {
            let fact = systemd::journal(name, self.since, self.request.journal.as_deref(), self.limit());
            journal = Some(fact.map(|(log, found)| {
                lives = found;
                log
            }));
        }
        if lives.is_empty() {
            lives.extend(facts.process().map(running_life));
        }
        let read = NodeRead::Files(Box::new(FilesRead {
            root: self.root(),
            service: service.clone(),
            settings: facts.settings().cloned(),
            logs: program.map(|(_, program)| log_paths(program)).unwrap_or_default(),
            process: facts.process().cloned(),
            unit_command: unit.map(|unit| unit.command.clone()).unwrap_or_default(),
            unit_directory: unit.and_then(|unit| unit.directory.clone()).map(PathBuf::from),
            unit_path: unit.and_then(|unit| unit.path.clone()).map(PathBuf::from),
        }));
        let name = format!("files of {}", service.name);
        let files: Result<ServiceFiles, _> = self.collectors.read(&name, &read, self.limit());
        let mut logs: Vec<Fact<LogFacts>> = match &files {
            Ok(files) => files.logs.clone(),
            Err(not) => vec![Fact::new(name, self.now, outcome(not.clone()))],
        };
        logs.extend(journal);
        if let Some((_, program)) = program {
            let blind = log::blind(&main, &program.full_name());
            for log in logs.iter_mut() {
                if let Outcome::Ok { value } = &mut log.outcome {
                    value.blind.clone_from(&blind);
                }
            }
        }
        log::assign(&mut lives, &mut logs);
        let is_recent = |life: &Life| {
            let end = life.began.map(|at| at.millis().saturating_add((life.lasted_s.unwrap_or(0.0) * 1000.0) as i64));
            life.end == LifeEnd::Running || end.is_none_or(|end| end >= self.since.millis())
        };
        lives.retain(is_recent);
        let model = self.model(facts);
        let queue = service.queue.as_ref().map(|check| {
            let uid = rustix::process::geteuid().as_raw();
            self.collectors.timed(&format!("queue of {}", service.name), || {
                queue::ask(check, self.config.source.as_deref(), uid, self.limit(), self.now)
            })
        });
        Rest { lives, logs, files: files.ok(), model, queue }
    }

    fn model(&self, facts: &ServiceFacts) -> Option<Fact<ModelFile>> {
        let process = facts.all_processes().find(|one| process::model_path(&one.argv, one.cwd.as_deref()).is_some());
        let process = process.or_else(|| facts.process());
        let cwd = process.and_then(|process| process.cwd.clone());
        let configured = facts.service.model.clone().map(PathBuf::from);
        let running = process.and_then(|process| process::model_path(&process.argv, cwd.as_deref()));
        let command = || {
            let folder = facts.settings().and_then(|settings| settings.directory.clone());
            process::model_path(&facts.argv(), folder.as_deref())
        };
        let path = configured.or(running).or_else(command)?;
        let user = process.and_then(|process| Some((process.uid?, process.groups.clone())));
        let request = ModelFileRequest {
            pid: process.map(|process| process.pid),
            user,
            root: self.root(),
            ..ModelFileRequest::new(path, self.request.pause_s)
        };
        let name = format!("model of {}", facts.name());
        let limit = self.limit().saturating_add(Duration::from_secs_f64(self.request.pause_s));
        Some(self.collectors.timed(&name, || {
            model_file::read_in_child(Path::new(OURSELVES), &request, limit, self.now)
        }))
    }
}

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

/// Stands for a program whose supervisord does not answer; the outcome of its fact says so.
fn unreachable_program(name: &str) -> supervisord::Program {
    supervisord::Program {
        name: name.to_owned(),
        group: name.to_owned(),
        state: supervisord::ProgramState::Unknown,
        pid: None,
        start: None,
        stop: None,
        exit_status: None,
        spawn_error: None,
        description: String::new(),
        stdout_log: None,
        stderr_log: None,
        settings: None,
        file_settings: None,
    }
}

fn unknown_machine(now: Timestamp, not: super::child::NotRead) -> Machine {
    fn none<T>(source: &str, now: Timestamp, not: &super::child::NotRead) -> Fact<T> {
        Fact::new(source, now, outcome(not.clone()))
    }
    Machine {
        host: String::new(),
        kernel: String::new(),
        container: None,
        uid: rustix::process::geteuid().as_raw(),
        cpus: None,
        cpu_flags: none("/proc/cpuinfo", now, &not),
        memory: none("/proc/meminfo", now, &not),
        pressure: none("/proc/pressure", now, &not),
        disks: Vec::new(),
        clock: none("clock", now, &not),
        listeners: none("/proc/net", now, &not),
        addresses: Vec::new(),
    }
}

//! The facts of one service: its manager, processes and endpoint first, then its files.

use super::rest::{Rest, log_paths, running_life};
use super::{Look, SAMPLE_S, WIDTH};
use crate::host::self_child::OURSELVES;
use crate::http::port_of;
use crate::model::service::{Manager, Service};
use crate::node::endpoint::{self, Endpoint, EndpointRequest};
use crate::node::log::{self, Life, LifeEnd, LogFacts};
use crate::node::model_file::{self, ModelFile, ModelFileRequest};
use crate::node::process::Process;
use crate::node::program::{self, TorchFacts, torch};
use crate::node::systemd;
use crate::node::{Fact, Outcome, Place, process};
use crate::ops::node::files::{FilesRead, ServiceFiles};
use crate::ops::node::look::outcome;
use crate::ops::node::parallel::parallel;
use crate::ops::node::queue;
use crate::ops::node::reads::{NodeRead, ServiceProcesses};
use crate::triage::facts::ServiceFacts;
use crate::triage::rules::is_known;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How lines of the journal are kept, as those of a log are.
const MARKS: systemd::Marks<'static> =
    systemd::Marks { is_known: &is_known, is_error: &log::is_error, clean: &log::clean };

impl Look<'_> {
    pub fn services(&self) -> Vec<ServiceFacts> {
        let mut services = parallel(WIDTH, &self.found.services, |service| self.service(service));
        let requests: Vec<(usize, EndpointRequest)> =
            services.iter().enumerate().filter_map(|(at, facts)| Some((at, self.endpoint_request(facts)?))).collect();
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
            Manager::Supervisor(name) => facts.program = Some(self.found.program_fact(service, name, self.now)),
            Manager::Systemd(name) => {
                let fact = self.found.unit_fact(&Place::new(self.root()), name, self.limit(), self.now);
                unit = fact.known().cloned();
                facts.unit = Some(fact);
            }
            _ => {}
        }
        let pid_file = match &service.manager {
            Manager::Pid(path) => {
                let place = Place::new(self.root());
                process::read_pid_file(&place, path, self.limit(), self.now).known().copied()
            }
            _ => None,
        };
        let pid = self.found.main_process(service, unit.as_ref(), pid_file);
        match pid {
            Some(pid) => {
                let name = format!("process of {}", service.name);
                let read = NodeRead::Service { root: self.root(), pid, family: self.family(pid) };
                match self.collectors.read::<ServiceProcesses>(&name, &read, self.limit()) {
                    Ok(mut read) => {
                        self.collectors.learn(&mut read.secrets);
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
                let why = "it has no running process".to_owned();
                facts.processes = vec![Fact::absent(format!("process of {}", service.name), self.now, why)];
            }
        }
        facts
    }

    /// Returns the processes below one, each with its parent; None where that one was not seen among all.
    fn family(&self, pid: u32) -> Option<Vec<(u32, u32)>> {
        self.parents.of(pid)?;
        let below = self.parents.below(pid);
        Some(below.into_iter().filter_map(|pid| Some((pid, self.parents.of(pid)?))).collect())
    }

    fn endpoint_request(&self, facts: &ServiceFacts) -> Option<EndpointRequest> {
        let url = facts.service.endpoint.clone()?;
        Some(EndpointRequest {
            key_file: facts.service.key_file.clone(),
            service: facts.all_processes().map(|process| process.pid).collect(),
            models: facts.service.completes_prompts(),
            sample_s: Some(SAMPLE_S),
            token: self.request.deep && facts.service.completes_prompts(),
            model: facts.service.model_id.clone(),
            ..EndpointRequest::new(url, self.limit().as_secs_f64())
        })
    }

    /// Completes an answer with who owns the socket. Nobody is a stranger on the port of a service whose processes are not
    /// known.
    fn with_owner(&self, answer: Fact<Endpoint>, facts: Option<&ServiceFacts>) -> Fact<Endpoint> {
        answer.map(|mut endpoint| {
            let (Some(port), Some(facts)) = (port_of(&endpoint.url), facts) else { return endpoint };
            let pids: Vec<u32> = facts.all_processes().map(|process| process.pid).collect();
            let program = facts.program.as_ref().filter(|program| program.is_unknown() && pids.is_empty());
            endpoint.owner = match program.and_then(Fact::why) {
                Some(why) => {
                    let why = format!("the processes of {} are unknown: supervisord {why}", facts.name());
                    Fact::new(format!("listeners on port {port}"), self.now, Outcome::Failed { why })
                }
                None => process::owner_of(&Place::new(self.root()), port, &self.found.listeners, &pids),
            };
            endpoint
        })
    }

    /// Reads what is in files: logs, launcher, model; and asks for the queue.
    fn rest(&self, facts: &ServiceFacts) -> Rest {
        let service = &facts.service;
        let program = self.found.program(service);
        let (mut lives, main) = self.logs.lives(service, self.now);
        let unit = facts.unit.as_ref().and_then(Fact::known);
        let mut journal = None;
        if let Manager::Systemd(name) = &service.manager {
            let fact = systemd::journal(
                &Place::new(self.root()),
                name,
                self.since,
                self.request.journal.as_deref(),
                MARKS,
                self.limit(),
                self.now,
            );
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
            // Of a supervisord that gives no answer the config file has them.
            settings: facts.settings().or(program.and_then(|(_, program)| program.settings.as_ref())).cloned(),
            logs: program.map(|(_, program)| log_paths(program)).unwrap_or_default(),
            process: facts.process().cloned(),
            unit_command: unit.map(|unit| unit.command.clone()).unwrap_or_default(),
            unit_directory: unit.and_then(|unit| unit.directory.clone()).map(PathBuf::from),
            unit_path: unit.and_then(|unit| unit.path.clone()).map(PathBuf::from),
            lives: lives.clone(),
            stalled: self.stalled.clone(),
        }));
        let name = format!("files of {}", service.name);
        let uid = rustix::process::geteuid().as_raw();
        // Side by side: each may take its whole limit.
        let (files, model, queue) = std::thread::scope(|scope| {
            let model = scope.spawn(|| self.model(facts));
            let queue = service.queue.as_ref().map(|check| {
                scope.spawn(|| {
                    let ask = || queue::ask(check, self.config.source.as_deref(), uid, self.limit(), self.now);
                    self.collectors.timed(&format!("queue of {}", service.name), ask)
                })
            });
            let mut files: Result<ServiceFiles, _> = self.collectors.read(&name, &read, self.limit());
            if let Ok(files) = &mut files {
                self.collectors.learn(&mut files.secrets);
            }
            // A thread that broke down has said so on stderr, and its fact is missing.
            (files, model.join().unwrap_or_default(), queue.and_then(|queue| queue.join().ok()))
        });
        let mut logs: Vec<Fact<LogFacts>> = match &files {
            Ok(files) => files.logs.clone(),
            Err(not) => vec![Fact::new(name, self.now, outcome(not.clone()))],
        };
        logs.extend(journal);
        if let Some((_, program)) = program {
            let blind = log::blind(main, &program.full_name());
            for log in logs.iter_mut() {
                if let Outcome::Ok { value } = &mut log.outcome {
                    value.blind.clone_from(&blind);
                }
            }
        }
        if let Ok(files) = &files {
            lives.clone_from(&files.lives);
        }
        let is_recent = |life: &Life| {
            let end = life.began.map(|at| at.millis().saturating_add((life.lasted_s.unwrap_or(0.0) * 1000.0) as i64));
            life.end == LifeEnd::Running || end.is_none_or(|end| end >= self.since.millis())
        };
        lives.retain(is_recent);
        let torch = files.as_ref().ok().and_then(|files| self.torch(facts, files));
        Rest { lives, logs, files: files.ok(), model, queue, torch }
    }

    /// Has the Python of a service that runs import its torch, where that is asked for.
    fn torch(&self, facts: &ServiceFacts, files: &ServiceFiles) -> Option<Fact<TorchFacts>> {
        let python = files.python.as_ref()?.known()?;
        if !self.request.deep || python.torch_version.is_none() {
            return None;
        }
        let is_of_python = |process: &&Process| {
            program::python::interpreter(&process.argv, process.exe.as_deref()).as_ref() == Some(&python.interpreter)
        };
        let process = facts.all_processes().find(is_of_python).or_else(|| facts.process())?;
        let (modelctl, place) = (Path::new(OURSELVES), Place::new(self.root()));
        let limit = self.left().map_or(torch::TORCH_LIMIT, |left| left.min(torch::TORCH_LIMIT));
        let ask = || torch::ask(modelctl, &place, process, &python.interpreter, limit, self.now);
        Some(self.collectors.timed(&format!("torch of {}", facts.name()), ask))
    }

    /// Returns the process that has the model, and the path of that.
    fn model_path<'f>(&self, facts: &'f ServiceFacts) -> (Option<&'f Process>, Option<PathBuf>) {
        let process = facts.all_processes().find(|one| process::model_path(&one.argv, one.cwd.as_deref()).is_some());
        let process = process.or_else(|| facts.process());
        let cwd = process.and_then(|process| process.cwd.clone());
        let configured = facts.service.model.clone().map(PathBuf::from);
        let running = process.and_then(|process| process::model_path(&process.argv, cwd.as_deref()));
        // Of a supervisord that gives no answer the config file has the command.
        let program = self.found.program(&facts.service).and_then(|(_, program)| program.settings.as_ref());
        let command = || {
            let settings = facts.settings().or(program)?;
            let words: Vec<String> = settings.command.split_whitespace().map(str::to_owned).collect();
            process::model_path(&words, settings.directory.as_deref())
        };
        (process, configured.or(running).or_else(command))
    }

    /// Returns the paths of the logs and the model of a service, whether or not they could be read.
    pub fn paths(&self, facts: &ServiceFacts) -> (Vec<PathBuf>, Option<PathBuf>) {
        let of_program = self.found.program(&facts.service).map(|(_, program)| log_paths(program)).unwrap_or_default();
        let named = facts.service.logs.iter().cloned();
        (of_program.into_iter().map(|(path, _)| path).chain(named).collect(), self.model_path(facts).1)
    }

    fn model(&self, facts: &ServiceFacts) -> Option<Fact<ModelFile>> {
        let (process, path) = self.model_path(facts);
        let path = path?;
        let user = process.and_then(|process| Some((process.uid?, process.groups.clone())));
        let request = ModelFileRequest {
            pid: process.map(|process| process.pid),
            user,
            root: self.root(),
            ..ModelFileRequest::new(path, self.request.pause_s)
        };
        let name = format!("model of {}", facts.name());
        if let Some(stalled) = self.behind(&request.path) {
            let source = request.path.display().to_string();
            let why = format!("its file system hangs: {}: {}", stalled.mount.display(), stalled.why);
            return Some(self.collectors.timed(&name, || Fact::new(source, self.now, Outcome::TimedOut { why })));
        }
        let limit = self.limit();
        let limit =
            if limit.is_zero() { limit } else { limit.saturating_add(Duration::from_secs_f64(self.request.pause_s)) };
        Some(
            self.collectors.timed(&name, || model_file::read_in_child(Path::new(OURSELVES), &request, limit, self.now)),
        )
    }
}

//! All facts of the node, for triage.

mod rest;
mod service;

use super::database;
use super::discover::{Discovered, MainLogs, Where, discover};
use super::look::{Collectors, outcome};
use super::reads::{NodeRead, SupervisordRead};
use crate::clock::{self, Timestamp};
use crate::config::Config;
use crate::failure::{Failure, Kind, OrFail};
use crate::host::self_child::OURSELVES;
use crate::model::Selector;
use crate::model::service::{Manager, Service};
use crate::node::gpu::{self, Gpus};
use crate::node::kernel::KernelLog;
use crate::node::machine::{self, Disk, Machine};
use crate::node::process::Parents;
use crate::node::reach::{self, Stalled};
use crate::node::{Fact, Outcome, Place};
use crate::ops::{Session, resolve_model};
use crate::supervise::StopSignal;
use crate::triage::facts::{FACTS_SCHEMA, Facts, ServiceFacts, SupervisordFacts};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Services that are looked at side by side: their children mostly wait.
const WIDTH: usize = 16;
/// Seconds between two samples of an endpoint.
const SAMPLE_S: f64 = 2.0;
/// Limit for a whole look: what has not been begun by then is not looked at.
const WHOLE: Duration = Duration::from_secs(24);
/// Limit for file systems of networks and of user space to give any answer.
const REACH: Duration = Duration::from_secs(3);

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

/// The facts of a node, and secrets that must be replaced in them wherever they occur.
pub struct Collected {
    pub facts: Facts,
    pub secrets: Vec<String>,
}

/// Collects the facts of the node on a thread of its own. Takes a few seconds on a healthy one, and less than half a minute
/// where everything hangs. A request to stop leaves that thread behind: the caller is about to end the program.
///
/// # Errors
/// `CannotMeet` where a service is named that does not exist. Interrupted (130), terminated (143).
pub fn collect_until(session: &Session, request: &CollectRequest, stop: &StopSignal) -> anyhow::Result<Collected> {
    let (config, now, request, ours) = (session.config.clone(), session.now, request.clone(), stop.clone());
    let (done, collected) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("collect".to_owned())
        .spawn(move || {
            let mut session = Session::new(config, now);
            // Nobody waits any more after a request to stop.
            drop(done.send(collect(&mut session, &request, Collectors::until(&ours))));
        })
        .or_fail(|| Failure::new(Kind::Bug, "cannot start a thread"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .or_fail(|| Failure::new(Kind::Bug, "cannot wait for the facts"))?;
    runtime.block_on(async {
        tokio::select! {
            why = stop.wait() => Err(Failure::new(why.kind(), "stopped before everything was checked").into()),
            facts = collected => match facts {
                Ok(facts) => facts,
                Err(_) => anyhow::bail!("the thread that reads the node panicked"),
            },
        }
    })
}

/// Collects the facts of the node.
///
/// # Errors
/// `CannotMeet` where a service is named that does not exist.
fn collect(session: &mut Session, request: &CollectRequest, collectors: Collectors) -> anyhow::Result<Collected> {
    let deadline = clock::instant().checked_add(WHOLE);
    let now = session.now;
    let millis = i64::try_from(request.since.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp(now.millis().saturating_sub(millis));
    let config = session.config.clone();
    let place = Place::new(&request.at.root);
    let (found, stalled, database) = std::thread::scope(|scope| {
        let stalled = scope.spawn(|| reach::stalled(&place, REACH));
        let found = scope.spawn(|| discover(&config, &request.at, &collectors));
        let database = collectors.timed("database", || database::read(session, since, REACH));
        (found.join(), stalled.join(), database)
    });
    let (Ok(mut found), Ok(stalled)) = (found, stalled) else { anyhow::bail!("a thread that reads the node panicked") };
    only(&mut found.services, &request.services)?;
    // A database that gave no answer is not asked a second time.
    if !database.is_unknown() {
        resolve_models(session, &mut found.services);
    }
    let briefs = found.processes.known().into_iter().flatten();
    let look = Look {
        found: &found,
        logs: MainLogs::of(&found),
        parents: briefs.map(|process| (process.pid, process.parent)).collect(),
        config: &config,
        request,
        collectors: &collectors,
        since,
        now,
        deadline,
        stalled,
    };
    let (services, node) = std::thread::scope(|scope| {
        let node = scope.spawn(|| look.node());
        let services = look.services();
        (services, node.join())
    });
    // A thread that broke down is a bug that its panic message names; what it would have read is missing then.
    let Ok((mut machine, kernel, gpus)) = node else { anyhow::bail!("the thread that reads the node panicked") };
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
    let (reports, secrets) = collectors.done();
    let facts = Facts {
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
        collectors: reports,
    };
    Ok(Collected { facts, secrets })
}

/// Keeps the named services.
fn only(services: &mut Vec<Service>, names: &[String]) -> anyhow::Result<()> {
    for name in names {
        if !services.iter().any(|service| service.name == *name) {
            let known: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
            let hint = match known.is_empty() {
                true => {
                    "no services were found on this node; list them as `[[services]]` in the config file".to_owned()
                }
                false => format!("services of this node: {}", known.join(", ")),
            };
            return Err(Failure::cannot_meet(format!("no service is named `{name}`")).hint(hint).into());
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
        if let Ok(row) = resolve_model::resolve(session, &Selector(model.clone())) {
            service.model = Some(row.path.to_string_lossy().into_owned());
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
    logs: MainLogs<'a>,
    parents: Parents,
    config: &'a Config,
    request: &'a CollectRequest,
    collectors: &'a Collectors,
    since: Timestamp,
    now: Timestamp,
    deadline: Option<Instant>,
    /// File systems that are not touched: they give no answer.
    stalled: Vec<Stalled>,
}

type OfNode = (Machine, Fact<KernelLog>, Fact<Gpus>);

impl Look<'_> {
    fn root(&self) -> PathBuf {
        self.request.at.root.clone()
    }

    /// Returns what is left of the time for the whole look.
    fn left(&self) -> Option<Duration> {
        self.deadline.map(|at| at.saturating_duration_since(clock::instant()))
    }

    /// Returns the limit for a read that begins now; none is left after the time for the whole look.
    fn limit(&self) -> Duration {
        self.left().map_or(self.request.at.limit, |left| left.min(self.request.at.limit))
    }

    /// Returns the file system on the way to `path` that gives no answer.
    fn behind(&self, path: &Path) -> Option<&Stalled> {
        reach::behind(&Place::new(self.root()), &self.stalled, path)
    }

    /// Reads what belongs to the machine as a whole.
    fn node(&self) -> OfNode {
        std::thread::scope(|scope| {
            let kernel = scope.spawn(|| {
                let read = NodeRead::Kernel { root: self.root(), kmsg: self.request.kmsg.clone(), since: self.since };
                self.collectors.fact("kernel log", &read, self.limit())
            });
            let gpus = scope.spawn(|| {
                let place = Place::new(self.root());
                self.collectors.timed("gpu", || gpu::read(&place, Path::new(OURSELVES), self.limit(), self.now))
            });
            let machine = self.collectors.read("machine", &NodeRead::Machine { root: self.root() }, self.limit());
            fn broken<T>(what: &str) -> Outcome<T> {
                Outcome::Failed { why: format!("the thread that reads the {what} panicked") }
            }
            let kernel: Fact<KernelLog> =
                kernel.join().unwrap_or_else(|_| Fact::new("kernel log", self.now, broken("kernel log")));
            let gpus = gpus.join().unwrap_or_else(|_| Fact::new("gpu", self.now, broken("GPUs")));
            (machine.unwrap_or_else(|not| unknown_machine(self.now, not)), kernel, gpus)
        })
    }

    /// Reads the disks that hold something of ours, each by a child of its own: one that hangs hides no other.
    fn disks(&self, services: &[ServiceFacts]) -> Vec<Fact<Disk>> {
        let mut wanted: Vec<(PathBuf, String)> = vec![(self.config.database.clone(), "database".to_owned())];
        wanted.extend(self.config.roots.paths.iter().map(|root| (root.path.clone(), "models".to_owned())));
        wanted.push((PathBuf::from("/dev/shm"), "shared memory".to_owned()));
        for service in services {
            // Those that could not be read too: why they could not is said by their disk.
            let (logs, model) = self.paths(service);
            wanted.extend(logs.into_iter().map(|log| (log, format!("logs of {}", service.name()))));
            wanted.extend(model.map(|model| (model, format!("model of {}", service.name()))));
            let refused = service.refused_paths().into_iter();
            wanted.extend(refused.map(|path| (path, format!("files of {}", service.name()))));
        }
        for supervisord in &self.found.supervisords {
            wanted
                .extend(supervisord.search.main_log.iter().map(|log| (log.clone(), "logs of supervisord".to_owned())));
        }
        let place = Place::new(self.root());
        let (silent, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(path, _)| self.behind(path).is_some());
        let mut disks = machine::disks::ask(Path::new(OURSELVES), &place, &wanted, true, self.limit());
        for stalled in &self.stalled {
            let of_it = |(path, _): &&(PathBuf, String)| self.behind(path) == Some(stalled);
            let mut holds: Vec<&str> = silent.iter().filter(of_it).map(|(_, what)| what.as_str()).collect();
            holds.dedup();
            if !holds.is_empty() {
                let why = format!("{}; it holds {}", stalled.why, holds.join(", "));
                disks.push(Fact::new(stalled.mount.display().to_string(), self.now, Outcome::TimedOut { why }));
            }
        }
        disks
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

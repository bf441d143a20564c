//! Which services this node has: those of the configuration, else those that are found.

use super::look::Collectors;
use super::reads::{NodeRead, Processes, SupervisordRead};
use crate::clock::{self, Timestamp};
use crate::config::Config;
use crate::http::port_of;
use crate::model::service::{Manager, Service};
use crate::node::discover::{Running, Seen, services};
use crate::node::log::{Life, LogLine};
use crate::node::process::{Brief, Listener};
use crate::node::supervisord::{Events, Program};
use crate::node::systemd::{self, Unit};
use crate::node::{Fact, Outcome, Place};
use std::path::PathBuf;
use std::time::Duration;

/// What runs on the node, before any service is looked at closely.
#[derive(Debug, Clone)]
pub struct Discovered {
    pub services: Vec<Service>,
    pub supervisords: Vec<SupervisordRead>,
    /// Why supervisord could not be asked for at all.
    pub no_supervisords: Option<String>,
    pub units: Vec<Unit>,
    pub processes: Fact<Vec<Brief>>,
    pub listeners: Fact<Vec<Listener>>,
}

/// Where and how long is looked.
#[derive(Debug, Clone)]
pub struct Where {
    /// `/`, or a folder that stands for it.
    pub root: PathBuf,
    /// For each read but that of supervisord.
    pub limit: Duration,
    /// For supervisord: one with many programs that end all the time takes seconds for a list of them.
    pub supervisord: Duration,
    /// Whether supervisord is asked for states alone; settings then come from its config file.
    pub is_brief: bool,
    /// Whether processes, listeners and units are read, without which services are found at supervisord alone.
    pub processes: bool,
    /// Whether the logs of supervisord are read, which tell of earlier lives.
    pub logs: bool,
}

impl Default for Where {
    fn default() -> Where {
        Where {
            root: PathBuf::from("/"),
            limit: Duration::from_secs(5),
            supervisord: Duration::from_secs(10),
            is_brief: false,
            processes: true,
            logs: true,
        }
    }
}

/// Finds the services of this node. Takes little longer than the longest limit of `at`.
pub fn discover(config: &Config, at: &Where, collectors: &Collectors) -> Discovered {
    let now = clock::now();
    let root = || at.root.clone();
    let (processes, supervisords, units) = std::thread::scope(|scope| {
        let processes = scope.spawn(|| match at.processes {
            true => collectors.read::<Processes>("processes", &NodeRead::Processes { root: root() }, at.limit),
            false => Err(super::child::NotRead::Failed("not read".to_owned())),
        });
        let supervisords = scope.spawn(|| {
            let read = NodeRead::Supervisords {
                root: root(),
                config: config.supervisor.config.clone(),
                logs: at.logs.then(|| config.supervisor.logs.clone()),
                limit_ms: u64::try_from(at.supervisord.as_millis() * 9 / 10).unwrap_or(u64::MAX),
                is_brief: at.is_brief,
            };
            collectors.read::<Vec<SupervisordRead>>("supervisord", &read, at.supervisord)
        });
        let units = scope.spawn(|| match at.processes {
            true => systemd::units(&Place::new(root()), at.limit, now),
            false => Fact::absent("systemctl show", now, "not read"),
        });
        (processes.join(), supervisords.join(), units.join())
    });
    let broken = || super::child::NotRead::Failed("the reading thread panicked".to_owned());
    let processes = processes.unwrap_or_else(|_| Err(broken()));
    let (supervisords, no_supervisords) = match supervisords.unwrap_or_else(|_| Err(broken())) {
        Ok(mut found) => {
            found.iter_mut().for_each(|read| collectors.learn(&mut read.secrets));
            (found, None)
        }
        Err(super::child::NotRead::TimedOut(why) | super::child::NotRead::Failed(why)) => (Vec::new(), Some(why)),
    };
    // A list of units that could not be had leaves the services that are found otherwise.
    let units = units.ok().and_then(|units| units.known().cloned()).unwrap_or_default();
    let (processes, listeners) = match processes {
        Ok(read) => (read.all, read.listeners),
        Err(not) => (unread("/proc", now, &not), unread("/proc/net", now, &not)),
    };
    let services = match &config.services {
        Some(services) => services.clone(),
        None => services(&seen(&supervisords, &units, &processes, &listeners)),
    };
    Discovered { services, supervisords, no_supervisords, units, processes, listeners }
}

/// Returns the program of a name, with or without its group.
fn program_of<'a>(read: &'a SupervisordRead, name: &str) -> Option<&'a Program> {
    programs(read).iter().find(|program| program.full_name() == name || program.name == name)
}

fn unread<T>(source: &str, now: Timestamp, not: &super::child::NotRead) -> Fact<T> {
    let outcome: Outcome<T> = super::look::outcome(not.clone());
    Fact::new(source, now, outcome)
}

fn seen(
    supervisords: &[SupervisordRead],
    units: &[Unit],
    processes: &Fact<Vec<Brief>>,
    listeners: &Fact<Vec<Listener>>,
) -> Seen {
    let running = |brief: &Brief| Running { pid: brief.pid, parent: brief.parent, argv: brief.argv.clone() };
    let owned = |listener: &Listener| listener.pid.map(|pid| (pid, listener.port));
    Seen {
        programs: supervisords
            .iter()
            .enumerate()
            .flat_map(|(at, read)| programs(read).iter().map(move |program| (at, program.clone())))
            .collect(),
        units: units.to_vec(),
        processes: processes.known().into_iter().flatten().map(running).collect(),
        ports: listeners.known().into_iter().flatten().filter_map(owned).collect(),
    }
}

/// Returns the programs of a supervisord: as it reports them, else as its config file has them.
pub fn programs(read: &SupervisordRead) -> &[Program] {
    let answered = read.answer.known().map(|supervisord| supervisord.programs.as_slice());
    answered.or_else(|| read.configured.known().map(Vec::as_slice)).unwrap_or_default()
}

/// What the logs of all supervisords say of their programs, read once for all services.
#[derive(Debug)]
pub struct MainLogs<'a> {
    found: &'a Discovered,
    events: Vec<Events<'a>>,
}

impl<'a> MainLogs<'a> {
    pub fn of(found: &'a Discovered) -> MainLogs<'a> {
        MainLogs { found, events: found.supervisords.iter().map(|read| Events::of(read.main_log())).collect() }
    }

    /// Returns the lives of a program of supervisord, and the log that they are from; none of other services.
    pub fn lives(&self, service: &Service, now: Timestamp) -> (Vec<Life>, &'a [LogLine]) {
        let Some((read, program)) = self.found.program(service) else { return (Vec::new(), &[]) };
        let events = self.found.supervisord(service).and_then(|at| self.events.get(at));
        let lives = events.map(|events| events.lives(&program.full_name(), now)).unwrap_or_default();
        (lives, read.main_log())
    }
}

impl Discovered {
    /// Returns the place of the supervisord of a service: for one of the configuration, the first with such a program.
    fn supervisord(&self, service: &Service) -> Option<usize> {
        let Manager::Supervisor(name) = &service.manager else { return None };
        let has_it = |read: &SupervisordRead| program_of(read, name).is_some();
        service.supervisord.or_else(|| self.supervisords.iter().position(has_it))
    }

    /// Returns the program of supervisord that a service is, with its supervisord.
    pub fn program(&self, service: &Service) -> Option<(&SupervisordRead, &Program)> {
        let Manager::Supervisor(name) = &service.manager else { return None };
        let read = self.supervisords.get(self.supervisord(service)?)?;
        Some((read, program_of(read, name)?))
    }

    /// Returns the program of supervisord that a service is, or why it is not known.
    pub fn program_fact(&self, service: &Service, name: &str, now: Timestamp) -> Fact<Program> {
        // Where only the config file knows it, its state is as unknown as the answer.
        if let Some((read, program)) = self.program(service) {
            return read.answer.clone().map(|_| program.clone());
        }
        let unknown = self.supervisords.iter().find(|read| read.answer.is_unknown());
        match (unknown, &self.no_supervisords) {
            (Some(read), _) => read.answer.clone().map(|_| Program::new(name, name)),
            (None, Some(why)) => Fact::new("supervisord", now, Outcome::Failed { why: why.clone() }),
            (None, None) => {
                Fact::absent("supervisord", now, format!("no supervisord on this node has a program `{name}`"))
            }
        }
    }

    /// Returns a unit: as the list of units has it, else as systemd answers within `limit`.
    pub fn unit_fact(&self, place: &Place, name: &str, limit: Duration, now: Timestamp) -> Fact<Unit> {
        match self.units.iter().find(|unit| unit.name == name) {
            Some(unit) => Fact::ok(format!("systemctl show {name}"), now, unit.clone()),
            None => systemd::unit(place, name, limit, now),
        }
    }

    /// Returns the number of the main process of a service, where it runs.
    pub fn main_process(&self, service: &Service, unit: Option<&Unit>, pid_file: Option<u32>) -> Option<u32> {
        match &service.manager {
            Manager::Supervisor(_) => self.program(service).and_then(|(_, program)| program.pid),
            Manager::Systemd(_) => unit.and_then(|unit| unit.main_pid).filter(|pid| *pid > 0),
            Manager::Pid(_) => pid_file.filter(|pid| self.runs(*pid)),
            Manager::Process(pid) => Some(*pid).filter(|pid| self.runs(*pid)),
            Manager::None => self.listening_on(service.endpoint.as_deref()?),
        }
    }

    fn runs(&self, pid: u32) -> bool {
        // Where the processes could not be read, the read of this one says what is wrong.
        self.processes.known().is_none_or(|all| all.iter().any(|process| process.pid == pid))
    }

    /// Returns who listens on the port of a URL of this machine.
    fn listening_on(&self, url: &str) -> Option<u32> {
        let port = port_of(url)?;
        let all = self.listeners.known()?;
        all.iter().find(|listener| listener.port == port).and_then(|listener| listener.pid)
    }
}

//! Which services a node has: the programs of supervisord, units of systemd, and processes that serve models.

mod role;

pub use role::{of_command, serves_models};

use super::program::command::{beyond_wrappers, file_name, words};
use super::supervisord::Program;
use super::systemd::Unit;
use crate::model::service::{FoundBy, Manager, Role, Service};
use std::collections::{BTreeMap, BTreeSet};

/// A running process, for the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub pid: u32,
    pub parent: u32,
    pub argv: Vec<String>,
}

/// What was seen of a node.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Each with the place of its supervisord among those of the node.
    pub programs: Vec<(usize, Program)>,
    pub units: Vec<Unit>,
    pub processes: Vec<Running>,
    /// Ports that listen, by the process that owns them.
    pub ports: Vec<(u32, u16)>,
}

/// Lists the services of a node by what was seen, in the order supervisord, systemd, processes; names are unique.
/// Services below our own process are left out.
pub fn services(seen: &Seen) -> Vec<Service> {
    let mut found = Vec::new();
    let mut managed = BTreeSet::new();
    for (supervisord, program) in &seen.programs {
        let command = program.settings.as_ref().map(|settings| words(&settings.command)).unwrap_or_default();
        let family = program.pid.map(|pid| family(&seen.processes, pid)).unwrap_or_default();
        let role = role_of(&command, &family, &program.name);
        managed.extend(family.iter().map(|process| process.pid));
        let manager = Manager::Supervisor(program.full_name());
        let mut service = Service::new(program.full_name(), role, manager, FoundBy::Supervisor);
        service.supervisord = Some(*supervisord);
        service.endpoint = endpoint(role, &family, &seen.ports, &command);
        found.push(service);
    }
    for unit in &seen.units {
        let family = unit.main_pid.filter(|pid| *pid > 0).map(|pid| family(&seen.processes, pid)).unwrap_or_default();
        if !family.is_empty() && family.iter().all(|process| managed.contains(&process.pid)) {
            continue;
        }
        managed.extend(family.iter().map(|process| process.pid));
        let name = unit.name.strip_suffix(".service").unwrap_or(&unit.name);
        let role = role_of(&unit.command, &family, name);
        let mut service = Service::new(name, role, Manager::Systemd(unit.name.clone()), FoundBy::Systemd);
        service.endpoint = endpoint(role, &family, &seen.ports, &unit.command);
        found.push(service);
    }
    let ours = ancestors(&seen.processes, std::process::id());
    for process in seen.processes.iter().filter(|process| serves_models(&process.argv)) {
        // A worker of Ollama or of modelctl belongs to its server.
        let above = ancestors(&seen.processes, process.parent);
        let is_below_another =
            above.iter().any(|pid| seen.processes.iter().any(|other| other.pid == *pid && serves_models(&other.argv)));
        if managed.contains(&process.pid) || ours.contains(&process.pid) || is_below_another {
            continue;
        }
        let family = family(&seen.processes, process.pid);
        let inner = beyond_wrappers(&process.argv);
        let name = inner.first().map_or("process", |word| file_name(word));
        let mut service = Service::new(name, Role::Llama, Manager::Process(process.pid), FoundBy::Process);
        service.endpoint = endpoint(Role::Llama, &family, &seen.ports, &process.argv);
        found.push(service);
    }
    unique(&mut found);
    found
}

/// Gives a number to all but the first of services with one name.
fn unique(services: &mut [Service]) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for service in services {
        let count = seen.entry(service.name.clone()).or_default();
        *count = count.saturating_add(1);
        if *count > 1 {
            let number = match service.manager {
                Manager::Process(pid) => pid,
                _ => *count,
            };
            service.name = format!("{}-{number}", service.name);
        }
    }
}

fn role_of(command: &[String], family: &[&Running], name: &str) -> Role {
    let by_command = of_command(command);
    if by_command != Role::Other {
        return by_command;
    }
    let by_child = family.iter().map(|process| of_command(&process.argv)).find(|role| *role != Role::Other);
    by_child.unwrap_or_else(|| of_command(&[name.to_owned()]))
}

/// Returns a process and its descendants.
fn family(processes: &[Running], pid: u32) -> Vec<&Running> {
    let mut members: Vec<&Running> = processes.iter().filter(|process| process.pid == pid).collect();
    let mut at = 0;
    while let Some(parent) = members.get(at).map(|process| process.pid) {
        let children = processes.iter().filter(|process| process.parent == parent && process.pid != parent);
        let new: Vec<&Running> = children.filter(|child| !members.iter().any(|known| known.pid == child.pid)).collect();
        members.extend(new);
        at = at.saturating_add(1);
    }
    members
}

/// Returns a process and everything above it.
fn ancestors(processes: &[Running], pid: u32) -> Vec<u32> {
    let mut chain = vec![pid];
    while let Some(process) = chain.last().and_then(|last| processes.iter().find(|process| process.pid == *last)) {
        if process.parent == 0 || chain.contains(&process.parent) {
            break;
        }
        chain.push(process.parent);
    }
    chain
}

/// Returns the URL to ask: a port that its processes listen on, else the port of its command line.
fn endpoint(role: Role, family: &[&Running], ports: &[(u32, u16)], command: &[String]) -> Option<String> {
    if !matches!(role, Role::Llama | Role::Api | Role::Whisper) {
        return None;
    }
    // The server itself, behind the shell that started it; the processes below it have ports of their own.
    let is_shell = |argv: &&[String]| {
        let program = beyond_wrappers(argv).first().map(|word| file_name(word).to_owned());
        matches!(program.as_deref(), None | Some("sh" | "bash" | "dash"))
    };
    let argv = family.iter().map(|process| process.argv.as_slice()).find(|argv| !is_shell(argv));
    let named = named_port(argv.unwrap_or(command));
    let listening: Vec<u16> = {
        let owned = ports.iter().filter(|(pid, _)| family.iter().any(|process| process.pid == *pid));
        owned.map(|(_, port)| *port).collect()
    };
    let port = match named {
        // The named port stays the one to ask when it does not listen: that is what is wrong then.
        Some(port) => port,
        None => listening.iter().min().copied().or_else(|| default_port(family, command))?,
    };
    Some(format!("http://127.0.0.1:{port}/{}", path(role, family, command)))
}

fn is_program(family: &[&Running], command: &[String], name: &str) -> bool {
    let is = |argv: &[String]| beyond_wrappers(argv).first().is_some_and(|word| file_name(word) == name);
    is(command) || family.iter().any(|process| is(&process.argv))
}

fn default_port(family: &[&Running], command: &[String]) -> Option<u16> {
    let named = [("llama-server", 8080), ("ollama", 11434), ("modelctl", 4848)];
    named.into_iter().find(|(name, _)| is_program(family, command, name)).map(|(_, port)| port)
}

fn path(role: Role, family: &[&Running], command: &[String]) -> &'static str {
    if role == Role::Llama && is_program(family, command, "ollama") { "api/version" } else { "health" }
}

/// Returns the port of `--port N`, `--port=N`, `--bind HOST:N`, `--listen HOST:N`.
pub(super) fn named_port(argv: &[String]) -> Option<u16> {
    argv.iter().enumerate().find_map(|(at, word)| {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.as_str(), argv.get(at.saturating_add(1)).map(String::as_str)),
        };
        let value = value?;
        match name {
            "--port" => value.parse().ok(), // a port that is none is judged by what listens
            "--bind" | "-b" | "--listen" => value.rsplit(':').next()?.parse().ok(),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::supervisord::ProgramState;

    fn program(name: &str, pid: Option<u32>, command: &str) -> Program {
        let settings = crate::node::supervisord::ProgramSettings {
            place: None,
            command: command.to_owned(),
            directory: None,
            user: None,
            autostart: true,
            autorestart: crate::node::supervisord::AutoRestart::Unexpected,
            start_seconds: 1,
            start_retries: 3,
            exit_codes: vec![0],
            stop_wait_seconds: 10,
            stdout_log: None,
            stderr_log: None,
            stdout_max_bytes: None,
            stderr_max_bytes: None,
            redirect_stderr: false,
            environment: Vec::new(),
        };
        Program { state: ProgramState::Running, pid, settings: Some(settings), ..Program::new(name, name) }
    }

    fn running(pid: u32, parent: u32, command: &str) -> Running {
        Running { pid, parent, argv: words(command) }
    }

    #[test]
    fn a_server_behind_a_launcher_is_one_service_with_its_port() {
        let seen = Seen {
            programs: vec![
                (0, program("llama", Some(10), "/opt/run.sh")),
                (1, program("web", None, "uvicorn app:app --port 8000")),
            ],
            units: Vec::new(),
            processes: vec![
                running(1, 0, "supervisord"),
                running(10, 1, "/bin/sh /opt/run.sh"),
                running(11, 10, "/opt/llama-server -m a.gguf"),
                running(20, 1, "/usr/bin/ollama serve"),
                running(21, 20, "/usr/bin/ollama runner --port 40000"),
            ],
            ports: vec![(11, 8081), (20, 11434), (21, 40000)],
        };
        let found = services(&seen);
        let short: Vec<_> =
            found.iter().map(|s| (s.name.as_str(), s.role, s.endpoint.as_deref().unwrap_or(""))).collect();
        assert_eq!(
            short,
            [
                ("llama", Role::Llama, "http://127.0.0.1:8081/health"),
                ("web", Role::Api, "http://127.0.0.1:8000/health"),
                ("ollama", Role::Llama, "http://127.0.0.1:11434/api/version"),
            ]
        );
    }

    #[test]
    fn two_servers_by_hand_have_two_names() {
        let seen = Seen {
            processes: vec![running(5, 1, "llama-server --port 1"), running(6, 1, "llama-server --port 2")],
            ..Seen::default()
        };
        let names: Vec<_> = services(&seen).into_iter().map(|service| service.name).collect();
        assert_eq!(names, ["llama-server", "llama-server-6"]);
    }

    #[test]
    fn a_port_that_cannot_be_one_leaves_the_port_that_listens() {
        let seen = Seen {
            processes: vec![running(5, 1, "llama-server --port 99999")],
            ports: vec![(5, 34463)],
            ..Seen::default()
        };
        assert_eq!(services(&seen)[0].endpoint.as_deref(), Some("http://127.0.0.1:34463/health"));
    }

    #[test]
    fn we_and_what_started_us_are_no_services() {
        let seen = Seen {
            processes: vec![running(std::process::id(), 7, "modelctl serve"), running(7, 1, "modelctl serve")],
            ..Seen::default()
        };
        assert_eq!(services(&seen), []);
    }
}

//! The state of a service, by its manager and `/proc`.

use crate::clock::Timestamp;
use crate::health::{RunState, Running, Seen};
use crate::model::service::{Manager, Role, Service};
use crate::node::process::{self, Parents};
use crate::node::supervisord::{AutoRestart, Program, ProgramState};
use crate::node::systemd::Unit;
use crate::node::{Fact, Outcome, Place};
use std::time::Duration;

/// What a manager says of a service.
pub enum Managed {
    Program(Box<Fact<Program>>),
    /// As the log of supervisord has it and `/proc` confirms, and why supervisord itself gave no answer.
    ProgramByLog(Box<Fact<Program>>, String),
    Unit(Box<Fact<Unit>>),
    /// The process that its pid file, its port or a search leads to.
    Process(Fact<u32>),
    /// Nothing manages it, and nothing of it was found.
    Nothing(&'static str),
}

/// Starts in ten minutes, after ends that nobody wanted, that are no accident any more.
const FLAPPING: usize = 3;
/// A program that has run for so long is up, whatever was before.
const UP: Duration = Duration::from_secs(120);

/// Returns the state of a service. With `parents`, those of all processes, its whole process tree is read, else its main
/// process alone. `ended`: how often it ended lately although it should run.
pub fn seen(
    service: &Service,
    managed: Managed,
    place: &Place,
    parents: Option<&Parents>,
    ended: usize,
    now: Timestamp,
) -> Seen {
    let running = match managed {
        Managed::Program(program) => (*program).map(|program| of_program(service, &program)),
        Managed::ProgramByLog(program, why) => (*program).map(|program| Running {
            detail: Some(format!("its process runs, according to the log of supervisord; supervisord itself: {why}")),
            ..of_program(service, &program)
        }),
        Managed::Unit(unit) => (*unit).map(|unit| of_unit(&unit)),
        Managed::Process(pid) => pid.map(|pid| Running { pids: vec![pid], ..running(RunState::Running, "running") }),
        Managed::Nothing(why) => Fact::absent(service.name.as_str(), now, why),
    };
    let running = running.map(|running| with_processes(running, place, parents, now));
    let running = running.map(|running| flapping(running, ended, now));
    let mut service = service.clone();
    // Where nothing names the model of a server that runs, its command line does.
    let model = running.known().and_then(|running| running.model.as_ref()).filter(|_| service.role == Role::Llama);
    service.model = service.model.or_else(|| Some(model?.to_str()?.to_owned()));
    let running = without_its_process(&service, running);
    Seen { service, running }
}

fn running(state: RunState, word: impl Into<String>) -> Running {
    Running {
        state,
        word: word.into(),
        pids: Vec::new(),
        process_state: None,
        since: None,
        read_bytes: None,
        has_gpu: None,
        model: None,
        detail: None,
    }
}

fn of_program(service: &Service, program: &Program) -> Running {
    let settings = program.settings.as_ref();
    let exit = program.exit_status.unwrap_or_default();
    // A program that ends by itself and stays that way: only where it is no server and ended as expected.
    let is_task = matches!(service.role, Role::Sync | Role::Other)
        && settings
            .is_some_and(|settings| settings.autorestart != AutoRestart::Always && settings.exit_codes.contains(&exit));
    let said = || program.spawn_error.clone().filter(|error| !error.is_empty());
    let (state, word, detail) = match program.state {
        ProgramState::Running => (RunState::Running, "RUNNING", None),
        ProgramState::Starting => (RunState::Starting, "STARTING", None),
        ProgramState::Backoff => (RunState::Failed, "BACKOFF", said()),
        ProgramState::Fatal => (RunState::Failed, "FATAL", said()),
        ProgramState::Exited if is_task => (RunState::Finished, "EXITED", None),
        ProgramState::Exited => (RunState::Failed, "EXITED", Some(format!("it exited with {exit}"))),
        ProgramState::Stopped => (RunState::Stopped, "STOPPED", None),
        ProgramState::Stopping => (RunState::Stopped, "STOPPING", None),
        ProgramState::Unknown => (RunState::Failed, "UNKNOWN", said()),
    };
    let is_up = matches!(state, RunState::Running | RunState::Starting);
    Running {
        pids: program.pid.filter(|pid| *pid > 0 && is_up).into_iter().collect(),
        since: program.start.filter(|_| is_up),
        detail,
        ..running(state, word)
    }
}

fn of_unit(unit: &Unit) -> Running {
    let active = unit.active.as_deref().unwrap_or("unknown");
    let sub = unit.sub.as_deref().unwrap_or_default();
    let word = if sub.is_empty() { active.to_owned() } else { format!("{active} ({sub})") };
    let result = unit.result.as_deref().filter(|result| *result != "success");
    let state = match (active, sub) {
        ("active" | "reloading", "exited") => RunState::Finished,
        ("active" | "reloading", _) => RunState::Running,
        // systemd calls the wait before the next try activating.
        ("activating", "auto-restart") => RunState::Failed,
        ("activating", _) => RunState::Starting,
        ("failed", _) => RunState::Failed,
        _ => RunState::Stopped,
    };
    Running {
        pids: unit.main_pid.filter(|pid| *pid > 0).into_iter().collect(),
        since: unit.started,
        detail: result.map(|result| match unit.exit_status {
            Some(status) => format!("result {result}, exit status {status}"),
            None => format!("result {result}"),
        }),
        ..running(state, word)
    }
}

/// A program that is started again and again is up whenever it is asked for, and serves nothing.
fn flapping(running: Running, ended: usize, now: Timestamp) -> Running {
    let is_up = running.since.is_some_and(|since| since.age(now) >= UP);
    if ended < FLAPPING || is_up || !matches!(running.state, RunState::Running | RunState::Starting) {
        return running;
    }
    let detail = Some(format!("it exited {ended} times within 10 minutes and was restarted"));
    Running { state: RunState::Failed, detail, ..running }
}

/// Adds what `/proc` says of its processes.
fn with_processes(mut running: Running, place: &Place, parents: Option<&Parents>, now: Timestamp) -> Running {
    let Some(pid) = running.pids.first().copied() else { return running };
    let processes = match parents {
        Some(parents) => process::tree(place, pid, parents, now),
        None => vec![process::read(place, pid, now)],
    };
    let known: Vec<&process::Process> = processes.iter().filter_map(Fact::known).collect();
    let Some(main) = known.first() else { return running };
    running.process_state = Some(main.state);
    running.since = running.since.or(main.started);
    if parents.is_some() {
        running.pids = known.iter().map(|process| process.pid).collect();
        let read = known.iter().filter_map(|process| process.read_bytes);
        running.read_bytes = read.reduce(u64::saturating_add);
        let can_be_seen = known.iter().all(|process| process.open_files.known().is_some());
        let has_gpu = known.iter().any(|process| !process.gpu_nodes.is_empty());
        running.has_gpu = (has_gpu || can_be_seen).then_some(has_gpu);
        running.model = known.iter().find_map(|process| process::model_path(&process.argv, process.cwd.as_deref()));
    }
    running
}

/// A manager that has not noticed the end of a process.
fn without_its_process(service: &Service, running: Fact<Running>) -> Fact<Running> {
    let is_gone = |running: &Running| {
        matches!(service.manager, Manager::Pid(_) | Manager::Process(_)) && running.process_state.is_none()
    };
    match running.known().filter(|running| is_gone(running)).and_then(|running| running.pids.first()) {
        Some(pid) => {
            let outcome = Outcome::Absent { why: format!("process {pid} does not exist") };
            Fact::new(format!("/proc/{pid}"), running.time, outcome)
        }
        None => running,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::model::service::FoundBy;

    fn program(state: ProgramState, exit_status: i32) -> Program {
        let spawn_error = Some("Exited too quickly".to_owned());
        Program { state, exit_status: Some(exit_status), spawn_error, ..Program::new("a", "a") }
    }

    fn is(program: Program, role: Role) -> (RunState, Option<String>) {
        let manager = Manager::Supervisor("a".to_owned());
        let service = Service::new("a", role, manager, FoundBy::Config);
        let running = of_program(&service, &program);
        (running.state, running.detail)
    }

    /// supervisorctl status ends with 0 for a program that is in BACKOFF: what does not stay up must not pass.
    #[test]
    fn a_program_that_does_not_stay_up_has_failed() {
        assert_eq!(is(program(ProgramState::Running, 0), Role::Llama).0, RunState::Running);
        let backoff = is(program(ProgramState::Backoff, 0), Role::Llama);
        assert_eq!(backoff, (RunState::Failed, Some("Exited too quickly".to_owned())));
        let exited = is(program(ProgramState::Exited, 127), Role::Api);
        assert_eq!(exited, (RunState::Failed, Some("it exited with 127".to_owned())));
        assert_eq!(
            is(program(ProgramState::Exited, 0), Role::Sync).0,
            RunState::Failed,
            "nothing says that it may end"
        );
        assert_eq!(is(program(ProgramState::Stopped, 0), Role::Api).0, RunState::Stopped);
    }

    /// A server that dies every few seconds is RUNNING whenever it is asked for.
    #[test]
    fn a_program_that_is_started_again_and_again_has_failed() {
        let now = Timestamp(1_000_000);
        let up = |seconds: i64| Running {
            since: Some(Timestamp(now.0 - seconds * 1_000)),
            ..running(RunState::Running, "RUNNING")
        };
        assert_eq!(flapping(up(5), 3, now).state, RunState::Failed);
        assert_eq!(flapping(up(5), 2, now).state, RunState::Running);
        assert_eq!(flapping(up(300), 9, now).state, RunState::Running, "it has stayed up since");
    }

    #[test]
    fn a_unit_is_in_the_state_that_systemd_reports() {
        let is = |active: &str, sub: &str| {
            of_unit(&Unit { active: Some(active.to_owned()), sub: Some(sub.to_owned()), ..Unit::default() }).state
        };
        assert_eq!(is("active", "running"), RunState::Running);
        assert_eq!(is("activating", "start"), RunState::Starting);
        assert_eq!(is("activating", "auto-restart"), RunState::Failed);
        assert_eq!(is("failed", "failed"), RunState::Failed);
        assert_eq!(is("inactive", "dead"), RunState::Stopped);
        assert_eq!(is("active", "exited"), RunState::Finished);
    }

    #[test]
    fn a_process_that_is_gone_is_absent() {
        let service = Service::new("a", Role::Other, Manager::Pid("/x.pid".into()), FoundBy::Config);
        let now = clock::now();
        let of = |pid: u32| {
            let managed = Managed::Process(Fact::ok("/x.pid", now, pid));
            seen(&service, managed, &Place::default(), Some(&Parents::read(&Place::default())), 0, now).running
        };
        let ours = of(std::process::id());
        assert!(ours.known().unwrap().pids.contains(&std::process::id()));
        assert!(matches!(of(u32::MAX - 1).outcome, Outcome::Absent { .. }));
    }
}

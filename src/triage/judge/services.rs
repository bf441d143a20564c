use crate::clock::Timestamp;
use crate::model::service::Manager;
use crate::node::Fact;
use crate::node::endpoint::{Answer, Endpoint};
use crate::node::log::{Life, LifeEnd};
use crate::node::supervisord::ProgramState;
use crate::triage::facts::ServiceFacts;
use crate::triage::finding::Evidence;
use crate::triage::report::{LifeReport, ServiceReport, Time};
use crate::triage::rules::Trouble;

/// Unwanted ends from which on a service is flapping, whatever its state is at this moment.
const FLAPS: usize = 3;

/// Returns what a script reads of a service.
pub fn report(service: &ServiceFacts, since: Timestamp) -> ServiceReport {
    let trouble = service.trouble();
    let is_in_time = |life: &&Life| life.began.is_none_or(|began| began >= since);
    ServiceReport {
        name: service.name().to_owned(),
        role: service.service.role,
        manager: manager_in_words(&service.service.manager),
        state: state(service),
        pid: pid(service),
        since: service.program().and_then(|program| program.start).or_else(|| started(service)).map(Time),
        starts: service.lives.iter().filter(is_in_time).count() as u64,
        flapping: matches!(trouble, Some(Trouble::Flapping { .. })) || service.unwanted_ends().count() >= FLAPS,
        cadence_s: cadence(service),
        endpoint: service.endpoint().map(|endpoint| endpoint.url.clone()).or_else(|| service.service.endpoint.clone()),
        trouble: trouble.as_ref().map(|trouble| trouble_in_words(trouble, is_given_up(service))),
        lives: service.lives.iter().map(life).collect(),
    }
}

/// Returns whether its manager starts it no more.
fn is_given_up(service: &ServiceFacts) -> bool {
    let unit = service.unit.as_ref().and_then(Fact::known).and_then(|unit| unit.active.as_deref());
    let state = service.program().map(|program| program.state);
    matches!(state, Some(ProgramState::Fatal | ProgramState::Exited | ProgramState::Stopped)) || unit == Some("failed")
}

fn trouble_in_words(trouble: &Trouble, is_given_up: bool) -> &'static str {
    match trouble {
        Trouble::NotRunning => "not-running",
        Trouble::Flapping { .. } if is_given_up => "not-running",
        Trouble::Flapping { .. } => "flapping",
        Trouble::NotAnswering => "not-answering",
    }
}

fn manager_in_words(manager: &Manager) -> String {
    match manager {
        Manager::Supervisor(name) => format!("supervisor:{name}"),
        Manager::Systemd(unit) => format!("systemd:{unit}"),
        Manager::Pid(file) => format!("pid:{}", file.display()),
        Manager::Process(pid) => format!("process:{pid}"),
        Manager::None => "none".to_owned(),
    }
}

/// Returns the state as its manager says it.
pub fn state(service: &ServiceFacts) -> String {
    if let Some(program) = service.program() {
        return state_name(program.state).to_owned();
    }
    let unit = service.unit.as_ref().and_then(Fact::known);
    if let Some(active) = unit.and_then(|unit| unit.active.as_ref()) {
        return active.clone();
    }
    match service.processes.first() {
        Some(process) if process.known().is_some() => "running",
        Some(process) if !process.is_unknown() => "absent",
        _ => "unknown",
    }
    .to_owned()
}

pub fn state_name(state: ProgramState) -> &'static str {
    match state {
        ProgramState::Stopped => "STOPPED",
        ProgramState::Starting => "STARTING",
        ProgramState::Running => "RUNNING",
        ProgramState::Backoff => "BACKOFF",
        ProgramState::Stopping => "STOPPING",
        ProgramState::Exited => "EXITED",
        ProgramState::Fatal => "FATAL",
        ProgramState::Unknown => "UNKNOWN",
    }
}

fn pid(service: &ServiceFacts) -> Option<u32> {
    let unit = service.unit.as_ref().and_then(Fact::known).and_then(|unit| unit.main_pid);
    service.program().and_then(|program| program.pid).or(unit).or_else(|| service.process().map(|process| process.pid))
}

fn started(service: &ServiceFacts) -> Option<Timestamp> {
    let unit = service.unit.as_ref().and_then(Fact::known).and_then(|unit| unit.started);
    unit.or_else(|| service.process().and_then(|process| process.started))
}

fn life(life: &Life) -> LifeReport {
    LifeReport {
        began: life.began.map(Time),
        lasted_s: life.lasted_s,
        end: end_in_words(&life.end),
        first_error: life.first_error.as_ref().map(|line| line.text.clone()),
    }
}

/// Returns, for example, `exit 7`.
pub fn end_in_words(end: &LifeEnd) -> String {
    match end {
        LifeEnd::Running => "running".to_owned(),
        LifeEnd::Exited { code, .. } => format!("exit {code}"),
        LifeEnd::Killed { signal } => signal.clone(),
        LifeEnd::Stopped => "stopped".to_owned(),
        LifeEnd::NotSpawned { why } => format!("not started: {why}"),
        LifeEnd::Unknown => "unknown".to_owned(),
    }
}

/// Returns, for example, `http://127.0.0.1:8081/health answers 500`.
pub fn answer_in_words(endpoint: &Endpoint) -> String {
    let url = &endpoint.url;
    match &endpoint.health {
        Answer::Http { code, .. } => format!("{url} returned HTTP {code}"),
        Answer::Refused => format!("{url} refused the connection"),
        Answer::Silent { seconds } => format!("{url} did not answer within {seconds:.1} s"),
        Answer::Unreachable { why } => format!("{url} is unreachable: {why}"),
        Answer::Garbage { why } => format!("{url} did not answer with HTTP: {why}"),
        Answer::Tls | Answer::NotAsked => format!("{url} was not checked"),
    }
}

/// Returns the usual time from one start to the next, in seconds; None with fewer than three starts.
pub fn cadence(service: &ServiceFacts) -> Option<f64> {
    let begins: Vec<Timestamp> = service.lives.iter().filter_map(|life| life.began).collect();
    let between = begins.iter().zip(begins.iter().skip(1));
    let gaps: Vec<f64> =
        between.map(|(one, next)| next.millis().saturating_sub(one.millis()) as f64 / 1000.0).collect();
    if gaps.len() < 2 { None } else { median(gaps) }
}

/// Returns the usual length of the lives that ended without a wish, in seconds.
pub fn usual_life(service: &ServiceFacts) -> Option<f64> {
    median(service.unwanted_ends().filter_map(|life| life.lasted_s).collect())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let middle = *values.get(values.len() / 2)?;
    // To the tenth of a second: what is read of logs is no more exact.
    Some((middle * 10.0).round() / 10.0)
}

/// Returns the state of a service as a line of evidence.
pub fn evidence_of_state(service: &ServiceFacts) -> Evidence {
    let pid = pid(service).map(|pid| format!(", pid {pid}")).unwrap_or_default();
    let words = service.program().map(|program| program.description.as_str()).filter(|words| !words.is_empty());
    let words = words.map(|words| format!(" ({words})")).unwrap_or_default();
    let fact = service.program.as_ref().map(|fact| (fact.source.as_str(), fact.time));
    let fact = fact.or_else(|| service.unit.as_ref().map(|fact| (fact.source.as_str(), fact.time)));
    let fact = fact.or_else(|| service.processes.first().map(|fact| (fact.source.as_str(), fact.time)));
    let (source, time) = fact.map_or(("configuration", None), |(source, time)| (source, Some(time)));
    Evidence::new(source, time, format!("{} {}{pid}{words}", service.name(), state(service)))
}

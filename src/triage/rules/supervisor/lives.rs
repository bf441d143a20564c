//! What the lives of a service tell: flapping, start-up gates, an end that nobody repairs.

use super::super::manage::{argv, symptoms};
use super::super::step::{Step, hit};
use super::super::text::seconds;
use super::super::view::median;
use super::super::{Check, Need, Rule, Trouble};
use super::spawn::undo_of_a_start;
use crate::node::log::{Life, LifeEnd};
use crate::node::supervisord::{AutoRestart, ProgramState};
use crate::triage::facts::{Facts, GateFound, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};

/// Starts within [`WINDOW_MS`] from which on a program flaps, as node-problem-detector counts services.
const STARTS: usize = 5;
const WINDOW_MS: i64 = 20 * 60 * 1000;

pub(super) const SUP_10: Rule = Rule {
    id: "SUP-10",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "a service keeps restarting",
    why: "Five starts within 20 minutes without an operator's stop in between. A program that runs longer than \
          startsecs and then exits is restarted immediately, forever: it never becomes FATAL, and supervisorctl shows \
          RUNNING with a short uptime. Starts after an operator's stop do not count, nor those before a run that has \
          since been stable. The rule reports the restarts, not their cause.",
    explains: &["LLM-06", "LLM-07", "LLM-11", "WRK-01"],
    needs: &[Need::Supervisor, Need::Logs],
    signs: &[],
    check: Check::Service(flapping),
};

fn flapping(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let Some(Trouble::Flapping { .. }) = service.trouble() else { return None };
    if service.state() == Some(ProgramState::Backoff) {
        return None; // SUP-17
    }
    let ends = service.ends_of_trouble();
    let last = service.lives.last()?.began?;
    let recent: Vec<&Life> = ends
        .iter()
        .copied()
        .filter(|life| life.began.is_some_and(|began| last.0.saturating_sub(began.0) <= WINDOW_MS))
        .collect();
    let is_up = service.lives.last().is_some_and(|life| life.end == LifeEnd::Running);
    let starts = recent.len() + usize::from(is_up);
    if starts < STARTS {
        return None;
    }
    let first = recent.first()?.began?;
    let span = first.age(last).as_secs_f64();
    let lasted: Vec<f64> = recent.iter().filter_map(|life| life.lasted_s).collect();
    let cadence = median(&lasted).map_or_else(String::new, |median| format!(", runs of about {}", seconds(median)));
    let last_three: Vec<&Life> = recent.iter().rev().take(3).rev().copied().collect();
    let how: Vec<String> = last_three.iter().map(|life| life.end.to_string()).collect();
    let how = if how.windows(2).all(|pair| matches!(pair, [a, b] if a == b)) {
        how.last().cloned().unwrap_or_default()
    } else {
        how.join(", then ")
    };
    let mut evidence: Vec<Evidence> =
        last_three.iter().filter_map(|life| life.end_line.as_ref()).map(Evidence::of_line).collect();
    let error = last_three.iter().rev().find_map(|life| life.first_error.as_ref());
    let error = error.or_else(|| service.stray_error());
    evidence.extend(error.map(Evidence::of_line));
    evidence.push(service.reported_state());
    if evidence.len() < 2 {
        evidence.push(Evidence::new("lives", Some(last), format!("{starts} starts since {}", first.rfc3339())));
    }
    let hidden = match service.settings() {
        Some(settings) if median(&lasted).is_some_and(|median| median >= f64::from(settings.start_seconds)) => {
            format!(", each longer than startsecs={} and therefore never FATAL", settings.start_seconds)
        }
        _ => String::new(),
    };
    let error = match error {
        Some(line) => format!("; first error: {}", line.text.trim()),
        None => "; no error line in its logs".to_owned(),
    };
    let cause = format!("started {starts} times within {}{cadence}{hidden}: {how}{error}", seconds(span));
    let step = Step::inspect("read the first lines that each run logs").maybe_command(service.tail(facts));
    Some(hit(Some(service), cause, evidence, step))
}

pub(super) const SUP_11: Rule = Rule {
    id: "SUP-11",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Limits,
    severity: Severity::Critical,
    title: "a startup timeout ends a slow start",
    why: "Three or more runs of nearly the same length (varying by less than a tenth), within ten percent of a timeout \
          set by its launcher, command or environment. Crashes are not that regular: the timeout ended it while it was \
          still loading. An operator's stop does not count, and startsecs is not such a timeout: it ends nothing.",
    explains: symptoms!["LLM-06", "SYS-02"],
    needs: &[Need::Logs, Need::Launcher],
    signs: &[],
    check: Check::Service(gate),
};

fn gate(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let ends = service.ends_of_trouble();
    let lasted: Vec<f64> = ends.iter().filter_map(|life| life.lasted_s).collect();
    let median = median(&lasted)?;
    // A fault of the program itself has a signal of its own.
    let is_fault = ends.iter().any(|life| match &life.end {
        LifeEnd::Killed { signal } => matches!(signal.as_str(), "SIGSEGV" | "SIGABRT" | "SIGILL" | "SIGBUS" | "SIGFPE"),
        LifeEnd::Exited { code, .. } => matches!(code, 132 | 134 | 135 | 136 | 139),
        LifeEnd::NotSpawned { .. } => true,
        _ => false,
    });
    if lasted.len() < 3 || is_fault || variation(&lasted)? >= 0.1 {
        return None;
    }
    let is_near = |gate: &&GateFound| {
        gate.seconds >= 2.0
            && (median - gate.seconds).abs() <= gate.seconds / 10.0
            && !gate.place.contains("startsecs")
            && gate.name != "startsecs"
    };
    let distance = |gate: &&GateFound| (median - gate.seconds).abs();
    let gate = service.gates.iter().filter(is_near).min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let old = gate.seconds;
    let new = f64::max(old * 2.5, service.expected_load_s.unwrap_or(0.0) * 3.0);
    let new = if new > 60.0 { (new / 10.0).ceil() * 10.0 } else { new.ceil() };
    let mut evidence: Vec<Evidence> =
        ends.iter().rev().filter_map(|life| life.end_line.as_ref()).take(2).map(Evidence::of_line).collect();
    evidence.reverse();
    let (source, line) = match gate.place.rsplit_once(':').map(|(file, line)| (file, line.parse())) {
        Some((file, Ok(line))) => (file.to_owned(), Some(line)),
        _ => (gate.place.clone(), None),
    };
    evidence
        .push(Evidence { line, ..Evidence::new(source.clone(), Some(facts.taken), format!("{}={old}", gate.name)) });
    let lives: Vec<String> = lasted.iter().map(|life| format!("{life:.1}")).collect();
    let lives = format!("lives of {} s", lives.join(", "));
    evidence.push(Evidence::new("lives", ends.last().and_then(|life| life.began), lives));
    let changes = match line {
        Some(_) => Changes::File(source),
        None if gate.place.contains("[program:") => service.settings_change(),
        None => Changes::Service(service.name().to_owned()),
    };
    let text = format!("raise {} in {} from {old} to {new}, then restart it", gate.name, gate.place);
    let undo = format!("set {} in {} back to {old}, then restart it", gate.name, gate.place);
    let command = if line.is_some() { service.manage(facts, "restart") } else { service.update(facts) };
    let step = Step::change(changes, text, undo).maybe_command(command);
    let load = match service.expected_load_s {
        Some(expected) if expected > old => format!("; loading its model should take {}", seconds(expected)),
        _ => String::new(),
    };
    let cause = format!(
        "ended {} times by the startup timeout {} = {old} s at {}, not by a crash: each run lasts {}{load}",
        lasted.len(),
        gate.name,
        gate.place,
        seconds(median)
    );
    Some(hit(Some(service), cause, evidence, step))
}

/// Returns the standard deviation over the mean; None for fewer than two figures, or all zero.
fn variation(figures: &[f64]) -> Option<f64> {
    let count = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / count;
    let variance = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (figures.len() > 1 && mean > 0.0).then(|| variance.sqrt() / mean)
}

pub(super) const SUP_12: Rule = Rule {
    id: "SUP-12",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Warning,
    title: "a program has exited and will not be restarted",
    why: "It exited with an expected status, and autorestart=unexpected (the default) restarts only programs that exit \
          with any other. A server that exits this way silently stays down. A program that is meant to run once \
          (autorestart=false or startsecs=0) is not reported.",
    explains: &["LLM-11", "WRK-01"],
    needs: &[Need::Supervisor],
    signs: &[],
    check: Check::Service(finished),
};

fn finished(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let program = service.program().filter(|program| program.state == ProgramState::Exited)?;
    let settings = program.settings.as_ref()?;
    if settings.autorestart != AutoRestart::Unexpected || settings.start_seconds == 0 {
        return None;
    }
    let life = service.lives.last().filter(|life| life.end != LifeEnd::Running);
    let status = match life.map(|life| &life.end) {
        Some(LifeEnd::Exited { code, expected: true }) => *code,
        None | Some(LifeEnd::Unknown) => program.exit_status.filter(|status| settings.exit_codes.contains(status))?,
        Some(_) => return None,
    };
    let mut evidence = vec![service.reported_state()];
    evidence.extend(life.and_then(|life| life.end_line.as_ref()).map(Evidence::of_line));
    let codes: Vec<String> = settings.exit_codes.iter().map(i32::to_string).collect();
    let codes = codes.join(",");
    evidence.push(service.settings_evidence(format!("autorestart=unexpected exitcodes={codes}")));
    let place = service.settings_place();
    let text = format!("if it should run all the time, set autorestart=true in {place}, then reread and update");
    let undo = format!("restore autorestart=unexpected in {place}, then update");
    let step = Step::change(service.settings_change(), text, undo).maybe_command(service.update(facts));
    let cause = format!("exited with status {status} and will not be restarted: autorestart=unexpected");
    Some(hit(Some(service), cause, evidence, step))
}

pub(super) const SUP_17: Rule = Rule {
    id: "SUP-17",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::App,
    severity: Severity::Critical,
    title: "a program exits before startsecs",
    why: "BACKOFF: it exits before startsecs, and supervisord waits before it tries again. Meanwhile `supervisorctl \
          status` exits with 0 and shows status 0 for the program; only the main log has the real one. The rule \
          reports the failure, not its cause.",
    explains: &["LLM-11", "WRK-01"],
    needs: &[Need::Supervisor, Need::Logs],
    signs: &[],
    check: Check::Service(backoff),
};

fn backoff(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let program = service.program()?;
    let ends = service.ends_of_trouble();
    let life = ends.last();
    // One that lived longer is started again at once, and is seen while it starts now and then (SUP-10).
    let is_again = program.state == ProgramState::Starting && life.is_some_and(|life| !life.started_well);
    if program.state != ProgramState::Backoff && !is_again {
        return None;
    }
    let error = life.and_then(|life| life.first_error.as_ref()).or_else(|| service.stray_error());
    let mut evidence = vec![service.reported_state()];
    evidence.extend(error.map(Evidence::of_line));
    evidence.extend(life.and_then(|life| life.end_line.as_ref()).map(Evidence::of_line));
    if let Some(settings) = &program.settings {
        let text = format!("startsecs={} startretries={}", settings.start_seconds, settings.start_retries);
        evidence.push(service.settings_evidence(text));
    }
    if evidence.len() < 2 {
        evidence.push(Evidence::of_state(service));
    }
    let how = life.map_or_else(|| "its exit status is in the main log".to_owned(), |life| life.end.to_string());
    let within = program
        .settings
        .as_ref()
        .map_or_else(String::new, |settings| format!(" within startsecs={}", settings.start_seconds));
    let error = match error {
        Some(line) => format!("; first error: {}", line.text.trim()),
        None => "; no error line in its logs".to_owned(),
    };
    let cause = format!("exits{within} and is restarted: {how}{error}");
    let step = Step::inspect("read the first lines that it logs").maybe_command(service.tail(facts));
    Some(hit(Some(service), cause, evidence, step))
}

/// Returns the step that starts a service.
pub(super) fn start(facts: &Facts, service: &ServiceFacts) -> Step {
    let command = service.manage(facts, "start").unwrap_or_else(|| argv(&["supervisorctl", "start", service.name()]));
    Step::change(Changes::Service(service.name().to_owned()), "start it", undo_of_a_start(facts, service))
        .maybe_command(Some(command))
}

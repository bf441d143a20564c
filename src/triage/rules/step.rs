//! Building of hits: the step with its undo, and the evidence that several rules show.

use crate::node::Fact;
use crate::node::endpoint::Answer;
use crate::node::process::Process;
use crate::triage::facts::ServiceFacts;
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Severity};

/// One smallest step, what it changes, and how to go back.
pub(super) struct Step {
    text: String,
    command: Option<Vec<String>>,
    changes: Changes,
    undo: String,
}

impl Step {
    /// Creates a step that changes nothing.
    pub(super) fn inspect(text: impl Into<String>) -> Step {
        Step { text: text.into(), command: None, changes: Changes::Nothing, undo: String::new() }
    }

    /// Creates a step that changes something; `undo` must say how to go back.
    pub(super) fn change(changes: Changes, text: impl Into<String>, undo: impl Into<String>) -> Step {
        Step { text: text.into(), command: None, changes, undo: undo.into() }
    }

    pub(super) fn command<W: AsRef<str>>(mut self, words: &[W]) -> Step {
        self.command = Some(words.iter().map(|word| word.as_ref().to_owned()).collect());
        self
    }

    pub(super) fn maybe_command(mut self, words: Option<Vec<String>>) -> Step {
        self.command = words;
        self
    }
}

/// Creates a proven hit of a service, or of the node.
pub(super) fn hit(
    service: Option<&ServiceFacts>,
    cause: impl Into<String>,
    evidence: Vec<Evidence>,
    step: Step,
) -> Hit {
    Hit {
        service: service.map(|service| service.name().to_owned()),
        affects: None,
        cause: cause.into(),
        confidence: Confidence::Proven,
        severity: None,
        evidence,
        step: step.text,
        command: step.command,
        changes: step.changes,
        undo: step.undo,
    }
}

impl Hit {
    pub(super) fn confidence(mut self, confidence: Confidence) -> Hit {
        self.confidence = confidence;
        self
    }

    /// Says whose findings a cause of the node can explain.
    pub(super) fn affects(mut self, services: Vec<String>) -> Hit {
        self.affects = Some(services);
        self
    }

    /// Sets another severity than the rule's; None keeps the rule's.
    pub(super) fn severity(mut self, severity: Option<Severity>) -> Hit {
        self.severity = severity;
        self
    }
}

/// Returns proven where a second source agrees, else likely.
pub(super) fn proven_if(agrees: bool) -> Confidence {
    if agrees { Confidence::Proven } else { Confidence::Likely }
}

impl Evidence {
    /// Shows what a read gave.
    pub(super) fn of_fact<T>(fact: &Fact<T>, text: impl Into<String>) -> Evidence {
        Evidence::new(fact.source.clone(), Some(fact.time), text)
    }

    /// Shows something of a process of the service.
    pub(super) fn of_process(service: &ServiceFacts, process: &Process, text: impl Into<String>) -> Evidence {
        let of_pid = |fact: &&Fact<Process>| fact.known().is_some_and(|known| known.pid == process.pid);
        let time = service.processes.iter().find(of_pid).map(|fact| fact.time);
        Evidence::new(format!("/proc/{}", process.pid), time, text)
    }

    /// Shows how the service stands: its last end, what its manager says, what its endpoint answers, or its process.
    pub(super) fn of_state(service: &ServiceFacts) -> Evidence {
        if let Some(line) = service.unwanted_ends().next_back().and_then(|life| life.end_line.as_ref()) {
            return Evidence::of_line(line);
        }
        if let Some((fact, program)) = service.program.as_ref().and_then(|fact| Some((fact, fact.known()?))) {
            let state = format!("{:?}", program.state).to_uppercase();
            let detail = program.spawn_error.as_deref().filter(|error| !error.is_empty());
            let detail = detail.unwrap_or(&program.description);
            return Evidence::of_fact(fact, format!("{} {state} {detail}", program.full_name()).trim_end());
        }
        if let Some((fact, unit)) = service.unit.as_ref().and_then(|fact| Some((fact, fact.known()?))) {
            let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
            let text = format!("ActiveState={} Result={}", word(&unit.active), word(&unit.result));
            return Evidence::of_fact(fact, text);
        }
        if let Some(evidence) = Evidence::of_health(service) {
            return evidence;
        }
        match service.server() {
            Some(process) => {
                Evidence::of_process(service, process, format!("process {} is running: {}", process.pid, process.name))
            }
            None => Evidence::new("services", None, format!("{} has no process", service.name())),
        }
    }

    /// Shows what the endpoint answers.
    pub(super) fn of_health(service: &ServiceFacts) -> Option<Evidence> {
        let (fact, endpoint) = service.endpoint.as_ref().and_then(|fact| Some((fact, fact.known()?)))?;
        let text = match &endpoint.health {
            Answer::Http { code, body, .. } => format!("HTTP {code} {body}"),
            Answer::Refused => "connection refused".to_owned(),
            Answer::Silent { seconds } => format!("connected, no answer within {seconds:.1} s"),
            Answer::Unreachable { why } => format!("unreachable: {why}"),
            Answer::Garbage { why } => format!("not HTTP: {why}"),
            Answer::Tls | Answer::NotAsked => return None,
        };
        Some(Evidence::new(endpoint.url.clone(), Some(fact.time), text.trim_end().to_owned()))
    }

    /// Shows the command line that runs, else the configured one.
    pub(super) fn of_command(service: &ServiceFacts) -> Option<Evidence> {
        if let Some(process) = service.server() {
            let source = format!("/proc/{}/cmdline", process.pid);
            return Some(Evidence { source, ..Evidence::of_process(service, process, process.argv.join(" ")) });
        }
        let settings = service.settings()?;
        let (source, line) = match &settings.place {
            Some((path, line)) => (path.display().to_string(), Some(u64::from(*line))),
            None => (service.program.as_ref()?.source.clone(), None),
        };
        Some(Evidence { source, line, time: None, text: format!("command={}", settings.command) })
    }
}

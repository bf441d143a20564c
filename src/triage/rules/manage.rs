//! What the rules of services ask of their manager: how a life ended, where a setting stands, which command acts on it.

use crate::clock::Timestamp;
use crate::model::service::Manager;
use crate::node::Fact;
use crate::node::log::{Life, LifeEnd, LogLine};
use crate::node::supervisord::ProgramState;
use crate::node::systemd::Unit;
use crate::triage::facts::{Facts, ServiceFacts, SupervisordFacts};
use crate::triage::finding::{Changes, Evidence};
use std::path::Path;

/// What follows from any failed start: rules whose findings a concrete cause explains.
macro_rules! symptoms {
    ($($more:literal),*) => {
        &[
            "SUP-10", "SUP-13", "SUP-15", "SUP-17", "SYS-03", "PY-06", "PY-07", "LLM-05", "LLM-07", "LLM-11", "WRK-01",
            "TOOL-02", $($more),*
        ]
    };
}
pub(super) use symptoms;

impl ServiceFacts {
    /// Returns the last life of the present trouble that ended.
    pub(super) fn last_end(&self) -> Option<&Life> {
        self.ends_of_trouble().last().copied()
    }

    /// Returns whether the last life of the present trouble ended with this status, or by this signal. A shell that
    /// waits for a program reports the signal as a status of 128 and its number.
    pub(super) fn ended_with(&self, status: i32, signal: Option<&str>) -> bool {
        self.last_end().is_some_and(|life| match &life.end {
            LifeEnd::Exited { code, .. } => *code == status,
            LifeEnd::Killed { signal: by } => signal.is_some_and(|signal| by == signal),
            _ => false,
        })
    }

    pub(super) fn state(&self) -> Option<ProgramState> {
        self.program().map(|program| program.state)
    }

    pub(super) fn known_unit(&self) -> Option<&Unit> {
        self.unit.as_ref().and_then(Fact::known)
    }

    /// Returns `[program:llama]`, as a person would search for it.
    pub(super) fn section(&self) -> String {
        match self.program() {
            Some(program) => format!("[program:{}]", program.name),
            None => self.name().to_owned(),
        }
    }

    /// Returns where its settings stand: `/etc/supervisor/conf.d/llama.conf:1`, else its section.
    pub(super) fn settings_place(&self) -> String {
        match self.settings().and_then(|settings| settings.place.as_ref()) {
            Some((path, line)) => format!("{}:{line}", path.display()),
            None => self.section(),
        }
    }

    /// Returns what an edit of its settings changes.
    pub(super) fn settings_change(&self) -> Changes {
        match self.settings().and_then(|settings| settings.place.as_ref()) {
            Some((path, _)) => Changes::File(path.display().to_string()),
            None => Changes::Service(self.name().to_owned()),
        }
    }

    /// Shows where its settings stand, with these words of them; where that is unknown, who reported them.
    pub(super) fn settings_evidence(&self, text: impl Into<String>) -> Evidence {
        let mut evidence = Evidence::new("settings", None, text);
        match self.settings().and_then(|settings| settings.place.as_ref()) {
            Some((path, line)) => {
                evidence.source = path.display().to_string();
                evidence.line = Some(u64::from(*line));
            }
            None => {
                if let Some(fact) = &self.program {
                    evidence.source = fact.source.clone();
                    evidence.time = Some(fact.time);
                }
            }
        }
        evidence
    }

    /// Returns a command of its manager: `supervisorctl -c FILE restart llama`, `systemctl restart llama.service`.
    pub(super) fn manage(&self, facts: &Facts, verb: &str) -> Option<Vec<String>> {
        match &self.service.manager {
            Manager::Supervisor(name) => {
                let mut words = facts.supervisorctl(self);
                words.extend([verb.to_owned(), name.clone()]);
                Some(words)
            }
            Manager::Systemd(unit) => Some(argv(&["systemctl", verb, unit])),
            Manager::Pid(_) | Manager::Process(_) | Manager::None => None,
        }
    }

    /// Returns the command that lets supervisord read the changed settings and restart this program if they differ.
    pub(super) fn update(&self, facts: &Facts) -> Option<Vec<String>> {
        let program = self.program()?;
        let group = if program.group.is_empty() { &program.name } else { &program.group };
        let mut words = facts.supervisorctl(self);
        words.extend(["update".to_owned(), group.clone()]);
        Some(words)
    }

    /// Returns the command that shows the end of what it writes to standard error, or to the one log that it has.
    pub(super) fn tail(&self, facts: &Facts) -> Option<Vec<String>> {
        match &self.service.manager {
            Manager::Supervisor(name) => {
                let is_one = self.settings().is_some_and(|settings| settings.redirect_stderr);
                let mut words = facts.supervisorctl(self);
                words.extend(argv(&["tail", "-8000", name, if is_one { "stdout" } else { "stderr" }]));
                Some(words)
            }
            Manager::Systemd(unit) => Some(argv(&["journalctl", "--no-pager", "-n", "100", "-u", unit])),
            Manager::Pid(_) | Manager::Process(_) | Manager::None => None,
        }
    }

    /// Shows a line and how the service stands.
    pub(super) fn line_and_state(&self, line: &LogLine) -> Vec<Evidence> {
        let state = Evidence::of_state(self);
        let line = Evidence::of_line(line);
        // A line of supervisord's own log may be both.
        if state == line { vec![line, self.reported_state()] } else { vec![line, state] }
    }

    /// Shows the state as the manager reports it, whatever the lives say.
    pub(super) fn reported_state(&self) -> Evidence {
        if let (Some(fact), Some(program)) = (&self.program, self.program()) {
            let state = format!("{:?}", program.state).to_uppercase();
            let text = format!("{} {state} {}", program.full_name(), program.description);
            return Evidence::of_fact(fact, text.trim_end());
        }
        if let (Some(fact), Some(unit)) = (&self.unit, self.known_unit()) {
            let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
            let text = format!(
                "ActiveState={} SubState={} Result={} NRestarts={}",
                word(&unit.active),
                word(&unit.sub),
                word(&unit.result),
                unit.restarts.map_or_else(|| "unknown".to_owned(), |count| count.to_string())
            );
            return Evidence::of_fact(fact, text);
        }
        Evidence::of_state(self)
    }
}

impl Facts {
    /// Returns the supervisord that has this service as a program, else the only one.
    pub(super) fn supervisord_of(&self, service: &ServiceFacts) -> Option<&SupervisordFacts> {
        if let Some(own) = service.service.supervisord.and_then(|at| self.supervisords.get(at)) {
            return Some(own);
        }
        let name = service.program()?.full_name();
        let has = |one: &&SupervisordFacts| {
            one.answer.known().is_some_and(|answer| answer.programs.iter().any(|program| program.full_name() == name))
        };
        self.supervisords.iter().find(has).or_else(|| self.supervisords.first())
    }

    /// Returns the words of a `supervisorctl` that asks the right supervisord.
    pub(super) fn supervisorctl(&self, service: &ServiceFacts) -> Vec<String> {
        let config = self.supervisord_of(service).and_then(|one| one.search.config_file.as_deref());
        supervisorctl(config)
    }
}

/// Returns the words of a `supervisorctl` for a config file.
pub(super) fn supervisorctl(config: Option<&Path>) -> Vec<String> {
    let mut words = argv(&["supervisorctl"]);
    if let Some(config) = config {
        words.extend(["-c".to_owned(), config.display().to_string()]);
    }
    words
}

pub(super) fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Returns a command as it is typed.
pub(super) fn typed(words: &[String]) -> String {
    words.join(" ")
}

/// Returns the time of an end, from its line or its life.
pub(super) fn end_time(life: &Life) -> Option<Timestamp> {
    let computed = || Some(Timestamp(life.began?.0.saturating_add((life.lasted_s? * 1000.0) as i64)));
    life.end_line.as_ref().and_then(|line| line.time).or_else(computed)
}

/// Formats a size: `40.0 GiB`, `512 B`.
pub(super) fn bytes(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

//! What several rules ask of the facts of a service.

use crate::clock::Timestamp;
use crate::node::Fact;
use crate::node::endpoint::{Answer, Endpoint};
use crate::node::log::{Life, LifeEnd, LogLine};
use crate::node::process::Process;
use crate::node::supervisord::{Program, ProgramSettings, ProgramState};
use crate::triage::facts::ServiceFacts;
use crate::triage::finding::Evidence;

/// What is wrong with a service from outside, before any cause is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// It should run and does not.
    NotRunning,
    /// It is started again and again; lives that ended without an operator's wish.
    Flapping { ends: usize },
    /// Its process runs, and its endpoint does not answer as it should.
    NotAnswering,
}

/// Ends in the time that is looked at from which on a service is flapping.
const FLAPS: usize = 3;

impl ServiceFacts {
    pub fn name(&self) -> &str {
        &self.service.name
    }

    pub fn program(&self) -> Option<&Program> {
        self.program.as_ref().and_then(Fact::known)
    }

    /// Returns the settings that it runs with.
    pub fn settings(&self) -> Option<&ProgramSettings> {
        self.program().and_then(|program| program.settings.as_ref())
    }

    /// Returns the main process.
    pub fn process(&self) -> Option<&Process> {
        self.processes.first().and_then(Fact::known)
    }

    /// Returns the main process and its descendants.
    pub fn all_processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter_map(Fact::known)
    }

    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref().and_then(Fact::known)
    }

    /// Returns the value of an allowed variable in the environment of its main process.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.process()?.environment.known()?.get(name)?.as_deref()
    }

    /// Returns the value of an argument: `--port 8080`, `--port=8080`, by any of its names, of the running process, else
    /// of the configured command.
    pub fn argument(&self, names: &[&str]) -> Option<String> {
        let argv = self.argv();
        argv.iter().enumerate().find_map(|(at, word)| {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) if name.starts_with('-') => (name, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            if !names.contains(&name) {
                return None;
            }
            value.or_else(|| argv.get(at + 1).cloned())
        })
    }

    /// Returns the words of the running process that is the server itself (a wrapper's child counts before the
    /// wrapper), else of the configured command.
    pub fn argv(&self) -> Vec<String> {
        let is_shell = |process: &&Process| {
            let program = process.argv.first().and_then(|word| word.rsplit('/').next());
            !matches!(program, None | Some("sh" | "bash" | "dash" | "timeout" | "env" | "nice"))
        };
        let running = self.all_processes().find(is_shell).or_else(|| self.process());
        match (running, self.settings()) {
            (Some(process), _) => process.argv.clone(),
            (None, Some(settings)) => settings.command.split_whitespace().map(str::to_owned).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Returns the lives that ended without a wish, in order.
    pub fn unwanted_ends(&self) -> impl DoubleEndedIterator<Item = &Life> {
        self.lives.iter().filter(|life| {
            !matches!(life.end, LifeEnd::Running | LifeEnd::Stopped | LifeEnd::Exited { expected: true, .. })
        })
    }

    /// Returns what is wrong with it from outside. None: it does what it should, and old lines of its logs are history.
    pub fn trouble(&self) -> Option<Trouble> {
        let ends = self.unwanted_ends().count();
        if ends >= FLAPS {
            return Some(Trouble::Flapping { ends });
        }
        let state = self.program().map(|program| program.state);
        let unit = self.unit.as_ref().and_then(Fact::known).and_then(|unit| unit.active.as_deref());
        let not_running = match (state, unit) {
            (Some(ProgramState::Fatal | ProgramState::Backoff | ProgramState::Unknown), _) => true,
            (Some(ProgramState::Exited), _) => {
                !matches!(self.lives.last().map(|life| &life.end), Some(LifeEnd::Exited { expected: true, .. }))
            }
            (Some(_), _) => false,
            (None, Some(active)) => active == "failed" || (active == "activating" && ends > 0),
            (None, None) => {
                self.processes.first().is_some_and(|process| process.known().is_none())
                    && self.service.found == crate::model::service::FoundBy::Config
            }
        };
        if not_running {
            return Some(Trouble::NotRunning);
        }
        let answers_badly = match self.endpoint().map(|endpoint| &endpoint.health) {
            None | Some(Answer::NotAsked | Answer::Tls) => false,
            // Loading is not sick; the rules of a slow load judge how long it may last. A key that is missing is no
            // trouble of the service.
            Some(Answer::Http { code, .. }) => *code >= 400 && !matches!(code, 401 | 403 | 503),
            Some(Answer::Refused | Answer::Silent { .. } | Answer::Unreachable { .. } | Answer::Garbage { .. }) => true,
        };
        answers_badly.then_some(Trouble::NotAnswering)
    }

    /// Returns the index of the first life of the present trouble: those after the last one that started well and is
    /// not among the unwanted ends at the end of the list.
    fn first_bad_life(&self) -> usize {
        let is_bad = |life: &Life| !matches!(life.end, LifeEnd::Running | LifeEnd::Stopped);
        self.lives.iter().rposition(|life| !is_bad(life) && life.end != LifeEnd::Running).map_or(0, |at| at + 1)
    }

    /// Returns the lines of its logs that speak of the present trouble: those of the lives that belong to it, and those
    /// of which nothing is known while there is trouble. Empty for a service without trouble.
    pub fn lines_of_trouble(&self) -> Vec<&LogLine> {
        if self.trouble().is_none() {
            return Vec::new();
        }
        let first = self.first_bad_life();
        let marked = self.logs.iter().filter_map(Fact::known).flat_map(|log| &log.marked);
        marked.filter(|line| line.life.is_none_or(|life| life >= first)).collect()
    }

    /// Returns the lines of the life that runs now, of a service with or without trouble.
    pub fn lines_of_this_life(&self) -> Vec<&LogLine> {
        let running = self.lives.iter().rposition(|life| life.end == LifeEnd::Running);
        let marked = self.logs.iter().filter_map(Fact::known).flat_map(|log| &log.marked);
        marked.filter(|line| running.is_some() && line.life == running).collect()
    }

    /// Returns the last line of the present trouble that contains all of `parts`.
    pub fn line_of_trouble(&self, parts: &[&str]) -> Option<&LogLine> {
        self.lines_of_trouble().into_iter().rev().find(|line| parts.iter().all(|part| line.text.contains(part)))
    }
}

impl Evidence {
    pub fn of_line(line: &LogLine) -> Evidence {
        Evidence { source: line.source.clone(), line: line.line, time: line.time, text: line.text.clone() }
    }

    pub fn new(source: impl Into<String>, time: Option<Timestamp>, text: impl Into<String>) -> Evidence {
        Evidence { source: source.into(), line: None, time, text: text.into() }
    }
}

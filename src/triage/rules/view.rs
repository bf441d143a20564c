//! What several rules ask of the facts of a service.

use crate::clock::Timestamp;
use crate::model::service::{FoundBy, Role};
use crate::node::Fact;
use crate::node::endpoint::{Answer, Endpoint};
use crate::node::log::{Life, LifeEnd, LogLine};
use crate::node::process::Process;
use crate::node::supervisord::{AutoRestart, Program, ProgramSettings, ProgramState};
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

/// A life of this many seconds, and ten times as long as those after it, was a good one.
const LONG_LIFE_S: f64 = 600.0;

/// A life that runs has got over the trouble before it after this many seconds, and three times the longest of them.
const GOT_OVER_S: f64 = 60.0;

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

    /// Returns the lives that ended without a wish, in order. A server that ends by itself with a good status and is
    /// started again at once is among them: nobody wished that, whatever its manager says.
    pub fn unwanted_ends(&self) -> impl DoubleEndedIterator<Item = &Life> {
        self.lives.iter().filter(|life| self.is_unwanted(life))
    }

    fn is_unwanted(&self, life: &Life) -> bool {
        match life.end {
            LifeEnd::Running | LifeEnd::Stopped => false,
            LifeEnd::Exited { expected: true, .. } => {
                let is_server = !matches!(self.service.role, Role::Sync | Role::Other);
                is_server && self.settings().is_some_and(|settings| settings.autorestart == AutoRestart::Always)
            }
            _ => true,
        }
    }

    /// Returns what is wrong with it from outside. None: it does what it should, and old lines of its logs are history.
    pub fn trouble(&self) -> Option<Trouble> {
        let state = self.program().map(|program| program.state);
        let unit = self.unit.as_ref().and_then(Fact::known).and_then(|unit| unit.active.as_deref());
        match (state, unit) {
            // Somebody stopped it, or it was never started: nothing that its logs say is about now.
            (Some(ProgramState::Stopped | ProgramState::Stopping), _) => return None,
            (None, Some("inactive" | "deactivating")) => return None,
            (Some(ProgramState::Fatal), _) | (None, Some("failed")) => return Some(Trouble::NotRunning),
            _ => {}
        }
        let ends = self.bad_lives().iter().filter(|life| self.is_unwanted(life)).count();
        if ends >= FLAPS {
            return Some(Trouble::Flapping { ends });
        }
        let not_running = match (state, unit) {
            (Some(ProgramState::Backoff | ProgramState::Unknown), _) => true,
            (Some(ProgramState::Starting), _) => ends > 0,
            (Some(ProgramState::Exited), _) => self.has_ended_badly(),
            (Some(_), _) => false,
            (None, Some(active)) => active == "activating" && ends > 0,
            // Only its lives are known: of the last one nobody says that it was followed by another.
            (None, None) if self.lives.last().is_some_and(|life| self.is_unwanted(life)) => true,
            (None, None) => {
                // A process that has ended and that nobody has waited for is still listed.
                let has_ended = |process: &Process| matches!(process.state, 'Z' | 'X');
                self.processes.first().is_some_and(|process| process.known().is_none_or(has_ended))
                    && self.service.found == FoundBy::Config
            }
        };
        if not_running {
            return Some(Trouble::NotRunning);
        }
        self.answers_badly().then_some(Trouble::NotAnswering)
    }

    /// Returns whether a program that has exited and stays so ended with a status that its settings do not expect.
    fn has_ended_badly(&self) -> bool {
        match self.lives.last().map(|life| &life.end) {
            Some(LifeEnd::Exited { expected, .. }) => !expected,
            Some(LifeEnd::Stopped) => false,
            Some(LifeEnd::Killed { .. } | LifeEnd::NotSpawned { .. }) => true,
            // The log of supervisord does not reach back so far; the status is right in this state.
            Some(LifeEnd::Running | LifeEnd::Unknown) | None => {
                let expected = self.settings().map_or(&[0][..], |settings| settings.exit_codes.as_slice());
                let status = self.program().and_then(|program| program.exit_status);
                status.is_none_or(|status| !expected.contains(&status))
            }
        }
    }

    fn answers_badly(&self) -> bool {
        match self.endpoint().map(|endpoint| &endpoint.health) {
            None | Some(Answer::NotAsked | Answer::Tls) => false,
            // Loading is not sick; the rules of a slow load judge how long it may last. A key that is missing, and a
            // path that was only guessed, are no trouble of the service.
            Some(Answer::Http { code: 503, body, .. }) => {
                self.service.role != Role::Llama && !body.to_ascii_lowercase().contains("loading")
            }
            Some(Answer::Http { code: 401 | 403, .. }) => false,
            Some(Answer::Http { code: 400..=499, .. }) => self.service.found == FoundBy::Config,
            Some(Answer::Http { code, .. }) => *code >= 500,
            Some(Answer::Refused | Answer::Silent { .. } | Answer::Unreachable { .. } | Answer::Garbage { .. }) => true,
        }
    }

    /// Returns the lives of the present trouble, as far as lives can say it.
    fn bad_lives(&self) -> &[Life] {
        self.lives.get(self.first_bad_life()..).unwrap_or_default()
    }

    /// Returns the index of the first life of the present trouble. What lies before it is history: everything up to
    /// the last stop by an operator, up to a long life after which shorter ones ended, and all that ended before a life
    /// that runs and has got over it.
    fn first_bad_life(&self) -> usize {
        let stopped = self.lives.iter().rposition(|life| life.end == LifeEnd::Stopped).map_or(0, |at| at + 1);
        let lasted = |life: &Life| life.lasted_s.unwrap_or(0.0);
        let ended: Vec<(usize, &Life)> =
            self.lives.iter().enumerate().skip(stopped).filter(|(_, life)| self.is_unwanted(life)).collect();
        let mut first = stopped;
        for (at, (index, life)) in ended.iter().enumerate() {
            let later: Vec<f64> = ended.iter().skip(at + 1).map(|(_, life)| lasted(life)).collect();
            let is_long = lasted(life) >= LONG_LIFE_S && median(&later).is_some_and(|m| lasted(life) >= 10.0 * m);
            if is_long {
                first = index + 1;
            }
        }
        let now = self.lives.len().saturating_sub(1);
        let Some(life) = self.lives.last().filter(|life| life.end == LifeEnd::Running) else { return first };
        let before: Vec<&Life> = ended.iter().filter(|(at, _)| *at >= first).map(|(_, life)| *life).collect();
        let longest = before.iter().map(|life| lasted(life)).fold(0.0, f64::max);
        let is_past_the_start = life.started_well && before.iter().all(|life| !life.started_well);
        let is_long = self.age_of(life) >= f64::max(GOT_OVER_S, 3.0 * longest);
        if is_past_the_start || is_long { now } else { first }
    }

    /// Returns the lives of the present trouble that ended without a wish, in order; empty for a service without trouble.
    pub fn ends_of_trouble(&self) -> Vec<&Life> {
        match self.trouble() {
            Some(_) => self.bad_lives().iter().filter(|life| self.is_unwanted(life)).collect(),
            None => Vec::new(),
        }
    }

    /// Returns the seconds that a life has lasted, up to the time of the facts for one that runs.
    fn age_of(&self, life: &Life) -> f64 {
        let now = self.program.as_ref().map(|fact| fact.time).or_else(|| self.unit.as_ref().map(|fact| fact.time));
        let since = match (life.began, now) {
            (Some(began), Some(now)) => Some(began.age(now).as_secs_f64()),
            _ => None,
        };
        life.lasted_s.or(since).unwrap_or(0.0)
    }

    /// Returns the lines of its logs that speak of the present trouble: those of the lives that belong to it, and those
    /// of which nothing is known while there is trouble. Empty for a service without trouble.
    pub fn lines_of_trouble(&self) -> Vec<&LogLine> {
        if self.trouble().is_none() {
            return Vec::new();
        }
        let first = self.first_bad_life();
        let began = self.lives.get(first).and_then(|life| life.began);
        // A second of grace: many logs have times in whole seconds.
        let is_old =
            |line: &LogLine| matches!((line.time, began), (Some(time), Some(began)) if time.0 + 1000 < began.0);
        let marked = self.logs.iter().filter_map(Fact::known).flat_map(|log| &log.marked);
        marked
            .filter(|line| match line.life {
                Some(life) => life >= first,
                None => !is_old(line),
            })
            .collect()
    }

    /// Returns the last error line of the present trouble of which no life is known: many logs have no times.
    pub fn stray_error(&self) -> Option<&LogLine> {
        self.lines_of_trouble().into_iter().rev().find(|line| line.error && line.life.is_none())
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

/// Returns the middle of some figures; None where there are none.
pub(super) fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

impl Evidence {
    pub fn of_line(line: &LogLine) -> Evidence {
        Evidence { source: line.source.clone(), line: line.line, time: line.time, text: line.text.clone() }
    }

    pub fn new(source: impl Into<String>, time: Option<Timestamp>, text: impl Into<String>) -> Evidence {
        Evidence { source: source.into(), line: None, time, text: text.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::testing::{ago, ends_badly, flaps, healthy_service, line, says, with_endpoint, with_program};

    const CRASH: LifeEnd = LifeEnd::Exited { code: 1, expected: false };

    fn llama() -> ServiceFacts {
        healthy_service("llama", Role::Llama)
    }

    // A person would be called for errors that are long over.
    #[test]
    fn a_service_that_got_over_its_crashes_has_no_trouble() {
        let mut service = llama();
        flaps(&mut service, CRASH, &[2.0, 2.0, 2.0, 2.0], &["E broken"]);
        with_endpoint(&mut service, |endpoint| endpoint.health = ok());
        assert_eq!(service.trouble(), Some(Trouble::Flapping { ends: 4 }));
        service.lives.last_mut().unwrap().lasted_s = Some(61.0);
        assert_eq!(service.trouble(), None);
        assert!(service.line_of_trouble(&["broken"]).is_none());
    }

    // After the fix the old starts, none of which succeeded, are not held against the one that did.
    #[test]
    fn the_first_good_start_ends_the_trouble_of_bad_ones() {
        let mut service = llama();
        flaps(&mut service, CRASH, &[0.3, 0.3, 0.3], &[]);
        with_endpoint(&mut service, |endpoint| endpoint.health = ok());
        for life in service.lives.iter_mut().take(3) {
            life.started_well = false;
        }
        assert_eq!(service.trouble(), None);
    }

    // Words of users in the log of a long good life would be taken for the cause of the crashes after it.
    #[test]
    fn the_lines_of_a_long_good_life_are_history() {
        let mut service = llama();
        flaps(&mut service, CRASH, &[36_000.0, 2.0, 2.0, 2.0], &[]);
        let crate::node::Outcome::Ok { value } = &mut service.logs[1].outcome else { panic!() };
        value.marked.push(LogLine { life: Some(0), ..line("E old") });
        value.marked.push(LogLine { life: Some(2), ..line("E new") });
        value.marked.push(LogLine { life: None, time: Some(ago(30_000)), ..line("E older") });
        let texts: Vec<&str> = service.lines_of_trouble().iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["E new"]);
        assert_eq!(service.trouble(), Some(Trouble::Flapping { ends: 3 }));
    }

    #[test]
    fn what_an_operator_stopped_is_no_trouble() {
        let mut service = llama();
        says(&mut service, &["E broken"]);
        with_program(&mut service, |program| program.state = ProgramState::Stopped);
        with_endpoint(&mut service, |endpoint| endpoint.health = Answer::Refused);
        assert_eq!(service.trouble(), None);
        let mut service = llama();
        flaps(&mut service, CRASH, &[2.0, 2.0, 2.0], &[]);
        with_endpoint(&mut service, |endpoint| endpoint.health = ok());
        service.lives[2].end = LifeEnd::Stopped;
        assert_eq!(service.trouble(), None, "what came before the stop is history");
    }

    #[test]
    fn the_states_of_supervisord_that_mean_that_it_does_not_run() {
        for state in [ProgramState::Fatal, ProgramState::Backoff, ProgramState::Exited] {
            let mut service = llama();
            ends_badly(&mut service, CRASH, &[0.2]);
            with_program(&mut service, |program| program.state = state);
            assert_eq!(service.trouble(), Some(Trouble::NotRunning), "{state:?}");
        }
        let mut service = llama();
        ends_badly(&mut service, LifeEnd::Exited { code: 0, expected: true }, &[2.0]);
        with_program(&mut service, |program| program.state = ProgramState::Exited);
        with_endpoint(&mut service, |endpoint| endpoint.health = Answer::NotAsked);
        assert_eq!(service.trouble(), None);
    }

    #[test]
    fn an_answer_that_is_no_trouble() {
        let cases =
            [(200, "ok", false), (401, "", false), (404, "", false), (500, "", true), (503, "Loading model", false)];
        for (code, body, is_trouble) in cases {
            let mut service = llama();
            with_endpoint(&mut service, |endpoint| {
                endpoint.health = Answer::Http { code, body: body.into(), seconds: 0.1 };
            });
            assert_eq!(service.trouble().is_some(), is_trouble, "{code}");
        }
    }

    fn ok() -> Answer {
        Answer::Http { code: 200, body: String::new(), seconds: 0.1 }
    }
}

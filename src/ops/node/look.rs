use super::child::{self, NotRead};
use super::reads::NodeRead;
use crate::clock;
use crate::node::{Fact, Outcome};
use crate::supervise::StopSignal;
use crate::triage::facts::{CollectorReport, CollectorStatus};
use serde::de::DeserializeOwned;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The collectors of one look at the node, with what came of each and how long it took.
#[derive(Debug, Default)]
pub struct Collectors {
    /// Ends every read.
    stop: Option<StopSignal>,
    reports: Mutex<Vec<CollectorReport>>,
    /// Passwords and keys that were read on the way and are not among the facts.
    secrets: Mutex<Vec<String>>,
}

impl Collectors {
    /// Creates collectors whose reads a signal ends.
    pub fn until(stop: &StopSignal) -> Collectors {
        Collectors { stop: Some(stop.clone()), ..Collectors::default() }
    }

    /// Has a child do a read, and reports it under `name`.
    ///
    /// # Errors
    /// See [`NotRead`].
    pub fn read<T: DeserializeOwned>(&self, name: &str, read: &NodeRead, limit: Duration) -> Result<T, NotRead> {
        let begin = clock::instant();
        let answer = child::read(read, limit, self.stop.as_ref());
        let (status, why) = match &answer {
            Ok(_) => (CollectorStatus::Ok, None),
            Err(NotRead::TimedOut(why)) => (CollectorStatus::TimedOut, Some(why.clone())),
            Err(NotRead::Failed(why)) => (CollectorStatus::Failed, Some(why.clone())),
        };
        let bytes = answer.as_ref().map_or(0, |(_, bytes)| *bytes);
        self.add(report(name, status, begin.elapsed(), bytes, why));
        answer.map(|(answer, _)| answer)
    }

    /// Has a child read a fact, and reports what came of the fact.
    pub fn fact<T: DeserializeOwned>(&self, name: &str, read: &NodeRead, limit: Duration) -> Fact<T> {
        let begin = clock::instant();
        let (fact, bytes) = child::read(read, limit, self.stop.as_ref())
            .unwrap_or_else(|not| (Fact::new(name, clock::now(), outcome(not)), 0));
        self.add_fact(name, &fact, begin.elapsed(), bytes);
        fact
    }

    /// Runs a read that has limits of its own, and reports what came of the fact.
    pub fn timed<T>(&self, name: &str, read: impl FnOnce() -> Fact<T>) -> Fact<T> {
        let begin = clock::instant();
        let fact = read();
        self.add_fact(name, &fact, begin.elapsed(), 0);
        fact
    }

    fn add_fact<T>(&self, name: &str, fact: &Fact<T>, took: Duration, bytes: usize) {
        let status = match &fact.outcome {
            Outcome::Ok { .. } => CollectorStatus::Ok,
            Outcome::Absent { .. } => CollectorStatus::Absent,
            Outcome::Denied { .. } => CollectorStatus::Denied,
            Outcome::TimedOut { .. } => CollectorStatus::TimedOut,
            Outcome::Failed { .. } => CollectorStatus::Failed,
        };
        let mut report = report(name, status, took, bytes, fact.why().map(str::to_owned));
        if let Outcome::Denied { right, command, .. } = &fact.outcome {
            report.right = Some(right.clone());
            report.command.clone_from(command);
        }
        self.add(report);
    }

    fn add(&self, report: CollectorReport) {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
    }

    /// Keeps what must be replaced wherever it occurs.
    pub fn learn(&self, secrets: &mut Vec<String>) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).append(secrets);
    }

    /// Returns all reports, by name, and what was learned.
    pub fn done(self) -> (Vec<CollectorReport>, Vec<String>) {
        let mut reports = self.reports.into_inner().unwrap_or_else(PoisonError::into_inner);
        reports.sort_by(|a, b| a.name.cmp(&b.name));
        (reports, self.secrets.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Turns the reason why a child gave no answer into the outcome of a fact.
pub fn outcome<T>(not: NotRead) -> Outcome<T> {
    match not {
        NotRead::TimedOut(why) => Outcome::TimedOut { why },
        NotRead::Failed(why) => Outcome::Failed { why },
    }
}

fn report(name: &str, status: CollectorStatus, took: Duration, bytes: usize, why: Option<String>) -> CollectorReport {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    CollectorReport { name: name.to_owned(), status, ms, bytes, why, right: None, command: None }
}

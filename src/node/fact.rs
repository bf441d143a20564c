use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What came of a read of the node: the value or why there is none, with its source and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact<T> {
    /// A file, a socket or a command, as a person would name it: `/proc/17/maps`, `supervisord at /run/supervisor.sock`.
    pub source: String,
    pub time: Timestamp,
    #[serde(flatten)]
    pub outcome: Outcome<T>,
}

/// The outcome of a read. Unknown is neither empty nor fine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Outcome<T> {
    Ok {
        value: T,
    },
    /// The thing itself does not exist here.
    Absent {
        why: String,
    },
    /// It exists, and we may not read it.
    Denied {
        why: String,
        /// The right that is missing: `CAP_SYSLOG`, `the user of the service, or root`.
        right: String,
        /// The command that would have the right, where there is one.
        command: Option<Vec<String>>,
    },
    TimedOut {
        why: String,
    },
    /// It was read and cannot be used: garbage, a fault, an error of the system.
    Failed {
        why: String,
    },
}

/// Says that something was too slow.
pub fn late(limit: Duration) -> String {
    format!("no response within {:.1} s", limit.as_secs_f64())
}

impl<T> Fact<T> {
    pub fn new(source: impl Into<String>, time: Timestamp, outcome: Outcome<T>) -> Fact<T> {
        Fact { source: source.into(), time, outcome }
    }

    pub fn ok(source: impl Into<String>, time: Timestamp, value: T) -> Fact<T> {
        Fact::new(source, time, Outcome::Ok { value })
    }

    pub fn absent(source: impl Into<String>, time: Timestamp, why: impl Into<String>) -> Fact<T> {
        Fact::new(source, time, Outcome::Absent { why: why.into() })
    }

    /// Turns an error of the system into an outcome: not found and no such process are absent, no permission is denied, the rest failed.
    pub fn io_error(source: impl Into<String>, time: Timestamp, error: &std::io::Error, right: &str) -> Fact<T> {
        let why = error.to_string();
        let is_gone = error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error());
        let outcome = match error.kind() {
            _ if is_gone => Outcome::Absent { why },
            std::io::ErrorKind::NotFound => Outcome::Absent { why },
            std::io::ErrorKind::PermissionDenied => Outcome::Denied { why, right: right.to_owned(), command: None },
            std::io::ErrorKind::TimedOut => Outcome::TimedOut { why },
            _ => Outcome::Failed { why },
        };
        Fact::new(source, time, outcome)
    }

    pub fn known(&self) -> Option<&T> {
        match &self.outcome {
            Outcome::Ok { value } => Some(value),
            _ => None,
        }
    }

    /// Returns whether the thing may exist although it was not read: denied, timed out or failed.
    pub fn is_unknown(&self) -> bool {
        !matches!(self.outcome, Outcome::Ok { .. } | Outcome::Absent { .. })
    }

    /// Returns why there is no value; None where there is one.
    pub fn why(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Ok { .. } => None,
            Outcome::Absent { why }
            | Outcome::Denied { why, .. }
            | Outcome::TimedOut { why }
            | Outcome::Failed { why } => Some(why),
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        let outcome = match self.outcome {
            Outcome::Ok { value } => Outcome::Ok { value: f(value) },
            Outcome::Absent { why } => Outcome::Absent { why },
            Outcome::Denied { why, right, command } => Outcome::Denied { why, right, command },
            Outcome::TimedOut { why } => Outcome::TimedOut { why },
            Outcome::Failed { why } => Outcome::Failed { why },
        };
        Fact { source: self.source, time: self.time, outcome }
    }
}

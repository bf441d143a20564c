//! The answer of a triage, as a script reads it: keys are added, never renamed.

use super::finding::{Changes, Confidence, Evidence, Layer, Playbook, Severity};
use crate::clock::Timestamp;
use crate::model::service::Role;
use serde::{Serialize, Serializer};

/// The version of the JSON document.
pub const REPORT_SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Report {
    pub schema: u32,
    pub verdict: Verdict,
    pub time: Time,
    /// The start of the time that was looked at.
    pub since: Time,
    /// How long the collection took.
    pub took_ms: u64,
    pub services: Vec<ServiceReport>,
    /// Root causes, in the order in which a person should read them.
    pub findings: Vec<Finding>,
    /// What findings explain.
    pub explained: Vec<Explained>,
    pub unknown: Vec<Unknown>,
    pub collectors: Vec<Collector>,
    /// Number of secrets and private texts that were replaced in the facts.
    pub redacted: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Healthy,
    /// There is a critical or a warning finding.
    Sick,
    /// No finding, and something that the configuration or flags ask for could not be looked at.
    Unknown,
}

impl Report {
    /// Returns whether the exit code is 1.
    pub fn is_bad(&self) -> bool {
        self.verdict != Verdict::Healthy
    }

    /// Returns the findings that need a person: critical ones and warnings.
    pub fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_problem())
    }
}

/// A time that is written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(transparent)]
pub struct Time(#[schemars(with = "String")] pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.rfc3339())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ServiceReport {
    pub name: String,
    pub role: Role,
    /// `supervisor:NAME`, `systemd:UNIT`, `pid:FILE`, `process:PID`, `none`.
    pub manager: String,
    /// As its manager says (`RUNNING`, `failed`), else `running`, `absent` or `unknown`.
    pub state: String,
    pub pid: Option<u32>,
    pub since: Option<Time>,
    /// Starts in the time that was looked at.
    pub starts: u64,
    pub flapping: bool,
    /// The usual time from one start to the next, in seconds.
    pub cadence_s: Option<f64>,
    pub endpoint: Option<String>,
    /// `not-running`, `flapping`, `not-answering`; null: none that shows from outside.
    pub trouble: Option<&'static str>,
    pub lives: Vec<LifeReport>,
}

#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LifeReport {
    pub began: Option<Time>,
    pub lasted_s: Option<f64>,
    /// `running`, `exit 7`, `SIGKILL`, `stopped`, `not started: WHY`, `unknown`.
    pub end: String,
    pub first_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Finding {
    pub rule: String,
    pub version: u32,
    pub severity: Severity,
    pub confidence: Confidence,
    pub playbook: Playbook,
    pub layer: Layer,
    /// null: the node, or supervisord itself.
    pub service: Option<String>,
    pub cause: String,
    pub evidence: Vec<Proof>,
    pub step: String,
    pub command: Option<Vec<String>>,
    /// `nothing`, `service NAME`, `file PATH`, `host`.
    pub changes: String,
    pub undo: String,
    /// Rules whose findings this one explains.
    pub explains: Vec<String>,
    /// What has changed since the baseline: of the service, and of the node.
    pub changed: Vec<String>,
}

impl Finding {
    pub fn is_problem(&self) -> bool {
        matches!(self.severity, Severity::Critical | Severity::Warning)
    }
}

/// A line that proves a cause, and where it is.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Proof {
    pub source: String,
    pub line: Option<u64>,
    pub time: Option<Time>,
    pub text: String,
}

impl From<Evidence> for Proof {
    fn from(evidence: Evidence) -> Proof {
        let Evidence { source, line, time, text } = evidence;
        Proof { source, line, time: time.map(Time), text }
    }
}

/// A finding that another one explains.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Explained {
    pub rule: String,
    /// The rule of the finding, among those that are listed, that explains it.
    pub by: String,
    pub cause: String,
    pub service: Option<String>,
    pub by_service: Option<String>,
    pub severity: Severity,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Unknown {
    pub what: String,
    pub why: String,
    /// The right that is missing, where it is one.
    pub right: Option<String>,
    pub command: Option<Vec<String>>,
    /// Rules that could not be judged without it.
    pub rules: Vec<String>,
    pub services: Vec<String>,
    /// Whether the configuration or flags ask for it.
    pub asked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Collector {
    pub name: String,
    pub status: super::facts::CollectorStatus,
    pub ms: u64,
    pub bytes: u64,
}

/// Returns what a step changes, in the words of the document.
pub fn changes_in_words(changes: &Changes) -> String {
    match changes {
        Changes::Nothing => "nothing".to_owned(),
        Changes::Service(name) => format!("service {name}"),
        Changes::File(path) => format!("file {path}"),
        Changes::Host => "host".to_owned(),
    }
}
